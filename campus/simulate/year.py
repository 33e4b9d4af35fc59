"""The days of the rehearsal's school year 2026-2027, taken from the university's own calendar.

A day is a number as in `campus.simulate.world`: day 1 is 2026-09-07 and earlier days are 0 and below. The calendar of this
repository is read, not that of the settings, so that the same seed gives the same university in every home.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from campus.simulate.world import day_of
from core.calendar import load_calendar
from core.settings import get_product_folder

_DAY = timedelta(days=1)
_CALENDAR = load_calendar(get_product_folder() / "schemas" / "calendar")


class DaySpan(NamedTuple):
    """A span of days, first and last included."""

    first: int
    last: int


class Term(NamedTuple):
    """A term: its school year and code (JY/XQ), its days, when students are put into its batch, and its two windows."""

    school_year: str
    code: str
    first: int
    last: int
    opened: int
    checkin: DaySpan
    registration: DaySpan


def _find_window(name: str, after: date) -> DaySpan:
    """The first window of a name that begins on a day or later."""
    found = min((window for window in _CALENDAR.named if window.name == name and window.first >= after), key=lambda w: w.first)
    return DaySpan(day_of(found.first), day_of(found.last))


def _build_terms() -> tuple[Term, ...]:
    terms = []
    for term in _CALENDAR.terms:
        around = term.first - 7 * _DAY
        checkin, registration = _find_window("checkin", around), _find_window("registration", term.first)
        terms.append(
            Term(term.school_year, term.code, day_of(term.first), day_of(term.last), checkin.first - 7, checkin, registration)
        )
    return tuple(terms[-3:])


BEFORE, AUTUMN, SPRING = TERMS = _build_terms()
"""The spring term of the school year before, then the two terms of this one. A batch opens a week before check-in."""
REPORT = _find_window("new_student_report", date(2026, 8, 1))
"""The days on which new students report; T is the first (YWLC01)."""
ADMITTED = REPORT.first - 20
"""T-20: the admissions office has handed its records to the academic affairs office (YWLC01/3)."""
NUMBERED = REPORT.first - 15
"""T-15: every new student has a number and is in the academic and graduate systems (SJGXLC02/1, SJGXLC03/1)."""
CARDS_READY = REPORT.first - 2
"""T-2: temporary cards are with the colleges (YWLC01/6)."""
CARDS_ISSUED = DaySpan(REPORT.first + 60, REPORT.first + 90)
"""T+60 to T+90: formal cards are given out and temporary ones taken back (YWLC02/6)."""
LEFT_BEFORE, LEAVING = (_find_window("leaving_day", date(year, 6, 1)).first for year in (2026, 2027))
"""The leaving days of the cohorts of 2026 and 2027."""
LEAVING_OPENS = 14
"""Days before the leaving day on which the leaving system gets its students (SJGXLC15/1)."""
LOANS_PAID = day_of(date(2026, 12, 10))
"""The day on which the bank pays the tuition of students with a loan."""
