"""What every family shares that reads through a cursor: the shape of a read, around the few phrases of its SQL.

A family describes a table, says how each column is selected and typed, and opens a snapshot that gives blocks of
columns. Count, fitness of values, window, sweep, fetch by keys, decoding and hashing happen here. Where a server cannot
compute the row hash (SQLite has no digest, SQL Server before 2016 takes 8,000 bytes, Oracle before 12c has none without a
grant) the same columns are read and hashed here.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Protocol, cast

import pyarrow as pa

from contracts.contract import Column, SourceDataset
from core.dialects import quote_identifier
from core.engine import open_engine
from core.store.address import ConnectionAddress
from extractors.base import SOURCE_HASH, Reading, SourceColumn, detect_drift
from extractors.databases import read_schema
from extractors.files.encoding import Unreadable, decode_cells, decode_utf8, find_not_ascii

ColumnBlock = Sequence[Any]
"""Some rows, column by column: each a sequence of the driver's values, or an Arrow array."""
ALL_ROWS = "1 = 1"
_NULL, _SEPARATOR = 30, 31
"""Control characters that stand for NULL and between cells while a row is hashed."""


class Session(Protocol):
    """One snapshot of a source, open for reading."""

    def build_row_hash(self, texts: Sequence[str]) -> str | None:
        """The expression of 32 hex characters over the columns' texts; None when this server cannot compute it."""

    def read_blocks(self, sql: str, bounds: Sequence[object] = ()) -> Generator[ColumnBlock, None, None]:
        """The rows of a query, at most `HUB_BATCH_ROWS` a block; no block for no rows.

        Raises:
            Unavailable: HUB203 when the server breaks off. Refused: HUB309 when the account may not read.
        """


@dataclass(frozen=True)
class ColumnInfo:
    """A column of the source with what its reading depends on. `charset` is the character set or collation, if any."""

    column: SourceColumn
    precision: int = 0
    scale: int = 0
    charset: str = ""


@dataclass(frozen=True)
class ColumnSelect:
    """How one column is selected, hashed and turned into Arrow.

    Attributes:
        select: the expression that is read.
        text: the same as text, for the hash that the server computes.
        type: the Arrow type in which it lands; `wire` is the driver's own where that differs.
        encoding: set when the cell comes as undecoded bytes, or as their hex digits where `wire` is text.
        unfit: a condition on values that `type` cannot hold; where one is met, the whole column is read as `text`.
        ordered: whether the server can sort by it.
        hashed: whether the server can make a short text of it; with one that it cannot, the rows are hashed here.
        key: the expression that a bound key is compared with, where that is not the column itself.
        charset: the character set of a text that must be ASCII, since nobody says what its other bytes mean.
    """

    name: str
    select: str
    text: str
    type: pa.DataType
    wire: pa.DataType | None = None
    encoding: str | None = None
    unfit: str | None = None
    ordered: bool = True
    hashed: bool = True
    key: str = ""
    charset: str = ""

    def as_text(self) -> ColumnSelect:
        return replace(self, select=self.text, type=pa.string(), wire=None)


@dataclass(frozen=True)
class _RowCondition:
    """A condition on the rows and what it is bound to."""

    where: str
    bounds: tuple[object, ...] = ()


