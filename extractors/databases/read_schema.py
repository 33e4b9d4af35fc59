"""What every family asks of a source contract when it shapes a read: physical names, the hash's place, decimals that fit."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from contracts.contract import Column, SourceDataset
from core.settings import get_settings
from extractors.base import SOURCE_HASH


def key_columns(dataset: SourceDataset) -> list[str]:
    """The physical names of the contract's key, in key order."""
    return [physical_name(dataset, name) for name in dataset.key]


def order_columns(dataset: SourceDataset) -> list[str]:
    """By what a snapshot is sorted, so that equal content gives equal bytes: the key, or every column where there is none."""
    return key_columns(dataset) or [column.physical for column in dataset.columns]


def watermark_column(dataset: SourceDataset) -> str | None:
    """The physical name of the contract's watermark."""
    return physical_name(dataset, dataset.watermark) if dataset.watermark else None


def physical_name(dataset: SourceDataset, name: str) -> str:
    """The physical name of a column given by its canonical name; a name that the contract does not list stands for itself."""
    return next((column.physical for column in dataset.columns if column.name == name), name)


def has_row_hash(dataset: SourceDataset, low: str | None) -> bool:
    """Whether a read carries `source_hash`: every read of a window dataset does, the first full one too."""
    return dataset.mode == "window" or low is not None


def build_schema(names: list[str], types: list[pa.DataType], *, with_hash: bool) -> pa.Schema:
    """The landing schema: the columns in order, then `source_hash` when the read carries it."""
    fields = [pa.field(name, kind) for name, kind in zip(names, types, strict=True)]
    return pa.schema([*fields, pa.field(SOURCE_HASH, pa.string())] if with_hash else fields)


def fits_exactly(column: Column, precision: int, scale: int) -> bool:
    """Whether every decimal of a source's `precision` and `scale` is exact in the contract's number type."""
    kind = column.type
    return kind.name == "number" and scale <= kind.scale and precision - scale <= kind.precision - kind.scale


def slice_batches(batches: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Batches of at most `HUB_BATCH_ROWS` rows, without a copy."""
    size = get_settings().batch_rows
    for batch in batches:
        for start in range(0, batch.num_rows, size):
            yield batch.slice(start, size)
