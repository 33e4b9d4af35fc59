"""One edge is switched off while its receiver and the other edges go on: nothing is sent, and everybody is told."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from contracts.catalog import load_catalog
from core.errors import Denied
from core.store.ledger import open_ledger
from pipeline.delivery import switches
from reporting import action_items, status
from reporting.daily import list_obligations
from runs.redeliver import redeliver_edge

CONTRACT = "schemas/feeds/sjgxlc01/e01_hr_academic.odcs.yaml"
DEADLINES = """\
deadlines:
  - {id: DL18, anchor: month, relation: on_day, day_of_month: 8, responsible_zh: 人事处, responsible_en: Personnel,
     departments: [hr], step: SJGXLC01/4, strength: required, what: staff, text_zh: 每月8号}
"""
YEAR = """\
school_year: 2026-2027
title: t
terms: [{code: "1", title: t, first: 2026-08-31, last: 2027-01-17}]
windows: []
days_off: []
workdays: []
"""
DELIVERED = """\
select 1 as needed, count(r.edge) as found, count(r.edge) > 0 as met, 'receipts=' || cast(count(r.edge) as varchar) as evidence
from occasion o left join receipt r on r.edge = 'E01'
"""


def states(university: Any) -> dict[str, str]:
    return {row["edge"]: row["state"] for row in status.list_feeds(university.ledger, load_catalog())}


def told(university: Any) -> list[str]:
    return [
        action_items.format_action_item(point, "zh")
        for point in action_items.list_action_items(university.ledger, load_catalog())
    ]


def by_contract(university: Any, reason: str | None) -> None:
    file: Path = university.home / CONTRACT
    text = file.read_text("utf-8").replace("  - {property: switchedOff, value: 用途未写明}\n", "")
    if reason:
        text = text.replace("schema:\n", f"  - {{property: switchedOff, value: {reason}}}\nschema:\n", 1)
    file.write_text(text, "utf-8")
    university.forget()


def test_a_contract_switches_its_edge_off_and_the_others_go_on(university: Any) -> None:
    university.night(1)
    by_contract(university, "用途未写明")
    university.hire(("T0060", "新人", "男", "U1"))
    outcome = university.night(2)
    assert (outcome.problems, outcome.state) == ([], "done")
    assert university.accepted() == {"E01": 1, "E05": 2, "E06": 2}
    assert len(university.received()) == 40
    assert states(university) == {"E01": "off", "E05": "accepted", "E06": "accepted"}
    assert any("E01" in line and "用途未写明" in line and "版本 1" in line for line in told(university))
    (page,) = (university.var / "reports").glob("night-20260908-*/report.zh.html")
    assert "用途未写明" in page.read_text("utf-8")
    by_contract(university, None)
    university.night(3)
    assert len(university.received()) == 41
    assert told(university) == []


def test_the_site_switches_an_edge_off_for_a_while(university: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    university.night(1)
    monkeypatch.setenv("AIRFLOW_CONN_EDGE_E05", "off:对方升级")
    university.hire(("T0060", "新人", "男", "U1"))
    assert university.night(2).problems == []
    assert university.accepted() == {"E01": 2, "E05": 1, "E06": 2}
    assert states(university)["E05"] == "off"
    (row,) = [row for row in status.list_feeds(university.ledger, load_catalog()) if row["edge"] == "E05"]
    assert row["reason"] == "对方升级"
    with pytest.raises(Denied, match="HUB776"):
        redeliver_edge(open_ledger(), load_catalog(), "E05", date(2026, 9, 7), date(2026, 9, 8))
    monkeypatch.delenv("AIRFLOW_CONN_EDGE_E05")
    university.night(3)
    assert university.accepted()["E05"] == university.ledger.version()


@pytest.mark.parametrize("name, value", [("AIRFLOW_CONN_EDGE_E99", "off:x"), ("AIRFLOW_CONN_EDGE_E05", "no")])
def test_a_switch_that_switches_nothing_is_told(
    university: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    university.night(1)
    assert set(university.accepted()) == {"E01", "E05", "E06"}
    assert any("HUB190" in line for line in told(university))


def test_a_deadline_of_an_edge_that_is_switched_off_is_never_green(university: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    schemas = university.home / "schemas"
    (schemas / "calendar").mkdir(exist_ok=True)
    (schemas / "calendar" / "2026-2027.yaml").write_text(YEAR, "utf-8")
    (schemas / "flows" / "deadlines.yaml").write_text(DEADLINES, "utf-8")
    (university.home / "sql" / "obligations").mkdir(exist_ok=True)
    (university.home / "sql" / "obligations" / "dl18.sql").write_text(DELIVERED, "utf-8")
    university.forget()
    university.night(1)

    def owed() -> tuple[str, str]:
        (item,) = [item for item in list_obligations(date(2026, 9, 8), university.ledger) if item["occasion"] == "2026-09"]
        return item["state"], item["evidence"]

    assert owed() == ("met", "receipts=1")
    monkeypatch.setenv("AIRFLOW_CONN_EDGE_E01", "off:用途未写明")
    assert owed() == ("off", "receipts=1 switched_off=E01")
    monkeypatch.delenv("AIRFLOW_CONN_EDGE_E01")
    assert owed() == ("met", "receipts=1")


def test_a_deadline_with_one_of_several_edges_off_is_not_met(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_EDGE_E47", "off:x")
    known = load_catalog()
    assert switches.find_deadline_edges(known, "DL20") == (("E47",), True)
    assert switches.find_deadline_edges(known, "DL21") == (("E47",), False)
    assert switches.find_deadline_edges(known, "DL09") == ((), False)
