"""Deliver: what changed for a receiver since the version it accepted, in the columns it is entitled to, applied once.

A delivery is prepared (files and a row in the ledger), sent (the target wrote its id in the same transaction as the rows),
and only then reconciled. One that a crash left half-way is taken up again before anything new is prepared.
"""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg.types.json import Jsonb

from contracts.contract import FeedDataset
from core.calendar import load_calendar
from core.dialects import arrow_type
from core.engine import open_engine, quote_literal
from core.errors import ContractError, HubError
from core.hashing import hash_file, hash_values
from core.process import memory
from core.process.memory_gate import lock_large_task
from core.settings import get_settings
from core.store import restored
from core.store.connections import get_connection
from core.store.ledger import Output, Row, Step
from loaders.base import Delivery, open_target
from loaders.tables.control_totals import compute_totals
from pipeline.context import RunContext
from pipeline.delivery import feed_snapshot
from pipeline.delivery.scope import build_scope_query
from pipeline.publishing import brake, limits
from pipeline.publishing.diff import row_hash

_MANY_UPSERTS = 200_000
"""Upserts from which on a delivery is not handed over beside the sort of a first one, which takes all that the engine has."""


@dataclass(frozen=True)
class VersionSpan:
    """From the accepted version to the current one, and the folder in which the change is written."""

    accepted: int
    current: int
    folder: Path


def deliver_feed(run: RunContext, id: str) -> Output:
    """Bring the receiver of feed `id` to the published version; returns the delivery's id, versions and counts.

    Raises:
        Unavailable: HUB204, the receiver cannot be reached. FeedFailed: HUB601, HUB602, it refused; nothing was applied.
        Braked: HUB503, HUB505, more rows would be dropped or changed than the contract allows.
        ContractError: HUB109, a column or the filter does not exist in the dataset; HUB158, the filter is not one condition.
    """
    feed = run.catalog.feed(id)
    run.progress("deliver", id)
    work = hash_values("deliver", run.run.id, feed.version)
    return run.ledger.run_step(run.run.id, "deliver", id, work, lambda step: _prepare_and_send(run, feed, step))


def get_accepted_version(run: RunContext, feed: FeedDataset) -> int:
    """The version that the receiver has accepted, 0 before its first delivery."""
    found = run.ledger.fetch_row("select version from ops.accepted where edge = %s and dataset = %s", [feed.edge, feed.dataset])
    return int(found["version"]) if found else 0


def build_delivery(run: RunContext, row: Row) -> Delivery:
    """A delivery as the ledger keeps it."""
    folder = get_settings().var / row["folder"]
    return Delivery(
        id=row["delivery_id"],
        feed=run.catalog.feed(f"{row['edge']}.{row['dataset']}"),
        mode=row["mode"],
        from_version=row["from_version"],
        to_version=row["to_version"],
        upserts=folder / "upserts.parquet",
        deletes=folder / "deletes.parquet",
        as_of=row["as_of"],
        run_id=row["run_id"],
    )


def _prepare_and_send(run: RunContext, feed: FeedDataset, step: Step) -> Output:
    row = _find_own_unsettled(run, feed) or _prepare_delivery(run, feed, step)
    with lock_large_task() if row["rows_upsert"] > _MANY_UPSERTS else contextlib.nullcontext():
        return send_delivery(run, row)


def send_delivery(run: RunContext, row: Row) -> Output:
    """Have the target apply a prepared delivery; one that it has applied before is not applied again."""
    delivery = build_delivery(run, row)
    target = open_target(get_connection(delivery.feed.connection))
    try:
        applied = target.apply(delivery)
    except HubError as error:
        if error.recovery == "fail-feed":
            _set_delivery_state(run, delivery.id, "refused", error.code)
        raise
    finally:
        target.close()
    run.ledger.execute(
        "update ops.delivery set state = 'sent', sent_at = coalesce(sent_at, %s) where delivery_id = %s and state = 'prepared'",
        [run.ledger.clock(), delivery.id],
    )
    _record_refusals(run, delivery, dict(applied.refused))
    return {
        "delivery": delivery.id,
        "from_version": delivery.from_version,
        "to_version": delivery.to_version,
        "mode": delivery.mode,
        "upserts": row["rows_upsert"],
        "deletes": row["rows_delete"],
        "refused": len(applied.refused),
    }


