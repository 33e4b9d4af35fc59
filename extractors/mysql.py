"""MySQL and MariaDB: one consistent snapshot, read unbuffered, every cell left as the bytes that the server sent.

Two readers give the same cells: PyMySQL always works and is right for small tables; connectorx (`databases.mysql_stream`)
reads large ones many times as fast. Option `reader` of the connection's URL forces one of them.

The driver's own conversions are switched off: they turn zero dates, times over 24 hours and wide decimals into something
else or fail over them. Over the text protocol the server spells every value exactly, so dates and times land as that
text, decimals and integers are parsed by Arrow, and only BIT and FLOAT need a cast in the SELECT. Instants
(TIMESTAMP) are read in UTC; DATE and DATETIME stand as they are stored.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import pyarrow as pa

from contracts.contract import Column, SourceDataset
from core.dialects import arrow_type, quote_identifier
from core.errors import MachineFault, Refused, Unavailable
from core.settings import get_settings
from core.store import reach
from core.store.address import ConnectionAddress
from extractors.base import SOURCE_HASH, Reading, SourceColumn, TableFingerprint, detect_drift
from extractors.databases import mysql_catalog, mysql_fingerprint, mysql_lines, mysql_stream, read_schema
from extractors.databases.mysql_session import SNAPSHOT, MysqlSession, Row, open_snapshot
from extractors.files.encoding import Unreadable, decode_cells, decode_utf8, find_not_ascii

_KEYS_AT_ONCE = 500
_MANY_ROWS = 20_000
"""From this many rows on a process of its own pays for its start."""
READERS = ("connectorx", "pymysql")
_FAMILIAR = re.compile(
    r"((tiny|small|medium|big)?int|decimal|double|float|date|datetime|timestamp|time|year|bit|enum|set|json"
    r"|(var)?char|(tiny|medium|long)?text|(var)?binary|(tiny|medium|long)?blob)\b"
)
"""Types whose cells both readers are proven to give alike; a table with any other is left to PyMySQL."""
_BLIND_CHARSETS = {"latin1", "binary", "ascii", "swe7", "latin2", "cp1250", "cp1252"}
"""Character sets that hold no Chinese: text found in them is bytes of whatever the application wrote."""
_GIVEN_UP: set[str] = set()
"""Datasets at which the fast reader broke off in this process; the next try is made without it."""


@dataclass(frozen=True)
class _ColumnInfo:
    """A column of the source with what its reading depends on."""

    column: SourceColumn
    charset: str
    precision: int
    scale: int


@dataclass(frozen=True)
class _Select:
    """How one column is selected, hashed and turned into Arrow.

    Attributes:
        joined: the same cell as a part of a line.
        encoding: set when it comes as undecoded bytes.
        single: whether it is a float of four bytes, which comes with the digits of eight.
        charset: the character set of a text that must be ASCII, since nobody says what its other bytes mean.
        whole: whether its keys are compared as whole numbers.
    """

    name: str
    select: str
    text: str
    type: pa.DataType
    joined: str
    encoding: str | None = None
    single: bool = False
    charset: str = ""
    whole: bool = False


class MysqlExtractor:
    """Family `mysql`. Options of the URL: `unix_socket`, `ssl`, `ssl_ca`, `reader` (`connectorx` or `pymysql`)."""

    family: ClassVar[str] = "mysql"

    def __init__(self, connection: ConnectionAddress) -> None:
        self._connection = connection
        self._session: MysqlSession | None = None

    def list_tables(self) -> list[str]:
        with self._open_snapshot() as session:
            return [name for (name,) in session.texts(mysql_catalog.TABLES)]

    def read_columns(self, physical: str, dataset: SourceDataset | None = None) -> list[SourceColumn]:
        with self._open_snapshot(dataset) as session:
            return [seen.column for seen in _read_columns(session, physical)]

    def read_primary_key(self, physical: str) -> list[str]:
        with self._open_snapshot() as session:
            found = session.texts(mysql_catalog.KEY, _split_name(physical))
        return [name for index, name in found if index == found[0][0]]

    @contextlib.contextmanager
    def share_connection(self) -> Iterator[None]:
        with open_snapshot(self._connection, self._connection.id, self._connection.id) as session:
            self._session = session
            try:
                yield
            finally:
                self._session = None

    @contextlib.contextmanager
    def read(self, dataset: SourceDataset, low: str | None = None) -> Iterator[Reading]:
        watermark = read_schema.watermark_column(dataset)
        where, bounds = "true", cast(tuple[object, ...], ())
        if low is not None and watermark:
            where, bounds = f"({_quote(watermark)} >= %s or {_quote(watermark)} is null)", (low,)
        with self._open_snapshot(dataset) as session:
            cells = _select_columns(session, dataset)
            high = None
            if watermark:
                ((high,),) = session.texts(f"select cast(max({_quote(watermark)}) as char) from {_quote_table(dataset)}")
            selected = [*cells, _select_hash(cells)] if read_schema.has_row_hash(dataset, low) else cells
            with contextlib.ExitStack() as open_reading:
                reading = self._open_stream(session, dataset, selected, open_reading) if low is None else None
                yield reading or open_reading.enter_context(_open_reading(session, dataset, selected, [(where, bounds)], high))

    @contextlib.contextmanager
    def read_key_hashes(self, dataset: SourceDataset) -> Iterator[Reading]:
        key = read_schema.key_columns(dataset)
        with self._open_snapshot(dataset) as session:
            cells = _select_columns(session, dataset)
            by_name = {cell.name: cell for cell in cells}
            selected = [*(by_name[name] for name in key), _select_hash(cells)]
            with contextlib.ExitStack() as open_reading:
                reading = self._open_stream(session, dataset, selected, open_reading)
                yield reading or open_reading.enter_context(_open_reading(session, dataset, selected, [("true", ())]))

    @contextlib.contextmanager
    def fetch_rows(self, dataset: SourceDataset, keys: pa.Table) -> Iterator[Reading]:
        names = read_schema.key_columns(dataset)
        with self._open_snapshot(dataset) as session:
            cells = _select_columns(session, dataset)
            whole = [cell.whole for name in names for cell in cells if cell.name == name]
            columns = [
                _parse_keys(keys[name]) if exact else keys[name].to_pylist() for name, exact in zip(names, whole, strict=True)
            ]
            wanted = list(zip(*columns, strict=True))
            where = f"({', '.join(map(_quote, names))}) in %s"
            chunks = [wanted[start : start + _KEYS_AT_ONCE] for start in range(0, len(wanted), _KEYS_AT_ONCE)]
            parts = [(where, (chunk if len(names) > 1 else [key for (key,) in chunk],)) for chunk in chunks]
            with _open_reading(session, dataset, [*cells, _select_hash(cells)], parts) as reading:
                yield reading

    def read_stamp(self, dataset: SourceDataset) -> str | None:
        with self._open_snapshot(dataset) as session:
            return mysql_fingerprint.read_stamp(session, _split_name(dataset.physical))

    def read_fingerprint(self, dataset: SourceDataset) -> TableFingerprint | None:
        with self._open_snapshot(dataset) as session:
            return mysql_fingerprint.read_fingerprint(session, _split_name(dataset.physical), _quote_table(dataset))

    def _open_stream(
        self, session: MysqlSession, dataset: SourceDataset, cells: Sequence[_Select], keep: contextlib.ExitStack
    ) -> Reading | None:
        """All rows by the fast reader, kept open on `keep`; None where it is not to be used, or gives nothing."""
        forced = self._connection.options.get("reader")
        if forced not in (None, *READERS):
            raise MachineFault("HUB880", self._connection.id, reader=forced, known=", ".join(READERS))
        if forced == "connectorx" and not mysql_stream.can_stream(self._connection):
            raise MachineFault("HUB886", self._connection.id, reader=forced)
        if forced == "pymysql" or not _is_familiar(session, dataset):
            return None
        usable = dataset.id not in _GIVEN_UP and mysql_stream.can_stream(self._connection)
        if forced is None and not (usable and _is_large(session, dataset)):
            return None
        session.texts(f"select 1 from {_quote_table(dataset)} limit 0")  # says why it may not be read
        facts = _build_facts(dataset)
        request = mysql_stream.Request(self._connection, SNAPSHOT, _query_all(dataset, cells, facts), get_settings().batch_rows)
        batches = keep.enter_context(mysql_stream.open_stream(request))
        try:
            first = next(batches, None)
            if first is None or not first.num_rows:
                return None  # no row carries the count
            *high, count = mysql_lines.read_facts(first.column(0), len(facts))
        except (mysql_stream.StreamBroken, mysql_lines.TornLine):
            if forced:
                raise _build_broken_error(dataset) from None
            return None  # it could not even begin: PyMySQL says why, or does it
        schema = pa.schema([pa.field(cell.name, cell.type) for cell in cells])
        rows = _split_batches(itertools.chain([first], batches), cells, schema, dataset, len(facts))
        return Reading(schema, rows, int(count or 0), high[0] if high else None, "connectorx")

    @contextlib.contextmanager
    def _open_snapshot(self, dataset: SourceDataset | None = None) -> Iterator[MysqlSession]:
        if self._session is not None:
            yield self._session
            return
        where, owner = (dataset.id, dataset.owner) if dataset else (self._connection.id, self._connection.id)
        with open_snapshot(self._connection, where, owner) as session:
            yield session


def _read_columns(session: MysqlSession, physical: str) -> list[_ColumnInfo]:
    return [
        _ColumnInfo(mysql_catalog.build_column(*known), charset or "", int(precision or 0), int(scale or 0))
        for *known, charset, precision, scale in session.texts(mysql_catalog.COLUMNS, _split_name(physical))
    ]


def _select_columns(session: MysqlSession, dataset: SourceDataset) -> list[_Select]:
    """The contract's columns in order.

    Raises:
        Refused: HUB301 to HUB303 when the table has drifted from its contract, HUB330 when it is a view that is broken.
    """
    seen = _read_columns(session, dataset.physical)
    if not seen and session.texts(
        mysql_catalog.EXISTS, _split_name(dataset.physical)
    ):  # of a broken view the catalogue has no columns
        raise Refused("HUB330", dataset.id, table=dataset.physical, owner=dataset.owner)
    detect_drift(dataset, [one.column for one in seen])
    by_name = {one.column.name: one for one in seen}
    return [_select_column(column, by_name[column.physical], dataset.encoding) for column in dataset.columns]


def _select_column(column: Column, seen: _ColumnInfo, encoding: str | None) -> _Select:
    name, source = _quote(column.physical), seen.column
    if encoding and (source.kind == "bytes" or seen.charset in _BLIND_CHARSETS):
        as_it_is = f"cast({name} as binary)"
        return _Select(source.name, as_it_is, f"hex({name})", pa.string(), mysql_lines.build_raw_cell(name), encoding)
    if source.kind == "bytes":
        digits = f"lower(hex({name}))"
        return _Select(source.name, digits, f"hex({name})", pa.string(), mysql_lines.build_cell(digits))
    single = source.type.startswith("float") and "(" not in source.type
    if source.type.startswith("bit"):
        name = f"cast({name} as unsigned)"
    elif single:
        name = f"({name} + 0e0)"  # the server spells a bare FLOAT with six digits, as a double with all of them
    # The bytes of another character set would be joined as they are.
    text = name if not seen.charset or seen.charset.startswith("utf8") else f"convert({name} using utf8mb4)"
    joined = mysql_lines.build_cell(text, source.nullable)
    blind = seen.charset if seen.charset in _BLIND_CHARSETS else ""
    whole = source.kind in {"integer", "boolean"}
    text, landed = f"cast({name} as char)", _choose_landing_type(column, seen)
    return _Select(source.name, name, text, landed, joined, single=single, charset=blind, whole=whole)


def _choose_landing_type(column: Column, seen: _ColumnInfo) -> pa.DataType:
    source = seen.column
    if "zerofill" in source.type and column.type.name == "string":
        return pa.string()  # the server shows its zeros, and so does everybody who reads the number there
    if source.kind in {"integer", "boolean"} and not source.type.startswith("bit(64"):
        return pa.string() if source.type.startswith("bigint") and "unsigned" in source.type else pa.int64()
    if source.type.startswith("decimal") and read_schema.fits_exactly(column, seen.precision, seen.scale):
        return arrow_type(column.type)
    return pa.string()


def _select_hash(cells: Sequence[_Select]) -> _Select:
    """MD5 over every cell as text; NULL and the space between cells are control characters."""
    texts = ", ".join(f"coalesce({cell.text}, char(30 using utf8mb4))" for cell in cells)
    expression = f"md5(concat_ws(char(31 using utf8mb4), {texts}))"
    return _Select(SOURCE_HASH, expression, expression, pa.string(), mysql_lines.build_cell(expression))


def _is_familiar(session: MysqlSession, dataset: SourceDataset) -> bool:
    """Whether both readers give the dataset's cells alike."""
    contracted = {column.physical for column in dataset.columns}
    seen = [one.column for one in _read_columns(session, dataset.physical) if one.column.name in contracted]
    return all(_FAMILIAR.match(column.type) for column in seen)


