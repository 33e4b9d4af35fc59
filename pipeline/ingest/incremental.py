"""Window mode: what changed since the last high-water mark minus the overlap, laid over the last state, then swept.

Key and hash of every row in the source prove that nothing was missed; what differs is fetched and counted as ours.
"""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.contract import SourceDataset
from core.dialects import quote_identifier
from core.engine import fetch_arrow_table, open_engine, quote_literal
from core.hashing import hash_file
from extractors.base import SOURCE_HASH, Extractor, Reading
from loaders import landing
from loaders.landing import SOURCE_ROW, Landing
from pipeline.context import RunContext
from pipeline.ingest.landing_writer import land_reading


@dataclass(frozen=True)
class MergedState:
    """The state after a reading by window: its rows, those that the window did not bring and that were fetched (`repaired`),
    those of the last state that the source has no more (`gone`), and those deleted between sweep and fetch (`vanished`)."""

    rows: int
    repaired: int = 0
    gone: int = 0
    vanished: int = 0


def read_window(
    run: RunContext, dataset: SourceDataset, extractor: Extractor, folder: Path
) -> tuple[dict[str, Any], dict[str, int]]:
    """Lay the window over the last state and sweep. `rows.parquet` is the whole state, `window.parquet` what was read."""
    last = run.ledger.latest("extract", dataset.id).get(dataset.id)
    base = landing.parse_landing(last) if last and last.get("contract") == dataset.version else None
    if base and not is_usable_base(dataset, base.find_file(run.landing)):
        base = None
    found = _land_window(run, dataset, extractor, folder, base)
    if base and found[0]["rows"] != found[0]["source_count"]:
        found = _land_window(run, dataset, extractor, folder, None)  # the sweep contradicts the state: read everything
    return found


def is_usable_base(dataset: SourceDataset, file: Path) -> bool:
    """Whether an earlier landing can be had a window laid over it: it is there, and has the contract's columns and the hash,
    which one that was landed as a snapshot has not."""
    try:
        names = set(pq.read_schema(file).names)
    except (OSError, pa.ArrowInvalid):
        return False
    return {*(column.physical for column in dataset.columns), SOURCE_HASH} <= names


def _land_window(
    run: RunContext, dataset: SourceDataset, extractor: Extractor, folder: Path, base: Landing | None
) -> tuple[dict[str, Any], dict[str, int]]:
    shutil.rmtree(folder, ignore_errors=True)
    with extractor.read(dataset, low_watermark(dataset, base)) as reading:
        land_reading(folder / "read", reading)
        high = reading.high or (base.high if base else None)
    with extractor.read_key_hashes(dataset) as sweep:
        land_reading(folder / "swept", sweep)
        source_count = sweep.source_count
    files = {"read": folder / "read" / "rows.parquet", "swept": folder / "swept" / "rows.parquet"}
    if base:
        files["base"] = base.find_file(run.landing)
    state = merge_window(dataset, extractor, folder, files)
    files["read"].rename(folder / "window.parquet")
    shutil.rmtree(folder / "read")
    shutil.rmtree(folder / "swept")
    details = {
        "rows": state.rows,
        "source_count": source_count - state.vanished,
        "content": hash_file(folder / "rows.parquet"),
        "high": high,
    }
    return details, {"repaired": state.repaired, "gone": state.gone}


def low_watermark(dataset: SourceDataset, base: Landing | None) -> str | None:
    if base is None or base.high is None:
        return None
    try:
        return (datetime.fromisoformat(base.high) - timedelta(seconds=dataset.overlap_seconds)).isoformat(sep=" ")
    except ValueError:
        return base.high


