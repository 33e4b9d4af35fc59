"""A folder of files: the newest one that the contract's pattern names is the whole dataset.

The file is read whole and parsed at once, which is its snapshot, in a process of its own (`files.confined`); rows keep the
order of the file, so that a person finds the row that a message counts. Hashes, windows and keys are done by the local engine
over the parsed text.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, cast

import pyarrow as pa
import pyarrow.compute as pc

from contracts.contract import SourceDataset
from core.dialects import quote_identifier
from core.engine import open_engine
from core.errors import ContractError, Unavailable
from core.store.address import ConnectionAddress
from extractors.base import SOURCE_HASH, Reading, SourceColumn, classify_type, detect_drift
from extractors.databases import read_schema
from extractors.files.confined import ReadJob, read_confined
from extractors.files.encoding import guess_encoding
from extractors.files.file_layout import FileLayout

_KINDS = ("csv", "xlsx", "xls", "dbf")
_UNFINISHED = (".tmp", ".part", ".crdownload")


class FileExtractor:
    """Family `file`: `file:///folder`. A dataset's `physical` is a file name or a pattern such as `gz_*.dbf`."""

    family: ClassVar[str] = "file"

    def __init__(self, connection: ConnectionAddress) -> None:
        self._connection = connection
        self._last: tuple[object, pa.Table] | None = None

    def list_tables(self) -> list[str]:
        return sorted(path.name for path in self._list_candidates("*") if path.suffix.lower().lstrip(".") in _KINDS)

    def read_columns(self, physical: str, dataset: SourceDataset | None = None) -> list[SourceColumn]:
        return _describe_columns(self._parse_newest(physical, dataset))

    def read_primary_key(self, physical: str) -> list[str]:
        """Files declare none."""
        return []

    def guess_encoding(self, physical: str) -> str | None:
        """Of a CSV that is not UTF-8 and could be nothing but Chinese text of GB 18030, that; of any other file None."""
        path = self._find_newest(physical)
        return guess_encoding(path.read_bytes()) if path.suffix.lower() == ".csv" else None

    @contextlib.contextmanager
    def read(self, dataset: SourceDataset, low: str | None = None) -> Iterator[Reading]:
        table = self._read_table(dataset)
        watermark = read_schema.watermark_column(dataset)
        high = pc.max(table[watermark]).as_py() if watermark else None
        if low is not None and watermark:
            table = table.filter(pc.is_null(pc.field(watermark)) | (pc.field(watermark) >= pc.scalar(low)))
        if read_schema.has_row_hash(dataset, low):
            table = table.append_column(SOURCE_HASH, _hash_rows(table))
        yield _build_reading(table, high)

    @contextlib.contextmanager
    def read_key_hashes(self, dataset: SourceDataset) -> Iterator[Reading]:
        table = self._read_table(dataset)
        yield _build_reading(
            table.append_column(SOURCE_HASH, _hash_rows(table)).select([*read_schema.key_columns(dataset), SOURCE_HASH])
        )

    @contextlib.contextmanager
    def fetch_rows(self, dataset: SourceDataset, keys: pa.Table) -> Iterator[Reading]:
        table = self._read_table(dataset)
        names = read_schema.key_columns(dataset)
        wanted = keys.select(names).group_by(names).aggregate([])
        found = table.append_column(SOURCE_HASH, _hash_rows(table)).join(wanted, names, join_type="inner")
        yield _build_reading(found.select([*table.column_names, SOURCE_HASH]))

    def find_row_numbers(self, dataset: SourceDataset) -> list[int]:
        """Where a person finds each row of the newest file: its number in the sheet, its line, or its place in the table."""
        path = self._find_newest(dataset.physical)
        found = read_confined(ReadJob(_choose_kind(path, dataset), self._build_layout(path, dataset), numbers=True))
        return cast("list[int]", found["row"].to_pylist())

    def _find_newest(self, physical: str) -> Path:
        return max(self._list_candidates(physical), key=lambda path: (path.stat().st_mtime_ns, path.name))

    def _read_table(self, dataset: SourceDataset) -> pa.Table:
        """The contract's columns of the newest file, in contract order.

        Raises:
            Refused: HUB301 to HUB303 for drift, HUB304 to HUB308 for what is wrong with the file.
        """
        found = self._parse_newest(dataset.physical, dataset)
        detect_drift(dataset, _describe_columns(found))
        return found.select([column.physical for column in dataset.columns])

    def _parse_newest(self, physical: str, dataset: SourceDataset | None) -> pa.Table:
        """All columns of the newest file that the pattern names; a table without columns when there is none."""
        if not self._list_candidates(physical):
            return pa.table({})
        path = self._find_newest(physical)
        layout = self._build_layout(path, dataset)
        kind = _choose_kind(path, dataset)
        if kind not in _KINDS:
            raise layout.build_refusal("HUB308", problem_key="damage.kind", kind=kind, known=", ".join(_KINDS))
        table = self._read_cached(ReadJob(kind, layout))
        twice = sorted(
            {name for name in table.column_names if layout.needs_column(name) and table.column_names.count(name) > 1}
        )
        if twice:
            raise layout.build_refusal("HUB308", problem_key="damage.twice", columns=", ".join(twice))
        return table

    def _read_cached(self, job: ReadJob) -> pa.Table:
        """The rows of a file; those of the one that was read last are at hand as long as nobody has written to it."""
        status = job.layout.path.stat()
        which = (job, status.st_ino, status.st_size, status.st_mtime_ns)
        if self._last is None or self._last[0] != which:
            self._last = (which, read_confined(job))
        return self._last[1]

    def _build_layout(self, path: Path, dataset: SourceDataset | None) -> FileLayout:
        if dataset is None:
            seems = guess_encoding(path.read_bytes()) if path.suffix.lower() == ".csv" else None
            return FileLayout(path, self._connection.id, self._connection.id, seems)
        asked = frozenset(column.physical for column in dataset.columns)
        return FileLayout(path, dataset.id, dataset.owner, dataset.encoding, dataset.sheet, dataset.header_row, asked)

    def _list_candidates(self, pattern: str) -> list[Path]:
        """Finished files: not those that an editor or a transfer keeps beside its work."""
        folder = Path(self._connection.path)
        if not folder.is_dir():
            id = self._connection.id
            raise Unavailable("HUB202", id, reason=folder.name, reason_key="reach.folder", connection=id, owner=id)
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            raise ContractError("HUB163", self._connection.id, name=pattern)
        found = [path for path in folder.glob(pattern) if path.is_file()]
        if outside := [path for path in found if not path.resolve().is_relative_to(folder.resolve())]:
            raise ContractError("HUB163", self._connection.id, name=outside[0].name)
        return [path for path in found if not path.name.startswith(("~$", ".")) and path.suffix.lower() not in _UNFINISHED]


