"""MySQL and MariaDB: one consistent snapshot, read unbuffered, every cell left as the bytes that the server sent.

The driver's own conversions are switched off: they turn zero dates, times over 24 hours and wide decimals into something
else or fail over them. Over the text protocol the server spells every value exactly, so dates and times land as that
text, decimals and integers are parsed by Arrow, and only BIT and FLOAT need a cast in the SELECT. Instants
(TIMESTAMP) are read in UTC; DATE and DATETIME stand as they are stored.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import pyarrow as pa

from core.connections import Connection
from core.dialects import arrow_type, quoted
from extractors import shape
from extractors.base import SOURCE_HASH, Reading, SourceColumn, drift, kind_of
from extractors.encoding import Unreadable, decode, utf8
from extractors.mysql_session import Row, Session, snapshot
from schemas.contract import Column, SourceDataset

_KEYS_AT_ONCE = 500
_BLIND_CHARSETS = {"latin1", "binary", "ascii", "swe7", "latin2", "cp1250", "cp1252"}
"""Character sets that hold no Chinese: text found in them is bytes of whatever the application wrote."""
_COLUMNS = """
    select column_name, column_type, is_nullable, column_comment, character_set_name, numeric_precision, numeric_scale
    from information_schema.columns
    where table_schema = coalesce(%s, database()) and table_name = %s
    order by ordinal_position