def merge_window(dataset: SourceDataset, extractor: Extractor, folder: Path, files: dict[str, Path]) -> MergedState:
    """Lay what was read over the last state, and end with the rows that the sweep saw."""
    keys = [_quote_name(physical_name(dataset, name)) for name in dataset.key]
    columns = ", ".join(_quote_name(column.physical) for column in dataset.columns) + f", {SOURCE_HASH}"
    one = " and ".join(f"cast(a.{key} as varchar) is not distinct from cast(b.{key} as varchar)" for key in keys)
    known = " and ".join(f"a.{key} is not null" for key in keys)
    same = f"({one} and (({known}) or a.{SOURCE_HASH} = b.{SOURCE_HASH}))"  # rows without a key are told apart by content
    order = ", ".join(keys)
    with open_engine(dataset.id) as db:
        db.execute(f"create view fresh as select distinct {columns} from read_parquet({quote_literal(files['read'])})")
        db.execute(f"create view swept as select * from read_parquet({quote_literal(files['swept'])})")
        if "base" in files and _has_nothing_new(db, files["base"], same):
            landing.link_file(files["base"], folder / "rows.parquet")
            return MergedState(pq.read_metadata(files["base"]).num_rows)
        older = (
            f"union all select {columns} from read_parquet({quote_literal(files['base'])}) a"
            f" where not exists (select 1 from fresh b where {same})"
            if "base" in files
            else ""
        )
        db.execute(f"create table state as select {columns} from fresh {older}")
        texts = ", ".join(f"cast(a.{key} as varchar) as {key}" for key in keys)
        unseen = f"not exists (select 1 from state b where {same} and a.{SOURCE_HASH} = b.{SOURCE_HASH})"
        missing = fetch_arrow_table(db, f"select {texts} from swept a where {unseen}")
        gone = _read_count(db.execute(f"select count(*) from state a where not exists (select 1 from swept b where {same})"))
        vanished = 0
        if missing.num_rows:
            fetched = _write_reading(folder / "fetched", extractor.fetch_rows(dataset, missing))
            db.execute(f"delete from state a where exists (select 1 from read_parquet({fetched}) b where {same})")
            db.execute(f"insert into state select {columns} from read_parquet({fetched})")
            db.register("missing", missing)
            absent = f"not exists (select 1 from read_parquet({fetched}) b where {one})"
            db.execute(f"create table lost as select * from missing a where {known} and {absent}")
            vanished = _drop_vanished_rows(db, dataset, extractor, folder, one)
            shutil.rmtree(folder / "fetched")
        db.execute(
            f"copy (select {columns}, row_number() over (order by {order}, {SOURCE_HASH}) - 1 as {SOURCE_ROW} from state a"
            f" where exists (select 1 from swept b where {same}) order by {order}, {SOURCE_HASH})"
            f" to {quote_literal(folder / 'rows.parquet')} (format parquet, compression zstd, compression_level 1)"
        )
        rows = _read_count(db.execute(f"select count(*) from read_parquet({quote_literal(folder / 'rows.parquet')})"))
    return MergedState(rows, missing.num_rows, gone, vanished)


def _drop_vanished_rows(
    db: duckdb.DuckDBPyConnection, dataset: SourceDataset, extractor: Extractor, folder: Path, one: str
) -> int:
    """Take the rows out of the state that the sweep saw and that could not be fetched, if a second sweep sees them no more:
    they were deleted in between. Those that it sees stay short, and the reading does not add up. Returns how many went."""
    if not _read_count(db.execute("select count(*) from lost")):
        return 0
    again = _write_reading(folder / "again", extractor.read_key_hashes(dataset))
    db.execute(f"delete from state a where exists (select 1 from lost b where {one})")
    (found,) = db.execute(
        f"select count(*) from lost a where not exists (select 1 from read_parquet({again}) b where {one})"
    ).fetchall()
    shutil.rmtree(folder / "again")
    return int(found[0])


def _write_reading(folder: Path, reading: AbstractContextManager[Reading]) -> str:
    """Write a reading into a folder; the literal of its file."""
    with reading as rows:
        land_reading(folder, rows)
    return quote_literal(folder / "rows.parquet")


def _has_nothing_new(db: duckdb.DuckDBPyConnection, base: Path, same: str) -> bool:
    """Whether the state before is the state still: it has every row that was read and that the sweep saw, and no other."""
    db.execute(f"create view base as select * from read_parquet({quote_literal(base)})")
    equal = f"{same} and a.{SOURCE_HASH} = b.{SOURCE_HASH}"
    strange = (
        f"select 1 from fresh a where not exists (select 1 from base b where {equal})",
        f"select 1 from swept a where not exists (select 1 from base b where {equal})",
        f"select 1 from base a where not exists (select 1 from swept b where {equal})",
    )
    return all(db.execute(f"{query} limit 1").fetchone() is None for query in strange)


def physical_name(dataset: SourceDataset, name: str) -> str:
    return next(column.physical for column in dataset.columns if column.name == name)


def _quote_name(name: str) -> str:
    return quote_identifier(name, "duckdb")


def _read_count(result: Any) -> int:
    return int(result.fetchone()[0])
