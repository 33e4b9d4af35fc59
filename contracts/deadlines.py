"""The deadlines of the flow document on the calendar: one occasion for each time that something must be done.

A deadline says from which day it counts (`anchor`, `offset_days`, `relation`); the calendar gives that day. The text speaks of
days, never of working days; payday (the text's 8th) is the calendar's to set, moved off a holiday or not. H, the day on which
a person reports, is in the data: `per_person` deadlines get their occasions from whoever asks with those days.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from core.calendar import Calendar, Window, each_day

PER_PERSON_ANCHOR = "staff_report"
OBLIGATION_COLUMNS: Mapping[str, str] = {"needed": "integer", "found": "integer", "met": "boolean", "evidence": "string"}
"""What the SELECT of a deadline returns, in one row: how many it takes, how many there are, whether that will do, and the
facts that show it (counts, codes, dates; no personal value)."""
DATED_OBLIGATION_COLUMNS: Mapping[str, str] = {**OBLIGATION_COLUMNS, "done_on": "date"}
"""The same, where the data themselves say on which day the department did it: then that day decides between in time and late,
not the day on which the hub saw it."""
LISTED_OBLIGATION_COLUMNS: Mapping[str, str] = {"who": "string", "has_it": "boolean"}
"""What it returns instead, where the deadline is about everybody on a list: a row for each, and whether it is done for them.
The list is met when it is not empty and `enough_percent` (100 where none is given) have it."""
OBLIGATION_TABLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "occasion": (
        ("anchor_on", "date"),
        ("begins_on", "date"),
        ("due_on", "date"),
        ("as_of", "date"),
        ("school_year", "string"),
        ("term_code", "string"),
        ("month", "string"),
        ("enough_percent", "integer"),
    ),
    "receipt": (
        ("edge", "string"),
        ("dataset", "string"),
        ("source", "string"),
        ("target", "string"),
        ("version", "integer"),
        ("accepted_on", "date"),
    ),
    "landing": (
        ("system", "string"),
        ("dataset", "string"),
        ("landed_rows", "integer"),
        ("landed_on", "date"),
        ("is_new", "boolean"),
        ("newest_on", "date"),
    ),
}
"""What a deadline's SELECT may read beside the entities: its own occasion (one row), what receivers have accepted, and what
departments have handed over: whether it is another content than the time before, and the date of its newest watermark where
the contract names one. All other dates are business dates."""
DEFAULT_REMINDERS: dict[str, Any] = {"realtime_minutes": 15, "days_before": [7, 3, 1], "due_soon_days": 7, "watch_days": 30}
"""What holds where `reminders:` in `schemas/flows` says nothing else: how long real time may take, how many days before a
deadline people are told, from when it is due soon, and how long it is watched around its day."""
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Occasion:
    """One time that a deadline falls due. `name` tells it from the others of that deadline: `2026-2027`, `2026-10`, a date."""

    deadline: str
    name: str
    anchor_on: date
    begins_on: date
    due_on: date
    school_year: str
    term_code: str = ""


def is_per_person(deadline: Mapping[str, Any]) -> bool:
    """Whether its day is that of each person, so that the calendar alone cannot tell its occasions."""
    return bool(deadline["anchor"] == PER_PERSON_ANCHOR)


def choose_answer_columns(columns: Iterable[str]) -> Mapping[str, str]:
    """Which of the three answers a SELECT with these columns is meant to give."""
    given = set(columns)
    return (
        LISTED_OBLIGATION_COLUMNS
        if given & LISTED_OBLIGATION_COLUMNS.keys()
        else DATED_OBLIGATION_COLUMNS
        if "done_on" in given
        else OBLIGATION_COLUMNS
    )


def is_bound_to_day(deadline: Mapping[str, Any]) -> bool:
    """Whether something must be handed over on a day itself (DL09, DL19, DL20, DL24): who did not look that day cannot know."""
    return bool(deadline["relation"] == "recurring" or (deadline["relation"] == "on_day" and deadline["anchor"] != "month"))


def list_occasions(deadline: Mapping[str, Any], calendar: Calendar, first: date, last: date) -> list[Occasion]:
    """The occasions of a deadline that fall due between two days, both included, in order."""
    found = (item for item in _generate_occasions(deadline, calendar, first, last) if first <= item.due_on <= last)
    return sorted(found, key=lambda item: (item.due_on, item.name))


def list_person_occasions(deadline: Mapping[str, Any], calendar: Calendar, days: Iterable[date]) -> list[Occasion]:
    """The occasions of a per-person deadline for the days on which somebody reported."""
    offset = timedelta(days=int(deadline["offset_days"]))
    return [
        Occasion(deadline["id"], day.isoformat(), day, day, day + offset, calendar.school_year(day))
        for day in sorted(set(days))
    ]


def _generate_occasions(deadline: Mapping[str, Any], calendar: Calendar, first: date, last: date) -> Iterator[Occasion]:
    relation = deadline["relation"]
    if is_per_person(deadline):
        return
    if relation == "on_day" and deadline["anchor"] == "month":
        yield from _generate_monthly(deadline, calendar, first, last)
    elif relation == "recurring":
        for window in calendar.find_windows(deadline["window"]):
            for day in each_day(window.first, window.last):
                yield _build_occasion(deadline, calendar, day.isoformat(), (window.first, day, day))
    elif relation == "configured":
        for window in calendar.find_windows(deadline["window"]):
            yield _build_occasion(
                deadline, calendar, _name_window_occasion(calendar, window), (window.first, window.first, window.last)
            )
    elif relation == "validity":
        for term in calendar.terms:
            name = f"{term.school_year}-{term.code}"
            yield Occasion(deadline["id"], name, term.first, term.first, term.last, term.school_year, term.code)
    else:
        yield from _generate_anchored(deadline, calendar)


def _generate_monthly(deadline: Mapping[str, Any], calendar: Calendar, first: date, last: date) -> Iterator[Occasion]:
    for number in range(first.year * 12 + first.month - 2, last.year * 12 + last.month + 1):
        year, month = number // 12, number % 12 + 1
        day = calendar.payday(year, month)
        yield _build_occasion(
            deadline, calendar, f"{year}-{month:02d}", (date(year, month, 1), min(date(year, month, 1), day), day)
        )


def _generate_anchored(deadline: Mapping[str, Any], calendar: Calendar) -> Iterator[Occasion]:
    """Counted from an event: `before` ends on the day before it; a window (`T+60..T+90`) is due on its last day."""
    days = deadline.get("window_days") or [None, deadline.get("offset_days", 0)]
    for anchor in calendar.anchor_days(deadline["anchor"]):
        due = anchor + timedelta(days=int(days[1])) - (_ONE_DAY if deadline["relation"] == "before" else timedelta())
        begins = anchor + timedelta(days=int(days[0])) if days[0] is not None else min(anchor, due)
        yield _build_occasion(
            deadline, calendar, _name_anchor_occasion(calendar, deadline["anchor"], anchor), (anchor, begins, due)
        )


def _build_occasion(deadline: Mapping[str, Any], calendar: Calendar, name: str, days: tuple[date, date, date]) -> Occasion:
    anchor, begins, due = days
    term = calendar.find_term(anchor) or next((term for term in calendar.terms if term.first > anchor), None)
    year = calendar.school_year(anchor)
    code = term.code if term and term.school_year == year else ""
    return Occasion(deadline["id"], name, anchor, begins, due, year, code)


def _name_anchor_occasion(calendar: Calendar, code: str, anchor: date) -> str:
    """The school year, or the batch where a year has several of the kind."""
    if code == "term_start":
        return next(f"{term.school_year}-{term.code}" for term in calendar.terms if term.first == anchor)
    window = next((window for window in calendar.named if window.batch and anchor in window), None)
    return window.batch if window and code.startswith(("checkin", "registration")) else calendar.school_year(anchor)


def _name_window_occasion(calendar: Calendar, window: Window) -> str:
    return window.batch or calendar.school_year(window.first)


def build_list_count_sql(query: str) -> str:
    """The SELECT of a deadline that lists people, with its list counted: the columns of `OBLIGATION_COLUMNS`."""
    return (
        f"with listed as ({query.strip().rstrip(';')}), counted as ("
        "select count(*) as needed, count(case when has_it then 1 end) as found from listed)"
        " select c.needed, c.found, c.needed > 0 and c.found * 100 >= c.needed * o.enough_percent as met,"
        " 'listed=' || c.needed || ' done=' || c.found || ' enough_percent=' || o.enough_percent as evidence"
        " from counted c cross join occasion o"
    )
