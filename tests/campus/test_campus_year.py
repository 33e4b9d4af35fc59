"""A school year from August to July: before arrival, through graduation, every day possible and told in one way only."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow.compute as pc
import pytest

from campus.generate.past import find_states
from campus.generate.university import build_world
from campus.render.datasets import render_datasets
from campus.simulate.world import GRADUATED, INTAKE, date_of, day_of, epoch_day, is_present
from campus.simulate.year import ADMITTED, AUTUMN, CARDS_ISSUED, LEAVING, LOANS_PAID, NUMBERED, REPORT, SPRING

PERSONS = 1_000
FIRST_ROWS = {
    "admissions_office.admission": ADMITTED,
    "finance.voided_payment": 0,
    "finance.write_off": NUMBERED,
    "finance.write_off_line": NUMBERED,
    "finance.collection_batch": NUMBERED - 1,
    "finance.collection_line": NUMBERED - 1,
    "it_centre.photo_register": REPORT.first + 1,
    "logistics.dorm_allocation": NUMBERED,
}
"""The day from which a dataset of the new school year has rows, where that is not the first of August."""
FIRST, LAST = day_of(date(2026, 8, 1)), day_of(date(2027, 7, 31))


@pytest.mark.parametrize("day", [FIRST, NUMBERED - 1, NUMBERED, 0, 1, 60, LEAVING, LAST])
def test_every_dataset_has_rows_on_every_day_from_its_first(day: int) -> None:
    for id, rows in render_datasets(build_world(PERSONS, day=day)).items():
        assert rows.num_rows > 0 or day < FIRST_ROWS.get(id, FIRST) or id == "graduate.status_change", id


def test_new_students_are_on_the_list_of_admissions_twenty_days_before_they_report() -> None:
    before, after = (
        render_datasets(build_world(PERSONS, day=day))["admissions_office.admission"] for day in (ADMITTED - 1, ADMITTED)
    )
    assert date_of(ADMITTED) == date(2026, 8, 16)
    assert before.num_rows == 0 and after.num_rows > 100


def test_formal_cards_are_made_two_months_after_arrival_and_given_out_in_the_month_after() -> None:
    made, given = ({row["XGH"]: row for row in _formal_of_new(day)} for day in (CARDS_ISSUED.first, CARDS_ISSUED.last))
    assert {row["KPZT"] for row in made.values()} >= {"正常", "冻结"}
    assert all((row["FFRQ"] is None) == (row["KPZT"] == "冻结") for row in made.values())
    assert made.keys() <= given.keys()
    assert not [number for number in made if given[number]["KPZT"] == "冻结"]


def _formal_of_new(day: int) -> list[dict[str, str]]:
    """The formal cards of those who reported on the days of arrival, as the card system has them on a day."""
    rows = render_datasets(build_world(PERSONS, day=day))["campus_card.card"].to_pylist()
    before = {
        row["XGH"] for row in render_datasets(build_world(PERSONS, day=CARDS_ISSUED.first - 1))["campus_card.card"].to_pylist()
    }
    new = {row["XGH"] for row in rows if row["KLX"] == "临时卡"} & before
    return [row for row in rows if row["KLX"] == "正式卡" and row["XGH"] in new and row["KPZT"] != "注销"]


def test_the_terms_are_those_of_the_calendar() -> None:
    assert date_of(AUTUMN.first) == date(2026, 8, 31) and date_of(SPRING.last) == date(2027, 7, 11)
    assert AUTUMN.opened < AUTUMN.checkin.first < REPORT.first < AUTUMN.registration.first < AUTUMN.registration.last
    assert date_of(LEAVING) == date(2027, 6, 25)


def test_new_students_are_there_from_the_day_they_have_numbers() -> None:
    before, after = (build_world(PERSONS, day=day) for day in (NUMBERED - 1, NUMBERED))
    new = (before.students["entry"] == INTAKE) & (before.students["from_day"] == 1)
    assert new.sum() > 100
    assert not is_present(before.students, before.day)[new].any()
    assert is_present(after.students, after.day)[new].all()


def test_a_day_reached_from_before_is_the_day_reached_at_once() -> None:
    walked = [build_world(PERSONS, seed=9, day=day) for day in range(38, 42)][-1]
    build_world(PERSONS, seed=9, day=1)
    again = build_world(PERSONS, seed=9, day=41)
    assert walked is not again
    assert all(np.array_equal(walked.students[name], again.students[name]) for name in walked.students)


@pytest.mark.parametrize("day", [FIRST, NUMBERED, -3])
def test_nothing_is_dated_after_the_day(day: int) -> None:
    there = build_world(PERSONS, day=day)
    close = (epoch_day(date_of(day)) + 1) * 86_400
    for frame in (there.students, there.staff, there.posts):
        shown = is_present(frame, day) if "since" in frame else np.ones(len(frame["updated"]), bool)
        assert (frame["updated"][shown] < close).all()
    tables = render_datasets(there)
    assert pc.max(tables["finance.payment_ledger"]["RZSJ"]).as_py().date() <= date_of(day)
    assert pc.max(tables["finance.student_fee"]["SJSJ"]).as_py().date() <= date_of(day)
    assert there.changes["on"].max() * 86_400 < close


def test_a_state_of_an_earlier_day_is_what_that_day_had() -> None:
    then, now = build_world(3_000, day=120), build_world(3_000, day=LEAVING)
    known = is_present(then.students, 120)
    out = (2, 3)
    assert np.array_equal(np.isin(find_states(now, 120)[known], out), np.isin(then.students["state"][known], out))


def test_the_senior_classes_graduate_on_the_leaving_day() -> None:
    before, after = (build_world(PERSONS, day=day) for day in (LEAVING - 1, LEAVING))
    fresh = (after.students["state"] == GRADUATED) & (before.students["state"] != GRADUATED)
    assert fresh.sum() > 0.1 * PERSONS
    assert (after.students["updated"][fresh] // 86_400 == epoch_day(date_of(LEAVING))).all()


def test_the_bank_pays_for_students_with_a_loan_in_december() -> None:
    before, after = (
        render_datasets(build_world(PERSONS, day=day))["finance.payment_ledger"] for day in (LOANS_PAID - 1, LOANS_PAID)
    )
    assert after.num_rows - before.num_rows > 10


def test_what_the_bank_has_drawn_is_answered_before_the_batch_is_back() -> None:
    lines = render_datasets(build_world(PERSONS, day=day_of(date(2026, 8, 30))))["finance.collection_line"].to_pylist()
    drawn = [row for row in lines if row["CGJE"] > 0]
    assert drawn and len(drawn) < len(lines)
    assert {row["HPJG"] for row in drawn} == {"00"}
    assert {row["HPJG"] for row in lines if row not in drawn} == {None}


@pytest.mark.parametrize("day", [-1, 0, 1, 20])
def test_who_pays_after_hours_is_a_student_of_that_day(day: int) -> None:
    tables = render_datasets(build_world(PERSONS, day=day))
    students = {number for id in ("academic.student_record", "graduate.student") for number in tables[id]["XH"].to_pylist()}
    payers = tables["finance.realtime_payment"]["XH"].to_pylist()
    assert 0 < len(payers) < 10
    assert set(payers) <= students
