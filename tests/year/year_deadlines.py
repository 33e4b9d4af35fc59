"""Every deadline of the year and how it must come to stand, as `deadlines.csv` has it, a line each.

The file is worked out by hand from the flow document's sentence and the calendar: a deadline comes into sight thirty days
before it is due (or on the first of August), is due soon from seven days before, and missing on the day after. It is met or
late on the morning that first sees what a night or an evening brought. A line for a span (`first..last`, `each`) is an
occasion for every day of it, due on that day; where `how` is `missing` nothing was handed over, which is told once.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from year_days import FIRST, LAST, NIGHTS, between

Key = tuple[str, str]
States = list[tuple[date, str]]
_STEPS = ("expected", "due_soon", "missing")
_TOLD_BEFORE = (7, 3, 1, 0)
_WATCHED, _DAY = timedelta(days=30), timedelta(days=1)


@dataclass(frozen=True)
class Line:
    """One occasion: its day due and the first day of each state; `daily` ones are told of on their day only."""

    key: Key
    due: date
    states: States
    daily: bool = False

    def told(self) -> set[date]:
        """The mornings on which the departments are told: 7, 3, 1 and 0 days before while open, and daily while missing."""
        ahead = {self.due - timedelta(days=days) for days in ((0,) if self.daily else _TOLD_BEFORE)}
        watched = between(max(FIRST, self.due - _WATCHED), min(LAST, self.due + _WATCHED))
        over = {day for day in watched if self._on(day) == "missing" and not (self.daily and self._on(day - _DAY) == "missing")}
        return over | {day for day in watched if day in ahead and self._open(day)}

    def _on(self, day: date) -> str:
        return next((state for first, state in reversed(self.states) if first <= day), "")

    def _open(self, day: date) -> bool:
        return self._on(day) in ("expected", "due_soon")


def lines() -> list[Line]:
    """Every line of the file, spans as one line a day."""
    path = Path(__file__).with_name("deadlines.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return [line for row in csv.DictReader(file) for line in _lines(row)]


def _lines(row: dict[str, str]) -> Iterator[Line]:
    assert row["sentence"]
    if row["due"] == "each":
        first, last = (date.fromisoformat(day) for day in row["occasion"].split(".."))
        for day in between(first, last):
            done = day if day in NIGHTS and row["how"] == "met" else day + _DAY
            steps: States = [(day - _WATCHED, "expected"), (day - timedelta(days=7), "due_soon"), (done, row["how"])]
            yield Line((row["deadline"], day.isoformat()), day, steps, daily=True)
        return
    states = [(date.fromisoformat(row[step]), step) for step in _STEPS if row[step]]
    if row["done"]:
        states.append((date.fromisoformat(row["done"]), row["how"]))
    yield Line((row["deadline"], row["occasion"]), date.fromisoformat(row["due"]), states)