class CursorExtractor(ABC):
    """A family that reads through a cursor. Subclasses set `family` and give the phrases below."""

    family: ClassVar[str]
    keys_at_once: ClassVar[int] = 500

    def __init__(self, connection: ConnectionAddress) -> None:
        self.connection = connection

    @abstractmethod
    def open_snapshot(self, where: str, owner: str) -> AbstractContextManager[Session]:
        """A read-only snapshot; `where` and `owner` are named in errors."""

    @abstractmethod
    def describe_table(self, session: Session, physical: str) -> list[ColumnInfo]:
        """The columns of a table as the catalogue has them now, empty when there is none."""

    @abstractmethod
    def select_column(self, column: Column, seen: ColumnInfo, encoding: str | None) -> ColumnSelect: ...

    @abstractmethod
    def write_placeholder(self, place: int) -> str:
        """The mark of the bound value at a place, counted from 1."""

    @abstractmethod
    def build_key_condition(self, names: Sequence[str], rows: int) -> str:
        """The condition that the columns are one of so many bound rows."""

    @abstractmethod
    def list_tables(self) -> list[str]: ...

    @abstractmethod
    def read_primary_key(self, physical: str) -> list[str]: ...

    def build_window_start(self, seen: ColumnInfo, mark: str) -> str:
        """The bound lower end of a window as a value of the watermark's type."""
        return mark

    def quote_name(self, name: str) -> str:
        """A quoted identifier, as a statement with bound values wants it."""
        return quote_identifier(name, self.family)

    def quote_table(self, physical: str) -> str:
        """A quoted table: `table` is the connection's own, `schema.table` names another schema."""
        return ".".join(self.quote_name(part) for part in physical.rpartition(".") if part not in {"", "."})

    def read_columns(self, physical: str, dataset: SourceDataset | None = None) -> list[SourceColumn]:
        with self.open_session(dataset) as session:
            return [seen.column for seen in self.describe_table(session, physical)]

    @contextlib.contextmanager
    def read(self, dataset: SourceDataset, low: str | None = None) -> Iterator[Reading]:
        watermark = read_schema.watermark_column(dataset)
        with self.open_session(dataset) as session:
            seen = self._read_table_columns(session, dataset)
            part = _RowCondition(ALL_ROWS)
            if low is not None and watermark:
                bound = self.build_window_start(seen[watermark], self.write_placeholder(1))
                part = _RowCondition(
                    f"({self.quote_name(watermark)} >= {bound} or {self.quote_name(watermark)} is null)", (low,)
                )
            high = None
            if watermark:
                query = f"select max({self.quote_name(watermark)}) from {self.quote_table(dataset.physical)}"
                high = format_watermark(read_rows(session, query)[0][0])
            request = _Request(self, session, dataset, self._select_columns(dataset, seen))
            with request.open_reading([part], None, with_hash=read_schema.has_row_hash(dataset, low), high=high) as reading:
                yield reading

    @contextlib.contextmanager
    def read_key_hashes(self, dataset: SourceDataset) -> Iterator[Reading]:
        with self.open_session(dataset) as session:
            request = _Request(
                self, session, dataset, self._select_columns(dataset, self._read_table_columns(session, dataset))
            )
            with request.open_reading([_RowCondition(ALL_ROWS)], read_schema.key_columns(dataset), with_hash=True) as reading:
                yield reading

    @contextlib.contextmanager
    def fetch_rows(self, dataset: SourceDataset, keys: pa.Table) -> Iterator[Reading]:
        names = read_schema.key_columns(dataset)
        with self.open_session(dataset) as session:
            cells = self._select_columns(dataset, self._read_table_columns(session, dataset))
            whole = {cell.name for cell in cells if cell.type == pa.int64() and cell.unfit is None}
            columns = [(keys[name].cast(pa.int64()) if name in whole else keys[name]).to_pylist() for name in names]
            wanted = list(zip(*columns, strict=True))
            chunks = [wanted[start : start + self.keys_at_once] for start in range(0, len(wanted), self.keys_at_once)]
            compared = [cell.key or self.quote_name(name) for name in names for cell in cells if cell.name == name]
            parts = [
                _RowCondition(self.build_key_condition(compared, len(some)), tuple(key for row in some for key in row))
                for some in chunks
            ]
            with _Request(self, session, dataset, cells).open_reading(parts, None, with_hash=True) as reading:
                yield reading

    @contextlib.contextmanager
    def open_session(self, dataset: SourceDataset | None = None) -> Iterator[Session]:
        where, owner = (dataset.id, dataset.owner) if dataset else (self.connection.id, self.connection.id)
        with self.open_snapshot(where, owner) as session:
            yield session

    def _read_table_columns(self, session: Session, dataset: SourceDataset) -> dict[str, ColumnInfo]:
        """The table's columns by name.

        Raises:
            Refused: HUB301 to HUB303 when the table has drifted from its contract.
        """
        seen = self.describe_table(session, dataset.physical)
        detect_drift(dataset, [one.column for one in seen])
        return {one.column.name: one for one in seen}

    def _select_columns(self, dataset: SourceDataset, seen: dict[str, ColumnInfo]) -> list[ColumnSelect]:
        return [self.select_column(column, seen[column.physical], dataset.encoding) for column in dataset.columns]


