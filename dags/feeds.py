"""One DAG a flow, started by every new version of the hub; and one more for what a flow delivers on payday.

A payday feed takes its own source first, because payroll is uploaded during that day (SJGXLC04/3).
"""

from __future__ import annotations

from airflow.sdk import DAG, TaskGroup

from dags.steps import HUB_VERSION, give, shape, take
from dags.timetables import CampusTimetable
from schemas.catalog import catalog

edges = {(feed.flow, feed.schedule, feed.source) for feed in catalog().feeds.values()}
for flow, schedule in sorted({edge[:2] for edge in edges}):
    facts = {"flow": flow, "name": catalog().flows.get(flow, {}).get("title_zh", flow)}
    if schedule == "nightly":
        with DAG(f"feed__{flow.lower()}", schedule=[HUB_VERSION], **shape("feed", **facts)):
            give(flow, schedule)
    if schedule == "payday":
        with DAG(f"feed__{flow.lower()}_payday", schedule=CampusTimetable("payday", at="20:00"), **shape("payday", **facts)):
            with TaskGroup("take"):
                taken = take("ingest", sorted(source for *edge, source in edges if edge == [flow, schedule]))
            taken >> give(flow, schedule)
