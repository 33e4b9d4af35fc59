"""One DAG a flow, started by every new version of the hub (first loads too); and one more for each other schedule of its feeds.

Such a DAG takes its own sources first, because their data are uploaded for that very delivery (payroll: SJGXLC04/3; fees in
the registration window: YWLC04/4); several times a day it looks at what changed only, once it takes everything.
"""

from __future__ import annotations

from airflow.sdk import DAG, TaskGroup

from contracts.catalog import load_catalog
from core.messages import translate
from core.schedule import SCHEDULES
from dags.steps import HUB_VERSION, build_dag_arguments, build_delivery_tasks, build_ingest_tasks, build_refresh_task
from dags.timetables import CampusTimetable

known = load_catalog()
edges = {(feed.flow, word, feed.source) for feed in known.served_feeds() for word in {feed.schedule, "nightly"}}
for flow, schedule in sorted({edge[:2] for edge in edges}):
    facts = {"flow": flow, "name": known.flows.get(flow, {}).get("title_zh", flow)}
    if schedule == "nightly":
        with DAG(f"feed__{flow.lower()}", schedule=[HUB_VERSION], **build_dag_arguments("feed", **facts)):
            build_delivery_tasks(flow, schedule)
        continue
    with DAG(f"feed__{flow.lower()}_{schedule}", schedule=CampusTimetable(schedule), **build_dag_arguments(schedule, **facts)):
        with TaskGroup("take", group_display_name=translate("dag.task.take")):
            sources = sorted({source for *edge, source in edges if edge == [flow, schedule]} & set(known.source_systems()))
            often = len(SCHEDULES[schedule].times) > 1
            taken = (
                [build_refresh_task(system, schedule) for system in sources]
                if often
                else build_ingest_tasks("ingest", sources, schedule)
            )
        taken >> build_delivery_tasks(flow, schedule, schedule)
