"""A university of three hundred people lives the school year 2026-2027 on a clock of its own.

Every day the calendar is asked which feeds are due, what is due is delivered, and the deadlines are looked at in the morning.
A whole night (all sources, all eight verbs, all feeds) is run on the dates of `year_days.NIGHTS`; on the evenings of
`year_days.TAKEN` the systems are taken that hand something over for that day. Every day a whole night would take half an
hour. What must come of it is written down by hand in `year_days` and `deadlines.csv`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from year_days import (
    FIRST,
    LAST,
    LATE_PAYROLL,
    LEAVING,
    LEAVING_OPENS,
    NIGHTS,
    PAYDAYS,
    PAYROLL_CAME,
    REGISTERED,
    REGISTERED_AGAIN,
    SPANS,
    TAKEN,
    TERM_ENDS,
    TERM_OVER,
    between,
    days,
)
from year_deadlines import Key, lines
from year_university import FILES, PERSONS, TABLES, Lived

from campus.generate.university import build_world
from campus.simulate.world import FIRST_DAY, date_of, day_of, epoch_day

PER_PERSON = ("DL15", "DL16", "DL17")


def test_nothing_goes_wrong_and_nothing_sound_is_held(year: Lived) -> None:
    assert {day: found for day, found in year.problems.items() if found} == {}
    assert {day: found for day, found in year.held.items() if found} == {}
    assert year.brakes == []
    assert year.held.keys() == NIGHTS


def test_each_schedule_is_on_from_its_first_day_to_its_last(year: Lived) -> None:
    words = ("payday", *SPANS)
    assert set().union(*year.due.values()) == set(words)
    for word in words:
        assert [day for day in sorted(year.due) if word in year.due[day]] == days(word), word


def test_what_is_due_reaches_its_receivers_on_that_day(year: Lived) -> None:
    for feed, word in (
        ("E48.payroll", "payday"),
        ("E49.payroll", "payday"),
        ("E47.fee_status", "registration_fees"),
        ("E61.registration_status", "registration_results"),
        ("E14.staff_basic", "leaving_data"),
        ("E27.student_status", "leaving_data"),
        ("E38.grad_student_basic", "leaving_data"),
        ("E50.fee_status", "leaving_daily"),
        ("E57.library_clearance", "leaving_daily"),
    ):
        on = [day for day in sorted(year.delivered) if feed in year.delivered[day] and FIRST < day < LAST]
        assert on == days(word), feed


def test_payday_is_the_8th_and_late_pay_is_known_for_late(year: Lived) -> None:
    assert [day.day for day in PAYDAYS.values()] == [8] * 12
    for day in (date(2026, 8, 10), date(2026, 11, 9), date(2027, 2, 14), date(2027, 5, 10)):
        assert "payday" not in year.due[day]
    for feed in ("E48.payroll", "E49.payroll"):
        assert (feed, LATE_PAYROLL, PAYROLL_CAME) in year.late


def test_every_deadline_is_raised_on_its_day(year: Lived) -> None:
    found = {key: states for key, states in year.states.items() if key[0] not in PER_PERSON}
    wanted = {line.key: line for line in lines()}
    assert found.keys() == wanted.keys()
    assert _unlike(found, {key: line.states for key, line in wanted.items()}) == {}
    assert {key: day for key, day in year.due_on.items() if key in wanted and day != wanted[key].due} == {}
    assert {key[0] for key in year.states} == {f"DL{number:02d}" for number in range(1, 28)}


def test_the_departments_are_told_before_a_deadline_and_while_it_is_missing(year: Lived) -> None:
    found = {key: told for key, told in year.told.items() if key[0] not in PER_PERSON}
    wanted = {line.key: told for line in lines() if (told := line.told())}
    assert found.keys() == wanted.keys()
    assert _unlike(found, wanted) == {}


def test_new_staff_are_complete_within_a_week_of_the_day_they_report(year: Lived) -> None:
    """The data are there when they report; who reports more than a week and a day before the hub looks next comes late."""
    reported = [date_of(int(day)) for day in _joined()]
    assert len(reported) > 300
    wanted = {day.isoformat(): seen for day in reported if (seen := _first_seen(day))}
    assert {seen[0][1] for seen in wanted.values()} == {"met", "late"}
    for deadline in PER_PERSON:
        found = {name: states for (id, name), states in year.states.items() if id == deadline}
        assert found == wanted, deadline


def test_the_green_channel_ends_with_the_term(year: Lived) -> None:
    (granted, valid), (_, after) = year.green[TERM_ENDS], year.green[TERM_OVER]
    assert valid and valid <= granted
    assert after == set()
    autumn, spring = year.receivers[REGISTERED]["selectable"], year.receivers[REGISTERED_AGAIN]["selectable"]
    assert {number for _, number in autumn} & granted
    assert {term for term, _ in autumn} == {"1"}
    assert {term for term, _ in spring} == {"2"}


def test_graduates_leave_every_directory_and_every_list_of_cards(year: Lived) -> None:
    before, after = year.receivers[LEAVING_OPENS], year.receivers[LEAVING]
    graduates = after["graduated"] - before["graduated"]
    assert len(graduates) > 20
    for place in ("in_school", "valid_cards", "directory", *TABLES, *FILES):
        assert graduates & before[place], place
        assert not graduates & after[place], place
        assert after[place] - graduates, place
    assert graduates <= before["in_school"]
    assert graduates <= before["directory"]


def test_every_receiver_holds_what_the_hub_has(year: Lived) -> None:
    assert len(year.verified) > 90
    assert [row["feed"] for row in year.verified if not row["equal"]] == []


def _unlike(found: Mapping[Key, object], wanted: Mapping[Key, object]) -> dict[Key, tuple[object, object]]:
    return {key: (found[key], wanted[key]) for key in found if found[key] != wanted[key]}


def _joined() -> list[int]:
    """The days on which staff report, as far as their week ends after the hub's first night."""
    staff = build_world(PERSONS, day=day_of(LAST)).staff
    reported = staff["joined"] - epoch_day(FIRST_DAY) + 1
    first, last = day_of(FIRST) - 7, day_of(LAST)
    return sorted({int(day) for day in reported if first <= day <= last})


def _first_seen(day: date) -> list[tuple[date, str]]:
    """When the hub first has who reports on a day: by a whole night at once, by an evening in the next morning."""
    for taken in between(max(day, FIRST), LAST):
        if taken in NIGHTS or "hr" in TAKEN.get(taken, ()):
            seen = taken if taken in NIGHTS else taken + timedelta(days=1)
            return [(seen, "met" if seen <= day + timedelta(days=8) else "late")]
    return []
