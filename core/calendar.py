"""The university's calendar: terms, named windows, the days that deadlines count from, working days and payday.

Data lives in `schemas/calendar/<school-year>.yaml`; public holidays and make-up workdays come from the `holidays`
package, and the files say only where the university differs from it. All dates are local (Asia/Shanghai). Files are
read again when they change, so that a corrected date takes effect without a restart.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import yaml

from core.errors import ContractError
from core.layers import layers_of
from core.settings import get_settings

ZONE = ZoneInfo(get_settings().time_zone)
_ONE_DAY = timedelta(days=1)
_SATURDAY = 5
_DAYS_OF_EVERY_MONTH = 28
FIRST_SCHOOL_MONTH = 8
ANCHOR_WINDOWS: Mapping[str, tuple[str, Literal["first", "last"]]] = {
    "new_student_report": ("new_student_report", "first"),
    "welcome_day": ("welcome_day", "first"),
    "photo_collected": ("photo_collection", "last"),
    "checkin_start": ("checkin", "first"),
    "registration_window_start": ("registration", "first"),
    "registration_window_end": ("registration", "last"),
    "leaving_day": ("leaving_day", "first"),
    "summer_break": ("summer_break", "first"),
}
"""Event anchor of the flow document (T, W, P, C, R0, R1, L, V) -> the window that gives it and which of its ends. The text
allows two readings of P; it is taken as the day on which the collection closes. S is a term's first day."""


@dataclass(frozen=True)
class Window:
    """Days with a name (`arrival`, `registration`), first and last included. `title` is Chinese.

    `batch` is the number of a registration or check-in batch (YWLC04/2), empty for what has none.
    """

    name: str
    title: str
    first: date
    last: date
    batch: str = ""

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

    def week_number(self, day: date) -> int:
        """The number of the week that a day lies in; the week of the first day is 1, weeks begin on Monday."""
        monday = self.first - timedelta(days=self.first.weekday())
        return (day - monday).days // 7 + 1


@dataclass(frozen=True)
class Payday:
    """The day of each month by which payroll is uploaded (SJGXLC04/3: the 8th, whatever day that is).

    `off_day` says what happens where nobody works that day: `same` it stays, `next` or `previous` the nearest working day.
    """

    day: int = 8
    off_day: Literal["same", "next", "previous"] = "same"

    def __post_init__(self) -> None:
        if type(self.day) is not int or not 1 <= self.day <= _DAYS_OF_EVERY_MONTH:
            raise ValueError(f"payday: day {self.day} is not 1 to {_DAYS_OF_EVERY_MONTH}")
        if self.off_day not in ("same", "next", "previous"):
            raise ValueError(f"payday: off_day {self.off_day} is not same, next or previous")


@dataclass(frozen=True)
class Calendar:
    """Every school year that has a file. Outside them there are public holidays only, and no terms and windows."""

    terms: tuple[Term, ...]
    named: tuple[Window, ...]
    days_off: frozenset[date]
    workdays: frozenset[date]
    years_confirmed: frozenset[int] = frozenset()
    """Calendar years whose make-up days a person has compared with the State Council's notice."""
    pay: Mapping[str, Payday] = field(default_factory=dict)
    """School year -> its payday, where its file names one."""

    def is_workday(self, day: date) -> bool:
        """Whether offices work on that day: the university's own word, else the public holidays and the week."""
        if day in self.days_off or day in self.workdays:
            return day in self.workdays
        off, made_up = _load_public_holidays(day.year)
        return day in made_up or (day.weekday() < _SATURDAY and day not in off)

    def next_workday(self, day: date) -> date:
        """That day, or the first working day after it."""
        while not self.is_workday(day):
            day += _ONE_DAY
        return day

    def payday_rule(self, day: date) -> Payday:
        """What the school year of that day says of payday; the text's 8th where it says nothing."""
        return self.pay.get(self.school_year(day), Payday())

    def payday(self, year: int, month: int) -> date:
        """The day by which the payroll of a month is uploaded (SJGXLC04/3), by the rule of its school year."""
        rule = self.payday_rule(date(year, month, 1))
        day = date(year, month, rule.day)
        step = {"same": timedelta(), "next": _ONE_DAY, "previous": -_ONE_DAY}[rule.off_day]
        while step and not self.is_workday(day):
            day += step
        return day

    def is_payday(self, day: date) -> bool:
        """Whether it is the payday of its month, or of the one before or after, whose day has moved over the month's end."""
        months = (day.replace(day=1), day.replace(day=1) - _ONE_DAY, day.replace(day=28) + timedelta(days=4))
        return any(self.payday(month.year, month.month) == day for month in months)

    def windows(self, day: date) -> frozenset[str]:
        """The names of the windows that contain the day; a brake's `expect` is looked up in them."""
        return frozenset(window.name for window in self.named if day in window)

    def find_windows(self, name: str) -> list[Window]:
        """Every window of a name, in order: a year has two of `registration`."""
        return sorted((window for window in self.named if window.name == name), key=lambda window: window.first)

    def is_within(self, name: str, day: date) -> bool:
        """Whether the day lies in a window of that name."""
        return any(day in window for window in self.named if window.name == name)

    def anchor_days(self, code: str) -> list[date]:
        """The days of an event anchor of the flow document, in order; `term_start` comes from the terms.

        Raises:
            KeyError: an anchor that the calendar does not give (`staff_report`, `month`, `configured`).
        """
        if code == "term_start":
            return [term.first for term in self.terms]
        name, end = ANCHOR_WINDOWS[code]
        return [getattr(window, end) for window in self.find_windows(name)]

    def school_year(self, day: date) -> str:
        """The school year that a day belongs to, as `2026-2027`; it changes on 1 August."""
        first = day.year if day.month >= FIRST_SCHOOL_MONTH else day.year - 1
        return f"{first}-{first + 1}"

    def is_makeup_confirmed(self, year: int) -> bool:
        """Whether the make-up workdays of a calendar year are known: the package has them, or a person has confirmed them."""
        return year in self.years_confirmed or any(day.year == year for day in _load_public_holidays(year)[1])

    def find_term(self, day: date) -> Term | None:
        """The term that the day lies in, or None in a break."""
        return next((term for term in self.terms if day in term), None)


