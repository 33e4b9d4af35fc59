"""Store: the rows of a reading as a landing of the dataset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.contract import SourceDataset
from core.settings import settings
from core.store.ledger import Output
from extractors.base import Reading
from loaders import landing
from loaders.landing import Landed
from pipeline.context import Night


def store(folder: Path, reading: Reading, last: Landed | None = None) -> tuple[int, str]:
    """Write a reading's rows into a folder of the landing; see `landing.write`. They are held against the `last` landing if the
    source counts as many rows: a table that grew is another one from its first row on."""
    before = last.file(settings().landing) if last and last.rows == reading.source_count else None
    batches: Iterator[pa.RecordBatch] = reading.batches
    return landing.write(folder, pa.RecordBatchReader.from_batches(reading.schema, batches), before)


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
