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
from core.dialects import quote_identifier
from core.engine import open_engine, quote_literal
from core.hashing import hash_file, hash_values
from core.settings import get_settings
from core.store.connections import get_connection
from core.store.ledger import Ledger, Output, Step
from extractors.base import SOURCE_HASH, Extractor, detect_drift, open_extractor
from loaders.landing import Landing
from pipeline.context import RunContext
from pipeline.ingest.incremental import is_usable_base, low_watermark, merge_window, physical_name
from pipeline.ingest.landing_writer import land_reading, seal_landing

_A_DAY, _AHEAD = timedelta(days=1), timedelta(minutes=5)


@dataclass(frozen=True)
class DetectedChange:
    """A dataset that is not as it was landed last: its whole new state in `folder`, not yet in the landing.

    `changed_at` is the oldest watermark among the changed rows, None without one or when it cannot be true.
    """

    dataset: SourceDataset
    folder: Path
    details: Mapping[str, Any]
    new_columns: tuple[str, ...]
    changed_at: datetime | None


def is_worth_probing(dataset: SourceDataset, last: Landing | None) -> bool:
    """Whether a dataset is read between nights: in a database, landed before under this contract, and small or in windows."""
    if last is None or last.contract != dataset.version or not last.find_file(get_settings().landing).is_file():
        return False
    if dataset.mode == "upload" or get_connection(dataset.connection).family == "file":
        return False
    if dataset.mode == "window":
        return is_usable_base(dataset, last.find_file(get_settings().landing))
    return last.mode == dataset.mode and last.rows <= get_settings().refresh_rows


def find_change(ledger: Ledger, dataset: SourceDataset, last: Landing) -> DetectedChange | None:
    """What changed since the last landing, None when nothing did.

    Raises:
        Unavailable: the source cannot be reached. Refused: drift.
    """
    folder = get_settings().work / "refresh" / dataset.system / dataset.name
    shutil.rmtree(folder, ignore_errors=True)
    now = ledger.clock().astimezone(ZONE)
    extractor = open_extractor(get_connection(dataset.connection))
    new_columns = tuple(detect_drift(dataset, extractor.read_columns(dataset.physical, dataset)))
    if dataset.mode == "window":
        found = _probe_window(dataset, extractor, last, folder)
    else:
        found = _probe_snapshot(dataset, extractor, last, folder)
    if found is None:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    details, oldest = found
    at = oldest.replace(tzinfo=ZONE) if oldest else None
    return DetectedChange(dataset, folder, details, new_columns, at if at and now - _A_DAY <= at <= now + _AHEAD else None)


def land_change(run: RunContext, change: DetectedChange) -> Output:
    """Make a change part of the landing, as a step of this run."""
    dataset = change.dataset
    work = hash_values("refresh", dataset.version, change.details["content"])

    def move(step: Step) -> Output:
        folder = Path(dataset.system, dataset.name, f"{run.run.id}.{step.id}")
        (run.landing / folder).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(change.folder, run.landing / folder)
        return seal_landing(run, dataset, folder, dict(change.details), {"new_columns": list(change.new_columns)})

    return run.ledger.run_step(run.run.id, "extract", dataset.id, work, move)


def _probe_snapshot(
    dataset: SourceDataset, extractor: Extractor, last: Landing, folder: Path
) -> tuple[dict[str, Any], datetime | None] | None:
    with extractor.read(dataset) as reading:
        rows, content = land_reading(folder, reading, last)
        details = {"rows": rows, "source_count": reading.source_count, "content": content, "high": reading.high}
    return None if content == last.content else (details, None)


def _probe_window(
    dataset: SourceDataset, extractor: Extractor, last: Landing, folder: Path
) -> tuple[dict[str, Any], datetime | None] | None:
    base = last.find_file(get_settings().landing)
    with extractor.read(dataset, low_watermark(dataset, last)) as reading:
        land_reading(folder / "read", reading)
        high = reading.high or last.high
    fresh = folder / "read" / "rows.parquet"
    with open_engine(dataset.id) as db:
        count, oldest = _count_new_rows(db, dataset, fresh, base)
        if not count:
            return None
        _write_state_keys(db, dataset, {"read": fresh, "base": base}, folder)
    files = {"read": fresh, "swept": folder / "swept" / "rows.parquet", "base": base}
    rows = merge_window(dataset, extractor, folder, files).rows
    fresh.rename(folder / "window.parquet")
    for scratch in ("read", "swept"):
        shutil.rmtree(folder / scratch)
    details = {"rows": rows, "source_count": rows, "content": hash_file(folder / "rows.parquet"), "high": high}
    return details, oldest


def _count_new_rows(
    db: duckdb.DuckDBPyConnection, dataset: SourceDataset, fresh: Path, base: Path
) -> tuple[int, datetime | None]:
    """How many rows of the window the last state does not have just so, and the oldest watermark among them."""
    same = " and ".join(f"a.{name} is not distinct from b.{name}" for name in _quote_keys(dataset))
    mark = quote_identifier(physical_name(dataset, dataset.watermark), "duckdb") if dataset.watermark else "null"
    (found,) = db.execute(
        f"select count(*), min(try_cast(a.{mark} as timestamp)) from read_parquet({quote_literal(fresh)}) a where not exists"
        f" (select 1 from read_parquet({quote_literal(base)}) b where {same} and a.{SOURCE_HASH} = b.{SOURCE_HASH})"
    ).fetchall()
    return int(found[0]), found[1]


def _write_state_keys(db: duckdb.DuckDBPyConnection, dataset: SourceDataset, files: Mapping[str, Path], folder: Path) -> None:
    """Write what a sweep would have found if nothing was deleted: key and hash of the window laid over the last state."""
    names = ", ".join([*_quote_keys(dataset), SOURCE_HASH])
    same = " and ".join(f"a.{name} is not distinct from b.{name}" for name in _quote_keys(dataset))
    read, base = (f"read_parquet({quote_literal(files[name])})" for name in ("read", "base"))
    (folder / "swept").mkdir()
    db.execute(
        f"copy (select distinct {names} from {read} union all select {names} from {base} a where not exists"
        f" (select 1 from {read} b where {same})) to {quote_literal(folder / 'swept' / 'rows.parquet')} (format parquet)"
    )


def _quote_keys(dataset: SourceDataset) -> list[str]:
    return [quote_identifier(physical_name(dataset, name), "duckdb") for name in dataset.key]
