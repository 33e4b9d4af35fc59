"""What needs a person: a delivery that nobody has checked or applied, one that came late, a coming year whose working days are
not known. For status, report, digest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from contracts.catalog import Catalog, load_catalog
from core.calendar import format_local_minute, load_calendar, local_date
from core.errors import ContractError, Gated
from core.messages import translate
from core.store.ledger import Ledger, Row
from pipeline.delivery import manual_apply, signoff, switches, turned_away
from pipeline.publishing import absence
from pipeline.transform import row_accounts
from reporting import display_names

LATE_SHOWN_DAYS = 7
DECEMBER = 12
"""The State Council gives the next year's make-up days in November; from December on they are missed."""


def list_action_items(ledger: Ledger, catalog: Catalog, day: date | None = None) -> list[Row]:
    """`{kind, feed, source, target, facts}` of every overdue check, every overdue application, every late delivery (those
    delivered on business date `day`, or without one those of the last days of nights), and every year of the calendar whose
    make-up days nobody has confirmed when they should be known, every edge that is switched off, every system whose damaged
    keys let nobody leave, and every entity whose SELECT drops rows without saying so; a hub that has published nothing owes
    nobody any day."""
    found = [
        _build_item("unchecked", row, f"{row['edge']}.{row['dataset']}")
        for row in signoff.list_unsigned(ledger, catalog)
        if row["overdue"]
    ]
    found += [
        _build_item("unapplied", row, row["feed"])
        for row in manual_apply.read_apply_state(ledger, list(catalog.feeds.values()))
        if row["overdue"]
    ]
    rows = ledger.rows(
        "select l.*, d.source, d.target from ops.late l join ops.delivery d using (delivery_id) where l.delivered_on = %s"
        " or (%s::date is null and l.delivered_on > (select max(as_of) from ops.run) - %s::int) order by l.due_on, l.edge",
        [day, day, LATE_SHOWN_DAYS],
    )
    found += [_build_item("late", row, f"{row['edge']}.{row['dataset']}") for row in rows]
    found += [
        {"kind": "suspended", "feed": "", "source": row["system"], "target": "", "facts": row}
        for row in absence.list_suspended(ledger)
    ]
    found += [
        {"kind": "dropped", "feed": "", "source": row["system"], "target": "", "facts": row}
        for row in row_accounts.list_newest_accounts(ledger)
        if row["dropped"] and row["entity"] in catalog.entities
    ]
    waiting = ledger.rows("select * from ops.request where state = 'open' order by request_id")
    found += [{"kind": "asked", "feed": "", "source": "", "target": "", "facts": _asked(row)} for row in waiting]
    found += turned_away.list_refusal_items(ledger, catalog)
    found += switches.list_switch_items(ledger, catalog)
    years = list_unconfirmed_years(day or local_date(ledger.clock())) if ledger.version() else []
    return found + [{"kind": "makeup", "feed": "", "source": "", "target": "", "facts": {"year": year}} for year in years]


def list_unconfirmed_years(day: date) -> list[int]:
    """The years that the calendar's terms reach and whose make-up workdays should be known by this day and are not."""
    known = load_calendar()
    years = {at.year for term in known.terms for at in (term.first, term.last)}
    return sorted(year for year in years if not known.is_makeup_confirmed(year) and day >= date(year - 1, DECEMBER, 1))


def format_action_item(point: Mapping[str, Any], language: str | None = None) -> str:
    """A point in one sentence with its next step."""
    if point["kind"] == "makeup":
        return display_names.format_error(
            load_catalog(), ContractError("HUB761", "schemas/calendar", **point["facts"]), language
        )
    if point["kind"] == "suspended":
        return display_names.format_error(load_catalog(), Gated("HUB403", point["facts"]["entity"], **point["facts"]), language)
    if point["kind"] == "dropped":
        return display_names.format_error(load_catalog(), row_accounts.build_dropped_error(point["facts"]), language)
    if point["kind"] == "asked":
        return translate(f"status.request_{point['facts']['what']}", language, **point["facts"])
    if point["kind"] == "turned_away":
        return turned_away.format_refusal(dict(point), language)
    if point["kind"] == "switch":
        return display_names.format_error(load_catalog(), ContractError("HUB190", point["feed"], **point["facts"]), language)
    return translate(f"desk.attention.{point['kind']}", language, feed=point["feed"], **point["facts"])


def list_decisions(ledger: Ledger, day: date) -> list[Row]:
    """What two persons decided in the days before a date and on it, newest first: `{what, id, subject, by, requested_at,
    approved_by, approved_at, reason, content}`. `what` is brake, rollback, number or waiver."""
    rows = ledger.rows(
        "select kind as what, subject as id, subject, requested_by as by, requested_at, approved_by, approved_at, reason,"
        " content_hash as content from ops.request where state = 'approved'"
        " union all select 'brake', brake_id::text, subject, requested_by, requested_at, approved_by, approved_at, reason,"
        " content_hash from ops.brake where approved_by is not null"
        " order by approved_at desc"
    )
    recent = [row for row in rows if row["approved_at"] and 0 <= (day - local_date(row["approved_at"])).days <= LATE_SHOWN_DAYS]
    return [{**row, "id": row["id"].removeprefix("v"), "content": row["content"][:8]} for row in recent]


def format_decision(row: Mapping[str, Any], language: str | None = None) -> str:
    """A decision in one line: what, who asked, who agreed, when and why."""
    at = {name: format_local_minute(row[name]) if row[name] else "-" for name in ("requested_at", "approved_at")}
    subject = (
        display_names.get_subject_name(load_catalog(), row["subject"], language) if row["what"] == "brake" else row["subject"]
    )
    return translate(f"status.decided_{row['what']}", language, **{**row, **at, "subject": subject})


def request_line(row: Row, language: str | None = None) -> str:
    """What somebody asked for in one line: who, when, why, and how another one agrees."""
    return format_action_item({"kind": "asked", "facts": _asked(row)}, language)


def _asked(row: Row) -> dict[str, str]:
    at, content = format_local_minute(row["requested_at"]), row["content_hash"][:8]
    told = {"what": row["kind"], "id": row["subject"].removeprefix("v"), "by": row["requested_by"]}
    told["dataset"] = str(row["asked"].get("dataset", ""))
    return {**told, "at": at, "reason": row["reason"], "content": content}


def _build_item(kind: str, row: Row, feed: str) -> Row:
    facts: dict[str, Any]
    if kind == "unchecked":
        facts = {"rows": row["rows"], "due": format_local_minute(row["due_at"])}
    elif kind == "unapplied":
        facts = {name: row[name] for name in ("target", "delivered", "applied", "days")}
    else:
        days = (row["delivered_on"] - row["due_on"]).days
        facts = {"due_on": row["due_on"].isoformat(), "delivered_on": row["delivered_on"].isoformat(), "days": days}
    return {"kind": kind, "feed": feed, "source": row["source"], "target": row["target"], "facts": facts}
