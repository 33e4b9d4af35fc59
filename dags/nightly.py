"""The night: every source system is taken, one version is published, and the feeds follow by themselves."""

from __future__ import annotations

from airflow.sdk import DAG

from contracts.catalog import load_catalog
from dags.alarms import build_deadline
from dags.steps import build_dag_arguments, build_ingest_tasks
from dags.timetables import CampusTimetable

with DAG(
    "nightly",
    schedule=CampusTimetable("daily", at="02:00"),
    deadline=build_deadline("nightly"),
    **build_dag_arguments("nightly"),
):
    build_ingest_tasks("night", load_catalog().source_systems())
