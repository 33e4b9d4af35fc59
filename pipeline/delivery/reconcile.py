"""Reconcile: read back what the receiver has and move its accepted version only when all of it agrees."""

from __future__ import annotations

from dataclasses import asdict

from psycopg.types.json import Jsonb

from core.errors import FeedFailed
from core.hashing import hash_values
from core.store.connections import get_connection
from core.store.ledger import Output, Row, Step
from loaders.base import ApplyResult, open_target
from loaders.tables.control_totals import compare_totals, expect_receipt
from pipeline.context import RunContext
from pipeline.delivery.deliver import build_delivery


def reconcile_delivery(run: RunContext, id: str, delivery_id: str) -> Output:
    """Take the receipt of a delivery; returns `{state, rows, deleted}`.

    The accepted version moves in the transaction that records the receipt.

    Raises:
        FeedFailed: HUB604 when what the receiver has is not what was sent; the next delivery sends everything again.
        Unavailable: HUB204.
    """
    run.progress("reconcile", id)
    work = hash_values("reconcile", delivery_id)
    row = run.ledger.single("select * from ops.delivery where delivery_id = %s", [delivery_id])
    return run.ledger.run_step(run.run.id, "reconcile", id, work, lambda step: settle_delivery(run, row, step))


def settle_delivery(run: RunContext, row: Row, step: Step | None = None) -> Output:
    """Compare what a receiver has with what was sent to it and record the receipt; `step` finishes with it."""
    delivery_id, id = row["delivery_id"], f"{row['edge']}.{row['dataset']}"
    delivery = build_delivery(run, row)
    target = open_target(get_connection(delivery.feed.connection))
    try:
        found = target.read_receipt(delivery)
    finally:
        target.close()
    rows = run.ledger.rows("select row_key, reason from ops.refused where delivery_id = %s", [delivery_id])
    refused = {item["row_key"]: item["reason"] for item in rows}
    known = not refused and "content" in row["expected"]  # one prepared before receipts told of the content is asked anew
    wanted = row["expected"] if known else asdict(expect_receipt(delivery, ApplyResult(0, 0, refused=refused)))
    wrong = compare_totals(wanted, found)
    if wrong:
        run.ledger.execute(
            "update ops.delivery set state = 'refused', received = %s, reason = 'HUB604' where delivery_id = %s",
            [Jsonb(asdict(found)), delivery_id],
        )
        raise FeedFailed("HUB604", id, what=", ".join(wrong), expected=wanted["rows"], found=found.rows)
    state = "partly" if refused else "accepted"
    output: Output = {"state": state, "rows": found.rows, "deleted": found.deleted, "refused": len(refused)}
    with run.ledger.transaction() as connection_:
        connection_.execute(
            "update ops.delivery set state = %s, received = %s, accepted_at = %s where delivery_id = %s",
            [state, Jsonb(asdict(found)), run.ledger.clock(), delivery_id],
        )
        connection_.execute(
            "insert into ops.accepted values (%s, %s, %s, %s, %s) on conflict (edge, dataset) do update set"
            " distrusted = accepted.distrusted and %s,"  # a part that arrived says nothing of the rest
            " version = excluded.version, delivery_id = excluded.delivery_id, accepted_at = excluded.accepted_at",
            [row["edge"], row["dataset"], row["to_version"], delivery_id, run.ledger.clock(), row["mode"] != "full"],
        )
        if step:
            run.ledger.finish(step, output, connection_)
    return output
