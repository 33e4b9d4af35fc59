"""The brake's memory: what tripped, what two persons released until when, and for which change exactly.

A release is for the very keys that would have been deleted and the very rows that would have been updated. It lives to its
date, over later versions and beside other changes, as long as these alone would not have been stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
from psycopg.types.json import Jsonb

from core.engine import fetch_arrow_table
from core.errors import Braked
from core.hashing import hash_values
from core.settings import get_settings
from core.store.ledger import Ledger
from pipeline.context import RunContext

EMPTIED = "HUB501"


@dataclass(frozen=True)
class TripRequest:
    """A limit that a change of `subject` (an entity or a feed) passes: `op` is what there is too much of (`D` or `U`), `free`
    how many rows of it may come besides those that were released."""

    subject: str
    code: str
    facts: Mapping[str, Any]
    op: str
    free: int = 0


def trip_unless_released(db: duckdb.DuckDBPyConnection, run: RunContext, stop: TripRequest) -> None:
    """Stop the subject unless this change is released. The view `proposed` (`op`, `row_key`, `row_hash`) has every row that
    would be deleted (`D`) or updated (`U`).

    Raises:
        Braked: with the stop's code and facts; the brake is on record once, however often the change is tried.
    """
    book, today = run.ledger, run.run.as_of
    released = book.rows(
        "select brake_id, reason_code, content_hash from ops.brake where subject = %s and state in ('released', 'used')"
        " and expires_on >= %s",
        [stop.subject, today],
    )
    for row in released:
        same = EMPTIED not in (stop.code, row["reason_code"]) or stop.code == row["reason_code"]
        if same and _is_covered(db, stop, _get_change_path(row["content_hash"])):
            book.execute("update ops.brake set state = 'used' where brake_id = %s", [row["brake_id"]])
            return
    content = _keep_change(db, stop.subject)
    book.execute(
        "insert into ops.brake (run_id, subject, reason_code, proposed, content_hash, state, tripped_on)"
        " select %s, %s, %s, %s, %s, 'tripped', %s where not exists (select 1 from ops.brake"
        " where subject = %s and content_hash = %s and state in ('tripped', 'requested'))",
        [run.run.id, stop.subject, stop.code, Jsonb(dict(stop.facts)), content, today, stop.subject, content],
    )
    raise Braked(stop.code, stop.subject, **stop.facts)


def hash_change(db: duckdb.DuckDBPyConnection, subject: str, relation: str, key: str) -> str:
    """An order-free hash of a change of `subject`, the same on every engine; the relation has `op`, the key and `row_hash`."""
    told = f"md5(op || {key} || '|' || coalesce(row_hash, ''))"
    query = f"select count(*), bit_xor(cast('0x' || substr({told}, 1, 15) as bigint)) from {relation}"
    return hash_values(subject, [list(row) for row in db.execute(query).fetchall()])


def remove_old_changes(ledger: Ledger, day: date) -> int:
    """Remove the kept changes that no brake needs on a business date: none that is open or whose release still lives.

    Returns how many files went.
    """
    needed = {
        row["content_hash"]
        for row in ledger.rows(
            "select content_hash from ops.brake where state in ('tripped', 'requested')"
            " or (state in ('released', 'used') and expires_on >= %s)",
            [day],
        )
    }
    over = [path for path in (get_settings().var / "brakes").glob("*.parquet") if path.stem not in needed]
    for path in over:
        path.unlink()
    return len(over)


def _get_change_path(content: str) -> Path:
    return get_settings().var / "brakes" / f"{content}.parquet"


def _is_covered(db: duckdb.DuckDBPyConnection, stop: TripRequest, path: Path) -> bool:
    """Whether what is proposed goes beyond a released change by no more than is free."""
    if not path.is_file():
        return False
    with pq.ParquetFile(path) as file:
        db.register("released", file.read())
    query = (
        f"select count(*) from (select row_key, row_hash from proposed where op = '{stop.op}'"
        f" except select row_key, row_hash from released where op = '{stop.op}')"
    )
    beyond = int(db.execute(query).fetchall()[0][0])
    db.unregister("released")
    return beyond <= stop.free


def _keep_change(db: duckdb.DuckDBPyConnection, subject: str) -> str:
    """Keep the keys and hashes of a proposed change, and return the hash by which they are known."""
    content = hash_change(db, subject, "proposed", "row_key")
    path = _get_change_path(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    pq.write_table(fetch_arrow_table(db, "from proposed"), draft)
    draft.replace(path)
    return content