def _is_large(session: MysqlSession, dataset: SourceDataset) -> bool:
    """By the server's own estimate, which costs nothing; of a view there is none."""
    return any(int(rows or 0) >= _MANY_ROWS for (rows,) in session.texts(mysql_catalog.ESTIMATE, _split_name(dataset.physical)))


def _build_facts(dataset: SourceDataset) -> list[str]:
    """What is to be known of the same snapshot, as SQL: the largest watermark, if there is one, and the count of rows."""
    table, watermark = _quote_table(dataset), read_schema.watermark_column(dataset)
    high = [f"(select cast(max({_quote(watermark)}) as char) from {table})"] if watermark else []
    return [*high, f"(select count(*) from {table})"]


def _query_all(dataset: SourceDataset, cells: Sequence[_Select], facts: Sequence[str]) -> str:
    """The query of all rows as lines. The facts travel with every row: a statement has one snapshot."""
    line = mysql_lines.build_line([cell.joined for cell in cells], facts)
    order = ", ".join(map(_quote, read_schema.order_columns(dataset)))
    return f"select {line} as _hub_line from {_quote_table(dataset)} order by {order}".replace("%%", "%")


@contextlib.contextmanager
def _open_reading(
    session: MysqlSession,
    dataset: SourceDataset,
    cells: Sequence[_Select],
    parts: Sequence[tuple[str, tuple[object, ...]]],
    high: str | None = None,
) -> Iterator[Reading]:
    """The rows of each part (a condition and what it is bound to), counted first, then streamed one part after another."""
    count = 0
    for where, bounds in parts:
        ((found,),) = session.texts(f"select count(*) from {_quote_table(dataset)} where {where}", bounds)
        count += int(found or 0)
    order = ", ".join(map(_quote, read_schema.order_columns(dataset)))
    select = f"select {', '.join(cell.select for cell in cells)} from {_quote_table(dataset)}"
    queries = [(f"{select} where {where} order by {order}", bounds) for where, bounds in parts]
    schema = pa.schema([pa.field(cell.name, cell.type) for cell in cells])
    batches = _read_batches((rows for query in queries for rows in session.read_blocks(*query)), cells, schema, dataset)
    try:
        yield Reading(schema, batches, count, high, "pymysql")
    finally:
        batches.close()


