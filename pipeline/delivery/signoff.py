"""Sign-off (技术员核查): what a technician is shown of an edge before signing, the chain of marks, and what nobody has signed.

A mark covers everything that its receiver had accepted with the marked delivery, since the whole scope was compared. A
delivery without rows transferred nothing and needs none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from contracts.catalog import Catalog
from contracts.contract import FeedDataset
from core.calendar import ZONE, load_calendar, local_date
from core.hashing import hash_values
from core.store.ledger import Ledger, Row

DUE_AT = time(12, 0)
"""By when, on the next working day, a delivery is to be checked."""
_UNSIGNED = (
    " d.state in ('accepted', 'partly') and d.rows_upsert + d.rows_delete > 0 and d.accepted_at > coalesce((select"
    " max(m.accepted_at) from ops.signoff s join ops.delivery m using (delivery_id)"
    " where (s.edge, s.dataset) = (d.edge, d.dataset)), '-infinity')"
)
"""What a delivery `d` is that transferred rows and that no mark covers."""


def read_delivery_counts(ledger: Ledger, feed: FeedDataset) -> dict[str, Any]:
    """The newest accepted delivery of a feed: rows `sent`, `received` (by its receipt), `applied`, `rejected`, and how many
    rows the receiver holds more or less than after the delivery before, in rows and percent (None when not counted).

    `unsigned` are the deliveries that no mark covers and `unsigned_rows` what they transferred: a mark is about all of them.
    `applied` is what the receiving administrator has acknowledged where a person applies it, else what was received.
    """
    new, *older = ledger.rows(
        "select d.*, (select count(*) from ops.refused r where r.delivery_id = d.delivery_id) as refusals from ops.delivery d"
        " where edge = %s and dataset = %s and state in ('accepted', 'partly') order by accepted_at desc limit 2",
        [feed.edge, feed.dataset],
    )
    receipt = new["received"] or {}
    received = int(receipt.get("rows", 0)) + int(receipt.get("deleted", 0))
    applied: int | None = received
    if feed.applied_by_hand:
        told = ledger.fetch_row(
            "select rows from ops.applied where edge = %s and dataset = %s and version >= %s and state = 'applied'"
            " order by applied_id desc limit 1",
            [feed.edge, feed.dataset, new["to_version"]],
        )
        applied = (received if told["rows"] is None else int(told["rows"])) if told else None
    waits = ledger.single(
        f"select count(*) as n, coalesce(sum(rows_upsert + rows_delete), 0) as rows from ops.delivery d where edge = %s"
        f" and dataset = %s and{_UNSIGNED}",
        [feed.edge, feed.dataset],
    )
    now, before = new["rows_scope"], older[0]["rows_scope"] if older else None
    change = None if now is None or before is None else now - before
    return {
        "delivery": new["delivery_id"],
        "sent": new["rows_upsert"] + new["rows_delete"],
        "received": received,
        "applied": applied,
        "rejected": new["refusals"],
        "unsigned": int(waits["n"]),
        "unsigned_rows": int(waits["rows"]),
        "change": change,
        "change_percent": round(100.0 * change / before, 1) if change is not None and before else None,
    }


def compute_signature(before: str, delivery_id: str, by: str, at: datetime, found: Mapping[str, Any]) -> str:
    """The hash of a mark: over the mark before it, the delivery, who, when, and the counts."""
    return hash_values(before, delivery_id, by, at.astimezone(UTC).isoformat(), dict(found))


def validate_chain(ledger: Ledger) -> dict[str, Any]:
    """Compute every mark anew, in order; returns `{marks, whole, broken, head}`.

    `broken` is the first mark that is not what it should be, or None. Where nobody has signed, nothing is whole: None. A cut
    at the end shows by `head`, the newest mark, when that is compared with one that somebody wrote down.
    """
    before, broken = "", None
    rows = ledger.rows("select * from ops.signoff order by signoff_id")
    for row in rows:
        wanted = compute_signature(before, row["delivery_id"], row["checked_by"], row["checked_at"], row["counts"])
        if wanted != row["mark"]:
            broken = row["signoff_id"]
            break
        before = row["mark"]
    whole = broken is None if rows else None
    return {"marks": len(rows), "whole": whole, "broken": broken, "head": rows[-1]["mark"] if rows else None}


def compute_due_time(accepted_at: datetime) -> datetime:
    """When a delivery is to be checked: the next working day at noon, local time."""
    day = load_calendar().next_workday(local_date(accepted_at) + timedelta(days=1))
    return datetime.combine(day, DUE_AT, ZONE)


def list_unsigned(ledger: Ledger, catalog: Catalog) -> list[Row]:
    """The edges whose contract wants a check and that have transferred rows since the last one, the most overdue first."""
    rows = ledger.rows(
        "select edge, dataset, min(accepted_at) as since, max(to_version) as version, count(*) as deliveries,"
        " sum(rows_upsert + rows_delete) as rows, array_agg(distinct as_of order by as_of) as days"
        f" from ops.delivery d where{_UNSIGNED} group by 1, 2"
    )
    now, found = ledger.clock(), []
    for row in rows:
        feed = catalog.feeds.get(f"{row['edge']}.{row['dataset']}")
        if feed and feed.technician_check:
            due = compute_due_time(row["since"])
            names = {"flow": feed.flow, "source": feed.source, "target": feed.target}
            found.append({**names, **row, "rows": int(row["rows"]), "due_at": due, "overdue": now > due})
    return sorted(found, key=lambda row: (row["due_at"], row["edge"], row["dataset"]))


def get_usable_version(ledger: Ledger, feed: FeedDataset) -> int:
    """The version of a feed that may be applied: the accepted one, or where a check comes first (`technicianCheck: before`)
    the newest of which nothing is unsigned; 0 before the first."""
    accepted = ledger.fetch_row("select version from ops.accepted where edge = %s and dataset = %s", [feed.edge, feed.dataset])
    if accepted is None:
        return 0
    unsigned = ledger.single(
        f"select min(from_version) as version from ops.delivery d where edge = %s and dataset = %s and{_UNSIGNED}",
        [feed.edge, feed.dataset],
    )["version"]
    return int(accepted["version"] if unsigned is None or not feed.checked_before_use else unsigned)
