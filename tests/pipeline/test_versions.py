"""History, rollback and verification: what was true when, and who holds what."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg
import pytest

from core.errors import Denied
from core.store import postgres
from desk import brake_release
from pipeline.context import resume
from pipeline.publishing.publish import rollback
from runs.nightly import close_run, open_run, verify_edge

TODAY = date(2026, 9, 8)


def _roll(university: Any, version: int, by: str = "zhang", approved_by: str = "li") -> None:
    run = open_run("rollback", TODAY, [f"v{version}"])
    try:
        rollback(resume(run), version, by, approved_by, "误改")
    finally:
        close_run(run)


def test_every_version_can_be_asked_for(university: Any) -> None:
    university.night(1)
    university.department("update jzg set xm = '改名', gxsj = now() where gh = 'T0001'")
    university.night(2)
    with postgres.connect() as connection:
        names = []
        for version in (1, 2):
            connection.execute("select set_config('hub.version', %s, true)", [str(version)])
            names.append(connection.execute("select name from hub_at.staff where staff_no = 'T0001'").fetchone())
    assert names[0] != names[1] == ("改名",)


def test_a_rollback_restores_an_old_version_and_the_feeds_follow(university: Any) -> None:
    university.night(1)
    before = university.hub()
    university.department("update jzg set xm = '改名', gxsj = now() where gh <= 'T0003'")
    university.department("delete from jzg where gh = 'T0009'")
    university.hire(("T0060", "新人", "男", "U1"))
    university.night(2)
    _roll(university, 1)
    assert university.hub() == before
    assert university.ledger.version() == 3
    from runs.nightly import deliver_flow

    run = open_run("feed", TODAY, ["SJGXLC01"])
    deliver_flow(run, "SJGXLC01")
    close_run(run)
    assert [row[0] for row in university.received()] == [f"T{n:04d}" for n in range(1, 41)]
    assert "改名" not in {row[1] for row in university.received()}


def test_what_a_rollback_restored_stays_until_two_persons_release_it(university: Any) -> None:
    university.night(1)
    before = university.hub()
    university.department("update jzg set xm = '改名', gxsj = now() where gh <= 'T0003'")
    university.night(2)
    _roll(university, 1)
    for day in (3, 4):
        outcome = university.night(day)
        assert [(error.code, error.where) for error in outcome.problems] == [("HUB508", "staff")]
        assert university.hub() == before
        assert "改名" not in {row[1] for row in university.received()}
    number, today = university.ledger.single("select brake_id from ops.brake")["brake_id"], date(2026, 9, 10)
    brake_release.request(university.ledger, number, "zhang", "来源已改正")
    brake_release.approve(university.ledger, number, "li", today, today)
    assert university.night(5).problems == []
    assert university.hub() != before
    assert "改名" in {row[1] for row in university.received()}


def test_a_second_rollback_takes_the_place_of_the_first(university: Any) -> None:
    university.night(1)
    university.department("update jzg set xm = '改名', gxsj = now() where gh <= 'T0003'")
    university.night(2)
    for version in (1, 1, 2, 1):
        _roll(university, version)
    found = university.ledger.rows("select subject, state from ops.brake order by brake_id")
    closed = [(f"v{version}", "moot") for version in (3, 4, 5)]
    assert [(row["subject"], row["state"]) for row in found] == [*closed, ("v6", "tripped")]
    assert [error.code for error in university.night(3).problems] == ["HUB508"]


def test_a_rollback_needs_two_persons(university: Any) -> None:
    university.night(1)
    with pytest.raises(Denied, match="HUB704"):
        _roll(university, 1, "zhang", "zhang")
    with pytest.raises(Denied, match="HUB704"):
        _roll(university, 1, "李工", "李工 ")


def test_verify_finds_what_another_program_did_to_a_receiver(university: Any) -> None:
    university.night(1)
    assert [row["equal"] for row in verify_edge("E01", TODAY, "zhang")] == [True]
    with psycopg.connect(university.academic) as connection:
        connection.execute("update hub_staff set unit_name = '改过' where staff_no = 'T0002'")
    found = verify_edge("E01", TODAY)[0]
    assert found["differs"] == ["content", "unit_name"]
    with pytest.raises(Denied, match="HUB708"):
        verify_edge("E01", TODAY, "zhang")
    assert university.night(2).problems == []
    assert [row["equal"] for row in verify_edge("E01", TODAY)] == [True]