@dataclass(frozen=True)
class _Request:
    """One read of one dataset in an open snapshot."""

    family: CursorExtractor
    session: Session
    dataset: SourceDataset
    cells: Sequence[ColumnSelect]

    @contextlib.contextmanager
    def open_reading(
        self, parts: Sequence[_RowCondition], only: Sequence[str] | None, *, with_hash: bool, high: str | None = None
    ) -> Iterator[Reading]:
        """The rows of each part, counted first, then streamed one part after another: the contract's columns or `only`
        some of them, then the hash."""
        can = with_hash and all(cell.hashed for cell in self.cells)
        digest = self.session.build_row_hash([cell.text for cell in self.cells]) if can else None
        here = with_hash and digest is None
        count, cells = self._count_rows(parts, whole=here)
        given = cells if only is None else [cell for name in only for cell in cells if cell.name == name]
        asked = cells if here else [*given, ColumnSelect(SOURCE_HASH, digest, digest, pa.string())] if digest else given
        schema = read_schema.build_schema([cell.name for cell in given], [cell.type for cell in given], with_hash=with_hash)
        with contextlib.ExitStack() as stack:
            batches = self._read_batches([(self._build_query(asked, part), part.bounds) for part in parts], asked)
            if here:
                batches = _append_hashes(batches, stack.enter_context(open_hasher(self.dataset.id)), schema)
            stack.enter_context(contextlib.closing(batches))
            yield Reading(schema, batches, count, high)

    def _count_rows(self, parts: Sequence[_RowCondition], *, whole: bool) -> tuple[int, list[ColumnSelect]]:
        """The rows of all parts, and the cells as they fit what is there. Hashes made here depend on how a column lands, so
        for them (`whole`) the fitness is asked of the whole table: it is then the same for a window and for the sweep."""
        table = self.family.quote_table(self.dataset.physical)
        asked = [cell.unfit for cell in self.cells if cell.unfit]
        unfit = "".join(f", max(case when {condition} then 1 else 0 end)" for condition in asked)
        count, bad = 0, [False] * len(asked)
        for part in parts:
            [(found, *flags)] = read_rows(self.session, f"select count(*){unfit} from {table} where {part.where}", part.bounds)
            count += int(found)
            bad = [one or bool(flag) for one, flag in zip(bad, flags, strict=True)]
        if whole and asked:
            [over_all] = read_rows(self.session, f"select {unfit[2:]} from {table}")
            bad = [bool(flag) for flag in over_all]
        unfits = dict(zip(asked, bad, strict=True))
        return count, [cell.as_text() if cell.unfit and unfits[cell.unfit] else cell for cell in self.cells]

    def _build_query(self, asked: Sequence[ColumnSelect], part: _RowCondition) -> str:
        unsorted = {cell.name for cell in self.cells if not cell.ordered}
        order = [self.family.quote_name(name) for name in read_schema.order_columns(self.dataset) if name not in unsorted]
        return (
            f"select {', '.join(cell.select for cell in asked)} from {self.family.quote_table(self.dataset.physical)}"
            f" where {part.where} order by {', '.join(order)}"
        )

    def _read_batches(
        self, queries: Sequence[tuple[str, tuple[object, ...]]], asked: Sequence[ColumnSelect]
    ) -> Generator[pa.RecordBatch, None, None]:
        """Arrow batches; once a cell did not decode nothing more is given, and the rest is only counted before the refusal."""
        unreadable = Unreadable()
        schema = pa.schema([pa.field(cell.name, cell.type) for cell in asked])
        for query, bounds in queries:
            with contextlib.closing(self.session.read_blocks(query, bounds)) as blocks:
                for block in blocks:
                    batch = _build_batch(block, asked, schema, unreadable)
                    if not unreadable.rows:
                        yield batch
        if unreadable.rows:
            raise unreadable.build_refusal(self.dataset)


