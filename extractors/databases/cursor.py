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
from core.dialects import quoted
from core.engine import engine
from core.store.address import Connection
from extractors.base import SOURCE_HASH, Reading, SourceColumn, drift
from extractors.databases import read_schema
from extractors.files.encoding import Unreadable, decode, not_ascii, utf8

Block = Sequence[Any]
"""Some rows, column by column: each a sequence of the driver's values, or an Arrow array."""
EVERYTHING = "1 = 1"
_NULL, _SEPARATOR = 30, 31
"""Control characters that stand for NULL and between cells while a row is hashed."""


class Session(Protocol):
    """One snapshot of a source, open for reading."""

    def digest(self, texts: Sequence[str]) -> str | None:
        """The expression of 32 hex characters over the columns' texts; None when this server cannot compute it."""

    def blocks(self, sql: str, bounds: Sequence[object] = ()) -> Generator[Block, None, None]:
        """The rows of a query, at most `HUB_BATCH_ROWS` a block; no block for no rows.

        Raises:
            Unavailable: HUB203 when the server breaks off. Refused: HUB309 when the account may not read.
        """


@dataclass(frozen=True)
class Seen:
    """A column of the source with what its reading depends on. `charset` is the character set or collation, if any."""

    column: SourceColumn
    precision: int = 0
    scale: int = 0
    charset: str = ""


@dataclass(frozen=True)
class Cell:
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

    def as_text(self) -> Cell:
        return replace(self, select=self.text, type=pa.string(), wire=None)


@dataclass(frozen=True)
class _Part:
    """A condition on the rows and what it is bound to."""

    where: str
    bounds: tuple[object, ...] = ()


class Tabular(ABC):
    """A family that reads through a cursor. Subclasses set `family` and give the phrases below."""

    family: ClassVar[str]
    keys_at_once: ClassVar[int] = 500

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @abstractmethod
    def snapshot(self, where: str, owner: str) -> AbstractContextManager[Session]:
        """A read-only snapshot; `where` and `owner` are named in errors."""

    @abstractmethod
    def describe(self, session: Session, physical: str) -> list[Seen]:
        """The columns of a table as the catalogue has them now, empty when there is none."""

    @abstractmethod
    def cell(self, column: Column, seen: Seen, encoding: str | None) -> Cell: ...

    @abstractmethod
    def mark(self, place: int) -> str:
        """The mark of the bound value at a place, counted from 1."""

    @abstractmethod
    def among(self, names: Sequence[str], rows: int) -> str:
        """The condition that the columns are one of so many bound rows."""

    @abstractmethod
    def tables(self) -> list[str]: ...

    @abstractmethod
    def primary_key(self, physical: str) -> list[str]: ...

    def low(self, seen: Seen, mark: str) -> str:
        """The bound lower end of a window as a value of the watermark's type."""
        return mark

    def name(self, name: str) -> str:
        """A quoted identifier, as a statement with bound values wants it."""
        return quoted(name, self.family)

    def table(self, physical: str) -> str:
        """A quoted table: `table` is the connection's own, `schema.table` names another schema."""
        return ".".join(self.name(part) for part in physical.rpartition(".") if part not in {"", "."})

    def columns(self, physical: str, dataset: SourceDataset | None = None) -> list[SourceColumn]:
        with self.opened(dataset) as session:
            return [seen.column for seen in self.describe(session, physical)]

    @contextlib.contextmanager
    def read(self, dataset: SourceDataset, low: str | None = None) -> Iterator[Reading]:
        watermark = read_schema.watermark_column(dataset)
        with self.opened(dataset) as session:
            seen = self._look(session, dataset)
            part = _Part(EVERYTHING)
            if low is not None and watermark:
                bound = self.low(seen[watermark], self.mark(1))
                part = _Part(f"({self.name(watermark)} >= {bound} or {self.name(watermark)} is null)", (low,))
            high = None
            if watermark:
                query = f"select max({self.name(watermark)}) from {self.table(dataset.physical)}"
                high = iso(rows(session, query)[0][0])
            request = _Request(self, session, dataset, self._cells(dataset, seen))
            with request.reading([part], None, with_hash=read_schema.hashed(dataset, low), high=high) as reading:
                yield reading

    @contextlib.contextmanager
    def sweep(self, dataset: SourceDataset) -> Iterator[Reading]:
        with self.opened(dataset) as session:
            request = _Request(self, session, dataset, self._cells(dataset, self._look(session, dataset)))
            with request.reading([_Part(EVERYTHING)], read_schema.key_columns(dataset), with_hash=True) as reading:
                yield reading

    @contextlib.contextmanager
    def fetch(self, dataset: SourceDataset, keys: pa.Table) -> Iterator[Reading]:
        names = read_schema.key_columns(dataset)
        with self.opened(dataset) as session:
            cells = self._cells(dataset, self._look(session, dataset))
            whole = {cell.name for cell in cells if cell.type == pa.int64() and cell.unfit is None}
            columns = [(keys[name].cast(pa.int64()) if name in whole else keys[name]).to_pylist() for name in names]
            wanted = list(zip(*columns, strict=True))
            chunks = [wanted[start : start + self.keys_at_once] for start in range(0, len(wanted), self.keys_at_once)]
            compared = [cell.key or self.name(name) for name in names for cell in cells if cell.name == name]
            parts = [_Part(self.among(compared, len(some)), tuple(key for row in some for key in row)) for some in chunks]
            with _Request(self, session, dataset, cells).reading(parts, None, with_hash=True) as reading:
                yield reading

    @contextlib.contextmanager
    def opened(self, dataset: SourceDataset | None = None) -> Iterator[Session]:
        where, owner = (dataset.id, dataset.owner) if dataset else (self.connection.id, self.connection.id)
        with self.snapshot(where, owner) as session:
            yield session

    def _look(self, session: Session, dataset: SourceDataset) -> dict[str, Seen]:
        """The table's columns by name.

        Raises:
            Refused: HUB301 to HUB303 when the table has drifted from its contract.
        """
        seen = self.describe(session, dataset.physical)
        drift(dataset, [one.column for one in seen])
        return {one.column.name: one for one in seen}

    def _cells(self, dataset: SourceDataset, seen: dict[str, Seen]) -> list[Cell]:
        return [self.cell(column, seen[column.physical], dataset.encoding) for column in dataset.columns]


