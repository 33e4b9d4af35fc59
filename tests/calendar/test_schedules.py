"""What each schedule word means on the university's calendar, and which feeds a night finds due."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest

from core.calendar import ANCHOR_WINDOWS, ZONE, each_day, load_calendar
from core.schedule import FEED_SCHEDULES, SCHEDULES

YEAR = (date(2026, 8, 1), date(2027, 7, 31))


def days(word: str) -> list[date]:
    year = load_calendar()
    return [day for day in each_day(*YEAR) if SCHEDULES[word].is_on(year, day)]


def spans(word: str) -> list[tuple[str, str]]:
    """The days of a word as first and last of each run of neighbours."""
    found: list[list[date]] = []
    for day in days(word):
        if found and (day - found[-1][1]).days == 1:
            found[-1][1] = day
        else:
            found.append([day, day])
    return [(first.isoformat(), last.isoformat()) for first, last in found]


def test_fees_come_the_day_before_registration_and_every_day_of_it() -> None:
    assert spans("registration_fees") == [("2026-09-06", "2026-09-18"), ("2027-03-07", "2027-03-19")]


def test_results_come_every_quarter_of_an_hour_of_the_window() -> None:
    assert spans("registration_results") == [("2026-09-07", "2026-09-18"), ("2027-03-08", "2027-03-19")]
    slots = list(SCHEDULES["registration_results"].list_slots(load_calendar(), date(2026, 9, 7), date(2026, 9, 7)))
    assert len(slots) == 96
    assert (slots[0], slots[-1]) == (datetime(2026, 9, 7, 0, 0, tzinfo=ZONE), datetime(2026, 9, 7, 23, 45, tzinfo=ZONE))


def test_leaving_gets_its_data_two_weeks_before_and_fees_through_the_season() -> None:
    assert spans("leaving_data") == [("2027-06-11", "2027-06-25")]
    assert spans("leaving_daily") == [("2027-06-11", "2027-07-04")]


def test_real_time_works_when_somebody_does() -> None:
    on = set(days("realtime"))
    assert date(2026, 9, 5) in on  # a Saturday on which new students arrive
    assert date(2026, 9, 20) in on  # a make-up Sunday
    assert date(2026, 10, 1) not in on
    assert date(2026, 11, 14) not in on
    assert (SCHEDULES["realtime"].times[0], SCHEDULES["realtime"].times[-1]) == (time(8, 0), time(18, 0))
    assert SCHEDULES["realtime"].times[1] == time(8, 5)


@pytest.mark.parametrize("school_year", ["2025-2026", "2026-2027"])
def test_each_school_year_gives_every_day_that_deadlines_count_from(school_year: str) -> None:
    year = load_calendar()
    for code in [*ANCHOR_WINDOWS, "term_start"]:
        assert [day for day in year.anchor_days(code) if year.school_year(day) == school_year], code
    registrations = [window for window in year.find_windows("registration") if window.batch.startswith(school_year)]
    checkins = [window for window in year.find_windows("checkin") if window.batch.startswith(school_year)]
    assert [window.batch for window in registrations] == [f"{school_year}-1", f"{school_year}-2"]
    assert [window.batch for window in checkins] == [f"{school_year}-1", f"{school_year}-2"]
    for checkin, registration in zip(checkins, registrations, strict=True):
        assert (registration.first - checkin.first).days >= 7  # YWLC04/2


def test_make_up_days_are_known_from_the_package_or_from_a_person() -> None:
    assert load_calendar().is_makeup_confirmed(2026)
    assert not load_calendar().is_makeup_confirmed(2031)


def test_every_word_of_a_contract_has_a_schedule_with_its_step() -> None:
    assert set(FEED_SCHEDULES) == {
        "nightly",
        "payday",
        "registration_fees",
        "registration_results",
        "leaving_daily",
        "leaving_data",
    }
    assert all(schedule.source for word, schedule in FEED_SCHEDULES.items() if word != "nightly")
