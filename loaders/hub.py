"""The versioned store: every entity one table of history, changed by one transaction per publish.

A row is true in version V when `from_version <= V and (to_version is null or to_version > V)`. Only deltas are sent; what
a publish costs follows what changed, not what is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from contracts import ddl
from contracts.contract import Entity
from core import faults
from core.dialects import arrow_type
from core.errors import HubError
from core.settings import get_settings
from core.store import postgres
from core.store.ledger import LOCK_PUBLISH, Ledger

_DELTA_TABLE = sql.Identifier("delta")
_FIRST_LOAD_ROWS = 20_000
"""Rows from which on making indexes at once is worth taking them away first."""


@dataclass(frozen=True)
class EntityChange:
    """What a publish does to one entity: a Parquet delta, its counts, and the stray writes that it was compared after."""

    entity: Entity
    delta: Path
    before: int
    inserts: int
    updates: int
    deletes: int
    stray_writes: int

    @property
    def size(self) -> int:
        return self.inserts + self.updates + self.deletes


def prepare_tables(ledger: Ledger, entities: Sequence[Entity]) -> dict[str, HubError]:
    """Create or extend the tables and views of the entities, in one transaction. Returns the entities whose tables could not be
    made as their contract says, and why: those are as they were before."""
    failed: dict[str, HubError] = {}
    with ledger.transaction() as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK_PUBLISH])
        existing: dict[str, list[str]] = {}
        for table, column in connection.execute(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = 'hub' order by ordinal_position"
        ).fetchall():
            existing.setdefault(str(table), []).append(str(column))
        for entity in entities:
            try:
                _prepare_table(connection, entity, existing.get(entity.name))
            except BaseException as error:
                if faults.is_exit(error) or connection.closed:
                    raise
                failed[entity.name] = faults.wrap_error(error, "publish", entity.name)
    return failed


def _prepare_table(connection: postgres.Connection, entity: Entity, present: list[str] | None) -> None:
    """Make one entity's table, or give it the columns that it lacks; what fails is undone for this one."""
    statements = ddl.compile_hub_table(entity) if present is None else ddl.compile_added_columns(entity, present)
    if present is None or statements:
        with connection.transaction():
            for statement in [*statements, *ddl.compile_hub_views(entity)]:
                connection.execute(statement.encode())


def build_schema(entity: Entity, extra: Mapping[str, pa.DataType] | None = None) -> pa.Schema:
    """The Arrow schema of an entity's business columns, then `extra`."""
    fields = [(column.name, arrow_type(column.type)) for column in entity.columns]
    return pa.schema([*fields, *(extra or {}).items()])


def count_stray_writes(connection: postgres.Connection, entity: Entity) -> int:
    """How many statements have written to the entity's table besides publishes that knew of it, by the count of its trigger."""
    row = connection.execute("select statements from ops.hub_write where entity = %s", [entity.name]).fetchone()
    return int(str(row[0])) if row else 0


def read_current_keys(connection: postgres.Connection, entity: Entity, scratch: Path) -> pa.RecordBatchReader:
    """`source_key, source_system, row_hash` of every current row."""
    schema = pa.schema({"source_key": pa.string(), "source_system": pa.string(), "row_hash": pa.string()})
    query = f"select source_key, source_system, row_hash from hub.{entity.name} where to_version is null"
    return postgres.copy_out(connection, query, schema, scratch)


def read_current_rows(connection: postgres.Connection, entity: Entity, keys: pa.Table, scratch: Path) -> pa.RecordBatchReader:
    """The current rows with the given `source_key`s: business columns, then `source_system`, `source_key`."""
    connection.execute("create temporary table wanted (source_key text) on commit drop")
    postgres.copy_in(connection, sql.Identifier("wanted"), ["source_key"], keys.to_reader())
    columns = ", ".join(f"h.{column.name}" for column in entity.columns)
    query = (
        f"select {columns}, h.source_system, h.source_key from hub.{entity.name} h"
        f" join wanted w on w.source_key = h.{ddl.lookup_column(entity)} where h.to_version is null"
    )
    return postgres.copy_out(
        connection, query, build_schema(entity, dict.fromkeys(("source_system", "source_key"), pa.string())), scratch
    )


def apply_change(connection: postgres.Connection, change: EntityChange, version: int, batch_id: str) -> tuple[int, int]:
    """Apply one delta as version `version` in the caller's transaction; returns rows inserted and rows closed.

    The delta has `op` (I, U or D), the business columns, `source_system`, `source_key` and `row_hash`; a D row needs only
    its `source_key`.
    """
    entity = change.entity
    unseen = count_stray_writes(connection, entity) - change.stray_writes
    if change.inserts >= _FIRST_LOAD_ROWS and _is_empty(connection, entity):
        counts = _load_first(connection, change, version, batch_id), 0
    else:
        counts = _merge_delta(connection, change, version, batch_id)
    connection.execute("update ops.hub_write set statements = %s where entity = %s", [unseen, entity.name])
    return counts


