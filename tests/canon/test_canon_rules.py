"""Findings and rules of the flow document: each is answered, and what the answer names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from cli.main import app
from contracts.catalog import Catalog
from contracts.flow_document import FlowDocument, load_flow_document
from reporting.flows import list_disagreements, list_rules


@pytest.fixture(scope="module")
def book(home: Path) -> FlowDocument:
    return load_flow_document(home)


@pytest.fixture(scope="module")
def names(home: Path, shipped: Catalog, book: FlowDocument) -> set[str]:
    """What `by` and `where` may name: contracts, checks, files, ledger tables, commands, and items of the flow document."""
    columns = {f"{entity.name}.{column.name}" for entity in shipped.entities.values() for column in entity.columns}
    rule_ids = {rule.id for entity in shipped.entities.values() for rule in entity.rules}
    commands = typer.main.get_group(app).commands
    options = {f"hub {name} {option}" for name, command in commands.items() for each in command.params for option in each.opts}
    migrations = "".join(path.read_text("utf-8") for path in (home / "sql/migrations").glob("*.sql"))
    items = {item["id"] for section in (book.edges, book.outside, book.deadlines, book.rules) for item in section}
    files = {path.relative_to(home).as_posix() for room in ("sql", "schemas") for path in (home / room).rglob("*")}
    return (
        {*shipped.entities, *shipped.sources, *shipped.feeds, *shipped.outside, *columns, *rule_ids, *files, *items}
        | {path.stem for path in (home / "sql/checks").glob("*.sql")}
        | {path.stem for path in (home / "sql/feeds").glob("*/*.sql")}
        | set(re.findall(r"^create table (ops\.\w+)", migrations, re.MULTILINE))
        | commands.keys()
        | options
        | {f"hub {command}" for command in commands}
        | set(shipped.flows)
    )


def test_every_finding_is_handled_in_both_languages_and_names_what_exists(book: FlowDocument, names: set[str]) -> None:
    assert list(book.handling) == [item["id"] for item in book.findings]
    for id, handling in book.handling.items():
        assert handling["state"] in {"done", "open"}, id
        assert all(handling[name].strip() for name in ("title_zh", "how_zh", "how_en")), id
        assert handling["where"], id
        assert set(handling["where"]) <= names, id


def test_one_sided_edges_name_the_office_that_has_not_spoken(book: FlowDocument) -> None:
    found = list_disagreements(book, "zh")
    assert [row["declared_by"] for row in found].count("publisher") == 9
    assert [row["declared_by"] for row in found].count("subscriber") == 26
    offices = {row["id"]: row["confirm_by"] for row in found}
    assert (offices["E08"], offices["E11"], offices["E67"]) == ("校办(组织协调)", "人事处", "办公系统")
    assert {id for finding in ("F09", "F10") for id in book.handling[finding]["where"]} == set(offices)


def test_finance_data_for_the_library_stay_a_question_without_sums(shipped: Catalog, book: FlowDocument) -> None:
    assert (book.handling["F24"]["state"], book.handling["F24"]["where"]) == ("open", ["E44"])
    columns = {column.name for column in shipped.feed("E44.fee_status").columns}
    assert not columns & {"receivable", "relief", "received", "outstanding"}


def test_every_open_ended_step_says_what_the_hub_does(book: FlowDocument) -> None:
    assert [item["step"] for item in book.open_ended] == list(book.open_handling)


def test_every_rule_is_enforced_by_things_that_exist(book: FlowDocument, names: set[str]) -> None:
    told = list_rules(book, "zh")
    assert len(told) == 21
    assert set(book.enforcement) <= {row["id"] for row in told}
    for row in told:
        assert set(row["by"]) <= names, row["id"]
        assert bool(row["by"]) == bool(row["how"]), row["id"]
    assert [row["id"] for row in told if not row["by"]] == []
