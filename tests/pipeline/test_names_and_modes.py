"""A contract's mode may change after it has landed, and a source may call its columns what it likes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contracts.catalog import load_catalog
from core.errors import MachineFault
from core.settings import get_settings
from core.store.connections import list_connections
from onboarding.connection_check import run_connection_check

WINDOW = """      - {property: mode, value: window}
      - {property: watermark, value: updated_at}
      - {property: overlapSeconds, value: 3600}
"""
CONTRACT = ("schemas", "sources", "hr", "person.odcs.yaml")


def contract(university: Any, old: str, new: str) -> None:
    """The contract of the department's people with another text in the place of one."""
    path: Path = university.home.joinpath(*CONTRACT)
    assert old in path.read_text("utf-8")
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    university.forget()


def mode(university: Any) -> str:
    return str(university.ledger.latest("extract", "hr.person")["hr.person"]["mode"])


def test_a_contract_may_change_from_window_to_snapshot_and_back_after_it_has_landed(university: Any) -> None:
    university.night(1)
    snapshot = "      - {property: mode, value: snapshot}\n"
    for day, (old, new, is_now) in enumerate([(WINDOW, snapshot, "snapshot"), (snapshot, WINDOW, "window")], 2):
        contract(university, old, new)
        university.department(f"update jzg set xm = '新{day}', gxsj = now() where gh = 'T0001'")
        university.department(f"delete from jzg where gh = 'T000{day + 1}'")
        outcome = university.night(day)
        assert (outcome.problems, outcome.state, mode(university)) == ([], "done", is_now)
        assert dict(row[:2] for row in university.hub())["T0001"] == f"新{day}"
    assert "T0003" not in {row[0] for row in university.received()}


def test_columns_with_words_of_sql_and_quotes_in_their_names_are_read_and_proved(university: Any) -> None:
    university.department('alter table jzg rename column gh to "order"')
    university.department('alter table jzg rename column xm to "na""me"')
    university.department('alter table jzg rename column gxsj to "desc"')
    contract(university, "physicalName: gh", "physicalName: order")
    contract(university, "physicalName: xm", "physicalName: 'na\"me'")
    contract(university, "physicalName: gxsj", "physicalName: desc")
    for old, new in (("name: unit_code", "name: group"), ("name: sex,", "name: by,")):
        contract(university, old, new)
    mapping = university.home / "sql" / "conform" / "staff" / "hr.sql"
    text = mapping.read_text("utf-8").replace("p.unit_code", 'p."group"').replace("p.sex", 'p."by"')
    mapping.write_text(text, "utf-8")
    university.forget()
    found = {row["dataset"]: row for row in run_connection_check(load_catalog(), "src_hr")}
    assert (found["hr.person"]["ok"], found["hr.person"]["problem"], found["hr.person"]["rows"]) == (True, None, 40)
    assert university.night(1).problems == []
    university.department("""update jzg set "na""me" = '新名', "desc" = now() where "order" = 'T0001'""")
    assert university.night(2).problems == []
    assert dict(row[:2] for row in university.received())["T0001"] == "新名"


def test_a_column_that_the_landing_cannot_tell_apart_is_a_problem_of_its_contract(university: Any) -> None:
    university.night(1)
    contract(university, "physicalName: xm", "physicalName: source_row")
    university.department("update dw set dwmc = '新名' where dwh = 'U1'")
    outcome = university.night(2)
    assert load_catalog().broken["person.odcs.yaml"].code == "HUB317"
    assert outcome.problems
    assert all("staff" in problem.where or "person" in problem.where for problem in outcome.problems), outcome.problems
    assert ("U1", "新名") in {row[:2] for row in university.hub("org_unit")}
    assert len(university.hub()) == 40


@pytest.mark.parametrize("content", ["src_hr: [", "src_hr: mysql://u:geheim@h/db\n  bad: :\n", "- geheim", "src_hr: 'geheim\n"])
def test_a_connections_file_that_cannot_be_read_is_one_line_without_what_stands_in_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    (tmp_path / "connections.yaml").write_text(content, "utf-8")
    monkeypatch.setenv("HUB_SECRETS", str(tmp_path / "connections.yaml"))
    get_settings.cache_clear()
    with pytest.raises(MachineFault, match=r"HUB318 connections\.yaml") as told:
        list_connections()
    get_settings.cache_clear()
    assert "geheim" not in str(told.value) + repr(told.value)
    assert told.value.__context__ is None or told.value.__suppress_context__