def _merge_delta(connection: postgres.Connection, change: EntityChange, version: int, batch_id: str) -> tuple[int, int]:
    """Close the rows of a delta's keys and insert its rows; returns rows inserted and rows closed."""
    entity = change.entity
    business = [column.name for column in entity.columns]
    table = sql.Identifier("hub", entity.name)
    connection.execute("drop table if exists delta")
    connection.execute(
        sql.SQL(
            "create temporary table delta on commit drop as"
            " select '' as op, {}, source_system, source_key, row_hash from {} where false"
        ).format(sql.SQL(", ").join(map(sql.Identifier, business)), table)
    )
    with pq.ParquetFile(change.delta, pre_buffer=False) as file:
        reader = pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(get_settings().batch_rows))
        postgres.copy_in(connection, _DELTA_TABLE, ["op", *business, "source_system", "source_key", "row_hash"], reader)
    connection.execute("create index on delta (source_key)")
    connection.execute("set local default_statistics_target = 10")
    connection.execute("analyze delta")
    closed = connection.execute(
        sql.SQL(
            "update {} h set to_version = %s from delta d"
            " where h.{} = d.source_key and h.to_version is null and d.op in ('U', 'D')"
        ).format(table, sql.Identifier(ddl.lookup_column(entity))),
        [version],
    ).rowcount
    names = sql.SQL(", ").join(map(sql.Identifier, business))
    inserted = connection.execute(
        sql.SQL(
            "insert into {} ({}, source_system, source_key, batch_id, row_hash, from_version)"
            " select {}, source_system, source_key, %s, row_hash, %s from delta where op in ('I', 'U')"
        ).format(table, names, names),
        [batch_id, version],
    ).rowcount
    if 10 * (inserted + closed) > change.before:  # the feeds read it at once, before the server would look by itself
        _analyze_table(connection, entity)
    return inserted, closed


def _is_empty(connection: postgres.Connection, entity: Entity) -> bool:
    query = sql.SQL("select 1 from {} limit 1").format(sql.Identifier("hub", entity.name))
    return connection.execute(query).fetchone() is None


def _load_first(connection: postgres.Connection, change: EntityChange, version: int, batch_id: str) -> int:
    """The first load of an entity: rows straight into its empty table, and its indexes made of them at once instead of row by
    row. Returns rows inserted."""
    entity, indexes = change.entity, ddl.compile_hub_indexes(change.entity)
    for index in indexes:
        connection.execute(f"drop index if exists {index}".encode())
    names = [*(column.name for column in entity.columns), "source_system", "source_key", "row_hash"]
    fields: list[pa.Field[Any]] = [pa.field("batch_id", pa.string()), pa.field("from_version", pa.int64())]
    with pq.ParquetFile(change.delta, pre_buffer=False) as file:
        chosen = [file.schema_arrow.field(name) for name in names]
        schema = pa.schema([*chosen, *fields])
        rows = (
            pa.RecordBatch.from_arrays(
                [
                    *batch.columns,
                    pa.repeat(batch_id, batch.num_rows),
                    pa.repeat(pa.scalar(version, pa.int64()), batch.num_rows),
                ],
                schema=schema,
            )
            for batch in file.iter_batches(get_settings().batch_rows, columns=names)
        )
        reader = pa.RecordBatchReader.from_batches(schema, rows)
        count = postgres.copy_in(connection, sql.Identifier("hub", entity.name), schema.names, reader)
    for statement in indexes.values():
        connection.execute(statement.encode())
    _analyze_table(connection, entity)
    return count


def _analyze_table(connection: postgres.Connection, entity: Entity) -> None:
    """What the feeds' plans need at once: sizes and a rough spread. The server looks closer by itself, in its own time."""
    connection.execute("set local default_statistics_target = 10")
    connection.execute(sql.SQL("analyze {}").format(sql.Identifier("hub", entity.name)))


def restore_version(
    connection: postgres.Connection, entity: Entity, target: int, version: int, batch_id: str
) -> tuple[int, int]:
    """Make the entity in `version` what it was in version `target`; returns rows inserted and rows closed.

    Only keys touched since `target` are looked at: rows born since are closed, rows closed since are inserted again.
    """
    table = sql.Identifier("hub", entity.name)
    names = sql.SQL(", ").join(map(sql.Identifier, [column.name for column in entity.columns]))
    closed = connection.execute(
        sql.SQL("update {} set to_version = %s where to_version is null and from_version > %s").format(table), [version, target]
    ).rowcount
    inserted = connection.execute(
        sql.SQL(
            "insert into {} ({}, source_system, source_key, batch_id, row_hash, from_version)"
            " select {}, source_system, source_key, %s, row_hash, %s from {}"
            " where from_version <= %s and to_version > %s and to_version <= %s"
        ).format(table, names, names, table),
        [batch_id, version, target, target, version],
    ).rowcount
    return inserted, closed


def restoring(connection: postgres.Connection, entity: Entity, target: int) -> tuple[int, int]:
    """How many rows `restore` would insert and close now."""
    found = connection.execute(
        sql.SQL(
            "select count(*) filter (where from_version <= %s and to_version > %s),"
            " count(*) filter (where to_version is null and from_version > %s) from {}"
        ).format(sql.Identifier("hub", entity.name)),
        [target, target, target],
    ).fetchone()
    return (int(str(found[0])), int(str(found[1]))) if found else (0, 0)


def write_rows(connection: postgres.Connection, query: str, schema: pa.Schema, path: Path) -> None:
    """The rows of a query as a Parquet file, written under another name and renamed."""
    draft, scratch = path.with_suffix(".part"), path.with_suffix(".csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(draft, schema) as writer:
        for batch in postgres.copy_out(connection, query, schema, scratch):
            writer.write_batch(batch)
    scratch.unlink()
    draft.replace(path)
