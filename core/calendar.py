"""The university's calendar: terms, named windows, working days and payday.

Data lives in `schemas/calendar/<school-year>.yaml`; public holidays and make-up workdays come from the `holidays`
package, and the files say only where the university differs from it. All dates are local (Asia/Shanghai). Files are
read again when they change, so that a corrected date takes effect without a restart.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from core.errors import ContractError
from core.settings import settings

ZONE = ZoneInfo("Asia/Shanghai")
_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True)
class Window:
    """Days with a name (`arrival`, `registration`), first and last included. `title` is Chinese."""

    name: str
    title: str
    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True)
class Term:
    """A term of a school year (`2026-2027`). `code` is that of code list XQ: 1 autumn, 2 spring, 3 summer."""

    school_year: str
    code: str
    title: str
    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def week(self, day: date) -> int:
        """The number of the week that a day lies in; the week of the first day is 1, weeks begin on Monday."""
        monday = self.first - timedelta(days=self.first.weekday())
        return (day - monday).days // 7 + 1


@dataclass(frozen=True)
class Calendar:
    """Every school year that has a file. Outside them there are public holidays only, and no terms and windows."""

    terms: tuple[Term, ...]
    named: tuple[Window, ...]
    days_off: frozenset[date]
    workdays: frozenset[date]

    def is_workday(self, day: date) -> bool:
        """Whether offices work on that day: the university's own word, else the public holidays and the week."""
        if day in self.days_off or day in self.workdays:
            return day in self.workdays
        off, made_up = _public(day.year)
        return day in made_up or (day.weekday() < _SATURDAY and day not in off)

    def next_workday(self, day: date) -> date:
        """That day, or the first working day after it."""
        while not self.is_workday(day):
            day += _DAY
        return day

    def payday(self, year: int, month: int, day: int = 8) -> date:
        """The day by which payroll is uploaded: the 8th, or the next working day (SJGXLC04/3)."""
        return self.next_workday(date(year, month, day))

    def windows(self, day: date) -> frozenset[str]:
        """The names of the windows that contain the day; a brake's `expect` is looked up in them."""
        return frozenset(window.name for window in self.named if day in window)

    def term(self, day: date) -> Term | None:
        """The term that the day lies in, or None in a break."""
        return next((term for term in self.terms if day in term), None)


def calendar(folder: Path | None = None) -> Calendar:
    """The calendar in a folder, default `schemas/calendar`.

    Raises:
        ContractError: HUB181 when a file cannot be read as a calendar.
    """
    paths = sorted((folder or settings().schemas / "calendar").glob("*.yaml"))
    return _read(tuple((path, path.stat().st_mtime_ns) for path in paths))


def local_date(moment: datetime) -> date:
    """The date at the university at an aware moment."""
    return moment.astimezone(ZONE).date()


@functools.lru_cache(maxsize=4)
def _read(files: tuple[tuple[Path, int], ...]) -> Calendar:
    terms: list[Term] = []
    named: list[Window] = []
    days_off: set[date] = set()
    workdays: set[date] = set()
    for path, _ in files:
        try:
            year = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
            terms += [Term(school_year=str(year["school_year"]), **_span(item)) for item in year["terms"]]
            named += [Window(**_span(item)) for item in year["windows"]]
            days_off |= _days(year["days_off"])
            workdays |= _days(year["workdays"])
        except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
            raise ContractError("HUB181", path.name, problem=" ".join(str(error).split())) from error
    return Calendar(tuple(sorted(terms, key=lambda term: term.first)), tuple(named), frozenset(days_off), frozenset(workdays))


def _span(item: Mapping[str, Any]) -> dict[str, Any]:
    """An entry whose `first` and `last` are dates in that order."""
    for name in ("first", "last"):
        if type(item[name]) is not date:
            raise ValueError(f"{name} is not a date: {item[name]}")
    if item["last"] < item["first"]:
        raise ValueError(f"{item['title']}: last {item['last']} is before first {item['first']}")
    return dict(item)


def _days(items: Iterable[Mapping[str, Any]]) -> set[date]:
    spans = [_span(item) for item in items]
    return {span["first"] + _DAY * step for span in spans for step in range((span["last"] - span["first"]).days + 1)}


@functools.cache
def _public(year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Public holidays and make-up workdays. The next year is asked as well: New Year moves days in December."""
    import holidays  # 0.1 s that a process which asks for windows only need not pay

    found = holidays.country_holidays("CN", years=(year, year + 1))
    return frozenset(found), frozenset(found.weekend_workdays)