def _read_batches(
    blocks: Generator[Sequence[Row], None, None], cells: Sequence[_Select], schema: pa.Schema, dataset: SourceDataset
) -> Generator[pa.RecordBatch, None, None]:
    """Arrow batches; once a cell did not decode nothing more is given, and the rest is only counted before the refusal."""
    unreadable = Unreadable()
    with contextlib.closing(blocks):
        for rows in blocks:
            batch = _build_batch(zip(*rows, strict=True), cells, schema, unreadable)
            if not unreadable.rows:
                yield batch
    if unreadable.rows:
        raise unreadable.build_refusal(dataset)


def _build_batch(columns: Iterable[Any], cells: Sequence[_Select], schema: pa.Schema, unreadable: Unreadable) -> pa.RecordBatch:
    """A batch from columns of bytes, as either reader gives them; the fast one gives most of them as what they are."""
    arrays: list[pa.Array[Any]] = []
    failed: set[int] = set()
    for cell, found in zip(cells, columns, strict=True):
        if isinstance(found, pa.Array) and found.type == cell.type and not (cell.single or cell.charset):
            arrays.append(found)
            continue
        text: pa.Array[Any]
        if cell.encoding:
            text, bad = decode_cells(found, cell.encoding)
            if bad:
                unreadable.note_column(cell.name)
                failed |= bad
        else:
            text = found if isinstance(found, pa.Array) and found.type == pa.string() else decode_utf8(found)
        if cell.single:
            text = text.cast(pa.float64()).cast(pa.float32()).cast(pa.string())
        if cell.charset and (strange := find_not_ascii(text)):
            unreadable.note_column(cell.name, cell.charset)
            failed |= strange
        arrays.append(text if cell.type == pa.string() else text.cast(cell.type))
    unreadable.rows += len(failed)
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _split_batches(
    batches: Iterator[pa.RecordBatch], cells: Sequence[_Select], schema: pa.Schema, dataset: SourceDataset, facts: int
) -> Iterator[pa.RecordBatch]:
    """The fast reader's lines as PyMySQL would have given the rows, and its breaking off as theirs."""
    unreadable = Unreadable()
    types = [pa.binary() if cell.encoding else cell.type for cell in cells]
    try:
        for batch in batches:
            if not batch.num_rows:
                continue
            typed = _build_batch(mysql_lines.split_lines(batch.column(0), types, facts), cells, schema, unreadable)
            if not unreadable.rows:
                yield typed
    except (mysql_stream.StreamBroken, mysql_lines.TornLine):
        _GIVEN_UP.add(dataset.id)
        raise _build_broken_error(dataset) from None
    if unreadable.rows:
        raise unreadable.build_refusal(dataset)


def _build_broken_error(dataset: SourceDataset) -> Unavailable:
    return Unavailable("HUB203", dataset.id, **reach.explain_broken(["connectorx"]))


def _split_name(physical: str) -> tuple[str | None, str]:
    """Database and table: `table` is in the connection's own database, `other.table` names another."""
    database, _, table = physical.rpartition(".")
    return database or None, table


def _quote_table(dataset: SourceDataset) -> str:
    return ".".join(_quote(part) for part in _split_name(dataset.physical) if part)


def _quote(name: str) -> str:
    """A quoted identifier; `%` is doubled, since the driver fills in bound values by that sign."""
    return quote_identifier(name, "mysql").replace("%", "%%")


def _parse_keys(keys: pa.ChunkedArray[pa.StringScalar]) -> list[int | None]:
    """Keys of an integer column as numbers: as text the server would compare them as inexact doubles."""
    return [key if key is None else int(key) for key in keys.to_pylist()]
