"""A deadline over the days: expected, due soon, met in time or late, missing; written down when it changes and only then."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from contracts.catalog import load_catalog
from reporting.daily import list_obligations
from reporting.daily_digest import build_digests
from reporting.obligations import list_recorded, select_pressing

DEADLINES = """\
reminders: {days_before: [7, 3, 1], due_soon_days: 7, watch_days: 30, realtime_minutes: 15}
deadlines:
  - {id: DL15, anchor: staff_report, offset_days: 7, relation: at_latest, responsible_zh: 人事处, responsible_en: Personnel,
     departments: [hr], step: SJGXLC01/1, strength: required, what: w, text_zh: 一周内完成}
  - {id: DL18, anchor: month, relation: on_day, day_of_month: 8, responsible_zh: 财务处, responsible_en: Finance,
     departments: [hr], step: SJGXLC04/3, strength: required, what: payroll, text_zh: 每月8号上传工资数据}
  - {id: DL08, anchor: month, relation: on_day, day_of_month: 20, responsible_zh: 信息化管理中心, responsible_en: IT,
     departments: [hr], step: YWLC01/11, strength: required, what: ready, text_zh: 完成准备, proof: person}
  - {id: DL20, anchor: registration_window_start, relation: recurring, window: registration, responsible_zh: 人事处,
     responsible_en: HR, departments: [hr], step: YWLC04/4, strength: required, what: daily, text_zh: 每24小时上传一次}
"""
YEAR = """\
school_year: 2026-2027
title: t
terms: [{code: "1", title: t, first: 2026-08-31, last: 2027-01-17}]
windows: [{name: registration, title: r, first: 2026-09-10, last: 2026-09-14, batch: b}]
days_off: []
workdays: []
"""
STAFFED = """\
select cast(1 as bigint) as needed, cast(count(s.staff_no) as bigint) as found, count(s.staff_no) > 41 as met,
    'staff=' || cast(count(s.staff_no) as varchar) as evidence
from occasion o left join staff s on true
"""
JOINED_THAT_DAY = """\
select cast(1 as bigint) as needed, cast(count(s.staff_no) as bigint) as found, count(s.staff_no) > 0 as met,
    'staff=' || cast(count(s.staff_no) as varchar) as evidence, min(s.joined_on) as done_on