def read_rows(session: Session, sql: str, bounds: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """The rows of a small query; bytes are read as UTF-8."""
    found: list[tuple[Any, ...]] = []
    for block in session.read_blocks(sql, bounds):
        columns = [column.to_pylist() if isinstance(column, pa.Array) else column for column in block]
        found += zip(*([c.decode() if isinstance(c, bytes) else c for c in column] for column in columns), strict=True)
    return found


def format_watermark(value: Any) -> str | None:
    """A watermark as text: moments in ISO form, the rest as it prints."""
    if value is None:
        return None
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)


RowHasher = Callable[[pa.RecordBatch], pa.StringArray]


@contextlib.contextmanager
def open_hasher(where: str) -> Iterator[RowHasher]:
    """The row hash of sources that cannot compute it: MD5 over every cell as text, in the order of the columns."""
    with open_engine(where) as db:

        def hash(batch: pa.RecordBatch) -> pa.StringArray:
            names = [f"c{place}" for place in range(batch.num_columns)]
            db.register("rows_to_hash", pa.table([column.cast(pa.string()) for column in batch.columns], names))
            texts = ", ".join(f"coalesce({name}, chr({_NULL}))" for name in names)
            found = db.sql(f"select md5(concat_ws(chr({_SEPARATOR}), {texts})) as h from rows_to_hash").to_arrow_table()
            db.unregister("rows_to_hash")
            return cast(pa.StringArray, found["h"].cast(pa.string()).combine_chunks())

        yield hash


def _append_hashes(
    batches: Generator[pa.RecordBatch, None, None], hash: RowHasher, schema: pa.Schema
) -> Generator[pa.RecordBatch, None, None]:
    with contextlib.closing(batches):
        for batch in batches:
            columns = [batch.column(name) for name in schema.names[:-1]]
            yield pa.RecordBatch.from_arrays([*columns, hash(batch)], schema=schema)


def _build_batch(
    block: ColumnBlock, cells: Sequence[ColumnSelect], schema: pa.Schema, unreadable: Unreadable
) -> pa.RecordBatch:
    arrays: list[pa.Array[Any]] = []
    failed: set[int] = set()
    for cell, values in zip(cells, block, strict=True):
        if cell.encoding:
            text, bad = decode_cells(_convert_to_bytes(values, cell), cell.encoding)
            if bad:
                unreadable.note_column(cell.name)
                failed |= bad
            arrays.append(text)
            continue
        arrays.append(_build_array(values, cell))
        if cell.charset and (strange := find_not_ascii(arrays[-1])):
            unreadable.note_column(cell.name, cell.charset)
            failed |= strange
    unreadable.rows += len(failed)
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _convert_to_bytes(values: Any, cell: ColumnSelect) -> list[bytes | None]:
    given = values.to_pylist() if isinstance(values, pa.Array) else list(values)
    if cell.wire != pa.string():
        return given
    return [None if value is None else bytes.fromhex(value) for value in given]


def _build_array(values: Any, cell: ColumnSelect) -> pa.Array[Any]:
    if cell.wire == pa.binary():
        return pa.array([None if value is None else value.hex() for value in _convert_to_bytes(values, cell)], pa.string())
    if isinstance(values, pa.Array):
        return values if values.type == cell.type else values.cast(cell.type)
    if cell.type == pa.string() and cell.wire is None and any(isinstance(value, bytes) for value in values):
        return decode_utf8(values)
    found: pa.Array[Any] = pa.array(values, cell.wire or cell.type)
    return found if found.type == cell.type else found.cast(cell.type)
