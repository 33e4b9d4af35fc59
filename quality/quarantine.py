"""The split of the judged rows into accepted and held, and the gate on how much may be held.

A row is held by any failed rule of severity error, with the columns and types it came with; warnings are written down beside
it and let it pass. Accepted rows stay where they are: the answer says which rows of the conformed file are none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.contract import Entity
from core.dialects import quote_identifier
from core.engine import quote_literal
from core.errors import Gated
from core.process.arrays import wrap_int64_array
from quality import scan
from quality.base import CheckRequest
from quality.results import RuleOutcome

_SOURCE_ORDER = "source_system, source_row"
"""The order in which a department has its rows."""
WRONG_PERCENT, HELD_PERCENT, HELD_FLOOR = 5.0, 50.0, 10
"""The percent of a system's rows that may be wrong in themselves, and that may be held at all, where the contract says
nothing: rows that wait for others (a bill for a student who is entered tomorrow) come in crowds. So many rows may be held
whatever share of a small source they are."""
BETWEEN_ROWS = ("reference", "sql")
"""Kinds of rules that compare a row with others: a row that fails no other kind is not wrong in itself."""


@dataclass(frozen=True)
class SplitResult:
    """The files of the answer and how many rows stand in them. `warned` are accepted rows that carry a warning."""

    left_out: Path | None
    held: Path
    failures: Path
    rows: int
    repeated: int
    held_rows: int
    wrong_rows: int
    warned_rows: int


def split_rows(db: duckdb.DuckDBPyConnection, question: CheckRequest, outcomes: Sequence[RuleOutcome]) -> SplitResult:
    """Write `held.parquet`, `failures.parquet` and, where rows are left out, `left_out.parquet` into the question's folder."""
    _register_outcomes(db, outcomes)
    left_out, held, failures = (question.out / f"{stem}.parquet" for stem in ("left_out", "held", "failures"))
    columns = ", ".join(quote_identifier(name, "duckdb") for name in pq.read_schema(question.conformed).names)
    stopped = "(select position from work.failed where severity = 'error')"
    db.execute(f"create table work.left_out as from {stopped} union select position from work.repeated")
    some = scan.has_rows(db, "work.left_out")
    if some:
        _write_parquet(db, "from work.left_out order by position", left_out)
    _write_parquet(db, f"select {columns} from work.rows where position in {stopped} order by {_SOURCE_ORDER}", held)
    _write_parquet(
        db,
        # an entity may have columns of these names itself
        "select source_system, source_row, source_key, rule_id, kind, columns, severity from ("
        "select r.source_system, r.source_row, r.source_key, f.rule_id, f.kind, f.columns, f.severity, f.number"
        " from work.failed f join work.rows r on r.position = f.position union all by name "
        "select m.source_system, m.source_key, t.number, m.rule_id, t.kind, t.columns, t.severity"
        " from work.missed m join work.told t on t.rule_id = m.rule_id"
        f") order by {_SOURCE_ORDER}, number, source_key",
        failures,
    )
    held_rows = _count_rows(db, f"(select distinct position from work.failed where position in {stopped})")
    wrong = f"(select distinct position from work.failed where severity = 'error' and kind not in {BETWEEN_ROWS})"
    return SplitResult(
        left_out=left_out if some else None,
        held=held,
        failures=failures,
        rows=_count_rows(db, "work.landed"),
        repeated=_count_rows(db, "work.repeated"),
        held_rows=held_rows,
        wrong_rows=_count_rows(db, wrong),
        warned_rows=_count_rows(db, "(select distinct position from work.failed)") - held_rows,
    )


def get_held_floor(entity: Entity) -> int:
    """How many rows of a system may be held whatever share they are; none where the contract states the share."""
    return 0 if entity.held_percent is not None else HELD_FLOOR


def enforce_held_limit(entity: Entity, system: str, rows: int, held_rows: int, wrong_rows: int) -> None:
    """Stop an entity of which more than its share of a system's rows is held, or wrong in themselves: then the source is
    wrong, not its rows.

    Raises:
        Gated: HUB401 with the counts.
    """
    stated = entity.held_percent
    for count, limit in (
        [(held_rows, stated)] if stated is not None else [(wrong_rows, WRONG_PERCENT), (held_rows, HELD_PERCENT)]
    ):
        if count > get_held_floor(entity) and count * 100 > limit * rows:
            facts = {"held": count, "rows": rows, "percent": round(count * 100 / rows, 2), "limit": limit}
            raise Gated("HUB401", entity.name, entity=entity.name, system=system, **facts)


def _register_outcomes(db: duckdb.DuckDBPyConnection, outcomes: Sequence[RuleOutcome]) -> None:
    """`work.told`: the rules; `work.failed`: one row for every failed rule of every row, by position."""
    rules = [outcome.expectation.rule for outcome in outcomes]
    told: dict[str, list[object]] = {
        "number": list(range(len(rules))),
        "rule_id": [rule.id for rule in rules],
        "kind": [rule.kind for rule in rules],
        "columns": [",".join(rule.columns) for rule in rules],
        "severity": [rule.severity for rule in rules],
    }
    kinds = {"number": "integer[]"}
    unnested = ", ".join(f"unnest(?::{kinds.get(name, 'varchar[]')}) as {name}" for name in told)
    db.execute(f"create table work.told as select {unnested}", list(told.values()))
    positions = np.concatenate([outcome.failing for outcome in outcomes])
    numbers = np.repeat(np.arange(len(outcomes)), [len(outcome.failing) for outcome in outcomes])
    db.register("failing#", pa.table({"position": wrap_int64_array(positions), "number": wrap_int64_array(numbers)}))
    db.execute('create table work.failed as select * from "failing#" join work.told using (number)')
    db.unregister("failing#")


def _write_parquet(db: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    db.execute(f"copy ({query}) to {quote_literal(path)} (format parquet, compression zstd)")


def _count_rows(db: duckdb.DuckDBPyConnection, relation: str) -> int:
    return int(db.execute(f"select count(*) from {relation}").fetchall()[0][0])
