"""The flow document against a ledger: states and rows of edges, and receivers that are not connected yet."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from contracts.catalog import load_catalog
from contracts.flow_document import FlowDocument, load_flow_document
from core.errors import Denied
from reporting import flows, status
from runs.nightly import verify_edge

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def book() -> FlowDocument:
    """The whole document; the small university has feeds for three of its edges."""
    return load_flow_document(ROOT)


def edges(university: Any, book: FlowDocument) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in flows.list_edges(university.ledger, load_catalog(), book)}


def test_edges_say_what_receivers_accepted_and_hold(university: Any, book: FlowDocument) -> None:
    before = edges(university, book)
    assert len(before) == 67
    assert {row["state"] for row in before.values()} == {"never"}
    university.night(1)
    university.hire(("T0060", "新人", "男", "U1"), ("T0061", "李四", "女", "U2"))
    university.department("delete from jzg where gh = 'T0007'")
    university.department("update jzg set xm = '李四', gxsj = now() where gh = 'T0011'")
    university.night(2)
    after = edges(university, book)
    held = {id: (row["state"], row["accepted_version"], row["rows"]) for id, row in after.items() if row["state"] != "never"}
    assert held == {id: ("accepted", 2, 41) for id in ("E01", "E05", "E06")}
    assert len(university.received()) == 41


def test_an_edge_waits_until_all_its_datasets_are_accepted(university: Any, book: FlowDocument) -> None:
    university.night(1)
    [edge] = [edge for edge in book.edges if edge["id"] == "E04"]
    feeds = [row for row in status.list_feeds(university.ledger, load_catalog()) if row["edge"] == "E01"]
    found = flows._build_edge(edge, feeds)
    assert (found["state"], found["accepted_version"]) == ("never", None)


@pytest.mark.parametrize(
    "states, expected",
    [
        ((), "never"),
        (("accepted", "accepted"), "accepted"),
        (("accepted", "off"), "off"),
        (("never", "off"), "never"),
        (("abandoned", "never"), "prepared"),
        (("partly", "sent", "refused"), "refused"),
    ],
)
def test_the_worst_state_of_its_datasets_is_that_of_an_edge(states: tuple[str, ...], expected: str) -> None:
    assert flows.find_worst_state(states) == expected


def test_a_receiver_that_is_not_connected_is_no_error_and_gets_all_later(
    university: Any, book: FlowDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_DST_ACADEMIC", "off:")
    outcome = university.night(1)
    assert (outcome.problems, outcome.state) == ([], "done")
    assert university.accepted() == {"E05": 1, "E06": 1}
    assert edges(university, book)["E01"]["state"] == "off"
    with pytest.raises(Denied, match="HUB751"):
        verify_edge("E01", date(2026, 9, 7))
    monkeypatch.setenv("AIRFLOW_CONN_DST_ACADEMIC", university.academic)
    assert university.night(2).problems == []
    assert len(university.received()) == 40
    assert edges(university, book)["E01"]["state"] == "accepted"


def test_a_source_that_is_not_connected_waits_with_its_feeds(
    university: Any, book: FlowDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SRC_HR", "off:")
    outcome = university.night(1)
    assert (outcome.problems, outcome.state, outcome.version) == ([], "done", 0)
    assert university.accepted() == {}
    assert [row["state"] for row in status.list_systems(university.ledger, load_catalog())] == ["off"]
    assert edges(university, book)["E01"]["state"] == "off"
    monkeypatch.setenv("AIRFLOW_CONN_SRC_HR", university.source)
    assert university.night(2).problems == []
    assert len(university.received()) == 40


def test_a_step_knows_its_edges_deadline_rules_and_state(university: Any, book: FlowDocument) -> None:
    university.night(1)

    def told(flow: str) -> dict[int, dict[str, Any]]:
        return {step["n"]: step for step in flows.read_flow_steps(university.ledger, load_catalog(), book, flow)["steps"]}

    hr, finance, research, arrival = told("SJGXLC01"), told("SJGXLC04"), told("SJGXLC07"), told("YWLC01")
    assert (hr[1]["reads"], hr[1]["state"]) == ("hr", "done")
    assert [item["symbol"] for item in hr[1]["deadlines"]] == ["H+7"]
    assert len(hr[5]["edges"]) == 11
    assert hr[5]["state"] == "never"
    assert "R17" in hr[5]["rules"]
    assert [edge["id"] for edge in research[1]["edges"]] == ["E06", "E45"]
    assert [edge["id"] for edge in research[3]["edges"]] == [edge["id"] for edge in research[2]["edges"]] == ["E58", "E59"]
    assert [edge["id"] for edge in finance[2]["edges"]][:2] == ["E03", "E18"]
    assert (arrival[3]["outside"], arrival[3]["state"]) == (["X1"], "never")  # handed on by an edge of our own
    with pytest.raises(Denied, match="HUB752"):
        told("SJGXLC99")


def test_the_command_prints_one_object_of_24_flows_and_67_edges(university: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_HOME", str(ROOT))
    university.forget()
    found = CliRunner().invoke(app, ["flows", "--json"])
    assert (found.exit_code, found.stderr) == (0, "")
    told = json.loads(found.stdout)
    assert (len(told["flows"]), len(told["edges"])) == (24, 67)
    assert sum(len(flow["steps"]) for flow in told["flows"]) == 104
    assert [row["id"] for row in told["outside"]] == ["X1", "X2", "X3", "X4"]
    assert {row["state"] for row in told["outside"]} == {"outside"}
    for arguments, words in ((["flows"], "E67"), (["flows", "--audit"], "F26"), (["flows", "--rules"], "R21")):
        shown = CliRunner().invoke(app, arguments, terminal_width=200)
        assert (shown.exit_code, words in shown.stdout) == (0, True), arguments
