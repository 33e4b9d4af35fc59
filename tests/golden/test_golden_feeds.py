"""Golden cases of feeds: rows of the hub -> what a dataset of a flow gives, through the projection that deliveries use.

`tests/golden_feeds/<flow>__<dataset>/case.yaml`, one for every `sql/feeds/<flow>/<dataset>.sql`:

    given:   entity -> rows of it in the hub (version 1); a row may name its `source_system`, else it is the entity's first
             authority
    expect:  the rows of the dataset, all of them: the key and whichever columns the case is about
    then:    entity -> rows that are new or otherwise in version 2 (whole rows)
    gone:    entity -> keys that version 2 no longer has, parts joined with `|`
    sends:   what goes to a receiver of every row that has accepted version 1: the rows that differ
    drops:   and the keys that it loses
    edges:   edge -> what the filter and the columns of its contract leave of this: the keys it `has` in version 1 and those
             of the change that it `sends` and `drops`

Cells are written as in the other golden cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from psycopg import sql
from test_golden import HOME, Cells, Row, _cells

from contracts.catalog import Catalog, load_catalog
from contracts.contract import Entity, FeedDataset
from core.engine import quote_literal
from core.settings import get_settings
from core.store import postgres
from core.store.ledger import open_ledger
from loaders import hub
from pipeline.context import RunContext
from pipeline.delivery.feed_snapshot import write_full_snapshot, write_snapshots

CASES = HOME / "tests" / "golden_feeds"
SELECTS = sorted(f"{path.parent.name}__{path.stem}" for path in (HOME / "sql" / "feeds").glob("*/*.sql"))
PARTS = {"given", "expect", "then", "gone", "sends", "drops", "edges"}


@pytest.fixture(scope="module")
def night(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunContext]:
    """A run on a hub whose tables are there and empty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_HOME", str(HOME))
        patch.setenv("HUB_VAR", str(tmp_path_factory.mktemp("golden_feeds")))
        patch.setenv("HUB_URL", postgres.ensure_database(postgres_server, "golden_feeds"))
        get_settings.cache_clear()
        book = open_ledger()
        known = load_catalog(HOME)
        hub.prepare_tables(book, list(known.entities.values()))
        yield RunContext(book.open_run("golden", date(2026, 9, 7)), book, known)
        book.close()
    get_settings.cache_clear()


def test_every_feed_select_has_a_case_and_every_case_a_select() -> None:
    assert sorted(path.parent.name for path in CASES.glob("*/case.yaml")) == SELECTS


@pytest.mark.parametrize("name", [name for name in SELECTS if (CASES / name / "case.yaml").is_file()])
def test_rows_of_the_hub_become_what_the_case_expects(night: RunContext, name: str) -> None:
    case = yaml.load((CASES / name / "case.yaml").read_text("utf-8"), Loader=Cells)
    assert set(case) <= PARTS, "a part of the case is not known"
    feed = _feeds(night.catalog, name)[0]
    _fill(night, case["given"])
    found = _by_key(feed, write_full_snapshot(night, feed, 1))
    wanted = {_key(feed, row): row for row in case["expect"]}
    assert {key: _shown(row, wanted.get(key)) for key, row in found.items()} == wanted

    if {"then", "gone"} & set(case):
        _change(night, case.get("then", {}), case.get("gone", {}))
        both = write_snapshots(night, feed, 1, 2)
        before, after = _by_key(feed, both.before), _by_key(feed, both.after)
        sends = {_key(feed, row): row for row in case.get("sends", [])}
        assert {key: _shown(row, sends.get(key)) for key, row in after.items() if before.get(key) != row} == sends
        assert sorted(before.keys() - after.keys()) == sorted(case.get("drops", []))

    for edge, leaves in case.get("edges", {}).items():
        own = next(each for each in _feeds(night.catalog, name) if each.edge == edge)
        assert _of_edge(night, own) == {"has": [], "sends": [], "drops": []} | {part: sorted(leaves[part]) for part in leaves}