@dataclass(frozen=True)
class _Request:
    """One read of one dataset in an open snapshot."""

    family: Tabular
    session: Session
    dataset: SourceDataset
    cells: Sequence[Cell]

    @contextlib.contextmanager
    def reading(
        self, parts: Sequence[_Part], only: Sequence[str] | None, *, with_hash: bool, high: str | None = None
    ) -> Iterator[Reading]:
        """The rows of each part, counted first, then streamed one part after another: the contract's columns or `only`
        some of them, then the hash."""
        can = with_hash and all(cell.hashed for cell in self.cells)
        digest = self.session.digest([cell.text for cell in self.cells]) if can else None
        here = with_hash and digest is None
        count, cells = self._count(parts, whole=here)
        given = cells if only is None else [cell for name in only for cell in cells if cell.name == name]
        asked = cells if here else [*given, Cell(SOURCE_HASH, digest, digest, pa.string())] if digest else given
        schema = read_schema.schema([cell.name for cell in given], [cell.type for cell in given], with_hash=with_hash)
        with contextlib.ExitStack() as stack:
            batches = self._batches([(self._select(asked, part), part.bounds) for part in parts], asked)
            if here:
                batches = _hashed(batches, stack.enter_context(hasher(self.dataset.id)), schema)
            stack.enter_context(contextlib.closing(batches))
            yield Reading(schema, batches, count, high)

    def _count(self, parts: Sequence[_Part], *, whole: bool) -> tuple[int, list[Cell]]:
        """The rows of all parts, and the cells as they fit what is there. Hashes made here depend on how a column lands, so
        for them (`whole`) the fitness is asked of the whole table: it is then the same for a window and for the sweep."""
        table = self.family.table(self.dataset.physical)
        asked = [cell.unfit for cell in self.cells if cell.unfit]
        unfit = "".join(f", max(case when {condition} then 1 else 0 end)" for condition in asked)
        count, bad = 0, [False] * len(asked)
        for part in parts:
            [(found, *flags)] = rows(self.session, f"select count(*){unfit} from {table} where {part.where}", part.bounds)
            count += int(found)
            bad = [one or bool(flag) for one, flag in zip(bad, flags, strict=True)]
        if whole and asked:
            [over_all] = rows(self.session, f"select {unfit[2:]} from {table}")
            bad = [bool(flag) for flag in over_all]
        unfits = dict(zip(asked, bad, strict=True))
        return count, [cell.as_text() if cell.unfit and unfits[cell.unfit] else cell for cell in self.cells]

    def _select(self, asked: Sequence[Cell], part: _Part) -> str:
        unsorted = {cell.name for cell in self.cells if not cell.ordered}
        order = [self.family.name(name) for name in read_schema.order_columns(self.dataset) if name not in unsorted]
        return (
            f"select {', '.join(cell.select for cell in asked)} from {self.family.table(self.dataset.physical)}"
            f" where {part.where} order by {', '.join(order)}"
        )

    def _batches(
        self, queries: Sequence[tuple[str, tuple[object, ...]]], asked: Sequence[Cell]
    ) -> Generator[pa.RecordBatch, None, None]:
        """Arrow batches; once a cell did not decode nothing more is given, and the rest is only counted before the refusal."""
        unreadable = Unreadable()
        schema = pa.schema([pa.field(cell.name, cell.type) for cell in asked])
        for query, bounds in queries:
            with contextlib.closing(self.session.blocks(query, bounds)) as blocks:
                for block in blocks:
                    batch = _batch(block, asked, schema, unreadable)
                    if not unreadable.rows:
                        yield batch
        if unreadable.rows:
            raise unreadable.refusal(self.dataset)


