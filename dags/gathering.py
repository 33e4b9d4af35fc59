"""One DAG a flow whose system only receives: after the flows that deliver to it, what it got on each of its edges is
compared with what was delivered."""

from __future__ import annotations

from airflow.sdk import DAG

from contracts.catalog import catalog
from core.messages import text
from dags.steps import confirm, delivered, shape
from runs.gathering import delivering, gathered

known = catalog()
for flow, edges in gathered(known).items():
    facts = {"flow": flow, "name": known.flows[flow]["title_zh"], "edges": ", ".join(edges)}
    schedule = [delivered(giver) for giver in delivering(known, edges)]
    with DAG(f"feed__{flow.lower()}", schedule=schedule, **shape("gather", **facts)):
        for edge in edges:
            shown = text("dag.task.confirm", edge=edge)
            confirm.override(task_id=f"confirm__{edge.lower()}", task_display_name=shown)(edge)
