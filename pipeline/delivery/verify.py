"""Verify: look at what a receiver really holds, against what it accepted, and sign the edge off (技术员核查)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from contracts.contract import FeedDataset
from core.engine import engine, literal
from core.errors import Denied
from core.messages import text
from core.people import need_name
from core.store.connections import connection, switched_off
from loaders.base import open_target
from loaders.tables.control_totals import differing, expected
from pipeline.context import Night
from pipeline.delivery import feed_snapshot, signoff
from pipeline.delivery import samples as beside
from pipeline.delivery.deliver import accepted_version
from pipeline.delivery.scope import in_scope


def verify(night: Night, feed: FeedDataset) -> dict[str, Any]:
    """Compare the whole scope of a feed at its accepted version with the target as it is now.

    A difference is remembered, and the next delivery sends everything again.
    Returns `{feed, version, equal, expected, found, differs}`, what `signoff.counts` tells of the newest delivery, and
    `samples`: a few rows on both sides as they may be shown (`delivery.samples`). `differs` names the totals that are not
    equal, `faults` counts the keys that are missing, extra or different, `keys` names the first of them.

    Raises:
        Denied: HUB707 when nothing was ever accepted, HUB751 when the receiver is not connected yet. Unavailable: HUB204.
    """
    if feed.connection in switched_off():
        raise Denied("HUB751", feed.id, connection=feed.connection)
    with night.ledger.turn(f"feed {feed.id}"):  # nothing is delivered between the look and the counts
        return compared(night, feed)


def compared(night: Night, feed: FeedDataset) -> dict[str, Any]:
    """As `verify`, for one whose turn at the feed it is.

    Raises:
        Denied: HUB707. Unavailable: HUB204. FeedFailed: the receiver's tables or files do not fit.
    """
    version = accepted_version(night, feed)
    if version == 0:
        raise Denied("HUB707", feed.id)
    scope = scope_of(night, feed, version)
    target = open_target(connection(feed.connection))
    wanted = expected(scope, feed, 0)
    try:
        found = target.survey(feed)
        differs = differing(asdict(wanted), found)
        faults, wrong = beside.differing(feed, target, scope, scope.with_suffix(".differences")) if differs else ({}, [])
        samples = beside.samples(feed, target, scope, [key for key, _ in wrong])
    finally:
        target.close()
    if differs:
        distrust(night, feed)
    return {
        "feed": feed.id,
        "version": version,
        "equal": not differs,
        "expected": wanted.rows,
        "found": found.rows,
        "differs": differs,
        **signoff.counts(night.ledger, feed),
        "faults": faults,
        "keys": [f"{text(f'desk.screen.key_{what}')} {beside.named(feed, key)}" for key, what in wrong],
        "samples": samples,
    }


def scope_of(night: Night, feed: FeedDataset, version: int) -> Path:
    """All rows that a receiver should hold at a version, as Parquet with the feed's columns."""
    scope = night.folder("verify") / f"{feed.id}.parquet"
    names = ", ".join(column.name for column in feed.columns)
    with engine(feed.id) as db:
        rows = in_scope(db, feed, feed_snapshot.whole(night, feed, version))
        db.execute(f"copy (select {names} from {rows}) to {literal(scope)} (format parquet)")
    return scope


def distrust(night: Night, feed: FeedDataset) -> None:
    """Remember that a receiver does not hold what it accepted: the next delivery compares and sends everything."""
    night.ledger.execute(
        "update ops.accepted set distrusted = true where edge = %s and dataset = %s", [feed.edge, feed.dataset]
    )


def sign(night: Night, feed: FeedDataset, by: str, found: dict[str, Any]) -> dict[str, Any]:
    """Record the technician's mark on the delivery that was looked at (`found`): who, when, the counts, and a hash over them.

    What was accepted after the look stays unsigned. The hash is over the mark before as well, whichever feed that was for,
    so that none can be changed or taken out unseen.

    Raises:
        Denied: HUB708 when the receiver does not hold what it accepted, HUB753 without a name.
    """
    need_name(by, feed.id)
    if not found["equal"]:
        raise Denied("HUB708", feed.id, differs=", ".join(found["differs"]))
    counts = {name: value for name, value in found.items() if name not in ("samples", "faults", "keys")}
    with night.ledger.turn("signoff"):
        at = night.ledger.clock()
        before = night.ledger.one("select mark from ops.signoff order by signoff_id desc limit 1")
        mark = signoff.mark_of(before["mark"] if before else "", found["delivery"], by, at, counts)
        night.ledger.execute(
            "insert into ops.signoff (delivery_id, edge, dataset, checked_by, checked_at, counts, mark)"
            " values (%s, %s, %s, %s, %s, %s, %s)",
            [found["delivery"], feed.edge, feed.dataset, by, at, Jsonb(counts), mark],
        )
    return {**found, "checked_by": by, "checked_at": at, "mark": mark}
