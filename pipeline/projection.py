"""What a feed's dataset was at one version and is at another, for the keys that may have changed in between.

The SELECT runs in the hub over views at a version (`hub_at`), so it is the same plain text for both. When only entities
that carry the dataset's key were touched, only the touched keys are looked at; when a joined entity without that key
changed (a unit was renamed), both states are compared whole. One projection serves every edge that shares it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import sqlglot
from psycopg import Column, sql
from sqlglot import exp

from core import postgres
from loaders import hub
from pipeline.context import Night
from schemas.catalog import Catalog
from schemas.contract import FeedDataset

KEY_SEPARATOR = 31


@dataclass(frozen=True)
class Projection:
    """Two Parquet files of one dataset: before (at the accepted version) and after (at the current one)."""

    before: Path
    after: Path


def query_of(catalog: Catalog, feed: FeedDataset) -> str:
    """The SELECT of a feed's dataset; a dataset without a file is the entity of that name as it is."""
    file = catalog.feed_file(feed)
    if file:
        return file.read_text("utf-8").rstrip().rstrip(";")
    entity = catalog.entity(feed.dataset)
    columns = ", ".join(column.name for column in entity.columns)
    return f"select {columns}, source_system from {entity.name}"


def schema_of(night: Night, feed: FeedDataset) -> pa.Schema:
    """The Arrow schema of a dataset's SELECT, as PostgreSQL describes its columns."""
    with night.ledger.transaction() as connection:
        _at(connection, 0)
        cursor = connection.execute(f"select * from ({query_of(night.catalog, feed)}) q where false".encode())
        return pa.schema([(column.name, _arrow(column)) for column in cursor.description or []])


def project(night: Night, feed: FeedDataset, accepted: int, current: int, extra_keys: Sequence[str] = ()) -> Projection:
    """Write (or find) the projection of a feed's dataset between two versions.

    `extra_keys` are key texts (parts joined with the unit separator) that a receiver refused and that are looked at again.
    """
    tag = f".{feed.edge}" if extra_keys else ""
    folder = night.folder("projection", feed.flow.lower(), f"{feed.dataset}.{accepted}-{current}{tag}")
    result = Projection(folder / "before.parquet", folder / "after.parquet")
    if not result.after.is_file():
        schema = schema_of(night, feed)
        with night.ledger.transaction() as connection:
            whole = accepted == 0 or _touched(connection, night.catalog, feed, (accepted, current), extra_keys)
            for version, path in ((accepted, result.before), (current, result.after)):
                _write(connection, _select(night.catalog, feed, whole), schema, version, path)
    return result


def whole(night: Night, feed: FeedDataset, version: int) -> Path:
    """The whole dataset at a version, as Parquet."""
    path = night.folder("projection", feed.flow.lower(), f"{feed.dataset}.whole-{version}") / "after.parquet"
    if not path.is_file():
        schema = schema_of(night, feed)
        with night.ledger.transaction() as connection:
            _write(connection, _select(night.catalog, feed, True), schema, version, path)
    return path


def _touched(
    connection: postgres.Connection, catalog: Catalog, feed: FeedDataset, versions: tuple[int, int], extra_keys: Sequence[str]
) -> bool:
    """Fill the temporary table `touched` with the keys that may differ between two versions; True when that is every key."""
    text = sql.SQL(f" || chr({KEY_SEPARATOR}) || ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in feed.key)
    connection.execute("create temporary table touched (row_key text primary key) on commit drop")
    changed = "(from_version > %s and from_version <= %s) or (to_version > %s and to_version <= %s)"
    for name in _entities(catalog, feed):
        table = sql.Identifier("hub", name)
        if set(feed.key) <= set(catalog.entity(name).key):
            statement = sql.SQL("insert into touched select distinct {} from {} where {} on conflict do nothing")
            connection.execute(statement.format(text, table, sql.SQL(changed)), [*versions, *versions])
        elif connection.execute(
            sql.SQL("select 1 from {} where {} limit 1").format(table, sql.SQL(changed)), [*versions, *versions]
        ).fetchone():
            return True
    with connection.cursor() as cursor:
        cursor.executemany("insert into touched values (%s) on conflict do nothing", [[value] for value in extra_keys])
    connection.execute("analyze touched")
    return False


def _entities(catalog: Catalog, feed: FeedDataset) -> list[str]:
    tree = sqlglot.parse_one(query_of(catalog, feed), read="postgres")
    return list(dict.fromkeys(table.name for table in tree.find_all(exp.Table)))


def _select(catalog: Catalog, feed: FeedDataset, everything: bool) -> str:
    query = f"select * from ({query_of(catalog, feed)}) q"
    if everything:
        return query
    text = f" || chr({KEY_SEPARATOR}) || ".join(f"q.{name}::text" for name in feed.key)
    return f"{query} where {text} in (select row_key from touched)"


def _write(connection: postgres.Connection, query: str, schema: pa.Schema, version: int, path: Path) -> None:
    _at(connection, version)
    hub.write_rows(connection, query, schema, path)


def _at(connection: postgres.Connection, version: int) -> None:
    connection.execute("select set_config('search_path', 'hub_at', true), set_config('hub.version', %s, true)", [str(version)])


def _arrow(column: Column) -> pa.DataType:
    """The Arrow type of a PostgreSQL result column, by its type's name."""
    if column.type_code == _NUMERIC:
        return pa.decimal128(column.precision or 18, column.scale or 2)
    return _TYPES.get(column.type_code, pa.string())


_NUMERIC = 1700
_TYPES: dict[int, pa.DataType] = {
    20: pa.int64(),
    23: pa.int64(),
    21: pa.int64(),
    16: pa.bool_(),
    1082: pa.date32(),
    1114: pa.timestamp("us"),
}
"""PostgreSQL's own numbers of the types that the store uses."""
