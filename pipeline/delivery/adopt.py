"""Take a receiver over again that has lost its bookkeeping: a restored backup, a tidy administrator.

Which rows are the hub's is what the receiver's own table of sent keys says. Without it every row there looks like the
receiver's own and is left alone for ever. So by a person's word the rows with a key that the hub has sent become the hub's
again; they are compared by content, and the next delivery brings those that differ and drops those that are gone.
"""

from __future__ import annotations

from pathlib import Path

from contracts.contract import FeedDataset
from core.engine import engine, literal
from core.errors import Denied
from core.hashing import digest
from core.people import need_name
from core.settings import settings
from core.store.connections import connection, switched_off
from core.store.ledger import Output
from loaders.base import Delivery, open_target
from loaders.tables.table import TableTarget
from pipeline.context import Night
from pipeline.delivery import feed_snapshot, samples, verify
from pipeline.delivery.deliver import accepted_version
from pipeline.delivery.scope import in_scope

_WHOLE = 10
"""Whole deliveries of the past, which list no drops, whose rows are looked at for keys that have gone since."""


def adopt(night: Night, feed: FeedDataset, by: str) -> Output:
    """Write down at the receiver, as sent by the hub, every row whose key the feed holds or has dropped; no row is changed.

    Returns `{feed, version, taken, missing, extra, different}`: how many rows were taken over, and how the receiver's rows then
    compare with the accepted version. A difference is remembered, and the next delivery sends everything again.

    Raises:
        Denied: HUB707 when nothing was ever accepted, HUB713 when this kind of receiver keeps no such books, HUB751,
            HUB753 without a name.
        Unavailable: HUB204.
    """
    need_name(by, feed.id)
    if feed.connection in switched_off():
        raise Denied("HUB751", feed.id, connection=feed.connection)
    version = accepted_version(night, feed)
    if version == 0:
        raise Denied("HUB707", feed.id)
    target = open_target(connection(feed.connection))
    try:
        if not isinstance(target, TableTarget):
            raise Denied("HUB713", feed.id, family=target.family)
        with night.ledger.turn(f"feed {feed.id}"):
            step = night.ledger.begin(night.run.id, "adopt", feed.id, digest("adopt", feed.version, version, by))
            taken = target.adopt(_keys(night, feed, version))
            scope = verify.scope_of(night, feed, version)
            counts, _ = samples.differing(feed, target, scope, scope.with_suffix(".differences"))
            if any(counts.values()):
                verify.distrust(night, feed)
            output: Output = {"feed": feed.id, "version": version, "taken": taken, **counts, "by": by}
            night.ledger.finish(step, output)
            return output
    finally:
        target.close()


def _keys(night: Night, feed: FeedDataset, version: int) -> Delivery:
    """A delivery in name only whose upserts are keys: those of the accepted version, and those dropped on the way to it."""
    folder = night.folder("adopt", feed.id)
    with engine(feed.id) as db:
        wholes = [version, *_before(night, feed)]
        sources = [in_scope(db, feed, feed_snapshot.whole(night, feed, at)) for at in dict.fromkeys(wholes)]
        sources += [f"read_parquet({literal(path)})" for path in _dropped(night, feed)]
        names = ", ".join(feed.key)
        every = " union ".join(f"select {names} from {source}" for source in sources)
        db.execute(f"copy ({every}) to {literal(folder / 'keys.parquet')} (format parquet)")
        db.execute(f"copy (select {names} from ({every}) where false) to {literal(folder / 'none.parquet')} (format parquet)")
    return Delivery(
        id=f"adopt.{feed.id}.{night.run.id}",
        feed=feed,
        mode="full",
        from_version=version,
        to_version=version,
        upserts=folder / "keys.parquet",
        deletes=folder / "none.parquet",
        as_of=night.run.as_of,
        run_id=night.run.id,
    )


def _before(night: Night, feed: FeedDataset) -> list[int]:
    rows = night.ledger.rows(
        "select from_version from ops.delivery where edge = %s and dataset = %s and state in ('accepted', 'partly')"
        " and mode = 'full' and from_version > 0 order by accepted_at desc limit %s",
        [feed.edge, feed.dataset, _WHOLE],
    )
    return [int(row["from_version"]) for row in rows]


def _dropped(night: Night, feed: FeedDataset) -> list[Path]:
    rows = night.ledger.rows(
        "select folder from ops.delivery where edge = %s and dataset = %s and state in ('accepted', 'partly')"
        " and rows_delete > 0",
        [feed.edge, feed.dataset],
    )
    paths = [settings().var / row["folder"] / "deletes.parquet" for row in rows]
    return [path for path in paths if path.is_file()]