def find_unsettled_deliveries(run: RunContext, feed: FeedDataset) -> list[Row]:
    """Deliveries of other runs that have no receipt, oldest first. One whose files are damaged is given up; its rows are
    part of the next one, since the accepted version did not move."""
    rows = run.ledger.rows(
        "select * from ops.delivery where edge = %s and dataset = %s and state in ('prepared', 'sent') and run_id <> %s"
        " order by prepared_at",
        [feed.edge, feed.dataset, run.run.id],
    )
    return [row for row in rows if _is_intact(run, row)]


def _find_own_unsettled(run: RunContext, feed: FeedDataset) -> Row | None:
    """What this run prepared before it was interrupted."""
    row = run.ledger.fetch_row(
        "select * from ops.delivery where edge = %s and dataset = %s and state in ('prepared', 'sent') and run_id = %s",
        [feed.edge, feed.dataset, run.run.id],
    )
    return row if row and _is_intact(run, row) else None


def _is_intact(run: RunContext, row: Row) -> bool:
    if _hash_files(get_settings().var / row["folder"]) == row["content_hash"]:
        return True
    _set_delivery_state(run, row["delivery_id"], "abandoned", "HUB603")
    return False


def _prepare_delivery(run: RunContext, feed: FeedDataset, step: Step) -> Row:
    accepted, current = get_accepted_version(run, feed), run.ledger.version()
    again_whole = _is_distrusted(run, feed, accepted, current)
    refused = run.ledger.rows("select row_key from ops.refused where edge = %s and dataset = %s", [feed.edge, feed.dataset])
    keys = [str(row["row_key"]) for row in refused]
    changed = accepted != current or bool(keys) or again_whole
    mode = "full" if feed.mode == "full" or again_whole else "delta"
    tries = run.ledger.single(
        "select count(*) as n from ops.delivery where edge = %s and dataset = %s and run_id = %s",
        [feed.edge, feed.dataset, step.run_id],
    )["n"]
    again = (f".{tries + 1}" if tries else "") + restored.make_mark(run.ledger)
    folder = get_settings().var / "deliveries" / step.run_id / f"{feed.id}{again}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if mode == "delta" and (not changed or (not keys and not _has_relevant_change(run, feed, accepted, current))):
        counts = _write_empty_delivery(feed, folder)
    else:
        # Of a first delivery every row is sorted and written.
        with contextlib.nullcontext() if accepted else lock_large_task(), open_engine(feed.id) as db:
            counts = write_diff(db, run, feed, VersionSpan(accepted, current, folder), mode, keys)
            _apply_brake(db, run, feed, counts, accepted)
    return _record_delivery(
        run,
        feed,
        {
            "delivery_id": f"{feed.edge}.{feed.dataset}.{accepted}-{current}.{step.run_id}{again}",
            "run_id": step.run_id,
            "from_version": accepted,
            "to_version": current,
            "mode": mode,
            "rows_upsert": counts["upserts"],
            "rows_delete": counts["deletes"],
            "rows_scope": _count_rows_after(run, feed, mode, counts),
            "expected": Jsonb(asdict(compute_totals(folder / "upserts.parquet", feed, counts["deletes"]))),
            "content_hash": _hash_files(folder),
            "folder": str(folder.relative_to(get_settings().var)),
        },
    )


