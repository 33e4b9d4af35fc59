"""Arrival, registration, leaving and cards over the year: the rules of the flow document hold in what the systems say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from campus.generate.money import build_fees, find_paid_days
from campus.generate.university import build_world
from campus.render.datasets import DATASETS
from campus.simulate.world import day_of
from campus.simulate.year import AUTUMN, CARDS_ISSUED, LEAVING, LEAVING_OPENS, NUMBERED, REPORT, SPRING

PERSONS = 3_000
FEED = Path(__file__).resolve().parents[2] / "sql" / "feeds" / "sjgxlc10" / "registration_status.sql"
SOUND = {
    "student_no": "1", "school_year": "2026-2027", "term_code": "1", "state_code": "1", "checkin_on": date(2026, 8, 29),
    "deferred": False, "registered_on": date(2026, 9, 8), "basis": "1", "registered_by": "1", "forced_reason": None,
    "is_current_term": True, "is_valid": True, "source_system": "registration",
}  # fmt: skip


def table(id: str, day: int) -> pa.Table:
    return DATASETS[id](build_world(PERSONS, day=day))


def words(id: str, day: int, *columns: str) -> Counter[tuple[str, ...]]:
    return Counter(tuple(row.values()) for row in table(id, day).select(list(columns)).to_pylist())


@pytest.mark.parametrize("day", [REPORT.first, 1, 40, SPRING.registration.last])
def test_paid_means_that_finance_says_so(day: int) -> None:
    there = build_world(PERSONS, day=day)
    rows = build_fees(there)
    assert ((find_paid_days(there.students)[rows["student"]] <= day) == (rows["required"] == 1)).all()


def test_the_new_batch_takes_the_place_of_the_old_one_when_new_students_have_numbers() -> None:
    assert set(words("welcome.arrival", NUMBERED - 1, "PCH", "TZSYS")) == {("YX2025", "是")}
    assert set(words("welcome.arrival", NUMBERED, "PCH", "TZSYS", "XYKFF")) == {("YX2026", "否", "N")}
    arrived = words("welcome.arrival", REPORT.last, "TZSYS")
    assert arrived[("是",)] > 30 * arrived[("否",)] > 0


def test_nobody_registers_before_the_window_and_most_do_within_it() -> None:
    states = [words("registration.checkin_register", day, "PCH", "ZCZT") for day in (AUTUMN.registration.first - 1, 12)]
    assert states[0][("ZC20261", "已注册")] == 0
    assert states[1][("ZC20261", "已注册")] > 7 * states[1][("ZC20261", "已报到")]  # the others owe, some of the year before


@pytest.mark.parametrize("day", [5, AUTUMN.registration.last, SPRING.registration.last])
def test_who_is_registered_has_checked_in_and_a_basis(day: int) -> None:
    for row in table("registration.checkin_register", day).to_pylist():
        if row["ZCZT"] == "已注册":
            assert row["BDRQ"] <= row["ZCRQ"].replace("/", "")
            assert row["ZCR"] is not None
            assert (row["YXQZ"] is not None) == (row["ZCYJ"] == "绿色通道")
            assert (row["QZYY"] is not None) == (row["ZCYJ"] == "强制")
        else:
            assert row["ZCRQ"] is row["ZCYJ"] is row["ZCR"] is None
        assert not (row["HBD"] == "是" and row["BDRQ"])


def test_a_registration_stays_as_it_was_made() -> None:
    then, now = (
        {row["XH"]: row for row in table("registration.checkin_register", day).to_pylist() if row["PCH"] == "ZC20261"}
        for day in (12, 120)
    )
    made = [number for number, row in then.items() if row["ZCZT"] == "已注册" and number in now]
    assert len(made) > 1_000
    assert all(then[number] == now[number] for number in made)


def test_temporary_cards_are_frozen_until_arrival_and_recovered_when_formal_ones_are_given_out() -> None:
    assert not words("campus_card.card", REPORT.first - 3, "KLX")[("临时卡",)]
    assert set(words("campus_card.card", REPORT.first - 2, "KLX", "KPZT")) & {("临时卡", "正常"), ("临时卡", "冻结")} == {
        ("临时卡", "冻结")
    }
    rows = table("campus_card.card", CARDS_ISSUED.last).to_pylist()
    temporary = {row["XGH"]: row for row in rows if row["KLX"] == "临时卡"}
    formal = {row["XGH"] for row in rows if row["KLX"] == "正式卡"}
    back = {number for number, row in temporary.items() if row["KPZT"] == "回收"}
    assert len(back) > 500
    assert back - formal == set() or all(temporary[number]["FFRQ"] is None for number in back - formal)
    assert not {number for number, row in temporary.items() if row["KPZT"] == "正常"} & formal


def test_leavers_clear_their_steps_in_two_weeks_and_certificates_come_last() -> None:
    opened = words("leaving.clearance", LEAVING - LEAVING_OPENS, "PCH", "ZSZT")
    assert set(opened) == {("LX2027", "未办")}
    rows = table("leaving.clearance", LEAVING).to_pylist()
    done = [row for row in rows if row["ZSZT"] == "已办"]
    assert 0.85 * len(rows) < len(done) < len(rows)
    for row in done:
        steps = [name for name in row if name.endswith("RQ") and name != "ZSRQ" and row[name]]
        assert all(row[name] <= row["ZSRQ"] for name in steps)
    assert {row["CWZT"] for row in rows if row["ZSZT"] == "未办"} >= {"暂不能办"}


@pytest.mark.parametrize("day", [5, LEAVING - LEAVING_OPENS, LEAVING - 7, LEAVING + 3])
def test_the_librarys_step_is_done_when_the_library_has_books_money_and_card(day: int) -> None:
    rows = table("library.clearance", day).to_pylist()
    clear = {row["XH"].strip(): (row["QQBZ"], row["JYZ"]) == ("是", "已交") for row in rows}
    steps = {row["XH"].strip(): row["TSZT"] for row in table("leaving.clearance", day).to_pylist()}
    done = {number for number, word in steps.items() if word == "已办"}
    assert done <= {number for number in steps if clear.get(number, True)}
    assert steps.keys() - done
    assert bool(done) == (day != LEAVING - LEAVING_OPENS)


def test_no_valid_card_outlives_its_holders_stay() -> None:
    day = LEAVING
    states = {row["XH"]: row["XJZT"] for row in table("academic.status_record", day).to_pylist()}
    left = {number.strip() for number, state in states.items() if state in ("毕业", "退学")}
    cards = table("campus_card.card", day).to_pylist()
    assert len(left) > 500
    assert not [row for row in cards if row["XGH"] in left and row["KPZT"] == "正常"]


def test_purchases_are_kept_for_two_weeks_and_never_change() -> None:
    then, now = ({row["JYLSH"]: row for row in table("campus_card.card_transaction", day).to_pylist()} for day in (20, 21))
    assert {number[:8] for number in then} == {f"2026{month}" for month in _fortnight()}
    both = set(then) & set(now)
    assert len(both) > 0.9 * len(then)
    assert all(then[number] == now[number] for number in both)


def _fortnight() -> list[str]:
    return [f"09{number:02d}" for number in range(13, 27)]


@pytest.fixture
def hub() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as db:
        db.execute("create table fee_status (student_no varchar, school_year varchar, required_items_paid boolean)")
        db.execute("insert into fee_status values ('1', '2026-2027', true), ('2', '2026-2027', false)")
        for student, owed in (("3", "2024-2025"), ("4", "2027-2028")):  # owed before, and owed only afterwards
            db.execute(f"insert into fee_status values ('{student}', '2026-2027', true), ('{student}', '{owed}', false)")
        db.execute("create table staff (staff_no varchar, unit_code varchar)")
        db.execute("insert into staff values ('A', '教'), ('B', '院')")
        db.execute("create table org_unit (unit_code varchar, name varchar, office_code varchar)")
        db.execute("insert into org_unit values ('教', '教务部', 'academic_affairs'), ('院', '教务处', null)")
        yield db


@pytest.mark.parametrize(
    "difference, selectable, exams",
    [
        ({}, True, True),
        ({"student_no": "2"}, False, False),
        ({"student_no": "3"}, False, False),
        ({"student_no": "3", "basis": "2"}, True, True),
        ({"student_no": "4"}, True, True),
        ({"state_code": "2", "registered_on": None, "basis": None, "is_valid": False}, False, False),
        ({"checkin_on": None}, False, False),
        ({"checkin_on": date(2026, 9, 9)}, False, False),
        ({"student_no": "2", "basis": "2"}, True, True),
        ({"student_no": "2", "basis": "2", "is_valid": False}, False, True),
        ({"student_no": "2", "basis": "3", "registered_by": "A", "forced_reason": "x"}, True, True),
        ({"student_no": "2", "basis": "3", "registered_by": "B", "forced_reason": "x"}, False, False),
        ({"student_no": "2", "basis": "3", "registered_by": "A"}, False, False),
        ({"is_current_term": False}, False, True),
    ],
)
def test_who_may_select_courses(
    hub: duckdb.DuckDBPyConnection, difference: dict[str, object], selectable: bool, exams: bool
) -> None:
    types = {"checkin_on": pa.date32(), "registered_on": pa.date32(), "forced_reason": pa.string(), "basis": pa.string()}
    row = SOUND | difference
    registered = pa.table({name: pa.array([cell], types.get(name)) for name, cell in row.items()})
    hub.register("registration", registered)
    found = hub.sql(f"select is_selectable, is_exam_entry_allowed from ({FEED.read_text('utf-8')})").fetchall()
    assert found == [(selectable, exams)]


def test_the_terms_of_the_registration_system_follow_the_calendar() -> None:
    batches = table("registration.batch", day_of(date(2027, 2, 27))).to_pylist()
    assert [(row["PCH"], row["DQPC"]) for row in batches] == [("ZC20261", "否"), ("ZC20262", "是")]
    assert batches[1]["XQJSRQ"] == date(2027, 7, 11)
