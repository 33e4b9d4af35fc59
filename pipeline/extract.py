"""Extract: one dataset of a department, in a closed window, into the immutable landing.

Snapshot mode reads everything. Window mode reads what changed since the last high-water mark minus the overlap, lays it
over the last state, and then sweeps: key and hash of every row in the source prove that nothing was missed; what differs
is fetched and counted as ours.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import stamina

from core.connections import connection
from core.engine import arrow, engine, literal
from core.errors import HubError
from core.ids import digest, file_digest
from core.ledger import Output, Step
from core.settings import settings
from extractors.base import SOURCE_HASH, Extractor, Reading, Recognising, drift, open_extractor
from loaders import landing
from loaders.landing import ROW, Landed
from pipeline import marks
from pipeline.context import Night
from schemas.contract import SourceDataset

TRIES = 3
PASSING = ("HUB203", "HUB310")
"""Errors of a reading that another try may not meet."""


def extract(night: Night, id: str) -> Landed:
    """Read the dataset `id` and land it; a dataset that this run has landed is not read again.

    Raises:
        Unavailable: the source cannot be reached or broke off.
        Refused: drift, wrong encoding, damaged file, or fewer rows than the source counted. Nothing is landed.
        Fault: the disk is full.
    """
    dataset = night.catalog.source(id)
    night.progress("extract", id)
    work = digest("extract", dataset.version, night.run.id)
    with night.ledger.turn(f"dataset {id}"):  # of two readings the later one lands later
        done = night.ledger.do(night.run.id, "extract", id, work, lambda step: _patiently(night, dataset, step))
    return landing.landed(done)


def _patiently(night: Night, dataset: SourceDataset, step: Step) -> Output:
    """Read again when a reading broke off or came short of the source's own count: both pass by themselves."""
    for attempt in stamina.retry_context(on=_passing, attempts=TRIES, timeout=None, wait_initial=0.5):
        with attempt:
            return _extract(night, dataset, step)
    raise AssertionError  # the last attempt raises its own error


def _passing(error: Exception) -> bool:
    return isinstance(error, HubError) and error.code in PASSING


def _extract(night: Night, dataset: SourceDataset, step: Step) -> Output:
    extractor = open_extractor(connection(dataset.connection))
    new_columns = drift(dataset, extractor.columns(dataset.physical, dataset))
    folder = Path(dataset.system, dataset.name, f"{night.run.id}.{step.id}")
    if dataset.mode == "window":
        details, counts = _window(night, dataset, extractor, night.landing / folder)
    else:
        details, counts = _snapshot(night, dataset, extractor, night.landing / folder)
    return seal(night, dataset, folder, details, {**counts, "new_columns": new_columns})


def seal(night: Night, dataset: SourceDataset, folder: Path, details: dict[str, Any], notes: dict[str, Any]) -> Output:
    """Make a reading that lies in `folder` (relative to the landing) count; returns what the ledger keeps of it."""
    new_columns, counts = notes["new_columns"], {name: value for name, value in notes.items() if name != "new_columns"}
    landed = Landed(
        system=dataset.system,
        dataset=dataset.name,
        run_id=night.run.id,
        folder=str(folder),
        contract=dataset.version,
        mode=dataset.mode,
        complete=True,
        new_columns=tuple(new_columns),
        **details,
    )
    columns = [f"{field.name} {field.type}" for field in pq.read_schema(landed.file(night.landing))]
    landing.seal(night.landing, landed, {**counts, "columns": columns, "at": night.ledger.clock().isoformat()})
    return {**landed.__dict__, "new_columns": list(new_columns), **counts}


