"""Feeds against the flows, against their SELECTs, and against what each subscriber is entitled to (canonical 9.1)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import psycopg
import pytest
import sqlglot
import yaml
from sqlglot import exp

from contracts.catalog import Catalog
from contracts.contract import FeedDataset
from core.dialects import spell_sql_type
from core.store import postgres

SCHEDULED = {
    "E14": "leaving_data",
    "E27": "leaving_data",
    "E38": "leaving_data",
    "E47": "registration_fees",
    "E50": "leaving_daily",
    "E57": "leaving_daily",
    "E61": "registration_results",
}
"""Edges whose time the flow document gives; the others follow every new version."""
SCHEDULED_APART = {"payroll": "payday", "role_grant": "nightly"}
"""Datasets with a time of their own on any edge: payday (SJGXLC04/3); 及时, as posts and status change (YWLC08/1, YWLC09/2)."""
IDENTITY = {"id_number", "id_type_code", "id_valid_period"}
CONTACT = {"mobile", "email", "home_address", "contact_name", "contact_phone", "contact_relation_code"}
SUMS = {"receivable", "relief", "received", "outstanding", "adjustment_code"}
FAMILY = {"home_address", "contact_name", "contact_phone", "contact_relation_code"}
SHOW = IDENTITY | CONTACT | {"birth_date", "ethnicity_code", "political_code", "photo_ref"}
NOT_ENTITLED = {
    "portal": SHOW,
    "info_site": SHOW,
    "info_publish": SHOW,
    "mobile_campus": SHOW,
    "volunteer": SHOW,
    "campus_card": IDENTITY | CONTACT | {"birth_date", "ethnicity_code", "political_code"},
    "library": SHOW | SUMS | {"sex_code"},
    "finance": FAMILY | {"ethnicity_code", "political_code", "photo_ref", "mobile", "email"},
    "student_affairs": {"bank_account"},
    "welcome": IDENTITY | CONTACT | SUMS | {"birth_date", "ethnicity_code", "political_code"},
    "registration": SHOW | SUMS,
    "leaving": SHOW | SUMS,
    "employment": IDENTITY | FAMILY | {"photo_ref"},
    "archive": {"bank_account"},
    "mobile_employment": SHOW,
    "research": SHOW | {"person_no"},
    "academic": SHOW | SUMS,
    "graduate": SHOW | SUMS,
    "directory": IDENTITY | CONTACT | SUMS | {"birth_date", "sex_code"},
}
FILES = {
    "research": ("full", "csv", None),
    "volunteer": ("full", "xlsx", None),
    "archive": ("delta", "parquet", None),
    "employment": ("delta", "csv", "gb18030"),
    "campus_card": ("delta", "csv", None),
    "directory": ("delta", "ldap", None),
}


@pytest.fixture(scope="session")
def shipped(shipped: Catalog) -> Catalog:
    """Without the roster, whose rows are lines of many files; `test_canon_additional` looks at it."""
    return replace(shipped, feeds={id: feed for id, feed in shipped.feeds.items() if feed.dataset != "oneroster"})


def test_no_two_edges_write_one_table(shipped: Catalog) -> None:
    places = [(feed.target, feed.physical) for feed in shipped.feeds.values()]
    assert len(places) == len(set(places))


def test_targets_get_the_form_they_take(shipped: Catalog) -> None:
    for feed in shipped.feeds.values():
        assert (feed.mode, feed.file_format, feed.encoding) == FILES.get(feed.target, ("delta", None, None)), feed.id
        assert feed.schedule == SCHEDULED_APART.get(feed.dataset, SCHEDULED.get(feed.edge, "nightly")), feed.id
        wanted = {"library": "inactive", "student_affairs": "inactive", "archive": "end_date"}
        assert feed.drop == wanted.get(feed.target, "delete"), feed.id


def test_no_subscriber_gets_what_it_is_not_entitled_to(shipped: Catalog) -> None:
    assert {feed.target for feed in shipped.feeds.values()} == set(NOT_ENTITLED)
    for feed in shipped.feeds.values():
        granted = _shown_to_the_person(feed) | _given_back(feed)
        assert not NOT_ENTITLED[feed.target] & {column.name for column in feed.columns} - granted, feed.id
        assert all(column.name != "bank_account" for column in feed.columns), feed.id


def test_a_sensitive_column_is_sent_only_with_a_written_purpose(home: Path, shipped: Catalog) -> None:
    for path in (home / "schemas/feeds").rglob("*.odcs.yaml"):
        for table in yaml.safe_load(path.read_text("utf-8"))["schema"]:
            sensitive = [item["name"] for item in table["properties"] if item["classification"] == "P3"]
            purpose = any(extra["property"] == "purpose" for extra in table["customProperties"])
            assert bool(sensitive) == purpose, (path.name, table["name"])


def test_columns_come_from_the_select_with_the_class_of_their_entity(shipped: Catalog) -> None:
    for feed in shipped.feeds.values():
        tree = _tree(shipped, feed)
        offered = {item.alias_or_name: item for item in tree.selects}
        alias = {table.alias: table.name for table in tree.find_all(exp.Table)}
        for column in feed.columns:
            assert column.name in offered, (feed.id, column.name)
            for origin in offered[column.name].find_all(exp.Column):
                assert column.pii >= shipped.entity(alias[origin.table]).column(origin.name).pii, (feed.id, column.name)
        assert feed.filter is None or {c.name for c in sqlglot.parse_one(feed.filter).find_all(exp.Column)} <= offered.keys()


def test_the_key_of_a_dataset_is_the_key_of_its_base(shipped: Catalog) -> None:
    for feed in shipped.feeds.values():
        tree = _tree(shipped, feed)
        base = tree.args["from_"].this.name
        assert feed.key == shipped.entity(base).key, feed.id
        assert not list(tree.find_all(exp.AggFunc, exp.Window, exp.Subquery, exp.Star)), feed.id
        joins = [join.this.name for join in tree.args.get("joins") or []]
        assert len(joins) == len(set(joins)), feed.id


def test_selects_and_filters_run_and_give_the_contracted_types(shipped: Catalog, postgres_server: str) -> None:
    with psycopg.connect(postgres.ensure_database(postgres_server, "canon_feeds"), autocommit=True) as connection:
        for entity in shipped.entities.values():
            columns = ", ".join(f"{column.name} {spell_sql_type(column.type, 'postgresql')}" for column in entity.columns)
            connection.execute(f"create table {entity.name} ({columns}, source_system text)".encode())
        for feed in shipped.feeds.values():
            names = ", ".join(column.name for column in feed.columns)
            where = f"where {feed.filter}" if feed.filter else ""
            query = f"select {names} from ({_text(shipped, feed)}) q {where}"
            found = connection.execute(query.encode()).description or []
            types = {column.name: column.type_display for column in found}
            for column in feed.columns:
                spelled = spell_sql_type(column.type, "postgresql")
                assert types[column.name] in (spelled, _LONG.get(spelled)), (feed.id, column.name)


def test_rows_of_another_system_and_another_year_stay_out(shipped: Catalog, tables: duckdb.DuckDBPyConnection) -> None:
    tables.execute(
        "insert into student (student_no, source_system) values ('A1', 'academic'), ('A2', 'academic'), ('G1', 'graduate')"
    )
    tables.execute(
        "insert into student_status (student_no, is_new_student, source_system) values ('A1', true, 'academic'),"
        " ('A2', false, 'academic'), ('G1', true, 'graduate')"
    )
    tables.execute(
        "insert into fee_status (student_no, school_year, source_system) values ('A1', '2026-2027', 'finance'),"
        " ('A2', '2026-2027', 'finance'), ('G1', '2026-2027', 'finance')"
    )
    tables.execute(
        "insert into bill_line (student_no, source_system) values ('A1', 'finance'), ('A2', 'finance'), ('G1', 'finance')"
    )
    try:
        assert _numbers(shipped, tables, "E25.student_basic") == ["A1", "A2"]
        assert _numbers(shipped, tables, "E35.grad_student_basic") == ["G1"]
        assert _numbers(shipped, tables, "E22.new_student") == ["A1"]
        assert _numbers(shipped, tables, "E42.fee_status") == ["A1", "A2"]
        assert _numbers(shipped, tables, "E43.fee_status") == ["G1"]
        assert _numbers(shipped, tables, "E46.new_student_fee") == ["A1", "G1"]
    finally:
        for name in ("student", "student_status", "fee_status", "bill_line"):
            tables.execute(f"delete from {name}")


@pytest.mark.parametrize("state, in_post", [("11", True), ("15", True), ("04", False), ("01", False)])
def test_in_post_follows_the_states_of_hr(
    shipped: Catalog, tables: duckdb.DuckDBPyConnection, state: str, in_post: bool
) -> None:
    tables.execute("insert into staff (staff_no, state_code, source_system) values ('S001', ?, 'hr')", [state])
    try:
        feed = shipped.feed("E16.staff_basic")
        found = tables.execute(f"select is_in_post from ({_text(shipped, feed)}) q").fetchall()
        assert found == [(in_post,)]
    finally:
        tables.execute("delete from staff")


_LONG = {"boolean": "bool", "bigint": "int8"}


def _shown_to_the_person(feed: FeedDataset) -> set[str]:
    """A person's own fees may carry sums where they are shown to that person (E48, E49)."""
    return SUMS - {"adjustment_code"} if feed.target in {"portal", "mobile_campus"} else set()


def _given_back(feed: FeedDataset) -> set[str]:
    """What students confirmed about themselves goes back to the register that they are in (SJGXLC05/4, F19), and who is
    admitted goes to the register that is to number them (SJGXLC02/1)."""
    return {"E51.student_confirmed": CONTACT, "N05.admission_record": IDENTITY | {"birth_date"}}.get(feed.id, set())


def _text(shipped: Catalog, feed: FeedDataset) -> str:
    path = shipped.feed_file(feed)
    assert path is not None, feed.id
    return path.read_text("utf-8")


def _tree(shipped: Catalog, feed: FeedDataset) -> exp.Select:
    tree = sqlglot.parse_one(_text(shipped, feed), read="postgres")
    assert isinstance(tree, exp.Select)
    return tree


def _numbers(shipped: Catalog, tables: duckdb.DuckDBPyConnection, id: str) -> list[str]:
    feed = shipped.feed(id)
    where = f"where {feed.filter}" if feed.filter else ""
    return [
        row[0] for row in tables.execute(f"select student_no from ({_text(shipped, feed)}) q {where} order by 1").fetchall()
    ]
