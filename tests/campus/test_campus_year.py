"""A school year from August to July: before arrival, through graduation, every day possible and told in one way only."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow.compute as pc
import pytest

from campus.generate import world
from campus.generate_past import state_on
from campus.render import render
from campus.world import GRADUATED, INTAKE, date_of, day_of, epoch, present
from campus.year import AUTUMN, LEAVING, LOANS_PAID, NUMBERED, REPORT, SPRING

PERSONS = 1_000
FIRST, LAST = day_of(date(2026, 8, 1)), day_of(date(2027, 7, 31))
BEGINNING = {
    "finance.collection_batch": NUMBERED - 1,
    "finance.collection_line": NUMBERED - 1,
    "finance.write_off": NUMBERED,
    "finance.write_off_line": NUMBERED,
    "admissions_office.admission": NUMBERED,
    "logistics.dorm_allocation": NUMBERED,
    "finance.voided_payment": 0,
    "it_centre.photo_register": 0,
}
"""The day by which a dataset of the new school year has rows: bills go out and intake is handed over before anybody arrives."""


@pytest.mark.parametrize("day", [FIRST, NUMBERED - 1, NUMBERED, 0, 1, 60, LEAVING, LAST])
def test_every_system_has_rows_on_every_day(day: int) -> None:
    for id, rows in render(world(PERSONS, day=day)).items():
        assert rows.num_rows > 0 or id == "graduate.status_change" or day < BEGINNING.get(id, FIRST), id


def test_the_terms_are_those_of_the_calendar() -> None:
    assert date_of(AUTUMN.first) == date(2026, 8, 31) and date_of(SPRING.last) == date(2027, 7, 11)
    assert AUTUMN.opened < AUTUMN.checkin.first < REPORT.first < AUTUMN.registration.first < AUTUMN.registration.last
    assert date_of(LEAVING) == date(2027, 6, 25)


def test_new_students_are_there_from_the_day_they_have_numbers() -> None:
    before, after = (world(PERSONS, day=day) for day in (NUMBERED - 1, NUMBERED))
    new = (before.students["entry"] == INTAKE) & (before.students["from_day"] == 1)
    assert new.sum() > 100
    assert not present(before.students, before.day)[new].any()
    assert present(after.students, after.day)[new].all()


def test_a_day_reached_from_before_is_the_day_reached_at_once() -> None:
    walked = [world(PERSONS, seed=9, day=day) for day in range(38, 42)][-1]
    world(PERSONS, seed=9, day=1)
    again = world(PERSONS, seed=9, day=41)
    assert walked is not again
    assert all(np.array_equal(walked.students[name], again.students[name]) for name in walked.students)


@pytest.mark.parametrize("day", [FIRST, NUMBERED, -3])
def test_nothing_is_dated_after_the_day(day: int) -> None:
    there = world(PERSONS, day=day)
    close = (epoch(date_of(day)) + 1) * 86_400
    for frame in (there.students, there.staff, there.posts):
        shown = present(frame, day) if "since" in frame else np.ones(len(frame["updated"]), bool)
        assert (frame["updated"][shown] < close).all()
    tables = render(there)
    assert pc.max(tables["finance.payment_ledger"]["RZSJ"]).as_py().date() <= date_of(day)
    assert pc.max(tables["finance.student_fee"]["SJSJ"]).as_py().date() <= date_of(day)
    assert there.changes["on"].max() * 86_400 < close


def test_a_state_of_an_earlier_day_is_what_that_day_had() -> None:
    then, now = world(3_000, day=120), world(3_000, day=LEAVING)
    known = present(then.students, 120)
    out = (2, 3)
    assert np.array_equal(np.isin(state_on(now, 120)[known], out), np.isin(then.students["state"][known], out))


def test_the_senior_classes_graduate_on_the_leaving_day() -> None:
    before, after = (world(PERSONS, day=day) for day in (LEAVING - 1, LEAVING))
    fresh = (after.students["state"] == GRADUATED) & (before.students["state"] != GRADUATED)
    assert fresh.sum() > 0.1 * PERSONS
    assert (after.students["updated"][fresh] // 86_400 == epoch(date_of(LEAVING))).all()


def test_the_bank_pays_for_students_with_a_loan_in_december() -> None:
    before, after = (render(world(PERSONS, day=day))["finance.payment_ledger"] for day in (LOANS_PAID - 1, LOANS_PAID))
    assert after.num_rows - before.num_rows > 10