def write_diff(
    db: duckdb.DuckDBPyConnection, run: RunContext, feed: FeedDataset, span: VersionSpan, mode: str, keys: list[str]
) -> dict[str, int]:
    """Write `upserts.parquet` and `deletes.parquet` and return how many rows each has, how many keys left the
    scope, how many kept rows changed, and how many rows were looked at in the scope before and after."""
    names, key = ", ".join(column.name for column in feed.columns), ", ".join(feed.key)
    text = f" || chr({feed_snapshot.KEY_SEPARATOR}) || ".join(f"cast({name} as varchar)" for name in feed.key)
    try:
        for name, path in zip(("before", "after"), _write_both_snapshots(run, feed, span, mode, keys), strict=True):
            db.execute(f"create view {name} as select {names} from {build_scope_query(db, feed, path)}")
    except duckdb.Error as error:
        raise ContractError("HUB109", feed.id, problem=str(error).splitlines()[0]) from error
    db.execute("create table again as select unnest(?::varchar[]) as row_key", [keys])
    if span.accepted:
        db.execute("create table fresh as select * from after except select * from before")
    else:  # of a first delivery all is fresh, and too much to keep or to compare with itself
        memory.release_unused()
        db.execute(f"create view fresh as select {'' if _has_unique_keys(db, key) else 'distinct '}* from after")
    db.execute(f"create table dropped as select {key} from before except select {key} from after")
    whole = mode == "full"
    again = f"union select * from after where {text} in (select row_key from again)" if keys else ""
    db.execute(f"create view upserts as select * from {'after' if whole else f'fresh {again}'}")
    db.execute(f"create view deletes as select {key} from dropped where {not whole}")
    for name in ("upserts", "deletes"):
        db.execute(
            f"copy (select * from {name} order by {key}) to {quote_literal(span.folder / f'{name}.parquet')} (format parquet)"
        )
    same = " and ".join(f"a.{name} = b.{name}" for name in feed.key)
    counted = {name: name for name in ("before", "after")}
    counted |= {"drops": "dropped", "updates": f"fresh a semi join before b on {same}"}
    written = {name: pq.read_metadata(span.folder / f"{name}.parquet").num_rows for name in ("upserts", "deletes")}
    return written | {name: int(db.execute(f"select count(*) from {body}").fetchall()[0][0]) for name, body in counted.items()}


def _has_unique_keys(db: duckdb.DuckDBPyConnection, key: str) -> bool:
    """Whether no two rows of a feed have the same key."""
    return db.execute(f"select 1 from after group by {key} having count(*) > 1 limit 1").fetchone() is None


def _has_relevant_change(run: RunContext, feed: FeedDataset, accepted: int, current: int) -> bool:
    """Whether a version after the accepted one changed an entity that the feed reads; the first delivery always reads."""
    if accepted == 0:
        return True
    read = feed_snapshot.list_feed_entities(run.catalog, feed)
    found = run.ledger.fetch_row(
        "select 1 from ops.version where version > %s and version <= %s and entities ?| %s limit 1", [accepted, current, read]
    )
    return found is not None


def _write_empty_delivery(feed: FeedDataset, folder: Path) -> dict[str, int]:
    """The files of a delivery that says that nothing changed; silence would mean a fault."""
    fields = [pa.field(column.name, arrow_type(column.type)) for column in feed.columns]
    for name, chosen in (("upserts", fields), ("deletes", [field for field in fields if field.name in feed.key])):
        pq.ParquetWriter(folder / f"{name}.parquet", pa.schema(chosen)).close()
    return dict.fromkeys(("upserts", "deletes", "drops", "updates", "before", "after"), 0)


def _count_rows_after(run: RunContext, feed: FeedDataset, mode: str, counts: dict[str, int]) -> int | None:
    """How many rows the receiver holds of this feed once it has accepted; None when it was not counted before."""
    if mode == "full":
        return counts["after"]
    before = _count_rows_held(run, feed)
    return None if before is None else before + counts["after"] - counts["before"]


def _count_rows_held(run: RunContext, feed: FeedDataset) -> int | None:
    """How many rows the receiver holds of this feed, by the delivery that it accepted last; None when that was not counted."""
    held = run.ledger.fetch_row(
        "select rows_scope from ops.accepted join ops.delivery using (delivery_id) where accepted.edge = %s"
        " and accepted.dataset = %s",
        [feed.edge, feed.dataset],
    )
    return (None if held["rows_scope"] is None else int(held["rows_scope"])) if held else 0


def _write_both_snapshots(
    run: RunContext, feed: FeedDataset, span: VersionSpan, mode: str, keys: list[str]
) -> tuple[Path, Path]:
    """The dataset at the accepted and at the current version: whole in full mode, else the keys that may differ."""
    if mode == "full":
        after = feed_snapshot.write_full_snapshot(run, feed, span.current)
        return (feed_snapshot.write_full_snapshot(run, feed, span.accepted) if span.accepted else after), after
    both = feed_snapshot.write_snapshots(run, feed, span.accepted, span.current, extra_keys=keys)
    return both.before, both.after


