"""Oracle 11g to 23ai: numbers and moments as the driver's Arrow columns where they are exact, the rest as text by the server.

A NUMBER without a size may hold anything, so the server is asked in the same snapshot whether the contract's type holds
it all. A DATE has a time of day. Empty text is NULL. Old databases say that they hold US7ASCII and hold the bytes of
whatever the application wrote: those columns are read as bytes and decoded as the contract says. Instants are read in
UTC.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import ClassVar

import pyarrow as pa

from contracts.contract import Column
from core.dialects import LogicalType, arrow_type
from extractors.base import SourceColumn, classify_type
from extractors.databases import read_schema
from extractors.databases.cursor import ColumnInfo, ColumnSelect, CursorExtractor, Session, read_rows
from extractors.databases.oracle_session import open_snapshot

_OWN_SCHEMA = "coalesce(:b1, sys_context('USERENV', 'CURRENT_SCHEMA'))"
_SYSTEM_SCHEMAS = (
    "'SYS', 'SYSTEM', 'XDB', 'CTXSYS', 'MDSYS', 'ORDSYS', 'ORDDATA', 'WMSYS', 'EXFSYS', 'DBSNMP', 'OUTLN', 'OLAPSYS', 'SYSMAN',"
    " 'APEX_030200', 'FLOWS_FILES', 'GSMADMIN_INTERNAL', 'LBACSYS', 'DVSYS', 'AUDSYS', 'OJVMSYS', 'PUBLIC'"
)
_TABLES = f"""
    select case when owner = sys_context('USERENV', 'CURRENT_SCHEMA') then name else owner || '.' || name end
    from (
        select owner, table_name as name from all_tables where nested = 'NO' and secondary = 'N'
        union select owner, view_name from all_views
    )
    where owner not in ({_SYSTEM_SCHEMAS}) and name not like 'BIN$%'
    order by 1
"""
_COLUMNS = f"""
    select c.column_name, c.data_type, c.char_length, c.data_precision, c.data_scale, c.nullable || m.comments
    from all_tab_columns c
    left join all_col_comments m on m.owner = c.owner and m.table_name = c.table_name and m.column_name = c.column_name
    where c.owner = {_OWN_SCHEMA} and c.table_name = :b2
    order by c.column_id
"""
_KEY = f"""
    select k.column_name
    from all_constraints c
    join all_cons_columns k on k.owner = c.owner and k.constraint_name = c.constraint_name
    where c.constraint_type = 'P' and c.owner = {_OWN_SCHEMA} and c.table_name = :b2
    order by k.position
