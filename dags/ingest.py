"""One DAG a source system, started by hand: a department has repaired its data and does not want to wait for the night."""

from __future__ import annotations

from airflow.sdk import DAG

from contracts.catalog import load_catalog
from dags.steps import build_dag_arguments, build_ingest_tasks

for system in load_catalog().source_systems():
    name = load_catalog().systems.get(system, {}).get("name_zh", system)
    with DAG(f"ingest__{system}", schedule=None, **build_dag_arguments("ingest", name=name)):
        build_ingest_tasks("ingest", [system])