def _choose_kind(path: Path, dataset: SourceDataset | None) -> str:
    return (dataset.file_format if dataset else None) or path.suffix.lower().lstrip(".")


def _describe_columns(table: pa.Table) -> list[SourceColumn]:
    """A file that declares types (DBF) is held to them; text files may hold anything in any column."""
    columns = []
    for field in table.schema:
        declared = (field.metadata or {}).get(b"type", b"").decode()
        columns.append(SourceColumn(field.name, declared or "text", classify_type(declared) if declared else "any"))
    return columns


def _hash_rows(table: pa.Table) -> pa.ChunkedArray[pa.StringScalar]:
    cells = ", ".join(f"coalesce(cast({quote_identifier(name, 'duckdb')} as varchar), chr(30))" for name in table.column_names)
    with open_engine("source_hash") as database:
        database.register("source", table)
        hashed: pa.Table = database.sql(f"select md5(concat_ws(chr(31), {cells})) as hash from source").to_arrow_table()
    return hashed["hash"]


def _build_reading(table: pa.Table, high: str | None = None) -> Reading:
    schema = pa.schema([field.remove_metadata() for field in table.schema])
    reader = pa.RecordBatchReader.from_batches(schema, table.cast(schema).to_batches())
    return Reading(schema, read_schema.slice_batches(reader), table.num_rows, high)
