"""How long a change takes from its department to its receivers, and which ones have not arrived in time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from contracts.catalog import Catalog
from contracts.contract import FeedDataset
from core.calendar import load_calendar
from core.store.ledger import Ledger, Row
from pipeline.delivery.due import is_due_on
from pipeline.delivery.feed_snapshot import list_feed_entities


@dataclass(frozen=True)
class OutdatedFeed:
    """A feed whose receiver lacks a version that changed what it reads; `since` is when the oldest of those was published."""

    feed: FeedDataset
    accepted: int
    since: datetime


def get_realtime_limit(catalog: Catalog) -> timedelta:
    """How long a change may take where the flow document says real time (`flows/deadlines.yaml`)."""
    return timedelta(minutes=int(catalog.reminders["realtime_minutes"]))


def find_outdated_feeds(ledger: Ledger, catalog: Catalog, entities: Collection[str], day: date) -> list[OutdatedFeed]:
    """The feeds due on this day that read one of these entities and whose receiver is not up to date.

    A first load belongs to the night, and a feed that a brake has stopped waits for its release.
    """
    accepted = {(row["edge"], row["dataset"]): row["version"] for row in ledger.rows("select * from ops.accepted")}
    stopped = {row["subject"] for row in ledger.rows("select subject from ops.brake where state in ('tripped', 'requested')")}
    year, current = load_calendar(), ledger.version()
    started = [
        (feed, accepted[feed.edge, feed.dataset]) for feed in catalog.served_feeds() if (feed.edge, feed.dataset) in accepted
    ]
    open_feeds = [(feed, at) for feed, at in started if at < current and feed.id not in stopped and is_due_on(feed, day, year)]
    versions = _list_versions(ledger, min((at for _, at in open_feeds), default=current))
    found = []
    for feed, at in open_feeds:
        read = set(list_feed_entities(catalog, feed))
        touching = [row for row in versions if row["version"] > at and read & set(row["entities"])]
        if touching and read & set(entities):
            found.append(OutdatedFeed(feed, at, touching[0]["published_at"]))
    return found


def _list_versions(ledger: Ledger, after: int) -> list[Row]:
    return ledger.rows(
        "select version, published_at, entities from ops.version where version > %s order by version",
        [after],
    )


def select_overdue(found: Iterable[OutdatedFeed], now: datetime, allowed: timedelta) -> list[OutdatedFeed]:
    """Those that wait longer than real time allows."""
    return [item for item in found if now - item.since > allowed]


def record_latency(
    ledger: Ledger, run_id: str, system: str, sent: Mapping[str, OutdatedFeed], seen: tuple[datetime | None, datetime]
) -> int:
    """Write down how long the changes of these feeds took, for those that their receivers have accepted; returns how many.

    `seen` is when the source says that the change was made, if it does, and when the hub looked.
    """
    count = 0
    for item in sent.values():
        row = ledger.fetch_row(
            "select version, accepted_at from ops.accepted where edge = %s and dataset = %s and version > %s",
            [item.feed.edge, item.feed.dataset, item.accepted],
        )
        if row is None:
            continue
        changed_at, looked_at = seen if item.since >= seen[1] else (None, item.since)
        facts = [item.feed.edge, item.feed.dataset, row["version"], system, run_id]
        ledger.execute(
            "insert into ops.latency values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
            [*facts, changed_at, looked_at, row["accepted_at"]],
        )
        count += 1
    return count


_SECONDS = "extract(epoch from accepted_at - coalesce(changed_at, seen_at))"


def measure_latency(ledger: Ledger, catalog: Catalog, days: int = 30) -> dict[str, Any]:
    """Changes delivered in the last days: `{changes, median_seconds, p95_seconds, late, limit_minutes, systems[]}`.

    Counted from the source's own time of change where it gives one, else from the moment the hub read it.
    """
    since = ledger.clock() - timedelta(days=days)
    seconds = get_realtime_limit(catalog).total_seconds()
    columns = (
        f"count(*) as changes, percentile_cont(0.5) within group (order by {_SECONDS}) as median_seconds,"
        f" percentile_cont(0.95) within group (order by {_SECONDS}) as p95_seconds,"
        f" count(*) filter (where {_SECONDS} > {seconds}) as late"
    )
    whole = ledger.single(f"select {columns} from ops.latency where accepted_at >= %s", [since])
    systems = ledger.rows(f"select system, {columns} from ops.latency where accepted_at >= %s group by 1 order by 1", [since])
    return {
        "days": days,
        "limit_minutes": seconds / 60,
        **_round_seconds(whole),
        "systems": [{"system": row["system"], **_round_seconds(row)} for row in systems],
        "refreshes": list_refreshes(ledger),
    }


def list_refreshes(ledger: Ledger) -> list[Row]:
    """Per system its newest day of refreshes: how often it was looked at, how often something had changed, mean seconds."""
    rows = ledger.rows("select distinct on (system) * from ops.refresh order by system, as_of desc")
    return [{**row, "mean_seconds": round(row["seconds"] / max(row["looked"], 1), 2)} for row in rows]


def _round_seconds(row: Row) -> Row:
    names = ("changes", "late")
    times = {name: None if row[name] is None else round(float(row[name]), 1) for name in ("median_seconds", "p95_seconds")}
    return {**{name: int(row[name]) for name in names}, **times}
