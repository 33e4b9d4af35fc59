"""What needs two persons: asked for by one with a reason, agreed to by another, for exactly what was asked.

The release of a brake is for its change and until a date; a rollback, and what else is a row of `ops.request`, is for the
content whose digest was written down when it was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from contracts.catalog import Catalog
from core.errors import Denied
from core.people import require_name, require_two_people
from core.store.ledger import Ledger, Output, Row
from core.store.postgres import Connection
from loaders import hub
from pipeline.context import RunContext
from pipeline.publishing import publish

LONGEST_DAYS = 14


def request_release(ledger: Ledger, brake_id: int, by: str, reason: str) -> Row:
    """Ask for a release.

    Raises:
        Denied: HUB705 when the brake does not wait for this, HUB704 without a reason, HUB753 without a name.
    """
    require_name(by, f"brake {brake_id}")
    if not reason.strip():
        raise Denied("HUB704", f"brake {brake_id}", by=by)
    return _change_state(
        ledger, brake_id, ("tripped", "requested"), "state = 'requested', requested_by = %s, reason = %s", [by, reason]
    )


def approve_release(ledger: Ledger, brake_id: int, by: str, until: date, today: date) -> Row:
    """Agree to a release until a date (inclusive), at most fourteen days ahead.

    Raises:
        Denied: HUB704 when the same person asked (in whatever spelling), HUB705 when nobody asked,
            HUB706 when the date is past or too far.
    """
    row = _read_brake(ledger, brake_id)
    if row["requested_by"] is not None:
        require_two_people(row["requested_by"], by, f"brake {brake_id}")
    if not 0 <= (until - today).days <= LONGEST_DAYS:
        raise Denied("HUB706", f"brake {brake_id}", days=LONGEST_DAYS)
    return _change_state(ledger, brake_id, ("requested",), "state = 'released', approved_by = %s, expires_on = %s", [by, until])


def list_open_requests(ledger: Ledger) -> list[Row]:
    """What waits for a second person, oldest first."""
    return ledger.rows("select * from ops.request where state = 'open' order by request_id")


def write_request(connection: Connection, ledger: Ledger, wanted: Mapping[str, Any]) -> Row:
    """Write down that somebody asks (`kind`, `subject`, `asked`, `content_hash`, `reason`, `requested_by`); what was asked for
    the same subject before and nobody agreed to is replaced.

    Raises:
        Denied: HUB753 without a name, HUB727 without a reason.
    """
    require_name(wanted["requested_by"], wanted["subject"])
    if not wanted["reason"].strip():
        raise Denied("HUB727", wanted["subject"])
    facts = {**wanted, "asked": Jsonb(wanted["asked"]), "requested_at": ledger.clock()}
    connection.execute(
        "update ops.request set state = 'replaced' where kind = %(kind)s and subject = %(subject)s and state = 'open'", facts
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        names, places = ", ".join(facts), ", ".join(f"%({name})s" for name in facts)
        found = cursor.execute(f"insert into ops.request ({names}) values ({places}) returning *".encode(), facts).fetchone()
    return found or {}


def find_request(ledger: Ledger, kind: str, subject: str) -> Row:
    """What somebody asked for and nobody has agreed to yet.

    Raises:
        Denied: HUB792 when nobody asks for this.
    """
    found = ledger.fetch_row("select * from ops.request where kind = %s and subject = %s and state = 'open'", [kind, subject])
    if found is None:
        known = ", ".join(row["subject"] for row in list_open_requests(ledger) if row["kind"] == kind)
        raise Denied("HUB792", subject, known=known or "-")
    return found


def preview_rollback(ledger: Ledger, catalog: Catalog, target: int) -> Row:
    """What a rollback to a version would come to now: `{target, newest, entities}`.

    Raises:
        Denied: HUB703 when there is no such version.
    """
    newest = ledger.version()
    if not 1 <= target <= newest:
        raise Denied("HUB703", f"v{target}", newest=newest)
    for error in hub.prepare_tables(ledger, list(catalog.entities.values())).values():
        raise error
    with ledger.transaction() as connection:
        return {"target": target, "newest": newest, "entities": publish.preview(connection, catalog, target)}


def request_rollback(ledger: Ledger, catalog: Catalog, target: int, by: str, reason: str) -> Row:
    """Ask for a rollback; returns the request, whose `asked` is the preview.

    Raises:
        Denied: HUB703, HUB727, HUB753.
    """
    seen = preview_rollback(ledger, catalog, target)
    content = publish.content_of(target, seen["newest"], seen["entities"])
    wanted = {"kind": "rollback", "subject": f"v{target}", "asked": seen, "content_hash": content}
    with ledger.transaction() as connection:
        return write_request(connection, ledger, {**wanted, "reason": reason, "requested_by": by})


def approve_rollback(run: RunContext, target: int, by: str) -> Output:
    """Agree to a rollback that somebody else asked for, which does it.

    Raises:
        Denied: HUB792 when nobody asks for it, HUB704 when the same person does, HUB793 when it changed since.
    """
    asked = find_request(run.ledger, "rollback", f"v{target}")
    return publish.publish_rollback(run, asked, by)


def _read_brake(ledger: Ledger, brake_id: int) -> Row:
    row = ledger.fetch_row("select * from ops.brake where brake_id = %s", [brake_id])
    if row is None:
        known = ", ".join(
            str(found["brake_id"]) for found in ledger.rows("select brake_id from ops.brake where state <> 'used'")
        )
        raise Denied("HUB705", f"brake {brake_id}", state="-", known=known or "-")
    return row


def _change_state(ledger: Ledger, brake_id: int, states: tuple[str, ...], change: str, parameters: list[object]) -> Row:
    row = _read_brake(ledger, brake_id)
    if row["state"] not in states:
        raise Denied("HUB705", f"brake {brake_id}", state=row["state"], known="-")
    ledger.execute(f"update ops.brake set {change} where brake_id = %s", [*parameters, brake_id])
    return _read_brake(ledger, brake_id)
