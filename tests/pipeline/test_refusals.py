"""What arrives otherwise than contracted ends with one line and changes nothing; the rest goes on."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from core.errors import ContractError, Denied
from runs.nightly import close_run, deliver_flow, extract_system, open_run


def test_a_renamed_column_loads_nothing_and_names_the_owner(university: Any) -> None:
    university.night(1)
    university.department("alter table jzg rename column xm to xingming")
    outcome = university.night(2)
    assert [error.code for error in outcome.problems] == ["HUB301"]
    line = outcome.problems[0].line("zh")
    assert "xm" in line and "人事处" in line and "\n" not in line
    assert outcome.version == 1
    assert len(university.received()) == 40


def test_a_new_column_is_reported_and_ignored(university: Any) -> None:
    university.night(1)
    university.department("alter table jzg add column beizhu text")
    outcome = university.night(2)
    assert outcome.problems == []
    assert university.ledger.latest("extract")["hr.person"]["new_columns"] == ["beizhu"]


def test_a_dead_department_leaves_the_hub_as_it_is(university: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    university.night(1)
    monkeypatch.setenv("AIRFLOW_CONN_SRC_HR", "postgresql://nobody@127.0.0.1:1/hr")
    outcome = university.night(2)
    assert [(error.code, set(error.where.split(", "))) for error in outcome.problems] == [("HUB202", {"hr.person", "hr.unit"})]
    assert outcome.version == 1
    assert outcome.state == "failed"


def test_a_dead_receiver_does_not_hold_up_the_others(university: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_DST_ACADEMIC", "postgresql://nobody@127.0.0.1:1/academic")
    outcome = university.night(1)
    assert [error.code for error in outcome.problems] == ["HUB204"]
    assert university.accepted() == {"E05": 1, "E06": 1}
    monkeypatch.setenv("AIRFLOW_CONN_DST_ACADEMIC", university.academic)
    assert university.night(2).problems == []
    assert university.accepted() == {"E01": 1, "E05": 1, "E06": 1}
    assert len(university.received()) == 40


def test_a_name_that_does_not_exist_is_an_error_and_says_what_does(university: Any) -> None:
    for call, name, known in ((extract_system, "nosuch", "hr"), (deliver_flow, "SJGXLC99", "SJGXLC01")):
        run = open_run("try", date(2026, 9, 7), [name])
        with pytest.raises(ContractError, match=known):
            call(run, name)
        close_run(run)


def test_two_processes_do_not_run_one_night(university: Any) -> None:
    run = open_run("night", date(2026, 9, 7))
    with university.ledger.claim_run(run), pytest.raises(Denied, match="HUB712"):
        university.night(1)
    assert university.night(1).problems == []
