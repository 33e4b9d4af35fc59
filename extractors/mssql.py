"""SQL Server 2008 and newer: moments, decimals and integers as the driver's own values, the rest as text by the server.

Text of a one-byte collation that holds no Chinese is taken as bytes and decoded as the contract says. The row hash is the
server's MD5 where it hashes any length (2016 and newer), and is computed here elsewhere. Instants
(`datetimeoffset`) are read in UTC.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import ClassVar

import pyarrow as pa

from contracts.contract import Column
from core.dialects import arrow_type
from extractors.base import SourceColumn, classify_type
from extractors.databases import read_schema
from extractors.databases.cursor import ColumnInfo, ColumnSelect, CursorExtractor, Session, read_rows
from extractors.databases.mssql_session import PLACEHOLDER, open_snapshot

_TABLES = """
    select case when TABLE_SCHEMA = schema_name() then TABLE_NAME else TABLE_SCHEMA + '.' + TABLE_NAME end
    from INFORMATION_SCHEMA.TABLES
    order by 1
"""
_COLUMNS = f"""
    select COLUMN_NAME, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, IS_NULLABLE, COLLATION_NAME
    from INFORMATION_SCHEMA.COLUMNS
    where TABLE_SCHEMA = coalesce({PLACEHOLDER}, schema_name()) and TABLE_NAME = {PLACEHOLDER}
    order by ORDINAL_POSITION
"""
_TITLES = f"""
    select c.name, convert(nvarchar(4000), p.value)
    from sys.extended_properties p
    join sys.columns c on c.object_id = p.major_id and c.column_id = p.minor_id
    where p.name = 'MS_Description' and p.major_id = object_id({PLACEHOLDER})
"""
_KEY = f"""
    select k.COLUMN_NAME
    from INFORMATION_SCHEMA.KEY_COLUMN_USAGE k
    join INFORMATION_SCHEMA.TABLE_CONSTRAINTS c on c.CONSTRAINT_NAME = k.CONSTRAINT_NAME and c.TABLE_NAME = k.TABLE_NAME
        and c.TABLE_SCHEMA = k.TABLE_SCHEMA
    where c.CONSTRAINT_TYPE = 'PRIMARY KEY' and k.TABLE_SCHEMA = coalesce({PLACEHOLDER}, schema_name())
        and k.TABLE_NAME = {PLACEHOLDER}
    order by k.ORDINAL_POSITION
