"""Every deadline of the year and how it must come to stand, worked out by hand from `flows.yaml` and the calendar.

A deadline is first seen thirty days before it is due (or on the first of August), due soon seven days before, and missing
on the day after. It is met on the day on which the data first show it, which is that of a whole night.
"""

from __future__ import annotations

from datetime import date, timedelta

from year_days import LATE_PAYROLL, PAYDAYS, PAYROLL_CAME, days

States = list[tuple[date, str]]


def _states(text: str) -> States:
    """`2026-08-01 expected, 2026-08-14 due_soon` as days and words."""
    pairs = (part.split() for part in text.split(","))
    return [(date.fromisoformat(day), word) for day, word in pairs]


_ONCE = {
    # before arrival: T-20, T-15, T-10, T-2, W-1
    ("DL02", "2026-2027"): "2026-08-01 expected, 2026-08-09 due_soon, 2026-08-16 met",
    ("DL03", "2026-2027"): "2026-08-01 expected, 2026-08-14 due_soon, 2026-08-21 met",
    ("DL04", "2026-2027"): "2026-08-01 expected, 2026-08-14 due_soon, 2026-08-21 met",
    ("DL05", "2026-2027"): "2026-08-01 expected, 2026-08-14 due_soon, 2026-08-21 met",
    # the list of beds is not handed over while the deadline is watched
    ("DL06", "2026-2027"): "2026-08-01 expected, 2026-08-19 due_soon, 2026-08-27 missing",
    ("DL07", "2026-2027"): "2026-08-04 expected, 2026-08-27 due_soon, 2026-09-03 met",
    # confirmed by a person two days after it was due
    ("DL08", "2026-2027"): "2026-08-04 expected, 2026-08-27 due_soon, 2026-09-04 missing, 2026-09-05 late",
    ("DL09", "2026-2027"): "2026-08-05 expected, 2026-08-28 due_soon, 2026-09-04 met",
    # T+30: the records are complete since T-15; photos and cards are short of those who come one by one all autumn
    ("DL10", "2026-2027"): "2026-09-05 met",
    ("DL11", "2026-2027"): "2026-09-05 expected, 2026-09-28 due_soon, 2026-10-06 missing",
    ("DL12", "2026-2027"): "2026-08-31 expected, 2026-09-23 due_soon, 2026-09-25 met",
    ("DL13", "2026-2027"): "2026-10-05 expected, 2026-10-28 due_soon, 2026-11-05 missing",
    ("DL14", "2026-2027"): "2026-11-04 expected, 2026-11-27 due_soon, 2026-12-05 missing",
    # the two terms
    ("DL19", "2026-2027-1"): "2026-08-07 expected, 2026-08-30 due_soon, 2026-09-06 met",
    ("DL19", "2026-2027-2"): "2027-02-05 expected, 2027-02-28 due_soon, 2027-03-07 met",
    ("DL21", "2026-2027-1"): "2026-08-01 expected, 2026-08-23 due_soon, 2026-08-30 met",
    ("DL21", "2026-2027-2"): "2027-01-29 expected, 2027-02-21 due_soon, 2027-02-28 met",
    ("DL22", "2026-2027-1"): "2026-08-06 expected, 2026-08-29 due_soon, 2026-09-05 met",
    ("DL22", "2026-2027-2"): "2027-02-04 expected, 2027-02-27 due_soon, 2027-03-06 met",
    ("DL27", "2026-2027-1"): "2026-12-18 expected, 2027-01-10 due_soon, 2027-01-17 met",
    ("DL27", "2026-2027-2"): "2027-06-11 expected, 2027-07-04 due_soon, 2027-07-11 met",
    # the campaigns that offices set; contact data are there when the watch begins, some origin places never come
    ("DL25", "2026-2027"): "2026-09-30 met",
    ("DL26", "2026-2027"): "2026-10-28 expected, 2026-11-20 due_soon, 2026-11-28 missing",
    # leaving, and the welcome site for the next summer
    ("DL23", "2026-2027"): "2027-05-12 expected, 2027-06-04 due_soon, 2027-06-11 met",
    ("DL01", "2026-2027"): "2027-06-11 expected, 2027-07-04 due_soon, 2027-07-09 met",
    # next August's payroll (the 8th is a Sunday) comes into sight
    ("DL18", "2027-08"): "2027-07-10 expected",
}


def _counted_down(due: date) -> States:
    """Met on the day due, after the usual steps."""
    seen = max(due - timedelta(days=30), date(2026, 8, 1))
    return [(seen, "expected"), (due - timedelta(days=7), "due_soon"), (due, "met")]


def expected() -> dict[tuple[str, str], States]:
    """Deadline and occasion -> every state with its first day; those of each new member of staff apart."""
    found = {key: _states(text) for key, text in _ONCE.items()}
    for month, due in PAYDAYS.items():
        found["DL18", month] = _counted_down(due)
    late = found["DL18", "2026-12"][:2]
    found["DL18", "2026-12"] = [*late, (LATE_PAYROLL + timedelta(days=1), "missing"), (PAYROLL_CAME, "late")]
    for day in days("registration_results"):
        found["DL20", day.isoformat()] = _counted_down(day)
    for day in days("leaving_daily"):
        found["DL24", day.isoformat()] = _counted_down(day)
    return found
