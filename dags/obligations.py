"""Every morning: the deadlines of the flow document against the data, and a digest to each department that should know."""

from __future__ import annotations

from airflow.sdk import DAG

from dags.alarms import build_deadline
from dags.steps import build_dag_arguments, morning
from dags.timetables import CampusTimetable

with DAG(
    "obligations",
    schedule=CampusTimetable("daily", at="07:00"),
    deadline=build_deadline("obligations"),
    **build_dag_arguments("obligations"),
):
    morning()
