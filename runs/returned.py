"""Receivers of a hub that came back from a backup: they may have gone on since, and nobody's word but their own is good.

Before the first delivery after a restore each is compared with what it accepted as of the backup. One that holds just that
goes on by deltas. One that holds something else, since it was served after the backup, gets everything compared and what
differs sent anew, and is told of. New deliveries carry the restore in their number (`core.store.restored`), since the hub
counts its runs and versions from the backup on, and a receiver applies no number twice.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime

from contracts.contract import FeedDataset
from core.calendar import format_local_minute
from core.errors import FeedFailed, HubError
from core.hashing import hash_values
from core.store.ledger import Row
from core.store.restored import find_last_restore
from pipeline.context import RunContext
from pipeline.delivery import verify
from pipeline.delivery.deliver import get_accepted_version


def compare_receiver(run: RunContext, feed: FeedDataset, take_up: Callable[[], None]) -> list[HubError]:
    """Take up what a delivery left open, and, the first time after a restore, compare the receiver; returns what to tell.

    Raises:
        Unavailable: HUB204; it is looked at again the next time.
    """
    restored = find_last_restore(run.ledger)
    work = hash_values("returned", restored["run_id"]) if restored else ""
    if restored is None or run.ledger.find_finished_output("returned", feed.id, work):
        take_up()
        return []
    with contextlib.suppress(FeedFailed):  # what it does not take, or holds no longer so, is part of what is sent next
        take_up()
    told = _compare_rows(run, feed)
    run.ledger.finish(run.ledger.begin(run.run.id, "returned", feed.id, work), told)
    if told["equal"]:
        return []
    error = _describe_ahead(feed, restored, told)
    run.ledger.stop(run.ledger.begin(run.run.id, "returned", feed.id, hash_values(work, "told")), error)
    return [error]


def _compare_rows(run: RunContext, feed: FeedDataset) -> Row:
    if get_accepted_version(run, feed) == 0:
        return {"equal": True}
    try:
        found = verify.compared(run, feed)
    except FeedFailed as error:  # its tables or files are not as they were: that counts as well
        verify.distrust_receiver(run, feed)
        return {"equal": False, "differs": [error.code], "missing": 0, "extra": 0, "different": 0}
    return {"equal": found["equal"], "differs": found["differs"], **found["faults"]}


def _describe_ahead(feed: FeedDataset, restored: Row, told: Row) -> FeedFailed:
    counts = {name: told.get(name, 0) for name in ("missing", "extra", "different")}
    moment = format_local_minute(datetime.fromisoformat(restored["output"]["made_at"]))
    return FeedFailed("HUB618", feed.id, moment=moment, **counts)
