"""When something is due, by the word that its contract writes: the one place that knows what a schedule word means.

A schedule is the days on which it is on, by the university's calendar, and the local times of such a day. The night, the
timetables of the orchestrator, the preview and the linter all ask here. All times are local (Asia/Shanghai).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from core.calendar import ZONE, Calendar, each_day

FIRST_NIGHT, EVENING = time(2, 0), time(20, 0)
OPENS, CLOSES = time(8, 0), time(18, 0)
_CAMPAIGNS = ("new_student_report", "checkin", "registration", "leaving_day")
_TWO_WEEKS = timedelta(days=14)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Schedule:
    """The days a schedule is on, and its local times on such a day, in order. `source` is the step that asks for it."""

    is_on: Callable[[Calendar, date], bool]
    times: tuple[time, ...]
    source: str = ""
    late_days: int = 0
    """How many days after a day on which it was on a night still delivers what came too late for it."""

    def slots(self, calendar: Calendar, first: date, last: date) -> Iterator[datetime]:
        """Every moment at which something of this schedule begins between two days, both included, as aware local times."""
        for day in each_day(first, last):
            if self.is_on(calendar, day):
                for at in self.times:
                    yield datetime.combine(day, at, ZONE)


def _every(minutes: int, first: time, last: time) -> tuple[time, ...]:
    start, end = (at.hour * 60 + at.minute for at in (first, last))
    return tuple(time(minute // 60, minute % 60) for minute in range(start, end + 1, minutes))


def _payday(calendar: Calendar, day: date) -> bool:
    return calendar.is_payday(day)


def _registration_fees(calendar: Calendar, day: date) -> bool:
    """The day before registration begins, then every day until it ends (YWLC04/4)."""
    return any(window.first - _DAY <= day <= window.last for window in calendar.spans("registration"))


def _leaving_data(calendar: Calendar, day: date) -> bool:
    """Two weeks before the leaving day, then every day until it (SJGXLC15/1)."""
    return any(leaving - _TWO_WEEKS <= day <= leaving for leaving in calendar.anchors("leaving_day"))


def is_open(calendar: Calendar, day: date) -> bool:
    """Whether departments are at work: working days, and the days on which students arrive, check in, register or leave."""
    return calendar.is_workday(day) or any(calendar.within(name, day) for name in _CAMPAIGNS)


FEED_SCHEDULES: Mapping[str, Schedule] = {
    "nightly": Schedule(lambda calendar, day: True, (FIRST_NIGHT,)),
    "payday": Schedule(_payday, (EVENING,), "SJGXLC04/3", late_days=10),
    "registration_fees": Schedule(_registration_fees, (EVENING,), "YWLC04/4"),
    "registration_results": Schedule(
        lambda calendar, day: calendar.within("registration", day), _every(15, time(0, 0), time(23, 45)), "SJGXLC10/4"
    ),
    "leaving_daily": Schedule(lambda calendar, day: calendar.within("leaving_season", day), (EVENING,), "YWLC05/4"),
    "leaving_data": Schedule(_leaving_data, (EVENING,), "SJGXLC15/1"),
}
"""The words that a feed's contract may write under `schedule`."""
SCHEDULES: Mapping[str, Schedule] = {
    **FEED_SCHEDULES,
    "daily": Schedule(lambda calendar, day: True, (FIRST_NIGHT,)),
    "realtime": Schedule(is_open, _every(5, OPENS, CLOSES), "SJGXLC01/4"),
}
"""Every schedule, those of the hub's own work included."""