def _apply_brake(
    db: duckdb.DuckDBPyConnection, run: RunContext, feed: FeedDataset, counts: dict[str, int], accepted: int
) -> None:
    """The edge's own brake: drops and updates as shares of the rows that the receiver holds in this feed's scope.

    On the days on which the contract expects that a new batch takes the place of the old one, only what nothing takes the
    place of counts as dropped.
    """
    if accepted == 0 or not (counts["drops"] or counts["updates"]):
        return
    before = _count_rows_held(run, feed)
    before = _count_scope_rows(run, feed, accepted) if before is None else before
    expected = bool(load_calendar().windows(run.run.as_of) & set(feed.brake.expect))
    drops = min(counts["drops"], max(counts["before"] - counts["after"], 0)) if expected else counts["drops"]
    size = limits.ChangeSize(max(before, 1), drops, counts["updates"])
    found = list(limits.find_exceeded(feed.brake, size, run.run.as_of))
    if found:
        _create_proposed_view(db, feed)
    for one in found:
        code = "HUB503" if one.kind == "deletes" else "HUB505"
        facts = {name: fact for name, fact in one.facts.items() if name != "before"}
        brake.trip_unless_released(db, run, brake.TripRequest(feed.id, code, facts, one.op, one.free))


def _create_proposed_view(db: duckdb.DuckDBPyConnection, feed: FeedDataset) -> None:
    """The view `proposed` of `publishing.brake`: what the feed's receiver would lose, and what would be changed there."""
    key = f" || chr({feed_snapshot.KEY_SEPARATOR}) || ".join(f"cast(a.{name} as varchar)" for name in feed.key)
    same = " and ".join(f"a.{name} = b.{name}" for name in feed.key)
    hashed = row_hash([f"a.{column.name}" for column in feed.columns])
    db.execute(
        f"create view proposed as select 'D' as op, {key} as row_key, null::varchar as row_hash from dropped a"
        f" union all select 'U', {key}, {hashed} from fresh a semi join before b on {same}"
    )


def _count_scope_rows(run: RunContext, feed: FeedDataset, version: int) -> int:
    with open_engine(feed.id) as db:
        rows = db.execute(
            f"select count(*) from {build_scope_query(db, feed, feed_snapshot.write_full_snapshot(run, feed, version))}"
        )
        return int(rows.fetchall()[0][0])


def _record_delivery(run: RunContext, feed: FeedDataset, facts: dict[str, Any]) -> Row:
    names = ("flow", "edge", "dataset", "source", "target")
    row = {
        **{name: getattr(feed, name) for name in names},
        **facts,
        "as_of": run.run.as_of,
        "prepared_at": run.ledger.clock(),
    }
    places = ", ".join(f"%({name})s" for name in row)
    run.ledger.execute(
        f"insert into ops.delivery ({', '.join(row)}, state) values ({places}, 'prepared')"
        " on conflict (delivery_id) do nothing",
        row,
    )
    return run.ledger.single("select * from ops.delivery where delivery_id = %s", [facts["delivery_id"]])


def _hash_files(folder: Path) -> str:
    files = [folder / "upserts.parquet", folder / "deletes.parquet"]
    return hash_values(*[hash_file(path) if path.is_file() else None for path in files])


def _is_distrusted(run: RunContext, feed: FeedDataset, accepted: int, current: int) -> bool:
    """Whether a receipt between these versions, or somebody's verification, found other rows than were sent."""
    found = run.ledger.fetch_row(
        "select 1 from ops.delivery where edge = %s and dataset = %s and from_version = %s and to_version = %s"
        " and state = 'refused' and reason = 'HUB604'"
        " union all select 1 from ops.accepted where edge = %s and dataset = %s and distrusted limit 1",
        [feed.edge, feed.dataset, accepted, current, feed.edge, feed.dataset],
    )
    return found is not None


def _set_delivery_state(run: RunContext, delivery_id: str, state: str, reason: str) -> None:
    run.ledger.execute("update ops.delivery set state = %s, reason = %s where delivery_id = %s", [state, reason, delivery_id])


def _record_refusals(run: RunContext, delivery: Delivery, refused: dict[str, str]) -> None:
    edge, dataset = delivery.feed.edge, delivery.feed.dataset
    with run.ledger.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(
            "delete from ops.refused where edge = %s and dataset = %s and delivery_id <> %s", [edge, dataset, delivery.id]
        )
        cursor.executemany(
            "insert into ops.refused values (%s, %s, %s, %s, %s) on conflict do nothing",
            [(edge, dataset, key, reason, delivery.id) for key, reason in refused.items()],
        )