"""


@dataclass(frozen=True)
class _Seen:
    """A column of the source with what its reading depends on."""

    column: SourceColumn
    charset: str
    precision: int
    scale: int


@dataclass(frozen=True)
class _Cell:
    """How one column is selected, hashed and turned into Arrow; `encoding` is set when it comes as undecoded bytes."""

    name: str
    select: str
    text: str
    type: pa.DataType
    encoding: str | None = None


class MySQL:
    """Family `mysql`. Options of the URL: `unix_socket`, `ssl`, `ssl_ca`."""

    family: ClassVar[str] = "mysql"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def tables(self) -> list[str]:
        with self._snapshot() as session:
            sql = "select table_name from information_schema.tables where table_schema = database() order by table_name"
            return [name for (name,) in session.texts(sql)]

    def columns(self, physical: str, dataset: SourceDataset | None = None) -> list[SourceColumn]:
        with self._snapshot(dataset) as session:
            return [seen.column for seen in _describe(session, physical)]

    def primary_key(self, physical: str) -> list[str]:
        sql = """
            select column_name from information_schema.key_column_usage
            where table_schema = coalesce(%s, database()) and table_name = %s and constraint_name = 'PRIMARY'
            order by ordinal_position
        """
        with self._snapshot() as session:
            return [name for (name,) in session.texts(sql, _address(physical))]

    @contextlib.contextmanager
    def read(self, dataset: SourceDataset, low: str | None = None) -> Iterator[Reading]:
        watermark = shape.watermark_column(dataset)
        where, bounds = "true", cast(tuple[object, ...], ())
        if low is not None and watermark:
            where, bounds = f"({_name(watermark)} >= %s or {_name(watermark)} is null)", (low,)
        with self._snapshot(dataset) as session:
            cells = _cells(session, dataset)
            high = None
            if watermark:
                ((high,),) = session.texts(f"select cast(max({_name(watermark)}) as char) from {_table(dataset)}")
            selected = [*cells, _hash(cells)] if shape.hashed(dataset, low) else cells
            with _reading(session, dataset, selected, [(where, bounds)], high) as reading:
                yield reading

    @contextlib.contextmanager
    def sweep(self, dataset: SourceDataset) -> Iterator[Reading]:
        key = shape.key_columns(dataset)
        with self._snapshot(dataset) as session:
            cells = _cells(session, dataset)
            by_name = {cell.name: cell for cell in cells}
            with _reading(session, dataset, [*(by_name[name] for name in key), _hash(cells)], [("true", ())]) as reading:
                yield reading

    @contextlib.contextmanager
    def fetch(self, dataset: SourceDataset, keys: pa.Table) -> Iterator[Reading]:
        names = shape.key_columns(dataset)
        with self._snapshot(dataset) as session:
            cells = _cells(session, dataset)
            whole = [cell.type == pa.int64() for name in names for cell in cells if cell.name == name]
            columns = [
                _numbers(keys[name]) if exact else keys[name].to_pylist() for name, exact in zip(names, whole, strict=True)
            ]
            wanted = list(zip(*columns, strict=True))
            where = f"({', '.join(map(_name, names))}) in %s"
            chunks = [wanted[start : start + _KEYS_AT_ONCE] for start in range(0, len(wanted), _KEYS_AT_ONCE)]
            parts = [(where, (chunk if len(names) > 1 else [key for (key,) in chunk],)) for chunk in chunks]
            with _reading(session, dataset, [*cells, _hash(cells)], parts) as reading:
                yield reading

    @contextlib.contextmanager
    def _snapshot(self, dataset: SourceDataset | None = None) -> Iterator[Session]:
        where, owner = (dataset.id, dataset.owner) if dataset else (self._connection.id, self._connection.id)
        with snapshot(self._connection, where, owner) as session:
            yield session


def _describe(session: Session, physical: str) -> list[_Seen]:
    return [
        _Seen(
            SourceColumn(name, kind, kind_of(kind), nullable == "YES", title),
            charset or "",
            int(precision or 0),
            int(scale or 0),
        )
        for name, kind, nullable, title, charset, precision, scale in session.texts(_COLUMNS, _address(physical))
    ]


def _cells(session: Session, dataset: SourceDataset) -> list[_Cell]:
    """The contract's columns in order.

    Raises:
        Refused: HUB301 to HUB303 when the table has drifted from its contract.
    """
    seen = _describe(session, dataset.physical)
    drift(dataset, [one.column for one in seen])
    by_name = {one.column.name: one for one in seen}
    return [_cell(column, by_name[column.physical], dataset.encoding) for column in dataset.columns]


def _cell(column: Column, seen: _Seen, encoding: str | None) -> _Cell:
    name, source = _name(column.physical), seen.column
    if encoding and (source.kind == "bytes" or seen.charset in _BLIND_CHARSETS):
        return _Cell(source.name, f"cast({name} as binary)", f"hex({name})", pa.string(), encoding)
    if source.kind == "bytes":
        return _Cell(source.name, f"lower(hex({name}))", f"hex({name})", pa.string())
    if source.type.startswith("bit"):
        name = f"cast({name} as unsigned)"
    elif source.type.startswith("float") and "(" not in source.type:
        name = f"({name} + 0e0)"  # the server spells a bare FLOAT with six digits, as a double with all of them
    return _Cell(source.name, name, f"cast({name} as char)", _landing_type(column, seen))


def _landing_type(column: Column, seen: _Seen) -> pa.DataType:
    source = seen.column
    if source.kind in {"integer", "boolean"} and not source.type.startswith("bit(64"):
        return pa.string() if source.type.startswith("bigint") and "unsigned" in source.type else pa.int64()
    if source.type.startswith("decimal") and shape.fits(column, seen.precision, seen.scale):
        return arrow_type(column.type)
    return pa.string()


def _hash(cells: Sequence[_Cell]) -> _Cell:
    """MD5 over every cell as text; NULL and the space between cells are control characters."""
    texts = ", ".join(f"coalesce({cell.text}, char(30 using utf8mb4))" for cell in cells)
    expression = f"md5(concat_ws(char(31 using utf8mb4), {texts}))"
    return _Cell(SOURCE_HASH, expression, expression, pa.string())


@contextlib.contextmanager
def _reading(
    session: Session,
    dataset: SourceDataset,
    cells: Sequence[_Cell],
    parts: Sequence[tuple[str, tuple[object, ...]]],
    high: str | None = None,
) -> Iterator[Reading]:
    """The rows of each part (a condition and what it is bound to), counted first, then streamed one part after another."""
    count = 0
    for where, bounds in parts:
        ((found,),) = session.texts(f"select count(*) from {_table(dataset)} where {where}", bounds)
        count += int(found or 0)
    order = ", ".join(map(_name, shape.order_columns(dataset)))
    select = f"select {', '.join(cell.select for cell in cells)} from {_table(dataset)}"
    queries = [(f"{select} where {where} order by {order}", bounds) for where, bounds in parts]
    schema = pa.schema([pa.field(cell.name, cell.type) for cell in cells])
    batches = _batches((rows for query in queries for rows in session.rows(*query)), cells, schema, dataset)
    try:
        yield Reading(schema, batches, count, high)
    finally:
        batches.close()


def _batches(
    blocks: Generator[Sequence[Row], None, None], cells: Sequence[_Cell], schema: pa.Schema, dataset: SourceDataset
) -> Generator[pa.RecordBatch, None, None]:
    """Arrow batches; once a cell did not decode nothing more is given, and the rest is only counted before the refusal."""
    unreadable = Unreadable()
    with contextlib.closing(blocks):
        for rows in blocks:
            batch = _batch(rows, cells, schema, unreadable)
            if not unreadable.rows:
                yield batch
    if unreadable.rows:
        raise unreadable.refusal(dataset)


def _batch(rows: Sequence[Row], cells: Sequence[_Cell], schema: pa.Schema, unreadable: Unreadable) -> pa.RecordBatch:
    arrays = []
    failed: set[int] = set()
    for cell, values in zip(cells, zip(*rows, strict=True), strict=True):
        if cell.encoding:
            text, bad = decode(values, cell.encoding)
            if bad:
                unreadable.columns.add(cell.name)
                failed |= bad
        else:
            text = utf8(values)
        arrays.append(text if cell.type == pa.string() else text.cast(cell.type))
    unreadable.rows += len(failed)
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _address(physical: str) -> tuple[str | None, str]:
    """Database and table: `table` is in the connection's own database, `other.table` names another."""
    database, _, table = physical.rpartition(".")
    return database or None, table


def _table(dataset: SourceDataset) -> str:
    return ".".join(_name(part) for part in _address(dataset.physical) if part)


def _name(name: str) -> str:
    """A quoted identifier; `%` is doubled, since the driver fills in bound values by that sign."""
    return quoted(name, "mysql").replace("%", "%%")


def _numbers(keys: pa.ChunkedArray[pa.StringScalar]) -> list[int | None]:
    """Keys of an integer column as numbers: as text the server would compare them as inexact doubles."""
    return keys.cast(pa.int64()).to_pylist()
