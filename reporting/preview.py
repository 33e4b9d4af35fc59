"""What is going to happen: every run and every day due between two days, and why.

Runs that come several times a day are one line a day. Deadlines that count from the day on which a person reports are not
listed, since nobody knows those days beforehand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from contracts import deadlines
from contracts.catalog import Catalog
from core.calendar import Calendar, each_day, load_calendar
from core.messages import translate
from core.schedule import FIRST_NIGHT, SCHEDULES
from core.settings import get_settings

MORNING, UPKEEP = time(7, 0), time(5, 0)
"""When obligations are looked at and people are told, and when housekeeping is done."""


@dataclass(frozen=True)
class PreviewItem:
    """One line: a run (`kind` run, `name` its DAG) or a day due (`kind` due, `name` its deadline and occasion)."""

    day: date
    at: str
    kind: str
    name: str
    feeds: int
    why: str
    department: str = ""

    def facts(self) -> dict[str, Any]:
        return dict(self.__dict__)


def preview_days(catalog: Catalog, first: date, last: date, language: str | None = None) -> list[PreviewItem]:
    """Every run and every day due between two days, both included, in order of time."""
    year = load_calendar()
    found = [item for day in each_day(first, last) for item in _list_runs(catalog, year, day, language)]
    found += _list_due_days(catalog, year, (first, last), language)
    return sorted(found, key=lambda item: (item.day, item.kind == "due", item.at, item.name))


def _list_runs(catalog: Catalog, year: Calendar, day: date, language: str | None) -> Iterator[PreviewItem]:
    for name, at in (("nightly", FIRST_NIGHT), ("upkeep", UPKEEP), ("obligations", MORNING)):
        feeds = sum(feed.schedule == "nightly" for feed in catalog.served_feeds()) if name == "nightly" else 0
        yield PreviewItem(day, f"{at:%H:%M}", "run", name, feeds, translate(f"preview.{name}", language))
    words = sorted({(feed.flow, feed.schedule) for feed in catalog.served_feeds() if feed.schedule != "nightly"})
    for flow, word in words:
        if SCHEDULES[word].is_on(year, day):
            feeds = sum((feed.flow, feed.schedule) == (flow, word) for feed in catalog.served_feeds())
            why = translate(
                f"preview.{word}", language, step=SCHEDULES[word].source, moved=_explain_moved_day(year, word, day, language)
            )
            yield PreviewItem(day, _format_times(word), "run", f"feed__{flow.lower()}_{word}", feeds, why)
    if SCHEDULES["realtime"].is_on(year, day):
        key = "realtime" if year.is_workday(day) else "campaign"
        for system in catalog.realtime_systems():
            yield PreviewItem(
                day, _format_times("realtime"), "run", f"realtime__{system}", 0, translate(f"preview.{key}", language)
            )


def _format_times(word: str) -> str:
    times = SCHEDULES[word].times
    return f"{times[0]:%H:%M}" + (f"-{times[-1]:%H:%M}" if len(times) > 1 else "")


def _explain_moved_day(year: Calendar, word: str, day: date, language: str | None) -> str:
    wanted = year.payday_rule(day).day
    return translate("preview.moved", language, day=wanted) if word == "payday" and day.day != wanted else ""


def _list_due_days(catalog: Catalog, year: Calendar, days: tuple[date, date], language: str | None) -> Iterator[PreviewItem]:
    word = "text_zh" if (language or get_settings().lang) == "zh" else "what"
    for deadline in catalog.deadlines.values():
        for item in deadlines.list_occasions(deadline, year, *days):
            owners = (catalog.owner(code, language or get_settings().lang) for code in deadline["departments"])
            department = translate("status.list_mark", language).join(owners)
            name = f"{item.deadline} {item.name}"
            yield PreviewItem(item.due_on, "", "due", name, 0, f"{deadline['step']} {deadline[word]}", department)
