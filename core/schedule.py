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
_CAMPAIGN_WINDOWS = ("new_student_report", "checkin", "registration", "leaving_day")
_TWO_WEEKS = timedelta(days=14)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Schedule:
    """The days a schedule is on, and its local times on such a day, in order. `source` is the step that asks for it."""

    is_on: Callable[[Calendar, date], bool]
    times: tuple[time, ...]
    source: str = ""
    late_days: int = 0
    """How many days after a day on which it was on a night still delivers what came too late for it."""

    def list_slots(self, calendar: Calendar, first: date, last: date) -> Iterator[datetime]:
        """Every moment at which something of this schedule begins between two days, both included, as aware local times."""
        for day in each_day(first, last):
            if self.is_on(calendar, day):
                for at in self.times:
                    yield datetime.combine(day, at, ZONE)


def _list_times(minutes: int, first: time, last: time) -> tuple[time, ...]:
    start, end = (at.hour * 60 + at.minute for at in (first, last))
    return tuple(time(minute // 60, minute % 60) for minute in range(start, end + 1, minutes))


def _is_payday(calendar: Calendar, day: date) -> bool:
    return calendar.is_payday(day)


def _is_registration_fee_day(calendar: Calendar, day: date) -> bool:
    """The day before registration begins, then every day until it ends (YWLC04/4)."""
    return any(window.first - _ONE_DAY <= day <= window.last for window in calendar.find_windows("registration"))


def _is_leaving_data_day(calendar: Calendar, day: date) -> bool:
    """Two weeks before the leaving day, then every day until it (SJGXLC15/1)."""
    return any(leaving - _TWO_WEEKS <= day <= leaving for leaving in calendar.anchor_days("leaving_day"))


def is_office_day(calendar: Calendar, day: date) -> bool:
    """Whether departments are at work: working days, and the days on which students arrive, check in, register or leave."""
    return calendar.is_workday(day) or any(calendar.is_within(name, day) for name in _CAMPAIGN_WINDOWS)


FEED_SCHEDULES: Mapping[str, Schedule] = {
    "nightly": Schedule(lambda calendar, day: True, (FIRST_NIGHT,)),
    "payday": Schedule(_is_payday, (EVENING,), "SJGXLC04/3", late_days=10),
    "registration_fees": Schedule(_is_registration_fee_day, (EVENING,), "YWLC04/4"),
    "registration_results": Schedule(
        lambda calendar, day: calendar.is_within("registration", day), _list_times(15, time(0, 0), time(23, 45)), "SJGXLC10/4"
    ),
    "leaving_daily": Schedule(lambda calendar, day: calendar.is_within("leaving_season", day), (EVENING,), "YWLC05/4"),
    "leaving_data": Schedule(_is_leaving_data_day, (EVENING,), "SJGXLC15/1"),
}
"""The words that a feed's contract may write under `schedule`."""
SCHEDULES: Mapping[str, Schedule] = {
    **FEED_SCHEDULES,
    "daily": Schedule(lambda calendar, day: True, (FIRST_NIGHT,)),
    "realtime": Schedule(is_office_day, _list_times(5, OPENS, CLOSES), "SJGXLC01/4"),
}
"""Every schedule, those of the hub's own work included."""
