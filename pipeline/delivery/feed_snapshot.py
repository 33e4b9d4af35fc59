"""What a feed's dataset was at one version and is at another, for the keys that may have changed in between.

The SELECT runs in the hub over views at a version (`hub_at`), so it is the same plain text for both. When only entities
that carry the dataset's key were touched, only the touched keys are looked at; when a joined entity without that key
changed (a unit was renamed), both states are compared whole. A dataset that is the rows of one entity reads those that
were closed or began since. One projection serves every edge that shares it.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot
from psycopg import Column
from sqlglot import exp

from contracts.catalog import Catalog
from contracts.contract import Entity, FeedDataset
from contracts.sql import one_select
from contracts.sql.files import GATHERING_CLAUSES
from core.dialects import quote_identifier
from core.store import postgres
from loaders import hub
from pipeline.context import RunContext

KEY_SEPARATOR = 31


@dataclass(frozen=True)
class SnapshotPair:
    """Two Parquet files of one dataset: before (at the accepted version) and after (at the current one)."""

    before: Path
    after: Path


def read_feed_query(catalog: Catalog, feed: FeedDataset) -> str:
    """The SELECT of a feed's dataset; a dataset without a file is the entity of that name as it is.

    Raises:
        ContractError: HUB160 to HUB162 when the file is not one portable SELECT over entities.
    """
    file = catalog.feed_file(feed)
    if file:
        return one_select.read_select(file, "postgres", catalog.entities.__contains__)
    entity = catalog.entity(feed.dataset)
    columns = ", ".join(column.name for column in entity.columns)
    return f"select {columns}, source_system from {entity.name}"


def describe_schema(run: RunContext, feed: FeedDataset) -> pa.Schema:
    """The Arrow schema of a dataset's SELECT, as PostgreSQL describes its columns."""
    with run.ledger.transaction() as connection:
        _set_version(connection, 0)
        cursor = connection.execute(f"select * from ({read_feed_query(run.catalog, feed)}) q where false".encode())
        return pa.schema([(column.name, _get_arrow_type(column)) for column in cursor.description or []])


def write_snapshots(
    run: RunContext, feed: FeedDataset, accepted: int, current: int, extra_keys: Sequence[str] = ()
) -> SnapshotPair:
    """Write (or find) the projection of a feed's dataset between two versions.

    `extra_keys` are key texts (parts joined with the unit separator) that a receiver refused and that are looked at again.
    """
    tag = f".{feed.edge}" if extra_keys else ""
    folder = run.folder("projection", feed.flow.lower(), f"{feed.dataset}.{accepted}-{current}{tag}")
    result = SnapshotPair(folder / "before.parquet", folder / "after.parquet")
    with _get_lock(folder):
        if result.after.is_file():
            return result
        schema = describe_schema(run, feed)
        with run.ledger.transaction() as connection:
            alone = find_sole_entity(run.catalog, feed) if accepted and not extra_keys else None
            where = (
                _build_touched_filter(connection, run.catalog, feed, (accepted, current), extra_keys)
                if accepted and not alone
                else ""
            )
            query = f"select * from ({read_feed_query(run.catalog, feed)}) q{where}"
            for version, path in ((accepted, result.before), (current, result.after)):
                if not version:
                    pq.ParquetWriter(path, schema).close()
                    continue
                if alone:
                    _overlay_changed_rows(connection, alone, (accepted, current), version)
                _write_rows(connection, query, schema, version, path)
    return result


def write_full_snapshot(run: RunContext, feed: FeedDataset, version: int) -> Path:
    """The whole dataset at a version, as Parquet."""
    path = run.folder("projection", feed.flow.lower(), f"{feed.dataset}.whole-{version}") / "after.parquet"
    with _get_lock(path.parent):
        if path.is_file():
            return path
        schema = describe_schema(run, feed)
        with run.ledger.transaction() as connection:
            _write_rows(connection, f"select * from ({read_feed_query(run.catalog, feed)}) q", schema, version, path)
    return path


def _get_lock(folder: Path) -> threading.Lock:
    """One lock a folder, since the edges that share a projection are delivered side by side."""
    with _LOCKS_LOCK:
        return _LOCKS.setdefault(folder, threading.Lock())


_LOCKS: dict[Path, threading.Lock] = {}
_LOCKS_LOCK = threading.Lock()


def _is_union(catalog: Catalog, feed: FeedDataset) -> bool:
    """Whether a SELECT has branches: an entity that is joined in one of them may stand on its own in another."""
    return isinstance(sqlglot.parse_one(read_feed_query(catalog, feed), read="postgres"), exp.SetOperation)


