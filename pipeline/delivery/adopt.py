"""Take a receiver over again that has lost its bookkeeping: a restored backup, a tidy administrator.

Which rows are the hub's is what the receiver's own table of sent keys says. Without it every row there looks like the
receiver's own and is left alone for ever. So by a person's word the rows with a key that the hub has sent become the hub's
again; they are compared by content, and the next delivery brings those that differ and drops those that are gone.
"""

from __future__ import annotations

from pathlib import Path

from contracts.contract import FeedDataset
from core.engine import open_engine, quote_literal
from core.errors import Denied
from core.hashing import hash_values
from core.people import require_name
from core.settings import get_settings
from core.store.connections import get_connection, list_switched_off
from core.store.ledger import Output
from loaders.base import Delivery, open_target
from loaders.tables.table import TableTarget
from pipeline.context import RunContext
from pipeline.delivery import feed_snapshot, samples, verify
from pipeline.delivery.deliver import get_accepted_version
from pipeline.delivery.scope import build_scope_query

_FULL_DELIVERIES = 10
"""Whole deliveries of the past, which list no drops, whose rows are looked at for keys that have gone since."""


def adopt_rows(run: RunContext, feed: FeedDataset, by: str) -> Output:
    """Write down at the receiver, as sent by the hub, every row whose key the feed holds or has dropped; no row is changed.

    Returns `{feed, version, taken, missing, extra, different}`: how many rows were taken over, and how the receiver's rows then
    compare with the accepted version. A difference is remembered, and the next delivery sends everything again.

    Raises:
        Denied: HUB707 when nothing was ever accepted, HUB713 when this kind of receiver keeps no such books, HUB751,
            HUB753 without a name.
        Unavailable: HUB204.
    """
    require_name(by, feed.id)
    if feed.connection in list_switched_off():
        raise Denied("HUB751", feed.id, connection=feed.connection)
    version = get_accepted_version(run, feed)
    if version == 0:
        raise Denied("HUB707", feed.id)
    target = open_target(get_connection(feed.connection))
    try:
        if not isinstance(target, TableTarget):
            raise Denied("HUB713", feed.id, family=target.family)
        with run.ledger.hold_lock(f"feed {feed.id}"):
            step = run.ledger.begin(run.run.id, "adopt", feed.id, hash_values("adopt", feed.version, version, by))
            taken = target.adopt_rows(_write_known_keys(run, feed, version))
            scope = verify.write_scope(run, feed, version)
            counts, _ = samples.compare_rows(feed, target, scope, scope.with_suffix(".differences"))
            if any(counts.values()):
                verify.distrust_receiver(run, feed)
            output: Output = {"feed": feed.id, "version": version, "taken": taken, **counts, "by": by}
            run.ledger.finish(step, output)
            return output
    finally:
        target.close()


def _write_known_keys(run: RunContext, feed: FeedDataset, version: int) -> Delivery:
    """A delivery in name only whose upserts are keys: those of the accepted version, and those dropped on the way to it."""
    folder = run.folder("adopt", feed.id)
    with open_engine(feed.id) as db:
        wholes = [version, *_list_full_versions(run, feed)]
        sources = [
            build_scope_query(db, feed, feed_snapshot.write_full_snapshot(run, feed, at)) for at in dict.fromkeys(wholes)
        ]
        sources += [f"read_parquet({quote_literal(path)})" for path in _list_delete_files(run, feed)]
        names = ", ".join(feed.key)
        every = " union ".join(f"select {names} from {source}" for source in sources)
        db.execute(f"copy ({every}) to {quote_literal(folder / 'keys.parquet')} (format parquet)")
        db.execute(
            f"copy (select {names} from ({every}) where false) to {quote_literal(folder / 'none.parquet')} (format parquet)"
        )
    return Delivery(
        id=f"adopt.{feed.id}.{run.run.id}",
        feed=feed,
        mode="full",
        from_version=version,
        to_version=version,
        upserts=folder / "keys.parquet",
        deletes=folder / "none.parquet",
        as_of=run.run.as_of,
        run_id=run.run.id,
    )


def _list_full_versions(run: RunContext, feed: FeedDataset) -> list[int]:
    rows = run.ledger.rows(
        "select from_version from ops.delivery where edge = %s and dataset = %s and state in ('accepted', 'partly')"
        " and mode = 'full' and from_version > 0 order by accepted_at desc limit %s",
        [feed.edge, feed.dataset, _FULL_DELIVERIES],
    )
    return [int(row["from_version"]) for row in rows]


def _list_delete_files(run: RunContext, feed: FeedDataset) -> list[Path]:
    rows = run.ledger.rows(
        "select folder from ops.delivery where edge = %s and dataset = %s and state in ('accepted', 'partly')"
        " and rows_delete > 0",
        [feed.edge, feed.dataset],
    )
    paths = [get_settings().var / row["folder"] / "deletes.parquet" for row in rows]
    return [path for path in paths if path.is_file()]