"""
_SIZED = {"char", "varchar", "nchar", "nvarchar", "binary", "varbinary"}
_NARROW = {"char", "varchar", "text"}
_UNSORTED = {"text", "ntext", "image", "xml"}
_CHINESE_COLLATION = re.compile(r"^Chinese_|_UTF8$")


class MssqlExtractor(CursorExtractor):
    """Family `mssql`. Options of the URL: `tds_version` (7.4 unless said)."""

    family: ClassVar[str] = "mssql"
    keys_at_once: ClassVar[int] = 200

    @contextlib.contextmanager
    def open_snapshot(self, where: str, owner: str) -> Iterator[Session]:
        with open_snapshot(self.connection, where, owner) as session:
            yield session

    def list_tables(self) -> list[str]:
        with self.open_session() as session:
            return [name for (name,) in read_rows(session, _TABLES)]

    def read_primary_key(self, physical: str) -> list[str]:
        with self.open_session() as session:
            return [name for (name,) in read_rows(session, _KEY, _split_name(physical))]

    def describe_table(self, session: Session, physical: str) -> list[ColumnInfo]:
        found = read_rows(session, _COLUMNS, _split_name(physical))
        titles = dict(read_rows(session, _TITLES, [self.quote_table(physical)])) if found else {}
        return [
            ColumnInfo(
                _build_column(name, kind, (size, precision, scale), nullable, titles),
                precision or 0,
                scale or 0,
                collation or "",
            )
            for name, kind, size, precision, scale, nullable, collation in found
        ]

    def select_column(self, column: Column, seen: ColumnInfo, encoding: str | None) -> ColumnSelect:
        name, kind = self.quote_name(column.physical), seen.column.type.partition("(")[0]
        blind = kind in _NARROW and not _CHINESE_COLLATION.search(seen.charset)
        ordered = kind not in _UNSORTED
        if seen.column.kind == "bytes" or (encoding and blind):
            raw = name if kind in {"binary", "varbinary"} else f"convert(varbinary(max), {name})"
            text = f"convert(nvarchar(max), convert(varbinary(max), {name}), 2)"
            return ColumnSelect(column.physical, raw, text, pa.string(), pa.binary(), encoding, ordered=ordered)
        typed = _select_typed(column, seen, name, kind)
        if typed:
            return typed
        select = {
            "char": f"rtrim({name})",
            "nchar": f"rtrim({name})",
            "varchar": name,
            "nvarchar": name,
            "time": f"convert(nvarchar(16), {name}, 121)",
            "uniqueidentifier": f"lower(convert(nvarchar(36), {name}))",
            "money": f"convert(nvarchar(30), {name}, 2)",
            "smallmoney": f"convert(nvarchar(30), {name}, 2)",
        }.get(kind, f"convert(nvarchar(max), {name})")
        said = seen.charset if blind else ""
        return ColumnSelect(
            column.physical, select, f"convert(nvarchar(max), {select})", pa.string(), ordered=ordered, charset=said
        )

    def build_window_start(self, seen: ColumnInfo, mark: str) -> str:
        return f"convert(datetime2(7), {mark})" if seen.column.kind in {"timestamp", "date"} else mark

    def write_placeholder(self, place: int) -> str:
        return PLACEHOLDER

    def build_key_condition(self, names: Sequence[str], rows: int) -> str:
        if len(names) == 1:
            return f"{names[0]} in ({', '.join([PLACEHOLDER] * rows)})"
        row = " and ".join(f"{name} = {PLACEHOLDER}" for name in names)
        return "(" + " or ".join([f"({row})"] * rows) + ")"


def _select_typed(column: Column, seen: ColumnInfo, name: str, kind: str) -> ColumnSelect | None:
    """Columns that travel as values: the driver and Arrow hold all that the server can."""
    physical = column.physical
    text = f"convert(nvarchar(60), {name})"
    if seen.column.kind == "boolean":
        return ColumnSelect(physical, name, text, pa.bool_())
    if seen.column.kind == "integer":
        return ColumnSelect(physical, name, text, pa.int64())
    if kind in {"decimal", "numeric"} and read_schema.fits_exactly(column, seen.precision, seen.scale):
        return ColumnSelect(physical, name, text, arrow_type(column.type))
    if kind in {"float", "real"}:
        exact = f"convert(nvarchar(20), convert(varbinary(8), {name}), 2)"
        return ColumnSelect(physical, name, exact, pa.string(), pa.float32() if kind == "real" else pa.float64())
    if kind == "date":
        return ColumnSelect(physical, name, f"convert(nvarchar(10), {name}, 23)", pa.date32())
    if seen.column.kind == "timestamp":
        moment = f"convert(datetime2(7), switchoffset({name}, '+00:00'))" if kind == "datetimeoffset" else name
        return ColumnSelect(physical, moment, f"convert(nvarchar(33), {moment}, 121)", pa.timestamp("us"))
    return None


def _build_column(
    name: str, kind: str, sizes: tuple[int | None, int | None, int | None], nullable: str, titles: dict[str, str]
) -> SourceColumn:
    size, precision, scale = sizes
    spelled = kind
    if kind in _SIZED and size is not None:
        spelled = f"{kind}({'max' if size < 0 else size})"
    elif kind in {"decimal", "numeric"}:
        spelled = f"{kind}({precision},{scale})"
    elif kind == "timestamp":  # the old name of a row's version, which is no moment
        spelled = "rowversion"
    return SourceColumn(name, spelled, classify_type(spelled), nullable == "YES", titles.get(name, ""))


def _split_name(physical: str) -> tuple[str | None, str]:
    """Schema and table: `table` is in the account's own schema, `other.table` names another."""
    schema, _, table = physical.rpartition(".")
    return schema or None, table
