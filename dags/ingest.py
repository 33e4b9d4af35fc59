"""One DAG a source system, started by hand: a department has repaired its data and does not want to wait for the night."""

from __future__ import annotations

from airflow.sdk import DAG

from contracts.catalog import catalog
from dags.steps import shape, take

for system in catalog().source_systems():
    name = catalog().systems.get(system, {}).get("name_zh", system)
    with DAG(f"ingest__{system}", schedule=None, **shape("ingest", name=name)):
        take("ingest", [system])
