"""When a DAG runs, by the university's calendar and a schedule word. Registered by the plugin `campus_hub`.

A stored timetable holds its parameters only; dates are worked out from `core.calendar` each time, so that a corrected
calendar takes effect at the next parse. A slot that was missed while Airflow was down is made up once, the latest one
only; a DAG that never ran waits for its next slot.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
from airflow.plugins_manager import AirflowPlugin
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable

from core.calendar import ZONE, load_calendar
from core.hashing import Clock, system_clock
from core.messages import translate
from core.schedule import SCHEDULES

HORIZON_DAYS = 800
"""How far a slot is looked for: the calendar's files reach two school years; windows beyond them are not known yet."""


class CampusTimetable(Timetable):
    """The slots of a schedule word (`core.schedule`), or one slot `at` a local time of day on each of its days."""

    def __init__(self, kind: str, at: str | None = None, tz: str = ZONE.key, clock: Clock = system_clock) -> None:
        self.kind, self.at, self.tz = kind, at, tz
        self._clock = clock
        known = SCHEDULES[kind]
        self._schedule = replace(known, times=(time.fromisoformat(at),)) if at else known
        self.description = f"{self.summary} ({tz})"

    @property
    def summary(self) -> str:
        """What the DAG list shows."""
        times = self._schedule.times
        return translate(f"timetable.{self.kind}", at=f"{times[0]:%H:%M}", until=f"{times[-1]:%H:%M}")

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
            due = self._find_slot(last_automated_data_interval.end, 1, inclusive=False)
            missed = self._find_slot(now, -1, inclusive=True)
            if due is not None and missed is not None and not restriction.catchup:
                due = max(due, missed)
        elif restriction.earliest is None:
            return None
        else:
            first = restriction.earliest if restriction.catchup else max(restriction.earliest, now)
            due = self._find_slot(first, 1, inclusive=True)
        if due is None or (restriction.latest is not None and due > restriction.latest):
            return None
        return DagRunInfo.exact(due)

    def _find_slot(self, moment: pendulum.DateTime, step: int, *, inclusive: bool) -> pendulum.DateTime | None:
        """The nearest slot after (step 1) or before (step -1) a moment, in UTC; None when the calendar has none."""
        zone, year = ZoneInfo(self.tz), load_calendar()
        day = moment.astimezone(zone).date()
        for _ in range(HORIZON_DAYS):
            if self._schedule.is_on(year, day):
                for at in self._schedule.times[::step]:
                    slot = pendulum.instance(datetime.combine(day, at, zone)).in_timezone("UTC")
                    if (slot == moment and inclusive) or (slot - moment) * step > timedelta(0):
                        return slot
            day += timedelta(days=step)
        return None


class CampusPlugin(AirflowPlugin):
    """Makes the timetable known to the scheduler, which refuses a class that no plugin names."""

    name = "campus_hub"
    timetables: list[type[Timetable]] = [CampusTimetable]  # noqa: RUF012  Airflow declares it as an instance variable