def _of_edge(night: RunContext, feed: FeedDataset) -> dict[str, list[str]]:
    """The keys that an edge has in version 1, and those that it is sent and loses in version 2."""
    both = write_snapshots(night, feed, 1, 2)
    before, after = _narrowed(feed, both.before), _narrowed(feed, both.after)
    return {
        "has": sorted(_narrowed(feed, write_full_snapshot(night, feed, 1))),
        "sends": sorted(key for key, row in after.items() if before.get(key) != row),
        "drops": sorted(before.keys() - after.keys()),
    }


def _narrowed(feed: FeedDataset, path: Path) -> dict[str, Row]:
    """The rows of a dataset that an edge's filter keeps, in the columns of its contract."""
    names = ", ".join(f"cast({column.name} as varchar) as {column.name}" for column in feed.columns)
    query = f"select {names} from read_parquet({quote_literal(path)}) where {feed.filter or 'true'}"
    with duckdb.connect(":memory:") as db:
        rows: list[Row] = db.sql(query).to_arrow_table().to_pylist()
    return {_key(feed, row): row for row in rows}


def _feeds(known: Catalog, name: str) -> list[FeedDataset]:
    """The feeds of a dataset, of one flow, which share its SELECT; a hand-over outside the hub has one too."""
    feeds = [*known.feeds.values(), *known.outside.values()]
    return [feed for feed in feeds if f"{feed.flow.lower()}__{feed.dataset}" == name]


def _key(feed: FeedDataset, row: Mapping[str, Any]) -> str:
    return "|".join(str(row[column]) for column in feed.key)


def _by_key(feed: FeedDataset, path: Path) -> dict[str, Row]:
    rows = {_key(feed, row): row for row in _cells(path)}
    assert len(rows) == len(_cells(path)), "a key repeats"
    return rows


def _shown(row: Row, wanted: Row | None) -> Row | dict[str, str | None]:
    """The columns that the case is about; a column that it misspells stands out as missing."""
    return row if wanted is None else {column: row[column] for column in wanted if column in row}


def _fill(night: RunContext, given: Mapping[str, list[Row]]) -> None:
    with night.ledger.transaction() as connection:
        for name in night.catalog.entities:
            connection.execute(sql.SQL("truncate {}").format(sql.Identifier("hub", name)))
        for name, rows in given.items():
            for row in rows:
                _insert(connection, night.catalog.entity(name), row, 1)


def _change(night: RunContext, then: Mapping[str, list[Row]], gone: Mapping[str, list[str]]) -> None:
    with night.ledger.transaction() as connection:
        for name, rows in then.items():
            entity = night.catalog.entity(name)
            for row in rows:
                _close(connection, entity, "|".join(str(row[column]) for column in entity.key))
                _insert(connection, entity, row, 2)
        for name, keys in gone.items():
            for key in keys:
                assert _close(connection, night.catalog.entity(name), key) == 1, key


def _insert(connection: postgres.Connection, entity: Entity, row: Row, version: int) -> None:
    unknown = set(row) - {column.name for column in entity.columns} - {"source_system"}
    assert not unknown, f"{entity.name} has no column {sorted(unknown)}"
    key = "|".join(str(row[column]) for column in entity.key)
    cells = {"source_system": entity.authority[0], **row, "source_key": key, "from_version": version}
    connection.execute(
        sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier("hub", entity.name),
            sql.SQL(", ").join(map(sql.Identifier, cells)),
            sql.SQL(", ").join(sql.Placeholder() for _ in cells),
        ),
        list(cells.values()),
    )


def _close(connection: postgres.Connection, entity: Entity, key: str) -> int:
    table = sql.Identifier("hub", entity.name)
    statement = sql.SQL("update {} set to_version = 2 where source_key = %s and to_version is null").format(table)
    return connection.execute(statement, [key]).rowcount
