"""A hub with the shipped contracts and a few people in it, written straight into its store as a night would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg import sql

from contracts.catalog import load_catalog, read_catalog
from core.settings import get_settings
from core.store import ledger as ledger_module
from core.store import postgres
from core.store.ledger import Ledger, open_ledger
from loaders import hub

CACHES = (get_settings, read_catalog, ledger_module.migrate_ledger, ledger_module._get_ledger, postgres.ensure_database)


@dataclass(frozen=True)
class Store:
    """The hub's database of one test."""

    url: str
    book: Ledger

    def put(self, entity: str, *rows: Mapping[str, object]) -> None:
        """Current rows of an entity, true since version 1."""
        names = [column.name for column in load_catalog().entity(entity).columns]
        key = load_catalog().entity(entity).key
        columns = [*names, "source_system", "source_key", "batch_id", "row_hash", "from_version"]
        statement = sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier("hub", entity),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(sql.Placeholder() * len(columns)),
        )
        with self.book.transaction() as connection:
            for row in rows:
                key_text = "|".join(str(row[name]) for name in key)
                cells = [row.get(name) for name in names]
                connection.execute(statement, [*cells, "test", key_text, "test", key_text, 1])


@pytest.fixture
def store(postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    url = postgres.ensure_database(postgres_server, f"persons_{abs(hash(tmp_path)) % 10**9}")
    monkeypatch.delenv("HUB_HOME", raising=False)
    monkeypatch.setenv("HUB_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("HUB_URL", url)
    for cached in CACHES:
        cached.cache_clear()
    book = open_ledger()
    hub.prepare_tables(book, list(load_catalog().entities.values()))
    book.execute("insert into ops.run values ('test', 'night', '2026-09-07', '{}', 'done', now(), now())")
    book.execute("insert into ops.version values (1, 'test', 'publish', '2026-09-07', now(), '{}', 0, 0)")
    yield Store(url, book)
    book.close()
    for cached in CACHES:
        cached.cache_clear()
