"""A deadline over the days: expected, due soon, met in time or late, missing; written down when it changes and only then."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pipeline.morning import look
from pipeline.obligations import current

DEADLINES = """\
reminders: {days_before: [7, 3, 1], due_soon_days: 7, watch_days: 30, realtime_minutes: 15}
deadlines:
  - {id: DL15, anchor: staff_report, offset_days: 7, relation: at_latest, responsible_zh: 人事处, responsible_en: Personnel,
     departments: [hr], step: SJGXLC01/1, strength: required, what: w, text_zh: 一周内完成}
  - {id: DL18, anchor: month, relation: on_day, day_of_month: 8, responsible_zh: 财务处, responsible_en: Finance,
     departments: [hr], step: SJGXLC04/3, strength: required, what: payroll, text_zh: 每月8号上传工资数据}
  - {id: DL08, anchor: month, relation: on_day, day_of_month: 20, responsible_zh: 信息化管理中心, responsible_en: IT,
     departments: [hr], step: YWLC01/11, strength: required, what: ready, text_zh: 完成准备, proof: person}
"""
YEAR = """\
school_year: 2026-2027
title: t
terms: [{code: "1", title: t, first: 2026-08-31, last: 2027-01-17}]
windows: []
days_off: []
workdays: []
"""
STAFFED = """\
select cast(1 as bigint) as needed, cast(count(s.staff_no) as bigint) as found, count(s.staff_no) > 41 as met,
    'staff=' || cast(count(s.staff_no) as varchar) as evidence
from occasion o left join staff s on true
"""
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
    university.forget()
    assert university.night().problems == []
    return university


def state(book: Any, day: date, occasion: str = "2026-09", deadline: str = "DL18") -> tuple[str, int]:
    (item,) = [item for item in look(day, book) if (item["deadline"], item["occasion"]) == (deadline, occasion)]
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
    look(day, book)
    count = book.single("select count(*) as n from ops.obligation")["n"]
    assert count > 0
    look(day, book)
    assert book.single("select count(*) as n from ops.obligation")["n"] == count
    from schemas.catalog import catalog

    assert {item["deadline"] for item in current(book, catalog(), day)} == {"DL08", "DL18"}


def test_an_awaited_entity_is_neither_owed_nor_met(watched: Any) -> None:
    watched.department("update jzg set lxrq = '20260901' where gh = 'T0001'")
    watched.night(2)
    (item,) = [item for item in look(date(2026, 9, 20), watched.ledger) if item["deadline"] == "DL15"]
    assert (item["occasion"], item["state"], item["not_yet"]) == ("2026-09-01", "expected", ["welcome_checkin"])


def test_the_night_s_report_has_the_deadlines(watched: Any) -> None:
    assert watched.night(20).problems == []
    (page,) = (watched.var / "reports").glob("night-20260926-*/report.zh.html")
    assert "每月8号上传工资数据" in page.read_text("utf-8")