def load_calendar(folder: Path | None = None) -> Calendar:
    """The calendar in a folder, default `schemas/calendar`.

    Raises:
        ContractError: HUB181 when a file cannot be read as a calendar.
    """
    return read_calendar(sorted(folder.glob("*.yaml")) if folder else layers_of().glob("schemas/calendar/*.yaml"))


def read_calendar(paths: Iterable[Path]) -> Calendar:
    """The calendar that these files make together.

    Raises:
        ContractError: HUB181 when a file cannot be read as a calendar.
    """
    return _read_files(tuple((path, path.stat().st_mtime_ns) for path in paths))


def each_day(first: date, last: date) -> Iterator[date]:
    """Every day from the first to the last, both included."""
    while first <= last:
        yield first
        first += _ONE_DAY


def local_date(moment: datetime) -> date:
    """The date at the university at an aware moment."""
    return moment.astimezone(ZONE).date()


def format_local_minute(moment: datetime) -> str:
    """An aware moment as people at the university read it: date and minute there."""
    return f"{moment.astimezone(ZONE):%Y-%m-%d %H:%M}"


@functools.lru_cache(maxsize=4)
def _read_files(files: tuple[tuple[Path, int], ...]) -> Calendar:
    terms: list[Term] = []
    named: list[Window] = []
    days_off: set[date] = set()
    workdays: set[date] = set()
    confirmed: set[int] = set()
    pay: dict[str, Payday] = {}
    for path, _ in files:
        try:
            year = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
            terms += [Term(school_year=str(year["school_year"]), **_parse_span(item)) for item in year["terms"]]
            named += [Window(**_parse_span(item)) for item in year["windows"]]
            days_off |= _list_days(year["days_off"])
            workdays |= _list_days(year["workdays"])
            confirmed |= {int(number) for number in year.get("makeup_confirmed", [])}
            pay |= {str(year["school_year"]): Payday(**year["payday"])} if "payday" in year else {}
        except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
            raise ContractError("HUB181", path.name, problem=" ".join(str(error).split())) from error
    return Calendar(
        tuple(sorted(terms, key=lambda term: term.first)),
        tuple(named),
        frozenset(days_off),
        frozenset(workdays),
        frozenset(confirmed),
        pay,
    )


def _parse_span(item: Mapping[str, Any]) -> dict[str, Any]:
    """An entry whose `first` and `last` are dates in that order."""
    for name in ("first", "last"):
        if type(item[name]) is not date:
            raise ValueError(f"{name} is not a date: {item[name]}")
    if item["last"] < item["first"]:
        raise ValueError(f"{item['title']}: last {item['last']} is before first {item['first']}")
    return dict(item)


def _list_days(items: Iterable[Mapping[str, Any]]) -> set[date]:
    spans = [_parse_span(item) for item in items]
    return {day for span in spans for day in each_day(span["first"], span["last"])}


@functools.cache
def _load_public_holidays(year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Public holidays and make-up workdays. The next year is asked as well: New Year moves days in December."""
    import holidays  # 0.1 s that a process which asks for windows only need not pay

    found = holidays.country_holidays(get_settings().holidays, years=(year, year + 1))
    return frozenset(found), frozenset(found.weekend_workdays)