def _snapshot(
    night: Night, dataset: SourceDataset, extractor: Extractor, folder: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    found = night.ledger.latest("extract", dataset.id).get(dataset.id)
    last = landing.landed(found) if found else None
    knows = extractor if isinstance(extractor, Recognising) else None
    stamp = knows.stamp(dataset) if knows else None
    notes = {"stamp": stamp} if stamp else {}
    if last and knows and stamp and marks.known_again(night, dataset, knows, last, stamp):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        landing.share(last.file(night.landing), folder / "rows.parquet")
        details = {name: getattr(last, name) for name in ("rows", "source_count", "content", "high")}
        return details, {**notes, "reader": "checksum"}
    with extractor.read(dataset) as reading:
        rows, content = store(folder, reading, last)
        details = {"rows": rows, "source_count": reading.source_count, "content": content, "high": reading.high}
        return details, {**notes, **({"reader": reading.reader} if reading.reader else {})}


def _window(night: Night, dataset: SourceDataset, extractor: Extractor, folder: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """Lay the window over the last state and sweep. `rows.parquet` is the whole state, `window.parquet` what was read."""
    last = night.ledger.latest("extract", dataset.id).get(dataset.id)
    base = landing.landed(last) if last and last.get("contract") == dataset.version else None
    if base and not base.file(night.landing).is_file():
        base = None
    found = _lay_over(night, dataset, extractor, folder, base)
    if base and found[0]["rows"] != found[0]["source_count"]:
        found = _lay_over(night, dataset, extractor, folder, None)  # the sweep contradicts the state: read everything
    return found


def _lay_over(
    night: Night, dataset: SourceDataset, extractor: Extractor, folder: Path, base: Landed | None
) -> tuple[dict[str, Any], dict[str, int]]:
    shutil.rmtree(folder, ignore_errors=True)
    with extractor.read(dataset, low_mark(dataset, base)) as reading:
        store(folder / "read", reading)
        high = reading.high or (base.high if base else None)
    with extractor.sweep(dataset) as sweep:
        store(folder / "swept", sweep)
        source_count = sweep.source_count
    files = {"read": folder / "read" / "rows.parquet", "swept": folder / "swept" / "rows.parquet"}
    if base:
        files["base"] = base.file(night.landing)
    rows, repaired, gone = compose(dataset, extractor, folder, files)
    files["read"].rename(folder / "window.parquet")
    shutil.rmtree(folder / "read")
    shutil.rmtree(folder / "swept")
    details = {"rows": rows, "source_count": source_count, "content": file_digest(folder / "rows.parquet"), "high": high}
    return details, {"repaired": repaired, "gone": gone}


def low_mark(dataset: SourceDataset, base: Landed | None) -> str | None:
    if base is None or base.high is None:
        return None
    try:
        return (datetime.fromisoformat(base.high) - timedelta(seconds=dataset.overlap_seconds)).isoformat(sep=" ")
    except ValueError:
        return base.high


def compose(dataset: SourceDataset, extractor: Extractor, folder: Path, files: dict[str, Path]) -> tuple[int, int, int]:
    """The state after this reading: rows of the source as the sweep saw them. Returns rows, repaired rows, gone rows."""
    keys = [physical_name(dataset, name) for name in dataset.key]
    columns = ", ".join(f'"{column.physical}"' for column in dataset.columns) + f", {SOURCE_HASH}"
    same = " and ".join(f'cast(a."{key}" as varchar) is not distinct from cast(b."{key}" as varchar)' for key in keys)
    known = " and ".join(f'a."{key}" is not null' for key in keys)
    same = f"({same} and (({known}) or a.{SOURCE_HASH} = b.{SOURCE_HASH}))"  # rows without a key are told apart by content
    order = ", ".join(f'"{key}"' for key in keys)
    with engine(dataset.id) as db:
        db.execute(f"create view fresh as select distinct {columns} from read_parquet({literal(files['read'])})")
        db.execute(f"create view swept as select * from read_parquet({literal(files['swept'])})")
        if "base" in files and _nothing_new(db, files["base"], same):
            landing.share(files["base"], folder / "rows.parquet")
            return pq.read_metadata(files["base"]).num_rows, 0, 0
        older = (
            f"union all select {columns} from read_parquet({literal(files['base'])}) a"
            f" where not exists (select 1 from fresh b where {same})"
            if "base" in files
            else ""
        )
        db.execute(f"create table state as select {columns} from fresh {older}")
        texts = ", ".join(f'cast(a."{key}" as varchar) as "{key}"' for key in keys)
        unseen = f"not exists (select 1 from state b where {same} and a.{SOURCE_HASH} = b.{SOURCE_HASH})"
        missing = arrow(db, f"select {texts} from swept a where {unseen}")
        gone = _count(db.execute(f"select count(*) from state a where not exists (select 1 from swept b where {same})"))
        if missing.num_rows:
            with extractor.fetch(dataset, missing) as reading:
                store(folder / "fetched", reading)
            fetched = literal(folder / "fetched" / "rows.parquet")
            db.execute(f"delete from state a where exists (select 1 from read_parquet({fetched}) b where {same})")
            db.execute(f"insert into state select {columns} from read_parquet({fetched})")
            shutil.rmtree(folder / "fetched")
        db.execute(
            f"copy (select {columns}, row_number() over (order by {order}, {SOURCE_HASH}) - 1 as {ROW} from state a"
            f" where exists (select 1 from swept b where {same}) order by {order}, {SOURCE_HASH})"
            f" to {literal(folder / 'rows.parquet')} (format parquet, compression zstd, compression_level 1)"
        )
        rows = _count(db.execute(f"select count(*) from read_parquet({literal(folder / 'rows.parquet')})"))
    return rows, missing.num_rows, gone


def _nothing_new(db: duckdb.DuckDBPyConnection, base: Path, same: str) -> bool:
    """Whether the state before is the state still: it has every row that was read and that the sweep saw, and no other."""
    db.execute(f"create view base as select * from read_parquet({literal(base)})")
    equal = f"{same} and a.{SOURCE_HASH} = b.{SOURCE_HASH}"
    strange = (
        f"select 1 from fresh a where not exists (select 1 from base b where {equal})",
        f"select 1 from swept a where not exists (select 1 from base b where {equal})",
        f"select 1 from base a where not exists (select 1 from swept b where {equal})",
    )
    return all(db.execute(f"{query} limit 1").fetchone() is None for query in strange)


def physical_name(dataset: SourceDataset, name: str) -> str:
    return next(column.physical for column in dataset.columns if column.name == name)


def store(folder: Path, reading: Reading, last: Landed | None = None) -> tuple[int, str]:
    """Write a reading's rows into a folder of the landing; see `landing.write`. They are held against the `last` landing if the
    source counts as many rows: a table that grew is another one from its first row on."""
    before = last.file(settings().landing) if last and last.rows == reading.source_count else None
    batches: Iterator[pa.RecordBatch] = reading.batches
    return landing.write(folder, pa.RecordBatchReader.from_batches(reading.schema, batches), before)


def _count(result: Any) -> int:
    return int(result.fetchone()[0])
