"""Whether this hub came back from a backup, and how its deliveries are told from those of the time that was lost."""

from __future__ import annotations

from core.hashing import digest
from core.store.ledger import Ledger, Row

KIND = "restore"
"""The kind of the run, and the verb of its only step, by which the ledger knows that a hub was restored."""


def last(book: Ledger) -> Row | None:
    """The newest restore: `run_id`, and what it told (`output`); None for a hub that always was itself."""
    return book.one(
        "select run_id, output from ops.step where verb = %s and subject = 'hub' and state = 'done'"
        " order by step_id desc limit 1",
        [KIND],
    )


def mark(book: Ledger) -> str:
    """What is added to the number of a delivery: nothing, or a sign of the newest restore."""
    found = last(book)
    return f".r{digest(found['run_id'])[:6]}" if found else ""
