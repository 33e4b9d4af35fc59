"""History, rollback and verification: what was true when, and who holds what."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg
import pytest
from signing import have

from contracts.catalog import load_catalog
from core.errors import Denied
from core.people import normalize_name
from core.store import postgres
from desk import brake_release
from pipeline.context import resume_run
from runs.nightly import close_run, open_run, verify_edge

TODAY = date(2026, 9, 8)


def _roll(university: Any, version: int, by: str = "zhang", approved_by: str = "li") -> None:
    brake_release.request_rollback(university.ledger, load_catalog(), version, have(by), "误改")
    _agree(version, approved_by if normalize_name(approved_by) == normalize_name(by) else have(approved_by))


def _agree(version: int, by: str) -> None:
    run = open_run("rollback", TODAY, [f"v{version}"])
    try:
        brake_release.approve_rollback(resume_run(run), version, by)
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
    brake_release.request_release(university.ledger, number, "zhang", "来源已改正")
    brake_release.approve_release(university.ledger, number, "li", today, today)
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
    assert university.ledger.version() == 1
    for table in ("request", "brake"):  # the database itself takes no such row, whatever a program says
        state = "state = 'approved', approved_at = now(), " if table == "request" else "requested_by = '李工', "
        if table == "brake":
            university.ledger.execute(
                "insert into ops.brake (run_id, subject, reason_code, proposed, content_hash, state, tripped_on)"
                " select run_id, 'staff', 'HUB501', '{}', 'x', 'tripped', as_of from ops.run limit 1"
            )
        with pytest.raises(psycopg.errors.CheckViolation):
            university.ledger.execute(f"update ops.{table} set {state}approved_by = '李工' where state in ('open', 'tripped')")


def test_a_rollback_is_for_exactly_what_was_asked_and_both_persons_are_kept(university: Any) -> None:
    university.night(1)
    university.department("update jzg set xm = '改名', gxsj = now() where gh <= 'T0003'")
    university.night(2)
    with pytest.raises(Denied, match="HUB792"):
        _agree(1, have("li"))
    with pytest.raises(Denied, match="HUB727"):
        brake_release.request_rollback(university.ledger, load_catalog(), 1, have("zhang"), " ")
    asked = brake_release.request_rollback(university.ledger, load_catalog(), 1, "zhang", "误改")
    assert asked["asked"]["entities"] == {"staff": {"restored": 3, "closed": 3}}
    university.department("update jzg set xm = '又改', gxsj = now() where gh = 'T0005'")
    university.night(3)
    with pytest.raises(Denied, match="HUB793"):
        _agree(1, "li")
    assert university.ledger.version() == 3
    again = brake_release.request_rollback(university.ledger, load_catalog(), 1, "li", "确需退回")
    assert [row["request_id"] for row in brake_release.list_open_requests(university.ledger)] == [again["request_id"]]
    with pytest.raises(Denied, match="HUB704"):
        _agree(1, "li")
    _agree(1, "zhang")
    people = university.ledger.single("select entities from ops.version where version = 4")["entities"]["people"]
    assert (people["by"], people["approved_by"], people["reason"]) == ("li", "zhang", "确需退回")
    assert people["content_hash"] == again["content_hash"] and people["requested_at"] <= people["approved_at"]
    row = university.ledger.single("select * from ops.request where state = 'approved'")
    assert (row["requested_by"], row["approved_by"], row["content_hash"]) == ("li", "zhang", again["content_hash"])
    with pytest.raises(Denied, match="HUB792"):
        _agree(1, "zhang")
    night = university.night(4).run_id
    for language in ("zh", "en"):
        told = (university.var / "reports" / night / f"report.{language}.html").read_text("utf-8")
        assert all(word in told for word in ("zhang", "li", "确需退回", again["content_hash"][:8]))
    for change in ("update ops.request set reason = '别的'", "delete from ops.request"):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            university.ledger.execute(change)


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
