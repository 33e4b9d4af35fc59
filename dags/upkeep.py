"""Housekeeping after the night: what is past the time its contract keeps it is removed."""

from __future__ import annotations

from airflow.sdk import DAG

from dags.alarms import done_by
from dags.steps import shape, upkeep
from dags.timetables import CampusTimetable

with DAG("upkeep", schedule=CampusTimetable("daily", at="05:00"), deadline=done_by("upkeep"), **shape("upkeep")):
    upkeep()
