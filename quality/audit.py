"""The check of the checker: rows of a night judged by the scan and by Great Expectations, verdict against verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.engine import open_engine, quote_literal
from quality import gx, scan, sieve
from quality.base import CheckRequest
from quality.suite import build_expectations

ROWS, FAILING_ROWS = 1_000, 500
"""How many rows are drawn, and how many of those that failed a rule are added to them."""


@dataclass(frozen=True)
class EngineComparison:
    """How many rows and rules both judged, and the ids of the rules on which they differ."""

    rows: int
    rules: int
    differ: tuple[str, ...]


def write_sample(conformed: Path, failures: Path, out: Path, seed: str) -> None:
    """Write to `out` rows of a conformed file (same columns): drawn by `seed`, and rows that failed a rule."""
    with open_engine("audit") as db:
        db.execute(
            f"copy (select * exclude (file_row_number) from read_parquet({quote_literal(conformed)}, file_row_number = true)"
            " where file_row_number in (select file_row_number from"
            f" read_parquet({quote_literal(conformed)}, file_row_number = true) order by"
            f" md5(file_row_number || {quote_literal(seed)})"
            f" limit {ROWS}) or (source_system, source_row) in (select (source_system, source_row) from"
            f" read_parquet({quote_literal(failures)}) order by source_system, source_row limit {FAILING_ROWS}))"
            f" to {quote_literal(out)} (format parquet)"
        )


def compare_engines(question: CheckRequest) -> EngineComparison:
    """Let both judge the question's rows; nothing is written.

    Raises:
        ContractError: HUB104 to HUB108 when a rule or a check cannot be judged.
    """
    entity = question.entity
    suite = build_expectations(entity, question.catalog)
    with open_engine(entity.name) as db:
        scan.prepare_tables(db, question)
        cells = scan.build_frame(db, question, suite)
        reference = gx.judge_frame(entity.name, suite, cells)
    with open_engine(entity.name) as db:
        scan.prepare_tables(db, question)
        found = sieve.judge_rows(db, question, suite) if sieve.can_judge(db, suite) else reference
    differ = tuple(
        one.expectation.rule.id
        for one, other in zip(reference, found, strict=True)
        if not np.array_equal(one.failing, other.failing)
    )
    return EngineComparison(cells.num_rows, len(suite), differ)