def _build_touched_filter(
    connection: postgres.Connection, catalog: Catalog, feed: FeedDataset, versions: tuple[int, int], extra_keys: Sequence[str]
) -> str:
    """The WHERE that keeps the rows which may differ between two versions; empty when that is every row.

    An entity that shares (part of) the dataset's key, or is joined by it, tells which keys it touched; any other that was
    touched may have changed any row.
    """
    low, high = versions
    changed = f"(from_version > {low:d} and from_version <= {high:d}) or (to_version > {low:d} and to_version <= {high:d})"
    touched: dict[str, list[str]] = {}
    if extra_keys:
        text = f" || chr({KEY_SEPARATOR}) || ".join(f"q.{name}::text" for name in feed.key)
        touched[text] = ["select row_key from again"]
        connection.execute("create temporary table again (row_key text) on commit drop")
        with connection.cursor() as cursor:
            cursor.executemany("insert into again values (%s)", [[value] for value in extra_keys])
    for name in list_feed_entities(catalog, feed):
        key = catalog.entity(name).key
        loose = _find_compared_columns(catalog, feed, name)
        shared = [part for part in feed.key if part in key and part not in loose]
        if shared and (set(feed.key) <= set(key) or set(key) <= set(feed.key)):
            keys = f"({', '.join(f'q.{part}' for part in shared)})"
            touched.setdefault(keys, []).append(f"select {', '.join(shared)} from hub.{name} where {changed}")
        elif not _is_union(catalog, feed) and (column := _find_join_column(catalog, feed, name)):
            touched.setdefault(f"(q.{column})", []).append(f"select {key[0]} from hub.{name} where {changed}")
        elif connection.execute(f"select 1 from hub.{name} where {changed} limit 1".encode()).fetchone():
            return ""
    # One IN is joined from the touched keys on; several with OR between them would look at every row.
    return " where " + " or ".join(f"{columns} in ({' union all '.join(keys)})" for columns, keys in touched.items())


def _find_compared_columns(catalog: Catalog, feed: FeedDataset, name: str) -> set[str]:
    """The columns of an entity by whose order rows find each other (`d.school_year < r.school_year`): a row may be touched by
    one of another value, so they do not tell which rows are."""
    tree = _parse_query(read_feed_query(catalog, feed))
    own = {table.alias_or_name for table in tree.find_all(exp.Table) if table.name == name}
    compared = tree.find_all(exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NEQ)
    return {column.name for sign in compared for column in sign.find_all(exp.Column) if column.table in own}


def find_sole_entity(catalog: Catalog, feed: FeedDataset) -> Entity | None:
    """The entity of which every row of the dataset is plainly one row, under the same key; None where that is not plain."""
    tree = _parse_query(read_feed_query(catalog, feed))
    tables = list(tree.find_all(exp.Table))
    plain = isinstance(tree, exp.Select) and not any(tree.args.get(part) for part in ("joins", "laterals", *GATHERING_CLAUSES))
    if not plain or len(tables) != 1 or tree.find(exp.AggFunc, exp.Window, exp.UDTF):
        return None
    entity = catalog.entity(tables[0].name)
    return entity if set(feed.key) == set(entity.key) else None


def _overlay_changed_rows(connection: postgres.Connection, entity: Entity, versions: tuple[int, int], at: int) -> None:
    """Put a table of the entity's rows that differ between two versions before the view of its name, until the transaction
    ends. No two rows of a key are true at once: what the older version has of a touched key was closed since, and what the
    newer has of it began since, so neither has to be looked up by its key."""
    low, high = versions
    closed = f"from_version <= {low:d} and to_version > {low:d} and to_version <= {high:d}"
    began = f"from_version > {low:d} and from_version <= {high:d} and (to_version is null or to_version > {high:d})"
    name = quote_identifier(entity.name, "postgresql")
    rows = f"select * from hub.{name} where {closed if at == low else began}"
    connection.execute(f"drop table if exists pg_temp.{name}".encode())
    connection.execute(f"create temporary table {name} on commit drop as {rows}".encode())


def _find_join_column(catalog: Catalog, feed: FeedDataset, name: str) -> str | None:
    """The column of the dataset's key by whose value an entity with a key of another name is joined, if it is joined once
    and on that key: `person_photo f on f.person_no = s.student_no`."""
    tree = _parse_query(read_feed_query(catalog, feed))
    tables = [table for table in tree.find_all(exp.Table) if table.name == name]
    join = tables[0].parent if len(tables) == 1 else None
    base, key = tree.find(exp.From), catalog.entity(name).key
    on = join.args.get("on") if isinstance(join, exp.Join) else None
    if base is None or len(key) != 1 or not isinstance(on, exp.EQ):
        return None
    sides = {side.table: side.name for side in (on.this, on.expression) if isinstance(side, exp.Column)}
    of_base = sides.get(base.this.alias_or_name)
    return of_base if sides.get(tables[0].alias_or_name) == key[0] and of_base in feed.key else None


def list_feed_entities(catalog: Catalog, feed: FeedDataset) -> list[str]:
    """The entities that a feed's SELECT reads, in order of appearance."""
    return list(dict.fromkeys(table.name for table in _parse_query(read_feed_query(catalog, feed)).find_all(exp.Table)))


@functools.lru_cache(maxsize=1024)
def _parse_query(query: str) -> exp.Expr:
    """A feed's SELECT as a tree that nobody changes; many feeds share one, and every night asks again."""
    return sqlglot.parse_one(query, read="postgres")


def _write_rows(connection: postgres.Connection, query: str, schema: pa.Schema, version: int, path: Path) -> None:
    _set_version(connection, version)
    hub.write_rows(connection, query, schema, path)


def _set_version(connection: postgres.Connection, version: int) -> None:
    connection.execute("select set_config('search_path', 'hub_at', true), set_config('hub.version', %s, true)", [str(version)])


def _get_arrow_type(column: Column) -> pa.DataType:
    """The Arrow type of a PostgreSQL result column, by its type's name."""
    if column.type_code == _NUMERIC_OID:
        return pa.decimal128(column.precision or 18, column.scale or 2)
    return _ARROW_TYPES.get(column.type_code, pa.string())


_NUMERIC_OID = 1700
_ARROW_TYPES: dict[int, pa.DataType] = {
    20: pa.int64(),
    23: pa.int64(),
    21: pa.int64(),
    16: pa.bool_(),
    1082: pa.date32(),
    1114: pa.timestamp("us"),
}
"""PostgreSQL's own numbers of the types that the store uses."""
