"""One DAG a flow, started by every new version of the hub; and one more for each other schedule of its feeds.

Such a DAG takes its own sources first, because their data are uploaded for that very delivery (payroll: SJGXLC04/3; fees in
the registration window: YWLC04/4).
"""

from __future__ import annotations

from airflow.sdk import DAG, TaskGroup

from dags.steps import HUB_VERSION, give, shape, take
from dags.timetables import CampusTimetable
from schemas.catalog import catalog

known = catalog()
edges = {(feed.flow, feed.schedule, feed.source) for feed in known.served()}
for flow, schedule in sorted({edge[:2] for edge in edges}):
    facts = {"flow": flow, "name": known.flows.get(flow, {}).get("title_zh", flow)}
    if schedule == "nightly":
        with DAG(f"feed__{flow.lower()}", schedule=[HUB_VERSION], **shape("feed", **facts)):
            give(flow, schedule)
        continue
    with DAG(f"feed__{flow.lower()}_{schedule}", schedule=CampusTimetable(schedule), **shape(schedule, **facts)):
        with TaskGroup("take"):
            sources = {source for *edge, source in edges if edge == [flow, schedule]}
            taken = take("ingest", sorted(sources & set(known.source_systems())), schedule)
        taken >> give(flow, schedule, schedule)
