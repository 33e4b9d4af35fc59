"""What a night says and hands out: the status for programs, and exactly the columns that a receiver is entitled to."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from night_university import ask
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from cli.main import app
from core.settings import get_settings
from core.store.connections import get_connection
from loaders.formats import OP, SHEET
from loaders.tables.table_merge import DELIVERIES, SENT

MARKS = {"delete": set(), "inactive": {"is_active", "ended_on"}, "end_date": {"ended_on"}}
EMPTY = {("E54", "discipline")}
"""Feeds that bring nothing: sanctions go to nobody before 学生处 has put down in writing what for (the feed's contract)."""
SYSTEM = {"code", "last_run", "extracted", "held", "state"}
FEED = {
    *("flow", "edge", "source", "target", "dataset", "mode", "from_version", "to_version"),
    *("rows_upsert", "rows_delete", "state", "accepted_at"),
}


@pytest.fixture(scope="module")
def status(university: Any) -> dict[str, Any]:
    """What `hub status --json` prints."""
    found = CliRunner().invoke(app, ["status", "--json"])
    assert (found.exit_code, found.stderr) == (0, "")
    return dict(json.loads(found.stdout))


def test_the_status_has_its_documented_shape(university: Any, status: dict[str, Any]) -> None:
    assert status.keys() >= {"version", "published_at", "systems", "feeds", "held", "brakes"}
    assert status["version"] == university.ledger.version()
    assert datetime.fromisoformat(status["published_at"]).tzinfo is not None
    assert isinstance(status["held"], int)
    assert isinstance(status["brakes"], list)
    assert all(row.keys() >= SYSTEM for row in status["systems"])
    assert all(row.keys() >= FEED for row in status["feeds"])


def test_the_status_speaks_of_every_system_and_feed(university: Any, status: dict[str, Any]) -> None:
    assert [row["code"] for row in status["systems"]] == university.catalog.source_systems()
    assert {f"{row['edge']}.{row['dataset']}" for row in status["feeds"]} == university.catalog.feeds.keys()
    for row in status["feeds"]:
        assert row["state"] == "accepted"
        assert 0 <= row["from_version"] <= row["to_version"] <= status["version"]
        assert datetime.fromisoformat(row["accepted_at"]).tzinfo is not None
    assert sum(row["extracted"] for row in status["systems"]) > university.rehearsal.persons
    assert sum(row["held"] for row in status["systems"]) == status["held"]


def test_the_status_tells_nothing_personal(university: Any, status: dict[str, Any]) -> None:
    assert university.leaks(json.dumps(status, ensure_ascii=False)) == 0


def test_a_table_has_the_columns_of_its_contract_and_no_other(university: Any) -> None:
    for feed in university.tables():
        here = "database()" if get_connection(feed.connection).family == "mysql" else "current_schema()"
        found = ask(
            feed.connection,
            "select table_name, column_name from information_schema.columns"
            f" where table_schema = {here} and table_name = '{feed.physical}'",
        )
        wanted = {column.physical for column in feed.columns} | MARKS[feed.drop]
        assert {name for _, name in found} == wanted, feed.id


def test_a_receiver_gets_no_table_that_no_contract_names(university: Any) -> None:
    feeds = university.tables()
    for receiver in sorted({feed.connection for feed in feeds}):
        here = "database()" if get_connection(receiver).family == "mysql" else "current_schema()"
        found = ask(receiver, f"select table_name from information_schema.tables where table_schema = {here}")
        wanted = {feed.physical for feed in feeds if feed.connection == receiver}
        assert {name for (name,) in found} == wanted | {SENT, DELIVERIES}, receiver


def test_a_file_has_the_columns_of_its_contract_and_no_other(university: Any) -> None:
    delivered = [feed for feed in university.catalog.feeds.values() if get_connection(feed.connection).family == "file"]
    files = [feed for feed in delivered if feed.file_format != "oneroster"]  # a bundle of many files; test_oneroster reads it
    assert {feed.file_format for feed in files} == {"csv", "xlsx", "parquet"}
    for feed in files:
        manifests = [
            path
            for path in Path(get_connection(feed.connection).path).glob(f"{feed.physical}.*.manifest.json")
            if json.loads(path.read_text("utf-8"))["edge"] == feed.edge
        ]
        assert manifests, feed.id
        for path in manifests:
            said = json.loads(path.read_text("utf-8"))
            wanted = [column.physical for column in feed.columns]
            assert [column["name"] for column in said["columns"]] == wanted, feed.id
            header = header_of(path.with_name(said["file"]), feed.encoding)
            assert header == ([] if said["mode"] == "full" else [OP]) + wanted, feed.id


def header_of(path: Path, encoding: str | None) -> list[str]:
    """The column names in a delivered file."""
    if path.suffix == ".parquet":
        return list(pq.read_schema(path).names)
    if path.suffix == ".xlsx":
        return [str(cell) for cell in CalamineWorkbook.from_path(str(path)).get_sheet_by_name(SHEET).to_python()[0]]
    with path.open(encoding=encoding or "utf-8", newline="") as file:
        return file.readline().rstrip("\r\n").split(",")


def test_every_edge_of_the_flow_document_is_accepted_and_brought_rows(university: Any) -> None:
    found = CliRunner().invoke(app, ["flows", "--json"])
    assert (found.exit_code, found.stderr) == (0, "")
    told = {edge["id"]: edge for edge in json.loads(found.stdout)["edges"]}
    document = yaml.safe_load((get_settings().home / "schemas/flows/edges.yaml").read_text("utf-8"))["edges"]
    wanted = {edge["id"]: (edge["source"], edge["target"], set(edge["datasets"])) for edge in document}
    assert {id: (edge["source"], edge["target"], set(edge["datasets"])) for id, edge in told.items()} == wanted
    assert {id: edge["state"] for id, edge in told.items()} == dict.fromkeys(wanted, "accepted")
    feeds = [(id, feed) for id, edge in told.items() for feed in edge["feeds"]]
    assert {(id, feed["dataset"]) for id, feed in feeds} == {(id, name) for id, (*_, names) in wanted.items() for name in names}
    assert {(id, feed["dataset"]) for id, feed in feeds if not feed["rows"]} == EMPTY
