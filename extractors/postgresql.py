"""PostgreSQL: one repeatable-read snapshot, copied out whole before the first row is given on.

COPY writes the rows to a scratch file and the connection is given back, so that a slow landing holds no snapshot open
and a broken read gives nothing. Types are exact: where a column holds what its Arrow type cannot (NaN, infinity, years
before 1 or after 9999, wider numbers), which the server is asked in the same snapshot, the column lands as
text. Instants (`timestamptz`) land in UTC. A table of which the account sees a part only (row-level security) is refused:
the rows that it hides would be taken for rows that are gone. In a database that does not know its encoding (`SQL_ASCII`)
text travels as the hex of its bytes and is decoded by the contract.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psycopg
import pyarrow as pa
from psycopg import sql

from contracts.contract import Column, SourceDataset
from core.dialects import arrow_type, quote_identifier
from core.errors import Refused, Unavailable
from core.store.address import ConnectionAddress
from core.store.postgres import Connection as Link
from core.store.postgres import build_conninfo, copy_out, explain_failure
from extractors.base import SOURCE_HASH, Reading, SourceColumn, classify_type, detect_drift
from extractors.databases import read_schema
from extractors.files.encoding import Unreadable, decode_cells

_COLUMNS = """
    select a.attname,
           case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) else format_type(a.atttypid, a.atttypmod) end,
           not a.attnotnull,
           case when getdatabaseencoding() = 'SQL_ASCII' then '' else coalesce(col_description(a.attrelid, a.attnum), '') end
    from pg_attribute a join pg_type t on t.oid = a.atttypid
    where a.attrelid = to_regclass(%s) and a.attnum > 0 and not a.attisdropped
    order by a.attnum
"""
_KEY = """
    select a.attname
    from pg_index i cross join unnest(i.indkey) with ordinality k (attnum, position)
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indexrelid = (
        select u.indexrelid from pg_index u
        where u.indrelid = to_regclass(%s) and u.indisunique and u.indisvalid and u.indpred is null and u.indexprs is null
          and not exists (
            select 1 from pg_attribute n where n.attrelid = u.indrelid and n.attnum = any(u.indkey) and not n.attnotnull
          )
        order by not u.indisprimary, u.indnkeyatts, u.indexrelid limit 1
    ) and k.position <= i.indnkeyatts
    order by k.position
