"""What must hold of any source before its nights can be trusted, asked of a real database in a minute and read-only.

`hub selftest` runs these on site and the extractors' test suite runs them for every family. A broken proof is a problem;
what the night would deal with by itself (cells that will be held) is a note. No value of a row is shown.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.contract import SourceDataset
from core.dialects import quoted
from core.engine import arrow, engine, literal
from core.messages import text
from core.settings import settings
from extractors.base import SOURCE_HASH, Extractor, Reading, drift
from extractors.databases import read_schema
from loaders.landing import ROW
from pipeline.transform.typed_views import create_view

_SAMPLE = 500
"""Rows that are fetched by key and compared."""


@dataclass
class Found:
    """What the proofs of one dataset found."""

    rows: int = 0
    new_columns: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def prove(extractor: Extractor, dataset: SourceDataset) -> Found:
    """Every proof of one dataset; rows stand in a private folder meanwhile.

    Raises:
        Refused, Unavailable: as the extractor does.
    """
    found = Found(new_columns=drift(dataset, extractor.columns(dataset.physical, dataset)))
    settings().work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="selftest-", dir=settings().work) as folder, engine(dataset.id) as db:
        read = Path(folder) / "read.parquet"
        high = _read(extractor, dataset, read, found)
        _texts(db, dataset, read, found)
        if dataset.key:
            _keys(db, dataset, read, found)
            _sweep(extractor, dataset, db, Path(folder), found)
            if dataset.watermark and high is not None:
                _window(extractor, dataset, db, read, high, found)
    return found


def _read(extractor: Extractor, dataset: SourceDataset, file: Path, found: Found) -> str | None:
    """Read everything into a file with source positions; the count of the source and the contract's columns must be met."""
    with extractor.read(dataset) as reading:
        found.rows = _write(reading, file)
        if found.rows != reading.source_count:
            found.problems.append(text("selftest.count", counted=reading.source_count, rows=found.rows))
        names = [name for name in reading.schema.names if name != SOURCE_HASH]
        if names != [column.physical for column in dataset.columns]:
            found.problems.append(text("selftest.shape", columns=", ".join(names)))
        return reading.high


def _write(reading: Reading, file: Path) -> int:
    start = 0
    with pq.ParquetWriter(file, reading.schema.append(pa.field(ROW, pa.int64()))) as writer:
        for batch in reading.batches:
            place = pa.array(range(start, start + batch.num_rows), pa.int64())
            writer.write_batch(batch.append_column(ROW, place))
            start += batch.num_rows
    return start


def _texts(db: duckdb.DuckDBPyConnection, dataset: SourceDataset, file: Path, found: Found) -> None:
    """Cells that do not read as the contract says, and what is wrong with texts."""
    create_view(db, dataset, file)
    view = f"{dataset.system}.{dataset.name}"
    query = f"select unnest(string_split(unreadable, ',')) as name, source_row from {view} where unreadable is not null"
    titles = ", ".join(f"({literal(column.name)}, {literal(column.physical)})" for column in dataset.columns)
    named = (
        f"select coalesce(t.own, q.name) as name, source_row from ({query}) q"
        f" left join (values {titles}) t (name, own) on t.name = split_part(q.name, ':', 1)"
    )
    _note(db, named, "selftest.unreadable", found)


def _note(db: duckdb.DuckDBPyConnection, query: str, key: str, found: Found) -> None:
    counted = f"select count(distinct source_row), string_agg(distinct name, ', ' order by name) from ({query})"
    rows, columns = _one(db, counted)
    if rows:
        found.notes.append(text(key, rows=rows, columns=columns))


def _keys(db: duckdb.DuckDBPyConnection, dataset: SourceDataset, file: Path, found: Found) -> None:
    """Keys that are not unique: the hub would hold these rows, so the owner hears of it before the first night."""
    names = ", ".join(_key(dataset))
    (rows,) = _one(db, f"select count(*) - count(distinct ({names})) from (select {names} from read_parquet({literal(file)}))")
    if rows:
        found.notes.append(text("selftest.keys", rows=rows))


def _sweep(extractor: Extractor, dataset: SourceDataset, db: duckdb.DuckDBPyConnection, folder: Path, found: Found) -> None:
    """The sweep sees as many rows as the reading, and rows fetched by key have the hash that the sweep gave them.

    Departments work on while we look, so only what differs twice counts.
    """
    for attempt in (1, 2):
        swept, fetched = folder / f"swept{attempt}.parquet", folder / f"fetched{attempt}.parquet"
        with extractor.sweep(dataset) as reading:
            count = _write(reading, swept)
        keys = ", ".join(f"cast({name} as varchar) as {name}" for name in _key(dataset))
        known = " and ".join(f"{name} is not null" for name in _key(dataset))
        sample = arrow(
            db, f"select {keys} from read_parquet({literal(swept)}) where {known} order by {SOURCE_HASH} limit {_SAMPLE}"
        )
        with extractor.fetch(dataset, sample) as reading:
            came = _write(reading, fetched)
        other = _differing(db, dataset, swept, fetched)
        problems = []
        if count != found.rows:
            problems.append(text("selftest.sweep", swept=count, rows=found.rows))
        if came < sample.num_rows:
            problems.append(text("selftest.fetch", asked=sample.num_rows, rows=came))
        if other:
            problems.append(text("selftest.hash", rows=other))
        if not problems:
            return
    found.problems += problems


def _key(dataset: SourceDataset) -> list[str]:
    """The physical names of the key, quoted."""
    return [quoted(name, "duckdb") for name in read_schema.key_columns(dataset)]


def _differing(db: duckdb.DuckDBPyConnection, dataset: SourceDataset, swept: Path, fetched: Path) -> int:
    keys = ", ".join(f"cast({name} as varchar)" for name in _key(dataset))
    query = f"select {keys}, {SOURCE_HASH} from read_parquet({{}})"
    left, right = query.format(literal(fetched)), query.format(literal(swept))
    (count,) = _one(db, f"select count(*) from ({left} except {right})")
    return int(count)


def _window(
    extractor: Extractor, dataset: SourceDataset, db: duckdb.DuckDBPyConnection, file: Path, high: str, found: Found
) -> None:
    """From the high watermark on come at least the rows that carry it and those without one, and not everything else."""
    watermark = quoted(read_schema.watermark_column(dataset) or "", "duckdb")
    (expected,) = _one(
        db,
        f"select count(*) from read_parquet({literal(file)}) where {watermark} is null"
        f" or {watermark} = (select max({watermark}) from read_parquet({literal(file)}))",
    )
    with extractor.read(dataset, high) as reading:
        rows = sum(batch.num_rows for batch in reading.batches)
        grown = reading.high != high
    if rows < expected or (rows > expected and not grown and rows >= found.rows):
        found.problems.append(text("selftest.window", expected=expected, rows=rows))


def _one(db: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row: tuple[int, ...] = next(iter(_rows(db, query)))
    return row


def _rows(db: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[int, ...]]:
    yield from db.execute(query).fetchall()
