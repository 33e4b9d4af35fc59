"""Whether this hub came back from a backup, and how its deliveries are told from those of the time that was lost."""

from __future__ import annotations

import re

from core.store.ledger import Ledger, Row

_MARK = re.compile(r"\.r(\d{14})$")
KIND = "restore"
"""The kind of the run, and the verb of its only step, by which the ledger knows that a hub was restored."""


def find_last_restore(ledger: Ledger) -> Row | None:
    """The newest restore: `run_id`, and what it told (`output`); None for a hub that always was itself."""
    return ledger.fetch_row(
        "select run_id, output from ops.step where verb = %s and subject = 'hub' and state = 'done'"
        " order by step_id desc limit 1",
        [KIND],
    )


def make_mark(ledger: Ledger) -> str:
    """What is added to the number of a delivery: nothing, or the moment of the newest restore."""
    found = find_last_restore(ledger)
    return f".r{re.sub('[^0-9]', '', found['run_id'])}" if found else ""


def read_mark(delivery_id: str) -> str:
    """The moment of the restore after which a delivery was made, empty for none. Versions are counted anew after one, so of two
    deliveries the later is that with the later moment, and only then that with the larger version."""
    found = _MARK.search(delivery_id)
    return found[1] if found else ""
