"""Late data and replays: what came after its day is delivered as of that day; what was accepted is never sent again."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import psycopg
import pytest

from contracts.catalog import load_catalog
from core.errors import Denied, Unavailable
from loaders.base import ApplyResult, Delivery
from loaders.postgresql import PostgresTarget
from reporting import action_items
from runs.nightly import verify_edge
from runs.redeliver import redeliver_edge

FIRST, LAST = date(2026, 9, 1), date(2026, 9, 30)
E01, E06 = "e01_hr_academic", "e06_hr_research"


def again(university: Any, edge: str = "E01") -> dict[str, Any]:
    [row] = redeliver_edge(university.ledger, load_catalog(), edge, FIRST, LAST)
    return row


def academic(university: Any, statement: str) -> None:
    with psycopg.connect(university.academic) as connection:
        connection.execute(statement.encode())


def is_level(university: Any) -> bool:
    """The receiver holds what the ledger says that it accepted, which is the published version."""
    found = verify_edge("E01", LAST)[0]
    return (
        found["equal"]
        and found["version"] == university.ledger.version()
        and not university.ledger.rows("select * from ops.refused")
    )


@pytest.fixture
def paid(university: Any) -> Any:
    """The small university, whose research system gets its rows on paydays only."""
    contract = university.home / f"schemas/feeds/sjgxlc01/{E06}.odcs.yaml"
    text = contract.read_text("utf-8")
    extra = "customProperties:\n      - {property: schedule, value: payday}\n"
    contract.write_text(
        re.sub(r"(businessName: [^\n]*\n    )customProperties:\n", lambda m: m[1] + extra, text, count=1), "utf-8"
    )
    university.forget()
    assert load_catalog().feed("E06.staff_basic").schedule == "payday"
    return university


def test_what_comes_after_the_payday_is_delivered_as_of_it_and_noted(paid: Any) -> None:
    for day in (1, 2):  # the 8th is the payday
        paid.night(day)
    assert paid.accepted()["E06"] == 1
    paid.hire(("T0041", "李白", "男", "U1"))
    assert paid.night(4).problems == []
    assert paid.accepted()["E06"] == 2
    [row] = paid.ledger.rows("select l.*, d.as_of from ops.late l join ops.delivery d using (delivery_id)")
    assert (row["edge"], row["due_on"], row["delivered_on"], row["as_of"]) == (
        "E06",
        date(2026, 9, 8),
        date(2026, 9, 10),
        date(2026, 9, 8),
    )
    [point] = [
        point
        for point in action_items.list_action_items(paid.ledger, load_catalog(), date(2026, 9, 10))
        if point["kind"] == "late"
    ]
    assert "2026-09-08" in action_items.format_action_item(point, "zh")
    page = (paid.var / "reports" / "night-20260910-01" / "report.zh.html").read_text("utf-8")
    assert action_items.format_action_item(point, "zh") in page


def test_long_after_the_payday_a_change_waits_for_the_next(paid: Any) -> None:
    for day in (1, 2):
        paid.night(day)
    paid.hire(("T0041", "李白", "男", "U1"))
    paid.night(20)
    assert paid.accepted() == {"E01": 2, "E05": 2, "E06": 1}
    assert paid.ledger.rows("select * from ops.late") == []


def test_what_was_accepted_is_not_sent_again(university: Any) -> None:
    university.night(1)
    university.hire(("T0041", "李白", "男", "U1"))
    university.night(2)
    sent = university.ledger.single("select count(*) as n from ops.delivery")["n"]
    row = again(university)
    assert row == {
        "feed": "E01.staff_basic",
        "kept": 2,
        "open": 0,
        "lost": False,
        "sent": 0,
        "version": 2,
        "problem": None,
    }
    assert university.ledger.single("select count(*) as n from ops.delivery")["n"] == sent
    with pytest.raises(Denied, match="HUB775"):
        redeliver_edge(university.ledger, load_catalog(), "E01", LAST, FIRST)


def test_a_receiver_that_refuses_one_row_in_seven_gets_them_once_it_takes_them(university: Any) -> None:
    university.night(1)
    academic(university, "alter table hub_staff add constraint seventh check (right(staff_no, 2) not in ('49', '56', '63'))")
    university.hire(*((f"T{n:04}", f"李{n}", "女", "U2") for n in range(43, 64)))
    assert [error.code for error in university.night(2).problems] == ["HUB601"]
    assert (university.accepted()["E01"], len(university.received())) == (1, 40)
    assert "HUB601" in (again(university)["problem"] or "")
    academic(university, "alter table hub_staff drop constraint seventh")
    row = again(university)
    assert (row["problem"], row["sent"], row["lost"]) == (None, 21, False)
    assert is_level(university)


def test_rows_that_stand_in_the_way_are_refused_one_by_one_until_they_are_gone(university: Any) -> None:
    university.night(1)
    own = "insert into hub_staff (staff_no, name) select 'T' || lpad(n::text, 4, '0'), '自建' from generate_series(49, 63, 7) n"
    academic(university, own)
    university.hire(*((f"T{n:04}", f"李{n}", "女", "U2") for n in range(43, 64)))
    university.night(2)
    assert len(university.ledger.rows("select * from ops.refused")) == 3
    academic(university, "delete from hub_staff where name = '自建'")
    assert again(university)["problem"] is None
    assert is_level(university)


def test_a_receiver_that_breaks_off_after_applying_is_not_sent_the_rows_again(
    university: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    university.night(1)
    university.hire(("T0041", "李白", "男", "U1"))
    whole = PostgresTarget.apply

    def cut_off(target: PostgresTarget, delivery: Delivery) -> ApplyResult:
        whole(target, delivery)  # committed, and then the line is dead
        raise Unavailable("HUB204", delivery.feed.id, reason="OperationalError", connection="dst_academic", owner="academic")

    with monkeypatch.context() as patch:
        patch.setattr(PostgresTarget, "apply", cut_off)
        assert "HUB204" in {error.code for error in university.night(2).problems}
    assert (university.accepted()["E01"], len(university.received())) == (1, 41)
    applied = "select count(*) from _hub_delivery where edge = 'E01' and rows_upsert > 0"
    before = university.source_rows_of(university.academic, applied)
    assert again(university)["problem"] is None
    assert university.source_rows_of(university.academic, applied) == before
    assert is_level(university)


def test_a_receiver_that_lost_everything_is_compared_and_nothing_of_its_own_is_deleted(university: Any) -> None:
    university.night(1)
    academic(university, "insert into hub_staff (staff_no, name) values ('OWN1', '自建')")
    academic(university, "delete from hub_staff where staff_no in ('T0003', 'T0004')")
    academic(university, "drop table _hub_sent")
    row = again(university)
    assert (row["lost"], row["problem"]) == (True, None)
    assert is_level(university)
    assert len(university.received()) == 41
    academic(university, "drop table hub_staff, _hub_sent, _hub_delivery")
    assert again(university)["lost"] is True
    assert is_level(university)
    assert len(university.received()) == 40
