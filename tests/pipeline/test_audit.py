"""Every night Great Expectations verifies rows that the scan judged, and a difference is an error."""

from __future__ import annotations

import shutil
from typing import Any

import duckdb
import pytest

from core.settings import get_settings
from quality import sieve
from quality.base import CheckRequest
from quality.suite import Expectation


def _audits(university: Any) -> list[dict[str, Any]]:
    rows = university.ledger.rows("select subject, output from ops.step where verb = 'audit' and state = 'done' order by 1")
    return [{"entity": row["subject"], **row["output"]} for row in rows]


def test_what_was_judged_tonight_is_verified(university: Any) -> None:
    university.department("update jzg set xb = '?' where gh = 'T0007'")
    university.night(1)
    first = _audits(university)
    assert [(row["entity"], row["rows"], row["differ"]) for row in first] == [("org_unit", 5, []), ("staff", 40, [])]
    assert all(row["rules"] > 3 for row in first)
    university.night(2)
    assert _audits(university) == first


def test_a_difference_is_an_error_that_names_the_rule(university: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = sieve._build_broken_sql

    def blind(db: duckdb.DuckDBPyConnection, question: CheckRequest, number: int, expectation: Expectation) -> str:
        return "false" if expectation.form == "in_set" else honest(db, question, number, expectation)

    university.department("update jzg set xb = '?' where gh = 'T0007'")
    monkeypatch.setattr(sieve, "_build_broken_sql", blind)
    outcome = university.night(1)
    assert [(error.code, error.where) for error in outcome.problems] == [("HUB810", "staff")]
    assert "staff.sex_code.code" in outcome.problems[0].line()
    assert outcome.state == "done"


def test_a_night_to_which_nothing_came_is_not_verified_again(university: Any) -> None:
    university.night(1)
    first = _audits(university)
    shutil.rmtree(get_settings().work / "checked")
    university.night(2)
    judged = university.ledger.rows("select output from ops.step where verb = 'check' and run_id like %s", ["%20260908%"])
    assert judged and all(row["output"]["judged_by"].startswith("night-20260908") for row in judged)
    assert _audits(university) == first
