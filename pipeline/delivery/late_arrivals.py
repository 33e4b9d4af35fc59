"""Late data: what should have been there on its day and came after it is delivered by the next night, as a correction.

Payroll is due on the 8th (SJGXLC04/3, or what the calendar says). When it comes on the 10th, the night of the 10th delivers it
under its business date, the 8th, and writes down that it was late. Without this it would wait for the next payday.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from contracts.catalog import Catalog
from contracts.contract import FeedDataset
from core.calendar import Calendar, load_calendar
from core.schedule import FEED_SCHEDULES
from core.store.ledger import Ledger
from pipeline.context import RunContext
from pipeline.delivery.feed_snapshot import list_feed_entities

_DAY = timedelta(days=1)


def find_late_feeds(ledger: Ledger, catalog: Catalog, feeds: Iterable[FeedDataset], day: date) -> dict[date, list[FeedDataset]]:
    """Day due -> the feeds of that day whose data have changed since what their receivers accepted, when the schedule of
    the feed still waits for latecomers and is not on today."""
    year, current = load_calendar(), ledger.version()
    accepted = {(row["edge"], row["dataset"]): row["version"] for row in ledger.rows("select * from ops.accepted")}
    found: dict[date, list[FeedDataset]] = {}
    for feed in feeds:
        due = find_missed_day(feed, day, year)
        at = accepted.get((feed.edge, feed.dataset), current)
        if due and at < current and any(ledger.version_of(name) > at for name in list_feed_entities(catalog, feed)):
            found.setdefault(due, []).append(feed)
    return dict(sorted(found.items()))


def find_missed_day(feed: FeedDataset, day: date, year: Calendar) -> date | None:
    """The last day before this one on which the feed was due, if its schedule still waits for latecomers of it."""
    schedule = FEED_SCHEDULES.get(feed.schedule)
    if schedule is None or schedule.is_on(year, day):
        return None
    days = (day - _DAY * back for back in range(1, schedule.late_days + 1))
    return next((before for before in days if schedule.is_on(year, before)), None)


def record_late_deliveries(run: RunContext, today: date) -> int:
    """Write down which deliveries of this run, with rows, were due on an earlier day than today; returns how many."""
    rows = run.ledger.rows(
        "select * from ops.delivery where run_id = %s and as_of < %s and state in ('accepted', 'partly')"
        " and rows_upsert + rows_delete > 0",
        [run.run.id, today],
    )
    late = [row for row in rows if _accepts_late_data(run.catalog, f"{row['edge']}.{row['dataset']}")]
    for row in late:
        run.ledger.execute(
            "insert into ops.late values (%s, %s, %s, %s, %s) on conflict do nothing",
            [row["edge"], row["dataset"], row["as_of"], today, row["delivery_id"]],
        )
    return len(late)


def _accepts_late_data(catalog: Catalog, id: str) -> bool:
    feed = catalog.feeds.get(id)
    return feed is not None and FEED_SCHEDULES[feed.schedule].late_days > 0


def find_newest_night(ledger: Ledger, day: date) -> date:
    """The business date that the hub has reached: that of its newest night, or `day` when there is no later one."""
    found = ledger.single("select max(as_of) as day from ops.run where kind = 'night'")["day"]
    return max(found, day) if found else day
