"""One DAG a flow whose system only receives: after the flows that deliver to it, what it got on each of its edges is
compared with what was delivered."""

from __future__ import annotations

from airflow.sdk import DAG

from contracts.catalog import load_catalog
from core.messages import translate
from dags.steps import build_dag_arguments, build_delivery_asset, confirm
from runs.gathering import find_gathering_flows, list_delivering_flows

known = load_catalog()
for flow, edges in find_gathering_flows(known).items():
    facts = {"flow": flow, "name": known.flows[flow]["title_zh"], "edges": ", ".join(edges)}
    schedule = [build_delivery_asset(giver) for giver in list_delivering_flows(known, edges)]
    with DAG(f"feed__{flow.lower()}", schedule=schedule, **build_dag_arguments("gather", **facts)):
        for edge in edges:
            shown = translate("dag.task.confirm", edge=edge)
            confirm.override(task_id=f"confirm__{edge.lower()}", task_display_name=shown)(edge)