def rows(session: Session, sql: str, bounds: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """The rows of a small query; bytes are read as UTF-8."""
    found: list[tuple[Any, ...]] = []
    for block in session.blocks(sql, bounds):
        columns = [column.to_pylist() if isinstance(column, pa.Array) else column for column in block]
        found += zip(*([c.decode() if isinstance(c, bytes) else c for c in column] for column in columns), strict=True)
    return found


def iso(value: Any) -> str | None:
    """A watermark as text: moments in ISO form, the rest as it prints."""
    if value is None:
        return None
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)


Hasher = Callable[[pa.RecordBatch], pa.StringArray]


@contextlib.contextmanager
def hasher(where: str) -> Iterator[Hasher]:
    """The row hash of sources that cannot compute it: MD5 over every cell as text, in the order of the columns."""
    with engine(where) as db:

        def hash(batch: pa.RecordBatch) -> pa.StringArray:
            names = [f"c{place}" for place in range(batch.num_columns)]
            db.register("rows_to_hash", pa.table([column.cast(pa.string()) for column in batch.columns], names))
            texts = ", ".join(f"coalesce({name}, chr({_NULL}))" for name in names)
            found = db.sql(f"select md5(concat_ws(chr({_SEPARATOR}), {texts})) as h from rows_to_hash").to_arrow_table()
            db.unregister("rows_to_hash")
            return cast(pa.StringArray, found["h"].cast(pa.string()).combine_chunks())

        yield hash


def _hashed(
    batches: Generator[pa.RecordBatch, None, None], hash: Hasher, schema: pa.Schema
) -> Generator[pa.RecordBatch, None, None]:
    with contextlib.closing(batches):
        for batch in batches:
            columns = [batch.column(name) for name in schema.names[:-1]]
            yield pa.RecordBatch.from_arrays([*columns, hash(batch)], schema=schema)


def _batch(block: Block, cells: Sequence[Cell], schema: pa.Schema, unreadable: Unreadable) -> pa.RecordBatch:
    arrays: list[pa.Array[Any]] = []
    failed: set[int] = set()
    for cell, values in zip(cells, block, strict=True):
        if cell.encoding:
            text, bad = decode(_bytes(values, cell), cell.encoding)
            if bad:
                unreadable.note(cell.name)
                failed |= bad
            arrays.append(text)
            continue
        arrays.append(_array(values, cell))
        if cell.charset and (strange := not_ascii(arrays[-1])):
            unreadable.note(cell.name, cell.charset)
            failed |= strange
    unreadable.rows += len(failed)
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _bytes(values: Any, cell: Cell) -> list[bytes | None]:
    given = values.to_pylist() if isinstance(values, pa.Array) else list(values)
    if cell.wire != pa.string():
        return given
    return [None if value is None else bytes.fromhex(value) for value in given]


def _array(values: Any, cell: Cell) -> pa.Array[Any]:
    if cell.wire == pa.binary():
        return pa.array([None if value is None else value.hex() for value in _bytes(values, cell)], pa.string())
    if isinstance(values, pa.Array):
        return values if values.type == cell.type else values.cast(cell.type)
    if cell.type == pa.string() and cell.wire is None and any(isinstance(value, bytes) for value in values):
        return utf8(values)
    found: pa.Array[Any] = pa.array(values, cell.wire or cell.type)
    return found if found.type == cell.type else found.cast(cell.type)
