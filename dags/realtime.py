"""One DAG for each source that the flow document wants in real time: looked at every five minutes while somebody works."""

from __future__ import annotations

from airflow.sdk import DAG

from contracts.catalog import load_catalog
from dags.steps import build_dag_arguments, build_refresh_task
from dags.timetables import CampusTimetable

for system in load_catalog().realtime_systems():
    name = load_catalog().systems.get(system, {}).get("name_zh", system)
    with DAG(f"realtime__{system}", schedule=CampusTimetable("realtime"), **build_dag_arguments("realtime", name=name)):
        build_refresh_task(system)
