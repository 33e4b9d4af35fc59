"""The landing: what a department gave, as it gave it, immutable and hashed.

`landing/<system>/<dataset>/<run>/rows.parquet` and, last of all, `manifest.json`: a folder without a manifest is an
interrupted reading and does not count. Rows carry `source_row`, their position in this reading.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import Refused
from core.hashing import hash_file
from core.process.arrays import wrap_int64_array
from loaders.plain import Plain

SOURCE_ROW = "source_row"


@dataclass(frozen=True)
class Landing:
    """One finished reading.

    Attributes:
        folder: relative to the landing's root.
        rows, source_count: rows landed, and rows the source counted in the same snapshot.
        content: SHA-256 of the rows file; equal readings have equal contents.
        high: largest watermark seen, ISO text.
        complete: absence of a key from this landing proves that the source no longer has it.
        new_columns: columns that the contract does not know, reported only.
    """

    system: str
    dataset: str
    run_id: str
    folder: str
    rows: int
    source_count: int
    content: str
    contract: str
    mode: str
    high: str | None
    complete: bool
    new_columns: tuple[str, ...] = ()

    def find_file(self, root: Path) -> Path:
        return root / self.folder / "rows.parquet"


def write_landing(folder: Path, batches: pa.RecordBatchReader, before: Path | None = None) -> tuple[int, str]:
    """Write rows with their position as Parquet and return how many and their content hash; an earlier try is replaced.

    `before` is the rows file of an earlier reading that may be the same. Rows are held against it as they come, and when they
    are the same to the end, that file stands for both, and no second one is kept. Where they are not, what was found alike is
    read from it a second time: give it only when there is reason to.

    Raises:
        OSError: the disk is full or gone; the half-written file is removed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    path = folder / "rows.parquet"
    try:
        folder.mkdir(parents=True)
        others = _read_unless_equal(before, batches) if before and _has_same_columns(before, batches.schema) else batches
        if others is None:
            link_file(cast("Path", before), path)
        else:
            _write_parquet(path, batches.schema, others)
        return int(pq.read_metadata(path).num_rows), hash_file(path)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _has_same_columns(before: Path, schema: pa.Schema) -> bool:
    """Whether an earlier reading is there, can be read and has these columns."""
    try:
        earlier = pq.read_schema(before)
    except (OSError, pa.ArrowInvalid):
        return False
    return earlier.remove(earlier.get_field_index(SOURCE_ROW)).equals(schema)


def _read_unless_equal(before: Path, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch] | None:
    """All the rows, unless they are those of the earlier file. What was found alike is then taken from there."""
    with pq.ParquetFile(before) as file:
        columns = [name for name in file.schema_arrow.names if name != SOURCE_ROW]
        for group in range(file.num_row_groups):
            batch = next(batches, None)
            if batch is None or not _is_equal_group(file, group, columns, batch):
                break
        else:
            group, batch = file.num_row_groups, next(batches, None)
            if batch is None:
                return None
    return itertools.chain(_read_groups(before, group, columns), [] if batch is None else [batch], batches)


def _is_equal_group(file: pq.ParquetFile, group: int, columns: list[str], batch: pa.RecordBatch) -> bool:
    """Whether a batch is that part of the earlier file; a part that cannot be read any more is not."""
    try:
        return bool(file.read_row_group(group, columns).equals(pa.Table.from_batches([batch])))
    except (OSError, pa.ArrowInvalid):
        return False


def _read_groups(before: Path, groups: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(before) as file:
        for group in range(groups):
            yield from file.read_row_group(group, columns).combine_chunks().to_batches()


def link_file(before: Path, path: Path) -> None:
    """Have an earlier file under a second name; a copy where the file system has no such thing."""
    try:
        path.hardlink_to(before)
    except OSError:
        shutil.copyfile(before, path)


def _write_parquet(path: Path, columns: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
    first, count = next(batches, None), 0
    schema = columns.append(pa.field(SOURCE_ROW, pa.int64()))
    options: Any = {
        "compression": "zstd",
        "compression_level": 1,
        "use_dictionary": [] if first is None else _find_repeating(first),
        "write_statistics": False,
    }
    found = Plain(columns)

    def one(batch: pa.RecordBatch) -> None:
        found.look(batch)
        writer.write_batch(batch)

    with pq.ParquetWriter(path, schema, **options) as writer, ThreadPoolExecutor(1) as beside:
        writing: Future[None] | None = None
        for batch in itertools.chain([] if first is None else [first], batches):
            position = wrap_int64_array(np.arange(count, count + batch.num_rows))
            count += batch.num_rows
            if writing:  # one batch is written while the next is read, here: some drivers want to be asked by one thread only
                writing.result()
            writing = beside.submit(one, pa.RecordBatch.from_arrays([*batch.columns, position], schema=schema))
        if writing:
            writing.result()
        writer.add_key_value_metadata(found.told())


def _find_repeating(batch: pa.RecordBatch) -> list[str]:
    """The columns of which a dictionary is worth making, by the first rows: names and numbers of persons have none, and to
    begin one for them costs a third of the writing."""
    import pyarrow.compute as kernels  # rows are on their way already when it is asked for

    names = batch.schema.names
    return [
        name
        for name, column in zip(names, batch.columns, strict=True)
        if 2 * kernels.count_distinct(column).as_py() <= batch.num_rows
    ]


def write_manifest(root: Path, landed: Landing, details: Mapping[str, Any]) -> None:
    """Write the manifest, which makes the reading count. It is written under another name and renamed."""
    folder = root / landed.folder
    if landed.rows != landed.source_count and landed.complete:
        raise Refused("HUB310", f"{landed.system}.{landed.dataset}", rows=landed.rows, counted=landed.source_count)
    draft = folder / "manifest.json.part"
    with draft.open("w", encoding="utf-8") as file:
        json.dump({**asdict(landed), **details}, file, ensure_ascii=False, indent=1, default=str)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(folder / "manifest.json")


def parse_landing(output: Mapping[str, Any]) -> Landing:
    """A finished reading as the ledger keeps it."""
    names = Landing.__dataclass_fields__
    values = {name: output[name] for name in names if name in output}
    return Landing(**{**values, "new_columns": tuple(values.get("new_columns", ()))})