"""
_BLIND = re.compile(r"US7ASCII|WE8|EE8")
"""Character sets that hold no Chinese."""
_TEXTS = {"CHAR", "VARCHAR2", "NCHAR", "NVARCHAR2"}
_MOMENTS = "not ({name} >= date '0001-01-01' and {name} < date '9999-12-31' + 1)"


class OracleExtractor(CursorExtractor):
    """Family `oracle`. The URL's path is the service name. Options: `sid`, `dsn`, `protocol` (tcp or tcps), `mode=thick` and
    `lib_dir`."""

    family: ClassVar[str] = "oracle"

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
        charset = str(getattr(session, "charset", ""))
        found = read_rows(session, _COLUMNS, _split_name(physical))
        return [
            _describe_column(name, kind, [_parse_size(size) for size in sizes], charset, words)
            for name, kind, *sizes, words in found
        ]

    def select_column(self, column: Column, seen: ColumnInfo, encoding: str | None) -> ColumnSelect:
        name, kind = self.quote_name(column.physical), seen.column.type.partition("(")[0]
        if kind in _TEXTS:
            value = f"rtrim({name})" if kind in {"CHAR", "NCHAR"} else name
            said = seen.charset if _BLIND.match(seen.charset) and not kind.startswith("N") else ""
            if encoding and said:
                return _select_raw(column, name, value, encoding)
            return ColumnSelect(column.physical, value, value, pa.string(), key=value, charset=said)
        if seen.column.kind == "number":
            return _select_number(column, seen, name, kind)
        if seen.column.kind in {"date", "timestamp"}:
            return _select_moment(column, seen, name)
        return _select_other(column, name, kind)

    def build_window_start(self, seen: ColumnInfo, mark: str) -> str:
        if seen.column.kind not in {"date", "timestamp"}:
            return mark
        low = f"to_timestamp(substr({mark} || '.000000', 1, 26), 'YYYY-MM-DD HH24:MI:SS.FF6')"
        return f"from_tz({low}, 'UTC')" if "TIME ZONE" in seen.column.type else low

    def write_placeholder(self, place: int) -> str:
        return f":b{place}"

    def build_key_condition(self, names: Sequence[str], rows: int) -> str:
        width = len(names)
        tuples = [
            f"({', '.join(self.write_placeholder(row * width + place) for place in range(1, width + 1))})"
            for row in range(rows)
        ]
        return f"({', '.join(names)}) in ({', '.join(tuples)})"


def _select_raw(column: Column, name: str, value: str, encoding: str) -> ColumnSelect:
    """Text as its bytes, in two halves: a RAW in a statement ends at 2,000 bytes and a text at 4,000."""
    halves = [f"to_clob(rawtohex(utl_raw.cast_to_raw(substrb({name}, {start}, 2000))))" for start in (1, 2001)]
    return ColumnSelect(column.physical, " || ".join(halves), value, pa.string(), pa.string(), encoding)


def _select_number(column: Column, seen: ColumnInfo, name: str, kind: str) -> ColumnSelect:
    if kind.startswith("BINARY_"):
        wire = pa.float32() if kind == "BINARY_FLOAT" else pa.float64()
        return ColumnSelect(column.physical, name, f"to_char({name}, 'TM9')", pa.string(), wire)
    text = f"to_char({name}, 'TM9', 'NLS_NUMERIC_CHARACTERS=''.,''')"
    whole = column.type.name in {"integer", "boolean"}
    wanted = LogicalType("number", precision=18, scale=0) if whole else column.type
    if wanted.name != "number":
        return ColumnSelect(column.physical, text, text, pa.string(), key=name)
    declared = kind == "NUMBER" and seen.precision > 0
    sure = declared and read_schema.fits_exactly(Column("", "", "", wanted), seen.precision, max(seen.scale, 0))
    limit = "1" + "0" * (wanted.precision - wanted.scale)
    return ColumnSelect(
        column.physical,
        f"cast({name} as number({wanted.precision},{wanted.scale}))",
        text,
        pa.int64() if whole else arrow_type(wanted),
        unfit=None if sure else f"abs({name}) >= {limit} or {name} <> round({name}, {wanted.scale})",
        key=name,
    )


def _select_moment(column: Column, seen: ColumnInfo, name: str) -> ColumnSelect:
    kind = seen.column.type
    if "LOCAL TIME ZONE" in kind:
        name = f"cast({name} as timestamp(6))"
    elif "TIME ZONE" in kind:
        name = f"cast(sys_extract_utc({name}) as timestamp(6))"
    elif kind != "DATE" and seen.scale > 6:
        name = f"cast({name} as timestamp(6))"
    digits = "" if kind == "DATE" else ".FF6"
    text = f"to_char({name}, 'SYYYY-MM-DD HH24:MI:SS{digits}')"
    return ColumnSelect(column.physical, name, f"ltrim({text})", pa.timestamp("us"), unfit=_MOMENTS.format(name=name), key=name)


def _select_other(column: Column, name: str, kind: str) -> ColumnSelect:
    physical = column.physical
    if kind == "RAW":
        return ColumnSelect(physical, f"lower(rawtohex({name}))", f"rawtohex({name})", pa.string())
    if kind in {"BLOB", "LONG RAW"}:
        return ColumnSelect(physical, name, name, pa.string(), pa.binary(), ordered=False, hashed=False)
    if kind in {"CLOB", "NCLOB", "LONG"}:
        return ColumnSelect(physical, name, name, pa.string(), ordered=False, hashed=False)
    if kind == "XMLTYPE":
        content = f"xmlserialize(content {name} as clob)"
        return ColumnSelect(physical, content, content, pa.string(), ordered=False, hashed=False)
    text = f"rowidtochar({name})" if kind == "ROWID" else f"to_char({name})"
    return ColumnSelect(physical, text, text, pa.string())


def _describe_column(name: str, kind: str, sizes: Sequence[int | None], charset: str, words: str) -> ColumnInfo:
    """A column of the catalogue; `words` is Y or N for nullable, then its comment."""
    length, precision, scale = sizes
    spelled = kind
    if kind in _TEXTS:
        spelled = f"{kind}({length})"
    elif kind == "NUMBER" and precision is not None:
        spelled = f"NUMBER({precision},{scale or 0})"
    column = SourceColumn(name, spelled, classify_type(spelled), words.startswith("Y"), words[1:])
    return ColumnInfo(column, precision or 0, scale or 0, charset)


def _parse_size(size: object) -> int | None:
    """A size of the catalogue, which comes as a decimal."""
    return None if size is None else int(str(size).partition(".")[0])


def _split_name(physical: str) -> tuple[str | None, str]:
    """Schema and table: `TABLE` is in the account's own schema, `OTHER.TABLE` names another."""
    schema, _, table = physical.rpartition(".")
    return schema or None, table
