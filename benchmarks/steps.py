"""Single steps of the hub as whole processes, by the functions that a night calls: `extract | load | check`.

`extract FOLDER [URL]` reads the table into a landing, from the home's source unless a server is given; `load FILE URL` copies
a Parquet file of it into the empty table `student`; `check FILE FOLDER` judges conformed rows by the contract. The home
(`HUB_HOME`) is that of `benchmarks.million`. Each ends with one line of JSON. `conformed` makes the file that `check` reads.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

DATASET, ENTITY = "registry.student", "student"


def extract(folder: str, url: str | None = None) -> dict[str, object]:
    """Source to Parquet, as `pipeline.ingest.extract` lands a snapshot."""
    import pyarrow as pa

    from contracts.catalog import load_catalog
    from core.store.address import parse_url
    from core.store.connections import get_connection
    from extractors.base import detect_drift, open_extractor
    from loaders import landing

    dataset = load_catalog().source(DATASET)
    extractor = open_extractor(parse_url(dataset.connection, url) if url else get_connection(dataset.connection))
    detect_drift(dataset, extractor.read_columns(dataset.physical, dataset))
    with extractor.read(dataset) as reading:
        rows, _ = landing.write_landing(Path(folder), pa.RecordBatchReader.from_batches(reading.schema, reading.batches))
        if rows != reading.source_count:
            raise SystemExit(f"landed {rows} of {reading.source_count} rows")
    return {"rows": rows}


def load(file: str, url: str) -> dict[str, object]:
    """Parquet to PostgreSQL, as a publish copies rows into the hub."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from psycopg import sql

    from core.settings import get_settings
    from core.store import postgres

    with pq.ParquetFile(file, pre_buffer=False) as parquet, postgres.connect(url) as connection:
        schema = parquet.schema_arrow
        batches = pa.RecordBatchReader.from_batches(schema, parquet.iter_batches(get_settings().batch_rows))
        rows = postgres.copy_in(connection, sql.Identifier(ENTITY), schema.names, batches)
    return {"rows": rows}


def check(file: str, folder: str) -> dict[str, object]:
    """All rules of the contract over conformed rows: accepted, held and every failing key with its rules."""
    import pyarrow.parquet as pq

    from contracts.catalog import load_catalog
    from quality.base import CheckRequest
    from quality.check import check_rows as judge

    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    known = load_catalog()
    verdict = judge(CheckRequest(known.entity(ENTITY), known, Path(file), {}, out))
    failing = pq.ParquetFile(verdict.failures).read(["source_row"])["source_row"].unique()
    return {"rows": verdict.rows, "rules": len(verdict.results), "failing": len(failing)}


def write_conformed(file: Path, out: Path, home: Path) -> None:
    """Write rows of the source (physical names) as the conform step would: canonical names, source position and key."""
    import duckdb

    from contracts.catalog import load_catalog

    columns = load_catalog(home).source(DATASET).columns
    present = {"is_present": "sfzx = 1"}
    named = ", ".join(f"{present.get(column.name, column.physical)} as {column.name}" for column in columns)
    duckdb.execute(
        f"copy (select {named}, 'registry' as source_system, xh as source_key, file_row_number as source_row,"
        f" cast(null as varchar) as unreadable from read_parquet('{file}', file_row_number = true)) to '{out}' (format parquet)"
    )


if __name__ == "__main__":
    from core.process.leaving import exit_process

    steps: dict[str, Callable[..., dict[str, object]]] = {"extract": extract, "load": load, "check": check}
    print(json.dumps(steps[sys.argv[1]](*sys.argv[2:])))
    exit_process(0)  # as a command ends
