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
from core.dialects import quote_identifier
from core.engine import fetch_arrow_table, open_engine, quote_literal
from core.messages import translate
from core.settings import get_settings
from extractors.base import SOURCE_HASH, Extractor, Reading, detect_drift
from extractors.databases import read_schema
from loaders.landing import SOURCE_ROW
from pipeline.transform.typed_views import create_view

_SAMPLE_ROWS = 500
"""Rows that are fetched by key and compared."""


@dataclass
class ConformanceResult:
    """What the proofs of one dataset found."""

    rows: int = 0
    new_columns: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def prove_source(extractor: Extractor, dataset: SourceDataset) -> ConformanceResult:
    """Every proof of one dataset; rows stand in a private folder meanwhile.

    Raises:
        Refused, Unavailable: as the extractor does.
    """
    found = ConformanceResult(new_columns=detect_drift(dataset, extractor.read_columns(dataset.physical, dataset)))
    get_settings().work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="selftest-", dir=get_settings().work) as folder, open_engine(dataset.id) as db:
        read = Path(folder) / "read.parquet"
        high = _prove_reading(extractor, dataset, read, found)
        _prove_texts(db, dataset, read, found)
        if dataset.key:
            _prove_keys(db, dataset, read, found)
            _prove_sweep(extractor, dataset, db, Path(folder), found)
            if dataset.watermark and high is not None:
                _prove_window(extractor, dataset, db, read, high, found)
    return found


def _prove_reading(extractor: Extractor, dataset: SourceDataset, file: Path, found: ConformanceResult) -> str | None:
    """Read everything into a file with source positions; the count of the source and the contract's columns must be met."""
    with extractor.read(dataset) as reading:
        found.rows = _write_reading(reading, file)
        if found.rows != reading.source_count:
            found.problems.append(translate("selftest.count", counted=reading.source_count, rows=found.rows))
        names = [name for name in reading.schema.names if name != SOURCE_HASH]
        if names != [column.physical for column in dataset.columns]:
            found.problems.append(translate("selftest.shape", columns=", ".join(names)))
        return reading.high


def _write_reading(reading: Reading, file: Path) -> int:
    start = 0
    with pq.ParquetWriter(file, reading.schema.append(pa.field(SOURCE_ROW, pa.int64()))) as writer:
        for batch in reading.batches:
            place = pa.array(range(start, start + batch.num_rows), pa.int64())
            writer.write_batch(batch.append_column(SOURCE_ROW, place))
            start += batch.num_rows
    return start


def _prove_texts(db: duckdb.DuckDBPyConnection, dataset: SourceDataset, file: Path, found: ConformanceResult) -> None:
    """Cells that do not read as the contract says, and what is wrong with texts."""
    create_view(db, dataset, file)
    view = f"{dataset.system}.{dataset.name}"
    query = f"select unnest(string_split(unreadable, ',')) as name, source_row from {view} where unreadable is not null"
    titles = ", ".join(f"({quote_literal(column.name)}, {quote_literal(column.physical)})" for column in dataset.columns)
    named = (
        f"select coalesce(t.own, q.name) as name, source_row from ({query}) q"
        f" left join (values {titles}) t (name, own) on t.name = split_part(q.name, ':', 1)"
    )
    _add_note(db, named, "selftest.unreadable", found)


def _add_note(db: duckdb.DuckDBPyConnection, query: str, key: str, found: ConformanceResult) -> None:
    counted = f"select count(distinct source_row), string_agg(distinct name, ', ' order by name) from ({query})"
    rows, columns = _read_row(db, counted)
    if rows:
        found.notes.append(translate(key, rows=rows, columns=columns))


def _prove_keys(db: duckdb.DuckDBPyConnection, dataset: SourceDataset, file: Path, found: ConformanceResult) -> None:
    """Keys that are not unique: the hub would hold these rows, so the owner hears of it before the first night."""
    names = ", ".join(_quote_key(dataset))
    (rows,) = _read_row(
        db, f"select count(*) - count(distinct ({names})) from (select {names} from read_parquet({quote_literal(file)}))"
    )
    if rows:
        found.notes.append(translate("selftest.keys", rows=rows))


def _prove_sweep(
    extractor: Extractor, dataset: SourceDataset, db: duckdb.DuckDBPyConnection, folder: Path, found: ConformanceResult
) -> None:
    """The sweep sees as many rows as the reading, and rows fetched by key have the hash that the sweep gave them.

    Departments work on while we look, so only what differs twice counts.
    """
    for attempt in (1, 2):
        swept, fetched = folder / f"swept{attempt}.parquet", folder / f"fetched{attempt}.parquet"
        with extractor.read_key_hashes(dataset) as reading:
            count = _write_reading(reading, swept)
        keys = ", ".join(f"cast({name} as varchar) as {name}" for name in _quote_key(dataset))
        known = " and ".join(f"{name} is not null" for name in _quote_key(dataset))
        sample = fetch_arrow_table(
            db,
            f"select {keys} from read_parquet({quote_literal(swept)}) where {known}"
            f" order by {SOURCE_HASH} limit {_SAMPLE_ROWS}",
        )
        with extractor.fetch_rows(dataset, sample) as reading:
            came = _write_reading(reading, fetched)
        other = _count_differing(db, dataset, swept, fetched)
        problems = []
        if count != found.rows:
            problems.append(translate("selftest.sweep", swept=count, rows=found.rows))
        if came < sample.num_rows:
            problems.append(translate("selftest.fetch", asked=sample.num_rows, rows=came))
        if other:
            problems.append(translate("selftest.hash", rows=other))
        if not problems:
            return
    found.problems += problems


def _quote_key(dataset: SourceDataset) -> list[str]:
    """The physical names of the key, quoted."""
    return [quote_identifier(name, "duckdb") for name in read_schema.key_columns(dataset)]


def _count_differing(db: duckdb.DuckDBPyConnection, dataset: SourceDataset, swept: Path, fetched: Path) -> int:
    keys = ", ".join(f"cast({name} as varchar)" for name in _quote_key(dataset))
    query = f"select {keys}, {SOURCE_HASH} from read_parquet({{}})"
    left, right = query.format(quote_literal(fetched)), query.format(quote_literal(swept))
    (count,) = _read_row(db, f"select count(*) from ({left} except {right})")
    return int(count)


def _prove_window(
    extractor: Extractor, dataset: SourceDataset, db: duckdb.DuckDBPyConnection, file: Path, high: str, found: ConformanceResult
) -> None:
    """From the high watermark on come at least the rows that carry it and those without one, and not everything else."""
    watermark = quote_identifier(read_schema.watermark_column(dataset) or "", "duckdb")
    (expected,) = _read_row(
        db,
        f"select count(*) from read_parquet({quote_literal(file)}) where {watermark} is null"
        f" or {watermark} = (select max({watermark}) from read_parquet({quote_literal(file)}))",
    )
    with extractor.read(dataset, high) as reading:
        rows = sum(batch.num_rows for batch in reading.batches)
        grown = reading.high != high
    if rows < expected or (rows > expected and not grown and rows >= found.rows):
        found.problems.append(translate("selftest.window", expected=expected, rows=rows))


def _read_row(db: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row: tuple[int, ...] = next(iter(_read_rows(db, query)))
    return row


def _read_rows(db: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[int, ...]]:
    yield from db.execute(query).fetchall()
