"""Verify: look at what a receiver really holds, against what it accepted, and sign the edge off (技术员核查)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from contracts.contract import FeedDataset
from core.engine import open_engine, quote_literal
from core.errors import Denied
from core.messages import translate
from core.people import require_name
from core.store.connections import get_connection, list_switched_off
from loaders.base import open_target
from loaders.tables.control_totals import compare_totals, compute_totals
from pipeline.context import RunContext
from pipeline.delivery import feed_snapshot, signoff
from pipeline.delivery import samples as beside
from pipeline.delivery.deliver import get_accepted_version
from pipeline.delivery.scope import build_scope_query


def verify_feed(run: RunContext, feed: FeedDataset) -> dict[str, Any]:
    """Compare the whole scope of a feed at its accepted version with the target as it is now.

    A difference is remembered, and the next delivery sends everything again.
    Returns `{feed, version, equal, expected, found, differs}`, what `signoff.counts` tells of the newest delivery, and
    `samples`: a few rows on both sides as they may be shown (`delivery.samples`). `differs` names the totals that are not
    equal, `faults` counts the keys that are missing, extra or different, `keys` names the first of them.

    Raises:
        Denied: HUB707 when nothing was ever accepted, HUB751 when the receiver is not connected yet. Unavailable: HUB204.
    """
    if feed.connection in list_switched_off():
        raise Denied("HUB751", feed.id, connection=feed.connection)
    with run.ledger.hold_lock(f"feed {feed.id}"):  # nothing is delivered between the look and the counts
        return compared(run, feed)


def compared(run: RunContext, feed: FeedDataset) -> dict[str, Any]:
    """As `verify`, for one whose turn at the feed it is.

    Raises:
        Denied: HUB707. Unavailable: HUB204. FeedFailed: the receiver's tables or files do not fit.
    """
    version = get_accepted_version(run, feed)
    if version == 0:
        raise Denied("HUB707", feed.id)
    scope = write_scope(run, feed, version)
    target = open_target(get_connection(feed.connection))
    wanted = compute_totals(scope, feed, 0)
    try:
        found = target.read_totals(feed)
        differs = compare_totals(asdict(wanted), found)
        faults, wrong = beside.compare_rows(feed, target, scope, scope.with_suffix(".differences")) if differs else ({}, [])
        samples = beside.read_samples(feed, target, scope, [key for key, _ in wrong])
    finally:
        target.close()
    if differs:
        distrust_receiver(run, feed)
    return {
        "feed": feed.id,
        "version": version,
        "equal": not differs,
        "expected": wanted.rows,
        "found": found.rows,
        "differs": differs,
        **signoff.read_delivery_counts(run.ledger, feed),
        "faults": faults,
        "keys": [f"{translate(f'desk.screen.key_{what}')} {beside.mask_key(feed, key)}" for key, what in wrong],
        "samples": samples,
    }


def write_scope(run: RunContext, feed: FeedDataset, version: int) -> Path:
    """All rows that a receiver should hold at a version, as Parquet with the feed's columns."""
    scope = run.folder("verify") / f"{feed.id}.parquet"
    names = ", ".join(column.name for column in feed.columns)
    with open_engine(feed.id) as db:
        rows = build_scope_query(db, feed, feed_snapshot.write_full_snapshot(run, feed, version))
        db.execute(f"copy (select {names} from {rows}) to {quote_literal(scope)} (format parquet)")
    return scope


def distrust_receiver(run: RunContext, feed: FeedDataset) -> None:
    """Remember that a receiver does not hold what it accepted: the next delivery compares and sends everything."""
    run.ledger.execute("update ops.accepted set distrusted = true where edge = %s and dataset = %s", [feed.edge, feed.dataset])


def sign_delivery(run: RunContext, feed: FeedDataset, by: str, found: dict[str, Any]) -> dict[str, Any]:
    """Record the technician's mark on the delivery that was looked at (`found`): who, when, the counts, and a hash over them.

    What was accepted after the look stays unsigned. The hash is over the mark before as well, whichever feed that was for,
    so that none can be changed or taken out unseen.

    Raises:
        Denied: HUB708 when the receiver does not hold what it accepted, HUB753 without a name.
    """
    require_name(by, feed.id)
    if not found["equal"]:
        raise Denied("HUB708", feed.id, differs=", ".join(found["differs"]))
    counts = {name: value for name, value in found.items() if name not in ("samples", "faults", "keys")}
    with run.ledger.hold_lock("signoff"):
        at = run.ledger.clock()
        before = run.ledger.fetch_row("select mark from ops.signoff order by signoff_id desc limit 1")
        mark = signoff.compute_signature(before["mark"] if before else "", found["delivery"], by, at, counts)
        run.ledger.execute(
            "insert into ops.signoff (delivery_id, edge, dataset, checked_by, checked_at, counts, mark)"
            " values (%s, %s, %s, %s, %s, %s, %s)",
            [found["delivery"], feed.edge, feed.dataset, by, at, Jsonb(counts), mark],
        )
    return {**found, "checked_by": by, "checked_at": at, "mark": mark}
