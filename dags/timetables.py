"""When a DAG runs, by the university's calendar: every day, or on payday. Registered by the plugin `campus_hub`.

A stored timetable holds its parameters only; dates are worked out from `core.calendar` each time, so that a corrected
calendar takes effect at the next parse. A slot that was missed while Airflow was down is made up once, the latest one
only; a DAG that never ran waits for its next slot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
from airflow.plugins_manager import AirflowPlugin
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable

from core.calendar import ZONE, calendar
from core.ids import Clock, system_clock
from core.text import text


def _daily(after: date, step: int) -> Iterator[date]:
    while True:
        yield after
        after += timedelta(days=step)


def _paydays(after: date, step: int) -> Iterator[date]:
    month = after.year * 12 + after.month - 1
    while True:
        yield calendar().payday(month // 12, month % 12 + 1)
        month += step


KINDS: Mapping[str, Callable[[date, int], Iterator[date]]] = {"daily": _daily, "payday": _paydays}
"""Kind -> the days on which it has a slot, without end, from about a day on: forwards (step 1) or backwards (step -1)."""


class CampusTimetable(Timetable):
    """A slot on each day of a kind (`daily`, `payday`) at a local time of day, as `02:00`."""

    def __init__(self, kind: str, at: str = "02:00", tz: str = ZONE.key, clock: Clock = system_clock) -> None:
        self.kind, self.at, self.tz = kind, at, tz
        self._clock = clock
        self._days = KINDS[kind]
        self._time = time.fromisoformat(at)
        self.description = f"{self.summary} ({tz})"

    @property
    def summary(self) -> str:
        """What the DAG list shows."""
        return text(f"timetable.{self.kind}", at=self.at)

    def serialize(self) -> dict[str, Any]:
        return {"kind": self.kind, "at": self.at, "tz": self.tz}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> CampusTimetable:
        return cls(**data)

    def infer_manual_data_interval(self, *, run_after: pendulum.DateTime) -> DataInterval:
        return DataInterval.exact(run_after)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """The slot after the last run. Without catchup, slots before the latest one are passed over."""
        now = pendulum.instance(self._clock())
        if last_automated_data_interval is not None:
            due = self._slot(last_automated_data_interval.end, 1, inclusive=False)
            if not restriction.catchup:
                due = max(due, self._slot(now, -1, inclusive=True))
        elif restriction.earliest is None:
            return None
        else:
            first = restriction.earliest if restriction.catchup else max(restriction.earliest, now)
            due = self._slot(first, 1, inclusive=True)
        if restriction.latest is not None and due > restriction.latest:
            return None
        return DagRunInfo.exact(due)

    def _slot(self, moment: pendulum.DateTime, step: int, *, inclusive: bool) -> pendulum.DateTime:
        """The nearest slot after (step 1) or before (step -1) a moment, in UTC."""
        zone = ZoneInfo(self.tz)
        near = moment.astimezone(zone).date()
        slots = (
            pendulum.instance(datetime.combine(day, self._time, zone)).in_timezone("UTC") for day in self._days(near, step)
        )
        return next(slot for slot in slots if (slot == moment and inclusive) or (slot - moment) * step > timedelta(0))


class CampusPlugin(AirflowPlugin):
    """Makes the timetable known to the scheduler, which refuses a class that no plugin names."""

    name = "campus_hub"
    timetables: list[type[Timetable]] = [CampusTimetable]  # noqa: RUF012  Airflow declares it as an instance variable
