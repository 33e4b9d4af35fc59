"""Release of a brake: asked for by one person with a reason, agreed to by another until a date, for that change only."""

from __future__ import annotations

from datetime import date

from core.errors import Denied
from core.people import need_name, need_two
from core.store.ledger import Ledger, Row

LONGEST_DAYS = 14


def request(book: Ledger, brake_id: int, by: str, reason: str) -> Row:
    """Ask for a release.

    Raises:
        Denied: HUB705 when the brake does not wait for this, HUB704 without a reason, HUB753 without a name.
    """
    need_name(by, f"brake {brake_id}")
    if not reason.strip():
        raise Denied("HUB704", f"brake {brake_id}", by=by)
    return _move(book, brake_id, ("tripped", "requested"), "state = 'requested', requested_by = %s, reason = %s", [by, reason])


def approve(book: Ledger, brake_id: int, by: str, until: date, today: date) -> Row:
    """Agree to a release until a date (inclusive), at most fourteen days ahead.

    Raises:
        Denied: HUB704 when the same person asked (in whatever spelling), HUB705 when nobody asked,
            HUB706 when the date is past or too far.
    """
    row = _brake(book, brake_id)
    if row["requested_by"] is not None:
        need_two(row["requested_by"], by, f"brake {brake_id}")
    if not 0 <= (until - today).days <= LONGEST_DAYS:
        raise Denied("HUB706", f"brake {brake_id}", days=LONGEST_DAYS)
    return _move(book, brake_id, ("requested",), "state = 'released', approved_by = %s, expires_on = %s", [by, until])


def _brake(book: Ledger, brake_id: int) -> Row:
    row = book.one("select * from ops.brake where brake_id = %s", [brake_id])
    if row is None:
        known = ", ".join(str(found["brake_id"]) for found in book.rows("select brake_id from ops.brake where state <> 'used'"))
        raise Denied("HUB705", f"brake {brake_id}", state="-", known=known or "-")
    return row


def _move(book: Ledger, brake_id: int, states: tuple[str, ...], change: str, parameters: list[object]) -> Row:
    row = _brake(book, brake_id)
    if row["state"] not in states:
        raise Denied("HUB705", f"brake {brake_id}", state=row["state"], known="-")
    book.execute(f"update ops.brake set {change} where brake_id = %s", [*parameters, brake_id])
    return _brake(book, brake_id)
