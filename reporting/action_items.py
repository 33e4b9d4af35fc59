"""What needs a person: a delivery that nobody has checked or applied, one that came late, a coming year whose working days are
not known. For status, report, digest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from contracts.catalog import Catalog, catalog
from core.calendar import calendar, local_date, local_minute
from core.errors import ContractError, Gated
from core.messages import text
from core.store.ledger import Ledger, Row
from pipeline.delivery import manual_apply, signoff, switches, turned_away
from pipeline.publishing import absence
from pipeline.transform import row_accounts
from reporting import display_names

LATE_SHOWN_DAYS = 7
DECEMBER = 12
"""The State Council gives the next year's make-up days in November; from December on they are missed."""


def points(book: Ledger, known: Catalog, day: date | None = None) -> list[Row]:
    """`{kind, feed, source, target, facts}` of every overdue check, every overdue application, every late delivery (those
    delivered on business date `day`, or without one those of the last days of nights), and every year of the calendar whose
    make-up days nobody has confirmed when they should be known, every edge that is switched off, every system whose damaged
    keys let nobody leave, and every entity whose SELECT drops rows without saying so; a hub that has published nothing owes
    nobody any day."""
    found = [
        _point("unchecked", row, f"{row['edge']}.{row['dataset']}") for row in signoff.unchecked(book, known) if row["overdue"]
    ]
    found += [
        _point("unapplied", row, row["feed"]) for row in manual_apply.state(book, list(known.feeds.values())) if row["overdue"]
    ]
    rows = book.rows(
        "select l.*, d.source, d.target from ops.late l join ops.delivery d using (delivery_id) where l.delivered_on = %s"
        " or (%s::date is null and l.delivered_on > (select max(as_of) from ops.run) - %s::int) order by l.due_on, l.edge",
        [day, day, LATE_SHOWN_DAYS],
    )
    found += [_point("late", row, f"{row['edge']}.{row['dataset']}") for row in rows]
    found += [
        {"kind": "suspended", "feed": "", "source": row["system"], "target": "", "facts": row}
        for row in absence.suspended(book)
    ]
    found += [
        {"kind": "dropped", "feed": "", "source": row["system"], "target": "", "facts": row}
        for row in row_accounts.standing(book)
        if row["dropped"] and row["entity"] in known.entities
    ]
    waiting = book.rows("select * from ops.request where state = 'open' order by request_id")
    found += [{"kind": "asked", "feed": "", "source": "", "target": "", "facts": _asked(row)} for row in waiting]
    found += turned_away.points(book, known)
    found += switches.points(book, known)
    years = unconfirmed(day or local_date(book.clock())) if book.version() else []
    return found + [{"kind": "makeup", "feed": "", "source": "", "target": "", "facts": {"year": year}} for year in years]


def unconfirmed(day: date) -> list[int]:
    """The years that the calendar's terms reach and whose make-up workdays should be known by this day and are not."""
    known = calendar()
    years = {at.year for term in known.terms for at in (term.first, term.last)}
    return sorted(year for year in years if not known.makeup_confirmed(year) and day >= date(year - 1, DECEMBER, 1))


def line(point: Mapping[str, Any], language: str | None = None) -> str:
    """A point in one sentence with its next step."""
    if point["kind"] == "makeup":
        return display_names.line(catalog(), ContractError("HUB761", "schemas/calendar", **point["facts"]), language)
    if point["kind"] == "suspended":
        return display_names.line(catalog(), Gated("HUB403", point["facts"]["entity"], **point["facts"]), language)
    if point["kind"] == "dropped":
        return display_names.line(catalog(), row_accounts.finding(point["facts"]), language)
    if point["kind"] == "asked":
        return text(f"status.request_{point['facts']['what']}", language, **point["facts"])
    if point["kind"] == "turned_away":
        return turned_away.line(dict(point), language)
    if point["kind"] == "switch":
        return display_names.line(catalog(), ContractError("HUB190", point["feed"], **point["facts"]), language)
    return text(f"desk.attention.{point['kind']}", language, feed=point["feed"], **point["facts"])


def request_line(row: Row, language: str | None = None) -> str:
    """What somebody asked for in one line: who, when, why, and how another one agrees."""
    return line({"kind": "asked", "facts": _asked(row)}, language)


def _asked(row: Row) -> dict[str, str]:
    at, content = local_minute(row["requested_at"]), row["content_hash"][:8]
    told = {"what": row["kind"], "id": row["subject"].removeprefix("v"), "by": row["requested_by"]}
    told["dataset"] = str(row["asked"].get("dataset", ""))
    return {**told, "at": at, "reason": row["reason"], "content": content}


def _point(kind: str, row: Row, feed: str) -> Row:
    facts: dict[str, Any]
    if kind == "unchecked":
        facts = {"rows": row["rows"], "due": local_minute(row["due_at"])}
    elif kind == "unapplied":
        facts = {name: row[name] for name in ("target", "delivered", "applied", "days")}
    else:
        days = (row["delivered_on"] - row["due_on"]).days
        facts = {"due_on": row["due_on"].isoformat(), "delivered_on": row["delivered_on"].isoformat(), "days": days}
    return {"kind": kind, "feed": feed, "source": row["source"], "target": row["target"], "facts": facts}
