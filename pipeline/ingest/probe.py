"""Look at a department between two nights: what has changed in a dataset since its last landing, at little cost.

With a watermark only the window since the last high mark is read and laid over the last state; a row that is gone is the
night's sweep to find, so nothing is ever missing from such a state and absence proves nothing. A small dataset without
a watermark is read whole. What has not changed is not landed.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from contracts.contract import SourceDataset
from core.calendar import ZONE
from core.dialects import quoted
from core.engine import engine, literal
from core.hashing import digest, file_digest
from core.settings import settings
from core.store.connections import connection
from core.store.ledger import Ledger, Output, Step
from extractors.base import SOURCE_HASH, Extractor, drift, open_extractor
from loaders.landing import Landed
from pipeline.context import Night
from pipeline.ingest.incremental import compose, is_base, low_mark, physical_name
from pipeline.ingest.landing_writer import seal, store

_A_DAY, _AHEAD = timedelta(days=1), timedelta(minutes=5)


@dataclass(frozen=True)
class Change:
    """A dataset that is not as it was landed last: its whole new state in `folder`, not yet in the landing.

    `changed_at` is the oldest watermark among the changed rows, None without one or when it cannot be true.
    """

    dataset: SourceDataset
    folder: Path
    details: Mapping[str, Any]
    new_columns: tuple[str, ...]
    changed_at: datetime | None


def worth_a_look(dataset: SourceDataset, last: Landed | None) -> bool:
    """Whether a dataset is read between nights: in a database, landed before under this contract, and small or in windows."""
    if last is None or last.contract != dataset.version or not last.file(settings().landing).is_file():
        return False
    if dataset.mode == "upload" or connection(dataset.connection).family == "file":
        return False
    if dataset.mode == "window":
        return is_base(dataset, last.file(settings().landing))
    return last.mode == dataset.mode and last.rows <= settings().refresh_rows


def look(book: Ledger, dataset: SourceDataset, last: Landed) -> Change | None:
    """What changed since the last landing, None when nothing did.

    Raises:
        Unavailable: the source cannot be reached. Refused: drift.
    """
    folder = settings().work / "refresh" / dataset.system / dataset.name
    shutil.rmtree(folder, ignore_errors=True)
    now = book.clock().astimezone(ZONE)
    extractor = open_extractor(connection(dataset.connection))
    new_columns = tuple(drift(dataset, extractor.columns(dataset.physical, dataset)))
    if dataset.mode == "window":
        found = _window(dataset, extractor, last, folder)
    else:
        found = _snapshot(dataset, extractor, last, folder)
    if found is None:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    details, oldest = found
    at = oldest.replace(tzinfo=ZONE) if oldest else None
    return Change(dataset, folder, details, new_columns, at if at and now - _A_DAY <= at <= now + _AHEAD else None)


def land(night: Night, change: Change) -> Output:
    """Make a change part of the landing, as a step of this run."""
    dataset = change.dataset
    work = digest("refresh", dataset.version, change.details["content"])

    def move(step: Step) -> Output:
        folder = Path(dataset.system, dataset.name, f"{night.run.id}.{step.id}")
        (night.landing / folder).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(change.folder, night.landing / folder)
        return seal(night, dataset, folder, dict(change.details), {"new_columns": list(change.new_columns)})

    return night.ledger.do(night.run.id, "extract", dataset.id, work, move)


def _snapshot(
    dataset: SourceDataset, extractor: Extractor, last: Landed, folder: Path
) -> tuple[dict[str, Any], datetime | None] | None:
    with extractor.read(dataset) as reading:
        rows, content = store(folder, reading, last)
        details = {"rows": rows, "source_count": reading.source_count, "content": content, "high": reading.high}
    return None if content == last.content else (details, None)


def _window(
    dataset: SourceDataset, extractor: Extractor, last: Landed, folder: Path
) -> tuple[dict[str, Any], datetime | None] | None:
    base = last.file(settings().landing)
    with extractor.read(dataset, low_mark(dataset, last)) as reading:
        store(folder / "read", reading)
        high = reading.high or last.high
    fresh = folder / "read" / "rows.parquet"
    with engine(dataset.id) as db:
        count, oldest = _new_rows(db, dataset, fresh, base)
        if not count:
            return None
        _state_keys(db, dataset, {"read": fresh, "base": base}, folder)
    files = {"read": fresh, "swept": folder / "swept" / "rows.parquet", "base": base}
    rows = compose(dataset, extractor, folder, files).rows
    fresh.rename(folder / "window.parquet")
    for scratch in ("read", "swept"):
        shutil.rmtree(folder / scratch)
    details = {"rows": rows, "source_count": rows, "content": file_digest(folder / "rows.parquet"), "high": high}
    return details, oldest


def _new_rows(db: duckdb.DuckDBPyConnection, dataset: SourceDataset, fresh: Path, base: Path) -> tuple[int, datetime | None]:
    """How many rows of the window the last state does not have just so, and the oldest watermark among them."""
    same = " and ".join(f"a.{name} is not distinct from b.{name}" for name in _keys(dataset))
    mark = quoted(physical_name(dataset, dataset.watermark), "duckdb") if dataset.watermark else "null"
    (found,) = db.execute(
        f"select count(*), min(try_cast(a.{mark} as timestamp)) from read_parquet({literal(fresh)}) a where not exists"
        f" (select 1 from read_parquet({literal(base)}) b where {same} and a.{SOURCE_HASH} = b.{SOURCE_HASH})"
    ).fetchall()
    return int(found[0]), found[1]


def _state_keys(db: duckdb.DuckDBPyConnection, dataset: SourceDataset, files: Mapping[str, Path], folder: Path) -> None:
    """Write what a sweep would have found if nothing was deleted: key and hash of the window laid over the last state."""
    names = ", ".join([*_keys(dataset), SOURCE_HASH])
    same = " and ".join(f"a.{name} is not distinct from b.{name}" for name in _keys(dataset))
    read, base = (f"read_parquet({literal(files[name])})" for name in ("read", "base"))
    (folder / "swept").mkdir()
    db.execute(
        f"copy (select distinct {names} from {read} union all select {names} from {base} a where not exists"
        f" (select 1 from {read} b where {same})) to {literal(folder / 'swept' / 'rows.parquet')} (format parquet)"
    )


def _keys(dataset: SourceDataset) -> list[str]:
    return [quoted(physical_name(dataset, name), "duckdb") for name in dataset.key]
