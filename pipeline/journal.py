"""The journal: every decision about a brake, every upload, delivery and version, written down beside its row and chained.

The database writes an entry in the transaction of the row itself. A row that was changed afterwards by somebody differs from
its entries, or its entries from each other, or the chain of marks is broken; each of these is named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from core.store.ledger import Ledger

KEYS = {"brake": "brake_id", "upload": "upload_id", "delivery": "delivery_id", "version": "version"}
_CHANGEABLE_FACTS: Mapping[str, tuple[str, frozenset[str]]] = {
    "brake": ("approved_by", frozenset({"requested_by", "requested_at", "reason"})),
    "delivery": ("accepted_at", frozenset({"received"})),
    "upload": ("stored", frozenset({"given_at"})),
}
"""What may still be said anew before a fact settles it: who asked until somebody agreed, a receipt until it was accepted,
when a file was given until it is kept."""


def validate_chain(ledger: Ledger) -> dict[str, Any]:
    """Compute every mark anew and compare entries with each other and with their rows; returns `{records, broken}`.

    `broken` is the first that is not what it should be, `{record, kind, subject, fact}`, or None. `fact` is `mark` when the
    entry itself was changed, the name of a fact that was changed after it was written down, or `row` when the row is gone.
    """
    rows = ledger.rows(
        "select entry_id, kind, subject, facts, coalesce(facts::text, '') as told, (at at time zone 'UTC')::text as at, mark"
        " from ops.journal order by entry_id"
    )
    before, newest = "", dict[tuple[str, str], dict[str, Any]]()
    for row in rows:
        at = (row["kind"], row["subject"])
        words = "\x1f".join([before, row["kind"], row["subject"], row["told"], row["at"]])
        changed = None if at not in newest else _find_changed_fact(row["kind"], newest[at]["facts"], row["facts"])
        wrong = "mark" if hashlib.sha256(words.encode()).hexdigest() != row["mark"] else changed
        if wrong:
            return {"records": len(rows), "broken": _describe_break(row, wrong)}
        before, newest[at] = row["mark"], row
    return {"records": len(rows), "broken": _find_differing_row(ledger, newest)}


def _find_changed_fact(kind: str, before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> str | None:
    """The fact that a later entry has otherwise though it was settled."""
    if now is None or before is None:
        return "row"
    settled, open_facts = _CHANGEABLE_FACTS.get(kind, ("", frozenset()))
    is_open = bool(settled) and before.get(settled) is None
    for name, fact in sorted(before.items()):
        if fact is not None and fact != now.get(name) and not (is_open and name in open_facts):
            return name
    return None


def _find_differing_row(ledger: Ledger, newest: Mapping[tuple[str, str], Mapping[str, Any]]) -> dict[str, Any] | None:
    """The first row that is not as its newest entry says, that is gone, or that has no entry."""
    for kind, key in KEYS.items():
        found = ledger.rows(
            f"select t.{key}::text as subject, ops.journal_facts('{kind}', to_jsonb(t)) as facts from ops.{kind} t"
        )
        rows = {row["subject"]: row["facts"] for row in found}
        for (_, subject), entry in ((at, entry) for at, entry in newest.items() if at[0] == kind):
            now = rows.pop(subject, None)
            if now != entry["facts"]:
                facts = entry["facts"] or {}
                names = sorted(name for name in {*facts, *(now or {})} if facts.get(name) != (now or {}).get(name))
                return _describe_break(entry, names[0] if now is not None else "row")
        if rows:
            return {"record": None, "kind": kind, "subject": min(rows), "fact": "mark"}
    return None


def _describe_break(entry: Mapping[str, Any], fact: str) -> dict[str, Any]:
    return {"record": entry["entry_id"], "kind": entry["kind"], "subject": entry["subject"], "fact": fact}
