"""A university of three hundred people lives the school year 2026-2027 on a clock of its own.

Every day the calendar is asked which feeds are due, what is due is delivered, and the deadlines are looked at. The whole
night (sources brought to that day with everything that happened since, all eight verbs) is run on the dates of
`year_days.NIGHTS`: every payday and every day on which what is handed over can meet a deadline; a whole night for every
day would take half an hour. What must come of it is written down by hand in `year_days` and `year_deadlines`.
"""

from __future__ import annotations

from datetime import date, timedelta

from year_days import FIRST, LAST, LEAVING, NIGHTS, PAYDAYS, SPANS, TERM_ENDS, between, days
from year_deadlines import expected
from year_university import Lived

from campus.arrays import Ints
from campus.generate import world
from campus.world import FIRST_DAY, date_of, day_of, epoch

PER_PERSON = ("DL15", "DL16", "DL17")


def test_nothing_goes_wrong_and_nothing_sound_is_held(year: Lived) -> None:
    assert {day: found for day, found in year.problems.items() if found} == {}
    assert {day: count for day, count in year.held.items() if count} == {}
    assert year.brakes == []
    assert year.problems.keys() >= NIGHTS


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
        ("E50.fee_status", "leaving_daily"),
        ("E57.library_clearance", "leaving_daily"),
    ):
        on = [day for day in sorted(year.delivered) if feed in year.delivered[day] and FIRST < day < LAST]
        assert on == days(word), feed


def test_payday_moves_over_the_holidays() -> None:
    assert PAYDAYS["2026-10"] == date(2026, 10, 8)
    assert PAYDAYS["2027-02"] == date(2027, 2, 14)
    assert len(PAYDAYS) == 12


def test_every_deadline_is_raised_on_its_day(year: Lived) -> None:
    found = {key: states for key, states in year.states.items() if key[0] not in PER_PERSON}
    wanted = expected()
    assert found.keys() == wanted.keys()
    assert {key: states for key, states in found.items() if states != wanted[key]} == {}
    assert {key[0] for key in year.states} == {f"DL{number:02d}" for number in range(1, 28)}


def test_new_staff_are_complete_within_a_week_of_the_day_they_report(year: Lived) -> None:
    """The data are there when they report; who reports more than a week and a day before the next whole night comes late."""
    reported = [date_of(int(day)) for day in _joined()]
    assert len(reported) > 300
    for deadline in PER_PERSON:
        found = {name: states for (id, name), states in year.states.items() if id == deadline}
        assert found == {day.isoformat(): _first_seen(day) for day in reported if _first_seen(day)}, deadline


def test_the_green_channel_ends_with_the_term(year: Lived) -> None:
    autumn, spring = year.receivers[date(2026, 9, 18)], year.receivers[date(2027, 3, 19)]
    green = autumn["green"]
    chosen = {number for term, number in autumn["selectable"] if term == "1"}
    assert green
    assert green & chosen
    assert {term for term, _ in spring["selectable"]} == {"2"}
    assert year.states["DL27", "2026-2027-1"][-1] == (TERM_ENDS, "met")


def test_graduates_leave_every_receiver_and_their_cards_end(year: Lived) -> None:
    before, after = year.receivers[PAYDAYS["2027-06"]], year.receivers[LEAVING]
    graduates = after["graduated"] - before["graduated"]
    assert len(graduates) > 20
    for place in ("in_school", "valid_cards", "portal", "library", "card_centre", "info_site"):
        assert graduates & before[place], place
        assert not graduates & after[place], place
        assert after[place] - graduates, place


def test_every_receiver_holds_what_the_hub_has(year: Lived) -> None:
    assert len(year.verified) > 90
    assert [row["feed"] for row in year.verified if not row["equal"]] == []


def _joined() -> Ints:
    """The days on which staff report, as far as their week ends after the hub's first night."""
    staff = world(300, day=day_of(LAST)).staff
    days_ = staff["joined"] - epoch(FIRST_DAY) + 1
    first, last = day_of(FIRST) - 7, day_of(LAST)
    return sorted({int(day) for day in days_ if first <= day <= last})


def _first_seen(day: date) -> list[tuple[date, str]]:
    night = next((other for other in between(max(day, FIRST), LAST) if other in NIGHTS), None)
    if night is None:
        return []
    return [(night, "met" if night <= day + timedelta(days=8) else "late")]
