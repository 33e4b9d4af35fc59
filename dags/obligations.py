"""Every morning: the deadlines of the flow document against the data, and a digest to each department that should know."""

from __future__ import annotations

from airflow.sdk import DAG

from dags.alarms import done_by
from dags.steps import morning, shape
from dags.timetables import CampusTimetable

with DAG("obligations", schedule=CampusTimetable("daily", at="07:00"), deadline=done_by("obligations"), **shape("obligations")):
    morning()
