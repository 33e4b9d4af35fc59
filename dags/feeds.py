"""One DAG a flow, started by every new version of the hub (first loads too); and one more for each other schedule of its feeds.

Such a DAG takes its own sources first, because their data are uploaded for that very delivery (payroll: SJGXLC04/3; fees in
the registration window: YWLC04/4); several times a day it looks at what changed only, once it takes everything.
"""

from __future__ import annotations

from airflow.sdk import DAG, TaskGroup

from contracts.catalog import catalog
from core.messages import text
from core.schedule import SCHEDULES
from dags.steps import HUB_VERSION, give, refresh, shape, take
from dags.timetables import CampusTimetable

known = catalog()
edges = {(feed.flow, word, feed.source) for feed in known.served() for word in {feed.schedule, "nightly"}}
for flow, schedule in sorted({edge[:2] for edge in edges}):
    facts = {"flow": flow, "name": known.flows.get(flow, {}).get("title_zh", flow)}
    if schedule == "nightly":
        with DAG(f"feed__{flow.lower()}", schedule=[HUB_VERSION], **shape("feed", **facts)):
            give(flow, schedule)
        continue
    with DAG(f"feed__{flow.lower()}_{schedule}", schedule=CampusTimetable(schedule), **shape(schedule, **facts)):
        with TaskGroup("take", group_display_name=text("dag.task.take")):
            sources = sorted({source for *edge, source in edges if edge == [flow, schedule]} & set(known.source_systems()))
            often = len(SCHEDULES[schedule].times) > 1
            taken = [refresh(system, schedule) for system in sources] if often else take("ingest", sources, schedule)
        taken >> give(flow, schedule, schedule)
