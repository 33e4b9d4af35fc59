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
from core.store.connections import list_switched_off
from core.store.ledger import Ledger, Row
from pipeline.context import RunContext
from pipeline.delivery import late_arrivals, switches, verify
from pipeline.delivery.deliver import get_accepted_version
from pipeline.delivery.manual_apply import list_edge_feeds
from pipeline.result import RunResult
from runs import stages

KEPT_STATES = ("accepted", "partly")


def redeliver_edge(ledger: Ledger, catalog: Catalog, edge: str, first: date, last: date) -> list[Row]:
    """Deliver on an edge what deliveries of these business dates, both included, did not bring to acceptance.

    Returns one row a feed: `{feed, kept, open, lost, sent, version, problem}`; `kept` and `open` count the deliveries of
    those dates that were accepted and that were not, `lost` says that the receiver held something else, `sent` the rows.

    Raises:
        Denied: HUB775 when the dates are the wrong way round, HUB776 when the edge is switched off. ContractError: HUB104
            when there is no such edge.
    """
    feeds = list_edge_feeds(catalog, edge)
    switches.require_edge_on(catalog, edge)
    if first > last:
        raise Denied("HUB775", edge, first=first, last=last)
    run = ledger.open_run("replay", last, [edge, first.isoformat(), last.isoformat()])
    here = RunContext(run, ledger, catalog)
    with ledger.claim_run(run.id):
        found = [_redeliver_feed(here, feed, (first, last)) for feed in feeds if feed.connection not in list_switched_off()]
        late_arrivals.record_late_deliveries(here, late_arrivals.find_newest_night(ledger, last))
        ledger.close_run(run.id)
    return found


def _redeliver_feed(run: RunContext, feed: FeedDataset, days: tuple[date, date]) -> dict[str, Any]:
    rows = run.ledger.rows(
        "select state from ops.delivery where edge = %s and dataset = %s and as_of between %s and %s and run_id <> %s",
        [feed.edge, feed.dataset, *days, run.run.id],
    )
    kept = sum(row["state"] in KEPT_STATES for row in rows)
    facts: dict[str, Any] = {"feed": feed.id, "kept": kept, "open": len(rows) - kept, "lost": False, "sent": 0}
    try:
        _finish_open_deliveries(run, feed)
        facts["lost"] = _has_lost_rows(run, feed)
        if facts["lost"] or facts["open"] or _has_refusals(run, feed) or not rows:
            outcome = RunResult(run.run.id)
            stages.deliver_all(run, outcome, [feed])
            if outcome.problems:
                raise outcome.problems[0]
            facts["sent"] = _count_sent_rows(run, feed)
    except HubError as error:
        return {**facts, "version": get_accepted_version(run, feed), "problem": error.line()}
    return {**facts, "version": get_accepted_version(run, feed), "problem": None}


def _finish_open_deliveries(run: RunContext, feed: FeedDataset) -> None:
    """Finish what was cut off before looking, else what the receiver has already applied would count as foreign. One that it
    does not take or does not have is part of what is sent next."""
    with run.ledger.hold_lock(f"feed {feed.id}"), contextlib.suppress(FeedFailed):
        stages.resume_deliveries(run, feed)


def _has_lost_rows(run: RunContext, feed: FeedDataset) -> bool:
    """Whether the receiver holds something else than it accepted; that it lost the very tables counts as well."""
    if get_accepted_version(run, feed) == 0:
        return False
    try:
        return not verify.verify_feed(run, feed)["equal"]
    except FeedFailed:
        verify.distrust_receiver(run, feed)
        return True


def _has_refusals(run: RunContext, feed: FeedDataset) -> bool:
    return bool(
        run.ledger.fetch_row("select 1 from ops.refused where edge = %s and dataset = %s limit 1", [feed.edge, feed.dataset])
    )


def _count_sent_rows(run: RunContext, feed: FeedDataset) -> int:
    row = run.ledger.single(
        "select coalesce(sum(rows_upsert + rows_delete), 0) as n from ops.delivery where run_id = %s and edge = %s"
        " and dataset = %s and state in ('accepted', 'partly')",
        [run.run.id, feed.edge, feed.dataset],
    )
    return int(row["n"])
