"""Store: the rows of a reading as a landing of the dataset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.contract import SourceDataset
from core.settings import get_settings
from core.store.ledger import Output
from extractors.base import Reading
from loaders import landing
from loaders.landing import Landing
from pipeline.context import RunContext


def land_reading(folder: Path, reading: Reading, last: Landing | None = None) -> tuple[int, str]:
    """Write a reading's rows into a folder of the landing; see `landing.write`. They are held against the `last` landing if the
    source counts as many rows: a table that grew is another one from its first row on."""
    before = last.find_file(get_settings().landing) if last and last.rows == reading.source_count else None
    batches: Iterator[pa.RecordBatch] = reading.batches
    return landing.write_landing(folder, pa.RecordBatchReader.from_batches(reading.schema, batches), before)


def seal_landing(
    run: RunContext, dataset: SourceDataset, folder: Path, details: dict[str, Any], notes: dict[str, Any]
) -> Output:
    """Make a reading that lies in `folder` (relative to the landing) count; returns what the ledger keeps of it."""
    new_columns, counts = notes["new_columns"], {name: value for name, value in notes.items() if name != "new_columns"}
    landed = Landing(
        system=dataset.system,
        dataset=dataset.name,
        run_id=run.run.id,
        folder=str(folder),
        contract=dataset.version,
        mode=dataset.mode,
        complete=True,
        new_columns=tuple(new_columns),
        **details,
    )
    columns = [f"{field.name} {field.type}" for field in pq.read_schema(landed.find_file(run.landing))]
    landing.write_manifest(run.landing, landed, {**counts, "columns": columns, "at": run.ledger.clock().isoformat()})
    return {**landed.__dict__, "new_columns": list(new_columns), **counts}
