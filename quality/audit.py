"""The check of the checker: rows of a night judged by the scan and by Great Expectations, verdict against verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.engine import engine, literal
from quality import gx, scan, sieve
from quality.base import Question
from quality.suite import expectations

ROWS, FAILING_ROWS = 1_000, 500
"""How many rows are drawn, and how many of those that failed a rule are added to them."""


@dataclass(frozen=True)
class Agreement:
    """How many rows and rules both judged, and the ids of the rules on which they differ."""

    rows: int
    rules: int
    differ: tuple[str, ...]


def sample(conformed: Path, failures: Path, out: Path, seed: str) -> None:
    """Write to `out` rows of a conformed file (same columns): drawn by `seed`, and rows that failed a rule."""
    with engine("audit") as db:
        db.execute(
            f"copy (select * exclude (file_row_number) from read_parquet({literal(conformed)}, file_row_number = true)"
            " where file_row_number in (select file_row_number from"
            f" read_parquet({literal(conformed)}, file_row_number = true) order by md5(file_row_number || {literal(seed)})"
            f" limit {ROWS}) or (source_system, source_row) in (select (source_system, source_row) from"
            f" read_parquet({literal(failures)}) order by source_system, source_row limit {FAILING_ROWS}))"
            f" to {literal(out)} (format parquet)"
        )


def agree(question: Question) -> Agreement:
    """Let both judge the question's rows; nothing is written.

    Raises:
        ContractError: HUB104 to HUB108 when a rule or a check cannot be judged.
    """
    entity = question.entity
    suite = expectations(entity, question.catalog)
    with engine(entity.name) as db:
        scan.prepare(db, question)
        cells = scan.frame(db, question, suite)
        reference = gx.judge(entity.name, suite, cells)
    with engine(entity.name) as db:
        scan.prepare(db, question)
        found = sieve.judge(db, question, suite) if sieve.able(db, suite) else reference
    differ = tuple(
        one.expectation.rule.id
        for one, other in zip(reference, found, strict=True)
        if not np.array_equal(one.failing, other.failing)
    )
    return Agreement(cells.num_rows, len(suite), differ)
