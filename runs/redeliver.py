"""Replay: bring one edge up to date again after trouble, without sending again what its receiver has accepted.

Every dataset of the edge is first compared with what the receiver holds. What a delivery left open is taken up where it
stopped; what was refused is part of the change since the accepted version; a receiver that lost rows, or what the hub keeps
beside them, gets everything compared anew. What it has of its own is never deleted.
"""

from __future__ import annotations

import contextlib
from datetime import date
from typing import Any

from contracts.catalog import Catalog
from contracts.contract import FeedDataset
from core.errors import Denied, FeedFailed, HubError
from core.store.connections import switched_off
from core.store.ledger import Ledger, Row
from pipeline.context import Night
from pipeline.delivery import late_arrivals, switches, verify
from pipeline.delivery.deliver import accepted_version
from pipeline.delivery.manual_apply import feeds_of
from pipeline.result import Outcome
from runs import stages

KEPT = ("accepted", "partly")


def replay(book: Ledger, known: Catalog, edge: str, first: date, last: date) -> list[Row]:
    """Deliver on an edge what deliveries of these business dates, both included, did not bring to acceptance.

    Returns one row a feed: `{feed, kept, open, lost, sent, version, problem}`; `kept` and `open` count the deliveries of
    those dates that were accepted and that were not, `lost` says that the receiver held something else, `sent` the rows.

    Raises:
        Denied: HUB775 when the dates are the wrong way round, HUB776 when the edge is switched off. ContractError: HUB104
            when there is no such edge.
    """
    feeds = feeds_of(known, edge)
    switches.demand_on(known, edge)
    if first > last:
        raise Denied("HUB775", edge, first=first, last=last)
    run = book.open_run("replay", last, [edge, first.isoformat(), last.isoformat()])
    here = Night(run, book, known)
    with book.sole(run.id):
        found = [_replayed(here, feed, (first, last)) for feed in feeds if feed.connection not in switched_off()]
        late_arrivals.note(here, late_arrivals.newest_night(book, last))
        book.close_run(run.id)
    return found


def _replayed(here: Night, feed: FeedDataset, days: tuple[date, date]) -> dict[str, Any]:
    rows = here.ledger.rows(
        "select state from ops.delivery where edge = %s and dataset = %s and as_of between %s and %s and run_id <> %s",
        [feed.edge, feed.dataset, *days, here.run.id],
    )
    kept = sum(row["state"] in KEPT for row in rows)
    facts: dict[str, Any] = {"feed": feed.id, "kept": kept, "open": len(rows) - kept, "lost": False, "sent": 0}
    try:
        _take_up(here, feed)
        facts["lost"] = _lost(here, feed)
        if facts["lost"] or facts["open"] or _refusals(here, feed) or not rows:
            outcome = Outcome(here.run.id)
            stages.deliver_all(here, outcome, [feed])
            if outcome.problems:
                raise outcome.problems[0]
            facts["sent"] = _sent(here, feed)
    except HubError as error:
        return {**facts, "version": accepted_version(here, feed), "problem": error.line()}
    return {**facts, "version": accepted_version(here, feed), "problem": None}


def _take_up(here: Night, feed: FeedDataset) -> None:
    """Finish what was cut off before looking, else what the receiver has already applied would count as foreign. One that it
    does not take or does not have is part of what is sent next."""
    with here.ledger.turn(f"feed {feed.id}"), contextlib.suppress(FeedFailed):
        stages.take_up(here, feed)


def _lost(here: Night, feed: FeedDataset) -> bool:
    """Whether the receiver holds something else than it accepted; that it lost the very tables counts as well."""
    if accepted_version(here, feed) == 0:
        return False
    try:
        return not verify.verify(here, feed)["equal"]
    except FeedFailed:
        verify.distrust(here, feed)
        return True


def _refusals(here: Night, feed: FeedDataset) -> bool:
    return bool(
        here.ledger.one("select 1 from ops.refused where edge = %s and dataset = %s limit 1", [feed.edge, feed.dataset])
    )


def _sent(here: Night, feed: FeedDataset) -> int:
    row = here.ledger.single(
        "select coalesce(sum(rows_upsert + rows_delete), 0) as n from ops.delivery where run_id = %s and edge = %s"
        " and dataset = %s and state in ('accepted', 'partly')",
        [here.run.id, feed.edge, feed.dataset],
    )
    return int(row["n"])
