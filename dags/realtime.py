"""One DAG for each source that the flow document wants in real time: looked at every five minutes while somebody works."""

from __future__ import annotations

from airflow.sdk import DAG

from contracts.catalog import catalog
from dags.steps import refresh, shape
from dags.timetables import CampusTimetable

for system in catalog().realtime_systems():
    name = catalog().systems.get(system, {}).get("name_zh", system)
    with DAG(f"realtime__{system}", schedule=CampusTimetable("realtime"), **shape("realtime", name=name)):
        refresh(system)
