"""What of deliveries needs a person: nobody has checked it, nobody has applied it, it came late. For status, report, digest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from core.calendar import ZONE
from core.ledger import Ledger, Row
from core.text import text
from pipeline import pull, signoff
from schemas.catalog import Catalog

LATE_SHOWN_DAYS = 7


def points(book: Ledger, known: Catalog, day: date | None = None) -> list[Row]:
    """`{kind, feed, source, target, facts}` of every overdue check, every overdue application, and every late delivery: those
    delivered on business date `day`, or without one those of the last days of nights."""
    found = [
        _point("unchecked", row, f"{row['edge']}.{row['dataset']}") for row in signoff.unchecked(book, known) if row["overdue"]
    ]
    found += [_point("unapplied", row, row["feed"]) for row in pull.state(book, list(known.feeds.values())) if row["overdue"]]
    rows = book.rows(
        "select l.*, d.source, d.target from ops.late l join ops.delivery d using (delivery_id) where l.delivered_on = %s"
        " or (%s::date is null and l.delivered_on > (select max(as_of) from ops.run) - %s::int) order by l.due_on, l.edge",
        [day, day, LATE_SHOWN_DAYS],
    )
    return found + [_point("late", row, f"{row['edge']}.{row['dataset']}") for row in rows]


def line(point: Mapping[str, Any], language: str | None = None) -> str:
    """A point in one sentence with its next step."""
    return text(f"desk.attention.{point['kind']}", language, feed=point["feed"], **point["facts"])


def _point(kind: str, row: Row, feed: str) -> Row:
    facts: dict[str, Any]
    if kind == "unchecked":
        facts = {"rows": row["rows"], "due": f"{row['due_at'].astimezone(ZONE):%Y-%m-%d %H:%M}"}
    elif kind == "unapplied":
        facts = {name: row[name] for name in ("target", "delivered", "applied", "days")}
    else:
        days = (row["delivered_on"] - row["due_on"]).days
        facts = {"due_on": row["due_on"].isoformat(), "delivered_on": row["delivered_on"].isoformat(), "days": days}
    return {"kind": kind, "feed": feed, "source": row["source"], "target": row["target"], "facts": facts}