"""
_TABLES = """
    select case when n.nspname = current_schema() then c.relname else n.nspname || '.' || c.relname end
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
      and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
      and {right}(has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select'))
    order by 1
"""
_SETTINGS = (
    "timezone to 'UTC'",
    "datestyle to 'ISO'",
    "intervalstyle to 'postgres'",
    "lock_timeout to '60s'",
    "extra_float_digits to 1",
    "row_security to off",
)
"""The last makes the server refuse a query from which a policy would keep rows, in a view as well."""
_POLICIES = 90_500
"""Since which version there are any."""
_RLS = "check_enable_rls"
"""The server's function that refuses it; its text is in the language of the server."""
_SQL_ASCII = "SQL_ASCII"
_ITS_OWN = {
    "22021": "letters",
    "22P05": "letters",
    "22": "values",
    "42": "query",
    "0A": "query",
    "3F": "query",
    "55000": "query",
    "XX001": "damaged",
    "XX002": "damaged",
    "P0": "function",
    "38": "function",
    "39": "function",
}
"""How SQLSTATE begins -> what is wrong with the table itself, so that no second try mends it (messages under `source`)."""
_BITS = re.compile(r"bit\((\d+)\)")
_MOST_BITS = 63
"""Bits that a whole number of 64 bits holds without a sign."""
_NUMERIC = re.compile(r"numeric\((\d+),(-?\d+)\)")


@dataclass(frozen=True)
class _ColumnSelect:
    """How one column is selected and typed; `unfit` is a condition on values that only fit a text column."""

    name: str
    select: str
    text: str
    type: pa.DataType
    unfit: str = "false"
    unknown: bool = False
    """Whether it comes as the hex of bytes in an encoding that only the contract knows."""

    def as_text(self) -> _ColumnSelect:
        return _ColumnSelect(self.name, self.text, self.text, pa.string())


class PostgresExtractor:
    """Family `postgresql`. The URL goes to the driver as it is, with all its options."""

    family: ClassVar[str] = "postgresql"

    def __init__(self, connection: ConnectionAddress) -> None:
        self._connection = connection
        self._link: Link | None = None

    def list_tables(self) -> list[str]:
        with self._open_snapshot() as link:
            return [str(name) for (name,) in link.execute(_TABLES.format(right="").encode())]

    def list_unreadable_tables(self) -> list[str]:
        with self._open_snapshot() as link:
            return [str(name) for (name,) in link.execute(_TABLES.format(right="not ").encode())]

    @contextlib.contextmanager
    def share_connection(self) -> Iterator[None]:
        with self._open_snapshot() as link:
            self._link = link
            try:
                yield
            finally:
                self._link = None

    def read_columns(self, physical: str, dataset: SourceDataset | None = None) -> list[SourceColumn]:
        with self._open_snapshot(dataset) as link:
            return _read_columns(link, physical)

    def read_primary_key(self, physical: str) -> list[str]:
        with self._open_snapshot() as link:
            return [str(name) for (name,) in link.execute(_KEY, [_quote_table(physical)])]

    @contextlib.contextmanager
    def read(self, dataset: SourceDataset, low: str | None = None) -> Iterator[Reading]:
        watermark = read_schema.watermark_column(dataset)
        where: sql.Composable = sql.SQL("true")
        if low is not None and watermark:
            where = sql.SQL("({name} >= {low} or {name} is null)").format(name=sql.Identifier(watermark), low=sql.Literal(low))
        with self._copy_rows(dataset, lambda _: where, with_hash=read_schema.has_row_hash(dataset, low)) as reading:
            yield reading

    @contextlib.contextmanager
    def read_key_hashes(self, dataset: SourceDataset) -> Iterator[Reading]:
        with self._copy_rows(dataset, lambda _: sql.SQL("true"), read_schema.key_columns(dataset)) as reading:
            yield reading

    @contextlib.contextmanager
    def fetch_rows(self, dataset: SourceDataset, keys: pa.Table) -> Iterator[Reading]:
        names = read_schema.key_columns(dataset)

        def where(link: Link) -> sql.Composable:
            """Bound values would be UTF-8; where nobody knows the encoding, keys are compared by their bytes."""
            blind = _is_sql_ascii(link)
            compared = "encode(convert_to({}::text, 'SQL_ASCII'), 'hex')" if blind else "{}::text"
            given = [_encode_keys(keys[name], dataset.encoding) if blind else keys[name].to_pylist() for name in names]
            return sql.SQL("({names}) in (select * from unnest({values}))").format(
                names=sql.SQL(", ").join(sql.SQL(compared).format(sql.Identifier(name)) for name in names),
                values=sql.SQL(", ").join(sql.SQL("{}::text[]").format(sql.Literal(values)) for values in given),
            )

        with self._copy_rows(dataset, where) as reading:
            yield reading

    @contextlib.contextmanager
    def _copy_rows(
        self,
        dataset: SourceDataset,
        condition: Callable[[Link], sql.Composable],
        only: Sequence[str] | None = None,
        *,
        with_hash: bool = True,
    ) -> Iterator[Reading]:
        """The rows under a condition, already copied out: the contract's columns or `only` some, then the hash."""
        with tempfile.TemporaryDirectory(prefix="hub-") as scratch:
            with self._open_snapshot(dataset) as link:
                cells, where = _select_columns(link, dataset), condition(link)
                table = sql.SQL(_quote_table(dataset.physical))
                query = sql.SQL("select count(*), {unfit} from {table} where {where}").format(
                    unfit=sql.SQL(", ".join(f"bool_or({cell.unfit})" for cell in cells)), table=table, where=where
                )
                ((count, *unfit),) = link.execute(query)
                shown = [cell.as_text() if bad else cell for cell, bad in zip(cells, unfit, strict=True)]
                chosen = shown if only is None else [cell for name in only for cell in shown if cell.name == name]
                chosen = [*chosen, _select_hash(cells)] if with_hash else chosen
                schema = pa.schema([pa.field(cell.name, cell.type) for cell in chosen])
                query = sql.SQL("select {cells} from {table} where {where} order by {order}").format(
                    cells=sql.SQL(", ".join(cell.select for cell in chosen)),
                    table=table,
                    where=where,
                    order=sql.SQL(", ").join(map(sql.Identifier, read_schema.order_columns(dataset))),
                )
                high = _read_high(link, dataset)
                reader = copy_out(link, query.as_string(link), schema, Path(scratch) / "rows.csv")
            with reader:
                batches = read_schema.slice_batches(reader)
                if any(cell.unknown for cell in chosen):
                    batches = _decode_batches(batches, chosen, dataset)
                yield Reading(schema, batches, int(str(count)), high)

    @contextlib.contextmanager
    def _open_snapshot(self, dataset: SourceDataset | None = None) -> Iterator[Link]:
        if self._link is not None:
            yield self._link
            return
        where, owner = (dataset.id, dataset.owner) if dataset else (self._connection.id, self._connection.id)
        address = build_conninfo(self._connection, connect_timeout=10)
        try:
            link = psycopg.connect(address, client_encoding="utf8")
        except psycopg.Error as error:
            facts = explain_failure(error, self._connection)
            raise Unavailable("HUB202", where, **facts, connection=self._connection.id, owner=owner) from None
        with contextlib.closing(link):
            try:
                link.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                link.read_only = True
                for setting in _SETTINGS[: None if link.info.server_version >= _POLICIES else -1]:
                    link.execute(f"set local {setting}".encode())
                yield link
            except psycopg.errors.InsufficientPrivilege as error:
                table = dataset.physical if dataset else "pg_catalog"
                partly = error.diag.source_function == _RLS
                raise Refused("HUB329" if partly else "HUB309", where, table=table, owner=owner) from None
            except psycopg.Error as error:
                word = next((word for start, word in _ITS_OWN.items() if (error.sqlstate or "").startswith(start)), None)
                if word is None:
                    raise Unavailable("HUB203", where, **explain_failure(error)) from None
                columns = _find_undecodable(link, dataset) if word == "letters" and dataset else ""
                facts = {"reason": str(error.sqlstate), "reason_key": f"source.{word}", "columns": columns}
                raise Refused("HUB332", where, **facts, table=dataset.physical if dataset else where, owner=owner) from None


def _find_undecodable(link: Link, dataset: SourceDataset) -> str:
    """The columns of which the server cannot make UTF-8; it does not say so itself, so each is asked for by itself."""
    found = []
    for column in dataset.columns:
        name = quote_identifier(column.physical, "postgresql")
        query = f"select count(convert_to({name}::text, 'UTF8')) from {_quote_table(dataset.physical)}"
        try:
            link.rollback()
            link.execute(query.encode())
        except psycopg.errors.DataError:
            found.append(column.physical)
        except psycopg.Error:  # it has been told already why the reading failed
            break
    return ", ".join(found) or "?"


def _read_columns(link: Link, physical: str) -> list[SourceColumn]:
    return [
        SourceColumn(str(name), str(kind), _classify_type(str(kind)), bool(nullable), str(title))
        for name, kind, nullable, title in link.execute(_COLUMNS, [_quote_table(physical)])
    ]


def _select_columns(link: Link, dataset: SourceDataset) -> list[_ColumnSelect]:
    """The contract's columns in order.

    Raises:
        Refused: HUB301 to HUB303 when the table has drifted from its contract.
    """
    seen = _read_columns(link, dataset.physical)
    detect_drift(dataset, seen)
    by_name = {column.name: column for column in seen}
    return [_select_column(column, by_name[column.physical].type, unknown=_is_sql_ascii(link)) for column in dataset.columns]


def _is_sql_ascii(link: Link) -> bool:
    """Whether the database takes any bytes for text."""
    return link.info.parameter_status("server_encoding") == _SQL_ASCII


def _encode_keys(keys: pa.ChunkedArray[pa.StringScalar], encoding: str | None) -> list[str | None]:
    return [key if key is None else key.encode(encoding or "utf-8").hex() for key in keys.to_pylist()]


def _count_bits(source: str) -> int:
    """How many bits a value of this type has, 0 when it is none that a number can be made of."""
    found = _BITS.fullmatch(source)
    return int(found[1]) if found and int(found[1]) <= _MOST_BITS else 0


def _classify_type(source: str) -> str:
    """The family of a type; bits in numbers that differ, or more of them than a number has, are text."""
    return "any" if source.startswith("bit") and not _count_bits(source) else classify_type(source)


def _select_column(column: Column, source: str, *, unknown: bool) -> _ColumnSelect:
    name = quote_identifier(column.physical, "postgresql")
    if source == "money":
        name = f"{name}::numeric"
    if column.type.name == "integer" and _count_bits(source):
        name, source = f"{name}::bigint", "bigint"  # its text is the digits of the bits
    text = f"{name}::text"
    if source in {"boolean", "smallint", "integer", "bigint"}:
        return _ColumnSelect(column.physical, name, text, pa.bool_() if source == "boolean" else pa.int64())
    if source.startswith("numeric") and column.type.name == "number" and _may_fit(column, source):
        scale, limit = column.type.scale, "1" + "0" * (column.type.precision - column.type.scale)
        # NaN and infinity count as larger than any number
        return _ColumnSelect(
            column.physical, name, text, arrow_type(column.type), f"abs({name}) >= {limit} or {name} <> round({name}, {scale})"
        )
    if source in {"date", "timestamp without time zone", "timestamp with time zone"} or source.startswith("timestamp("):
        instant = f"({name} at time zone 'UTC')" if source.endswith("with time zone") else name
        kind = pa.date32() if source == "date" else pa.timestamp("us")
        return _ColumnSelect(
            column.physical, instant, f"{instant}::text", kind, f"not ({instant} >= '0001-01-01' and {instant} < '10000-01-01')"
        )
    if source == "bytea":
        text = f"encode({name}, 'hex')"
    elif unknown:
        return _ColumnSelect(
            column.physical, f"encode(convert_to({text}, '{_SQL_ASCII}'), 'hex')", text, pa.string(), unknown=True
        )
    return _ColumnSelect(column.physical, text, text, pa.string())


def _decode_batches(
    batches: Iterator[pa.RecordBatch], cells: Sequence[_ColumnSelect], dataset: SourceDataset
) -> Iterator[pa.RecordBatch]:
    """The batches with text for its hex.

    Raises:
        Refused: HUB304 for text that is not in the contract's encoding, HUB328 for text in none where the contract names none.
    """
    unreadable = Unreadable()
    for batch in batches:
        failed: set[int] = set()
        columns = []
        for cell, column in zip(cells, batch.columns, strict=True):
            if cell.unknown:
                held = [None if value is None else bytes.fromhex(value) for value in column.to_pylist()]
                column, bad = decode_cells(held, dataset.encoding or "ascii")
                if bad:
                    unreadable.note_column(cell.name, "" if dataset.encoding else _SQL_ASCII)
                    failed |= bad
            columns.append(column)
        unreadable.rows += len(failed)
        if not unreadable.rows:
            yield pa.RecordBatch.from_arrays(columns, schema=batch.schema)
    if unreadable.rows:
        raise unreadable.build_refusal(dataset)


def _may_fit(column: Column, source: str) -> bool:
    """Whether a numeric may be exact in the contract's type: by its declared size, or by its values when it declares none."""
    declared = _NUMERIC.fullmatch(source)
    return declared is None or read_schema.fits_exactly(column, int(declared[1]), max(int(declared[2]), 0))


def _select_hash(cells: Sequence[_ColumnSelect]) -> _ColumnSelect:
    """MD5 over every cell as text; NULL and the space between cells are control characters."""
    texts = ", ".join(cell.text for cell in cells)
    expression = f"md5(array_to_string(array[{texts}], chr(31), chr(30)))"  # concat_ws takes at most 100 arguments
    return _ColumnSelect(SOURCE_HASH, expression, expression, pa.string())


def _read_high(link: Link, dataset: SourceDataset) -> str | None:
    watermark = read_schema.watermark_column(dataset)
    if not watermark:
        return None
    table = sql.SQL(_quote_table(dataset.physical))
    ((high,),) = link.execute(sql.SQL("select max({})::text from {}").format(sql.Identifier(watermark), table))
    return None if high is None else str(high)


def _quote_table(physical: str) -> str:
    """The quoted name: `table` is found by the account's search path, `other.table` names its schema."""
    return ".".join(quote_identifier(part, "postgresql") for part in physical.rpartition(".") if part not in {"", "."})
