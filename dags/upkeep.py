"""Housekeeping after the night: what is past the time its contract keeps it is removed."""

from __future__ import annotations

from airflow.sdk import DAG

from dags.alarms import build_deadline
from dags.steps import build_dag_arguments, upkeep
from dags.timetables import CampusTimetable

with DAG(
    "upkeep", schedule=CampusTimetable("daily", at="05:00"), deadline=build_deadline("upkeep"), **build_dag_arguments("upkeep")
):
    upkeep()
