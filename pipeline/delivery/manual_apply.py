"""The second hop (F05): a receiver's administrator takes what was delivered, applies it by hand, and says so.

Delivery to the receiver is automatic and has its receipt. What its administrator then does in a system of their own the hub
can only be told: applied, with how many rows, or refused and why. Both are kept, neither is ever changed. Where the contract
wants a check first (`technicianCheck: before`), only what a technician has signed can be taken and told.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from contracts.catalog import Catalog
from contracts.contract import FeedDataset
from core.calendar import local_date
from core.engine import open_engine
from core.errors import Denied
from core.hashing import hash_values
from core.store.address import parse_url
from core.store.ledger import Ledger, Output, Row
from loaders.base import Delivery
from pipeline.context import RunContext
from pipeline.delivery import switches
from pipeline.delivery.deliver import VersionSpan, get_accepted_version, write_diff
from pipeline.delivery.signoff import get_usable_version

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Acknowledgement:
    """What an administrator says of a version: who, applied or refused, how many rows, why."""

    version: int
    by: str
    rows: int | None = None
    refused: bool = False
    reason: str = ""


def list_edge_feeds(catalog: Catalog, edge: str) -> list[FeedDataset]:
    """The datasets of an edge (`E18`), or the one of that id (`E18.student_basic`).

    Raises:
        ContractError: HUB104 when there is none.
    """
    return [feed for feed in catalog.feeds.values() if edge in (feed.edge, feed.id)] or [catalog.feed(edge)]


def list_manual_feeds(catalog: Catalog, edge: str) -> list[FeedDataset]:
    """The datasets of an edge that is applied by hand.

    Raises:
        Denied: HUB772 when it is not.
    """
    feeds = [feed for feed in list_edge_feeds(catalog, edge) if feed.applied_by_hand]
    if not feeds:
        listed = sorted({feed.edge for feed in catalog.feeds.values() if feed.applied_by_hand})
        raise Denied("HUB772", edge, known=", ".join(listed) or "-")
    return feeds


def take_delivered(run: RunContext, edge: str, out: Path, by: str, since: int | None = None) -> list[Output]:
    """Write what was delivered on an edge as files into `out`, the manifest last: everything as it was accepted and, where
    a check comes first, signed; or what changed after version `since`. Who took how many rows is a step of the run.

    Raises:
        Denied: HUB772; HUB770 when nothing was delivered yet; HUB871 when nobody has signed what was; HUB771 when `since`
            is newer than what may be taken; HUB776 when the edge is switched off.
    """
    feeds = list_manual_feeds(run.catalog, edge)
    switches.require_edge_on(run.catalog, edge)
    versions = {feed.id: get_usable_version(run.ledger, feed) for feed in feeds}
    for feed in feeds:
        delivered = get_accepted_version(run, feed)
        if not delivered:
            raise Denied("HUB770", feed.id)
        if not versions[feed.id]:
            raise Denied("HUB871", feed.id, version=delivered, usable=0, edge=feed.edge)
        if since is not None and not 0 <= since <= versions[feed.id]:
            raise Denied("HUB771", feed.id, version=since, delivered=versions[feed.id])
    done = [_take_feed(run, feed, (since, versions[feed.id]), out, by) for feed in feeds]
    draft = out / f".{MANIFEST}.part"
    content = {"edge": edge, "as_of": run.run.as_of.isoformat(), "taken_by": by, "datasets": done}
    draft.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    draft.rename(out / MANIFEST)
    return done


def _take_feed(run: RunContext, feed: FeedDataset, versions: tuple[int | None, int], out: Path, by: str) -> Output:
    since, version = versions
    step = run.ledger.begin(run.run.id, "pull", feed.id, hash_values("pull", feed.version, since, version, by))
    folder = run.folder("pull", f"{feed.id}.{since or 0}-{version}")
    mode = "full" if since is None else "delta"
    span = VersionSpan(0 if since is None else since, version, folder)
    with open_engine(feed.id) as db:
        counts = write_diff(db, run, feed, span, mode, [])
    delivery = Delivery(
        id=f"pull.{feed.id}.{since if since is not None else 'all'}-{version}",
        feed=replace(feed, physical=feed.dataset),
        mode="full" if since is None else "delta",
        from_version=span.accepted,
        to_version=version,
        upserts=folder / "upserts.parquet",
        deletes=folder / "deletes.parquet",
        as_of=run.run.as_of,
        run_id=run.run.id,
    )
    from loaders.file import FileTarget  # and with it the library of formats, which a night does not need for this

    FileTarget(parse_url("pull", out.resolve().as_uri())).apply(delivery)
    output = {"feed": feed.id, "mode": mode, "since": since, "version": version, "by": by}
    output |= {"upserts": pq.read_metadata(delivery.upserts).num_rows, "deletes": counts["deletes"]}
    run.ledger.finish(step, output)
    return output


def acknowledge_version(ledger: Ledger, catalog: Catalog, edge: str, word: Acknowledgement) -> list[Row]:
    """Write down that a delivered version was applied or refused; saying the same again changes nothing.

    Raises:
        Denied: HUB771 for a version that was never delivered or is older than what was applied, HUB871 for one that
            nobody has signed though a check comes first, HUB772 when the edge is not applied by hand, HUB773 when rows
            are told for several datasets at once, HUB774 without name or reason.
    """
    feeds = list_manual_feeds(catalog, edge)
    if not word.by.strip() or (word.refused and not word.reason.strip()):
        raise Denied("HUB774", edge)
    if word.rows is not None and len(feeds) > 1:
        raise Denied("HUB773", edge, known=", ".join(feed.id for feed in feeds))
    with ledger.hold_lock(f"ack {edge}"):
        standing = {row["feed"]: row for row in read_apply_state(ledger, feeds)}
        for feed in feeds:
            row = standing[feed.id]
            if not max(row["applied"], 1) <= word.version <= row["delivered"]:
                raise Denied("HUB771", feed.id, version=word.version, delivered=f"{row['applied']}-{row['delivered']}")
            if word.version > row["usable"]:
                raise Denied("HUB871", feed.id, version=word.version, usable=row["usable"], edge=feed.edge)
        for feed in feeds:
            _record_acknowledgement(ledger, feed, word)
    return read_apply_state(ledger, feeds)


def _record_acknowledgement(ledger: Ledger, feed: FeedDataset, word: Acknowledgement) -> None:
    facts = {
        "edge": feed.edge,
        "dataset": feed.dataset,
        "version": word.version,
        "state": "refused" if word.refused else "applied",
        "rows": word.rows,
        "acknowledged_by": word.by.strip(),
        "reason": word.reason.strip() or None,
    }
    newest = ledger.fetch_row(
        "select * from ops.applied where edge = %s and dataset = %s order by applied_id desc limit 1", [feed.edge, feed.dataset]
    )
    if newest and all(newest[name] == value for name, value in facts.items()):
        return
    facts["acknowledged_at"] = ledger.clock()
    places = ", ".join(f"%({name})s" for name in facts)
    ledger.execute(f"insert into ops.applied ({', '.join(facts)}) values ({places})", facts)


def read_apply_state(ledger: Ledger, feeds: Sequence[FeedDataset]) -> list[Row]:
    """Per feed that is applied by hand: the version `delivered` (0 before the first), `usable` (signed, where a check comes
    first) and `applied`, how many days the oldest usable rows have waited, whether that is longer than the contract's days
    (`overdue`), and the newest word, who and why."""
    delivered = {(row["edge"], row["dataset"]): row["version"] for row in ledger.rows("select * from ops.accepted")}
    said = {
        (row["edge"], row["dataset"]): row
        for row in ledger.rows("select distinct on (edge, dataset) * from ops.applied order by edge, dataset, applied_id desc")
    }
    applied = {
        (row["edge"], row["dataset"]): int(row["version"])
        for row in ledger.rows(
            "select edge, dataset, max(version) as version from ops.applied where state = 'applied' group by 1, 2"
        )
    }
    today, found = local_date(ledger.clock()), list[Row]()
    for feed in feeds:
        if not feed.applied_by_hand:
            continue
        key = (feed.edge, feed.dataset)
        usable = get_usable_version(ledger, feed)
        since = _find_waiting_since(ledger, feed, applied.get(key, 0), usable)
        days = (today - local_date(since)).days if since else 0
        word: Row = said.get(key, {})
        found.append(
            {
                "feed": feed.id,
                "source": feed.source,
                "target": feed.target,
                "delivered": delivered.get(key, 0),
                "usable": usable,
                "applied": applied.get(key, 0),
                "days": days,
                "overdue": days > feed.apply_days,
                **{name: word.get(name) for name in ("state", "acknowledged_by", "acknowledged_at", "reason")},
            }
        )
    return found


def _find_waiting_since(ledger: Ledger, feed: FeedDataset, applied: int, usable: int) -> Any:
    """Since when the oldest rows may be applied that nobody has applied: since they arrived, or since they were signed."""
    at = "accepted_at"
    if feed.checked_before_use:
        at = (
            "greatest(accepted_at, (select min(checked_at) from ops.signoff s join ops.delivery m using (delivery_id)"
            " where (s.edge, s.dataset) = (d.edge, d.dataset) and m.accepted_at >= d.accepted_at))"
        )
    return ledger.single(
        f"select min({at}) as since from ops.delivery d where edge = %s and dataset = %s and to_version > %s"
        " and to_version <= %s and state in ('accepted', 'partly') and rows_upsert + rows_delete > 0",
        [feed.edge, feed.dataset, applied, usable],
    )["since"]
