"""One DAG an edge that is checked before its receiver applies it: asked after each night's delivery, told when signed.

A DAG of its own, not a task of the flow: an answer may take days, and the flow's next delivery does not wait for it.
"""

from __future__ import annotations

from airflow.sdk import DAG

from contracts.catalog import load_catalog
from core.messages import translate
from dags.asking import SignoffTask, ready
from dags.steps import build_dag_arguments, build_delivery_asset

known = load_catalog()
for edge, flow in sorted({(feed.edge, feed.flow) for feed in known.served_feeds() if feed.checked_before_use}):
    source, target = (known.systems.get(known.edges[edge][end], {}).get("name_zh", end) for end in ("source", "target"))
    name = f"{source} → {target}"
    step = ", ".join(item["step"] for item in known.edges[edge]["declarations"] if item["technician_check"])
    with DAG(
        f"check__{edge.lower()}", schedule=[build_delivery_asset(flow)], **build_dag_arguments("check", edge=edge, name=name)
    ):
        SignoffTask(task_id="check", task_display_name=translate("dag.task.check"), edge=edge, name=name, step=step) >> ready(
            edge
        )
