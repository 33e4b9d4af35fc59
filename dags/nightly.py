"""The night: every source system is taken, one version is published, and the feeds follow by themselves."""

from __future__ import annotations

from airflow.sdk import DAG

from contracts.catalog import catalog
from dags.alarms import done_by
from dags.steps import shape, take
from dags.timetables import CampusTimetable

with DAG("nightly", schedule=CampusTimetable("daily", at="02:00"), deadline=done_by("nightly"), **shape("nightly")):
    take("night", catalog().source_systems())
