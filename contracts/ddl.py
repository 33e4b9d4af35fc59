"""CREATE statements compiled from contracts, so that a column's name, type and title are written once, in the contract.

Two kinds of table come from here: a receiver's table (columns by their physical names, in the receiver's engine), and the
hub's own table of history with its views (columns by their canonical names, in the engine of the hub).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from contracts.contract import Column, Entity
from core.dialects import HUB_ENGINE, quote_identifier, spell_sql_type

_PROVENANCE_COLUMNS: Mapping[str, tuple[str, str]] = {
    "source_system": ("text", "来源系统"),
    "source_key": ("text", "来源主键"),
    "batch_id": ("text", "批次号"),
    "row_hash": ("text", "行摘要(md5)"),
    "from_version": ("bigint not null", "起始版本"),
    "to_version": ("bigint", "终止版本(空为现行)"),
}
_NO_EXTRA_COLUMNS: Mapping[str, str] = MappingProxyType({})


def compile_create_table(
    table: str, columns: Sequence[Column], key: Sequence[str], engine: str, extra: Mapping[str, str] = _NO_EXTRA_COLUMNS
) -> str:
    """CREATE TABLE of a receiver's table: the columns by their physical names, then `extra`, and the primary key.

    Args:
        table: `staff` or `schema.staff`.
        key: canonical names of the key columns. Only they are NOT NULL: what else is required is checked before delivery.
        engine: a name that `core.dialects.spelling` knows.
        extra: further columns, name -> type as the engine spells it.
    """
    lines = [
        f"{quote_identifier(column.physical, engine)} {spell_sql_type(column.type, engine)}{_spell_not_null(column, key)}"
        for column in columns
    ]
    lines += [f"{quote_identifier(name, engine)} {kind}" for name, kind in extra.items()]
    by_name = {column.name: column.physical for column in columns}
    lines.append(f"primary key ({', '.join(quote_identifier(by_name[name], engine) for name in key)})")
    return f"create table {quote_table_name(table, engine)} ({', '.join(lines)})"


def compile_comments(table: str, title: str, columns: Sequence[Column], engine: str) -> list[str]:
    """COMMENT ON statements that carry the Chinese titles, for an engine that has them as statements of their own."""
    place = quote_table_name(table, engine)
    return [f"comment on table {place} is {_quote_text(title)}"] + [
        f"comment on column {place}.{quote_identifier(column.physical, engine)} is {_quote_text(column.title)}"
        for column in columns
    ]


def quote_table_name(table: str, engine: str) -> str:
    """A table's name in quotes, each part of `schema.table` by itself."""
    return ".".join(quote_identifier(part, engine) for part in table.split("."))


def compile_hub_table(entity: Entity) -> list[str]:
    """Statements that make `hub.<entity>`: business columns, provenance, versions, the indexes that keep the cost of a publish,
    a delta and a rollback at what changed, and the trigger that counts who writes to it (`ops.hub_write`)."""
    table = _hub_name("hub", entity.name)
    lines = [f"{_quote_name(column.name)} {spell_sql_type(column.type, HUB_ENGINE)}" for column in entity.columns]
    lines += [f"{column} {kind}" for column, (kind, _) in _PROVENANCE_COLUMNS.items()]
    return [
        "create schema if not exists hub",
        f"create table {table} ({', '.join(lines)})",
        *compile_hub_indexes(entity).values(),
        f"create trigger note_hub_write after insert or update or delete or truncate on {table}"
        " for each statement execute function ops.note_hub_write()",
        f"comment on table {table} is {_quote_text(entity.title)}",
        *(_compile_comment(table, column.name, column.title) for column in entity.columns),
        *(_compile_comment(table, column, title) for column, (_, title) in _PROVENANCE_COLUMNS.items()),
    ]


def lookup_column(entity: Entity) -> str:
    """The column by which a current row is found for a key as text: a key of one text column is that text itself, and needs
    no index besides its own."""
    whole = len(entity.key) == 1 and entity.column(entity.key[0]).type.name == "string"
    return entity.key[0] if whole else "source_key"


def compile_hub_indexes(entity: Entity) -> dict[str, str]:
    """The indexes of `hub.<entity>`: quoted name with its schema -> the statement that makes it."""
    table, key = _hub_name("hub", entity.name), ", ".join(_quote_name(column) for column in entity.key)
    kinds = {
        "current": ("unique index", f"({key}) where to_version is null"),
        **({} if lookup_column(entity) in entity.key else {"source": ("index", "(source_key) where to_version is null")}),
        "history": ("index", f"({key}, from_version)"),
        "from": ("index", "(from_version)"),
        "to": ("index", "(to_version) where to_version is not null"),
    }
    return {
        _hub_name("hub", f"{entity.name}__{kind}"): f"create {what} {_quote_name(f'{entity.name}__{kind}')} on {table} {on}"
        for kind, (what, on) in kinds.items()
    }


def compile_added_columns(entity: Entity, existing: Sequence[str]) -> list[str]:
    """Statements that add the contract's new columns to `hub.<entity>`; rows of earlier versions have NULL in them.

    Empty when the table has them all. A column that left the contract keeps its history and is not touched.
    """
    table = _hub_name("hub", entity.name)
    new = [column for column in entity.columns if column.name not in existing]
    return [
        f"alter table {table} add column {_quote_name(column.name)} {spell_sql_type(column.type, HUB_ENGINE)}" for column in new
    ] + [_compile_comment(table, column.name, column.title) for column in new]


def compile_hub_views(entity: Entity) -> list[str]:
    """Statements that make `hub_current.<entity>` (what is true now) and `hub_at.<entity>` (what was true in the version
    that the session setting `hub.version` names): business columns, then `source_system`.

    The views are dropped first, since a column cannot be put into the middle of one: run them only when the contract changed.
    """
    table = _hub_name("hub", entity.name)
    names = ", ".join([*(_quote_name(column.name) for column in entity.columns), "source_system"])
    version = "current_setting('hub.version')::bigint"
    conditions = {
        "hub_current": "to_version is null",
        "hub_at": f"from_version <= {version} and (to_version is null or to_version > {version})",
    }
    statements: list[str] = []
    for schema, condition in conditions.items():
        view = _hub_name(schema, entity.name)
        statements += [
            f"create schema if not exists {schema}",
            f"drop view if exists {view}",
            f"create view {view} as select {names} from {table} where {condition}",
            f"comment on view {view} is {_quote_text(entity.title)}",
            *(_compile_comment(view, column.name, column.title) for column in entity.columns),
        ]
    return statements


def _spell_not_null(column: Column, key: Sequence[str]) -> str:
    return " not null" if column.name in key else ""


def _hub_name(schema: str, entity: str) -> str:
    return f"{schema}.{_quote_name(entity)}"


def _quote_name(name: str) -> str:
    return quote_identifier(name, HUB_ENGINE)


def _compile_comment(table: str, column: str, title: str) -> str:
    return f"comment on column {table}.{_quote_name(column)} is {_quote_text(title)}"


def _quote_text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