from occasion o left join staff s on s.joined_on = o.due_on
"""
"""What a department hands over with the day of it in the data themselves."""
AWAITED = "select 1 as needed, count(*) as found, count(*) > 0 as met, 'x=1' as evidence from occasion, welcome_checkin"


@pytest.fixture
def watched(university: Any) -> Any:
    schemas = university.home / "schemas"
    (schemas / "calendar").mkdir(exist_ok=True)
    (schemas / "calendar" / "2026-2027.yaml").write_text(YEAR, "utf-8")
    (schemas / "flows" / "deadlines.yaml").write_text(DEADLINES, "utf-8")
    (university.home / "sql" / "obligations").mkdir(exist_ok=True)
    (university.home / "sql" / "obligations" / "dl18.sql").write_text(STAFFED, "utf-8")
    (university.home / "sql" / "obligations" / "dl15.sql").write_text(AWAITED, "utf-8")
    (university.home / "sql" / "obligations" / "dl20.sql").write_text(JOINED_THAT_DAY, "utf-8")
    university.forget()
    assert university.night().problems == []
    return university


def state(book: Any, day: date, occasion: str = "2026-09", deadline: str = "DL18") -> tuple[str, int]:
    (item,) = [item for item in list_obligations(day, book) if (item["deadline"], item["occasion"]) == (deadline, occasion)]
    return item["state"], item["found"]


def test_a_state_follows_the_days_and_the_data(watched: Any) -> None:
    book = watched.ledger
    assert state(book, date(2026, 8, 31)) == ("expected", 40)
    assert state(book, date(2026, 9, 1)) == ("due_soon", 40)
    assert state(book, date(2026, 9, 8)) == ("due_soon", 40)
    assert state(book, date(2026, 9, 9)) == ("missing", 40)
    watched.hire(("T0091", "甲一", "男", "U1"), ("T0092", "乙二", "女", "U2"))
    watched.night(4)
    assert state(book, date(2026, 9, 11)) == ("late", 42)
    watched.department("delete from jzg where gh in ('T0091', 'T0092')")
    watched.night(6)
    assert state(book, date(2026, 9, 13)) == ("late", 42)
    rows = book.rows("select state from ops.obligation where deadline = 'DL18' and occasion = '2026-09' order by obligation_id")
    assert [row["state"] for row in rows] == ["due_soon", "expected", "due_soon", "missing", "late"]  # the first by the night


def test_what_is_there_in_time_is_met_and_stays_so(watched: Any) -> None:
    book = watched.ledger
    watched.hire(("T0091", "甲一", "男", "U1"), ("T0092", "乙二", "女", "U2"))
    watched.night(2)
    assert state(book, date(2026, 9, 9)) == ("met", 42)  # the morning that first sees the evening of the day due
    watched.department("delete from jzg where gh in ('T0091', 'T0092')")
    watched.night(6)
    assert state(book, date(2026, 9, 20)) == ("met", 42)


def test_looking_twice_writes_nothing_new(watched: Any) -> None:
    book, day = watched.ledger, date(2026, 9, 20)
    list_obligations(day, book)
    count = book.single("select count(*) as n from ops.obligation")["n"]
    assert count > 0
    list_obligations(day, book)
    assert book.single("select count(*) as n from ops.obligation")["n"] == count
    assert {item["deadline"] for item in list_recorded(book, load_catalog(), day)} == {"DL08", "DL18", "DL20"}


def test_an_awaited_entity_is_neither_owed_nor_met(watched: Any) -> None:
    watched.department("update jzg set lxrq = '20260901' where gh = 'T0001'")
    watched.night(2)
    (item,) = [item for item in list_obligations(date(2026, 9, 20), watched.ledger) if item["deadline"] == "DL15"]
    assert (item["occasion"], item["state"], item["not_yet"]) == ("2026-09-01", "expected", ["welcome_checkin"])


def test_the_night_s_report_has_the_deadlines(watched: Any) -> None:
    assert watched.night(20).problems == []
    (page,) = (watched.var / "reports").glob("night-20260926-*/report.zh.html")
    assert "每月8号上传工资数据" in page.read_text("utf-8")


def daily(book: Any, day: date) -> dict[str, str]:
    return {item["occasion"]: item["state"] for item in list_obligations(day, book) if item["deadline"] == "DL20"}


def told(book: Any, day: date) -> list[tuple[str, str]]:
    """What the department and the technician are told of that morning of the daily deadline: occasion and state."""
    found = [item for item in select_pressing(list_obligations(day, book), [7, 3, 1]) if item["deadline"] == "DL20"]
    return [(item["occasion"], item["state"]) for item in found]


def test_a_day_on_which_nothing_was_handed_over_is_missing_and_told_once(watched: Any) -> None:
    book = watched.ledger
    watched.department("update jzg set lxrq = '20260910' where gh = 'T0001'")
    for night in (4, 5, 6):  # the nights of 10, 11 and 12 September
        watched.night(night)
    morning = date(2026, 9, 12)
    assert daily(book, morning)["2026-09-10"] == "met"
    assert daily(book, morning)["2026-09-11"] == "missing"
    assert ("2026-09-11", "missing") in told(book, morning)
    assert ("2026-09-11", "missing") in told(book, morning)  # as often as asked that morning
    assert [item for item in told(book, date(2026, 9, 13)) if item[0] == "2026-09-11"] == []
    watched.department("update jzg set lxrq = '20260911' where gh = 'T0002'")
    watched.night(8)
    assert daily(book, date(2026, 9, 14))["2026-09-11"] == "missing"


def test_a_source_that_cannot_be_read_has_handed_over_nothing(watched: Any) -> None:
    watched.department("alter table jzg rename to jzg_away")
    watched.night(4)
    watched.night(5)
    assert daily(watched.ledger, date(2026, 9, 11))["2026-09-10"] == "missing"


def test_what_the_hub_did_not_look_at_is_nobody_s_fault(watched: Any) -> None:
    book, morning = watched.ledger, date(2026, 9, 14)
    assert daily(book, morning)["2026-09-11"] == "unseen"
    assert ("2026-09-11", "unseen") in told(book, morning)
    bodies = {
        made.department: made.body for made in build_digests(book, load_catalog(), list_obligations(morning, book), morning)
    }
    assert "2026-09-11" not in bodies["hr"]
    assert "2026-09-11" in bodies["it"]
    watched.department("update jzg set lxrq = '20260911' where gh = 'T0001'")
    watched.night(9)  # 15 September: the data tell that it was done on its day
    assert daily(book, date(2026, 9, 15))["2026-09-11"] == "met"
