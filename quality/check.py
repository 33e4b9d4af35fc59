"""The check step: one entity's conformed rows in; accepted, held, failures and results out.

The way of a row: `suite` compiles the contract into expectations; `scan` leaves out rows that repeat another one word for word
and lays out what the expectations ask about; `sieve` judges in one scan, or `gx` lets Great Expectations judge; `quarantine`
splits and applies the gate.
The same files give the same answer, whoever calls: nothing here reads a clock, the hub or the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import duckdb
import numpy as np
import numpy.typing as npt

from contracts.contract import Entity, Rule
from core.engine import open_engine
from quality import quarantine, scan, sieve
from quality.base import CheckRequest, CheckResult
from quality.results import RuleOutcome
from quality.suite import Expectation, build_expectations

CheckEngine = Literal["scan", "gx"]


def check_rows(question: CheckRequest, by: CheckEngine = "scan") -> CheckResult:
    """Judge the question's rows and write the answer's files into its folder.

    `by` names who judges: one SQL scan, or Great Expectations itself (`gx`); the verdicts are equal.

    `rows` of the verdict counts the conformed file; accepted, held and repeated rows add up to it. Whether so many may be
    held is asked by `quality.quarantine.gate`, after the held rows are on record.

    Raises:
        ContractError: HUB104 to HUB108 when the contract or an SQL check is wrong; nothing is judged then.
        Fault: HUB802 or HUB803 when memory or disk are used up.
    """
    entity = question.entity
    suite = build_expectations(entity, question.catalog)
    with open_engine(entity.name) as db:
        scan.prepare_tables(db, question)
        judged = judge_rows(db, question, suite, by)
        outcomes = _add_column_outcomes(_add_missed(judged, scan.count_missed(db)), scan.find_unreadable(db, entity))
        outcomes = _drop_unreadable_rows(outcomes)
        told = [outcome for outcome in outcomes if outcome.expectation.rule.id != f"{entity.name}.row.readable"]
        split = quarantine.split_rows(db, question, told)
    return CheckResult(
        left_out=split.left_out,
        held=split.held,
        failures=split.failures,
        rows=split.rows,
        held_rows=split.held_rows,
        wrong_rows=split.wrong_rows,
        warned_rows=split.warned_rows,
        results=[outcome.result for outcome in outcomes] + [_build_repeated_result(entity, split)],
    )


def judge_rows(
    db: duckdb.DuckDBPyConnection, question: CheckRequest, suite: list[Expectation], by: CheckEngine
) -> list[RuleOutcome]:
    """One outcome per expectation over the prepared rows, by the engine that is asked for.

    A suite with a pattern that only Python reads is judged by Great Expectations in any case.
    """
    if by == "scan" and sieve.can_judge(db, suite):
        return sieve.judge_rows(db, question, suite)
    from quality import gx  # imports Great Expectations, which costs seconds

    return gx.judge_frame(question.entity.name, suite, scan.build_frame(db, question, suite))


def _add_missed(outcomes: list[RuleOutcome], missed: Mapping[str, int]) -> list[RuleOutcome]:
    """The outcomes, those of checks that miss standing rows with the number of these among what was not expected."""
    return [
        replace(outcome, result={**outcome.result, "success": False, "unexpected_count": len(outcome.failing) + count})
        if (count := missed.get(outcome.expectation.rule.id, 0))
        else outcome
        for outcome in outcomes
    ]


def _add_column_outcomes(
    outcomes: list[RuleOutcome], unreadable: list[tuple[Rule, npt.NDArray[np.int64]]]
) -> list[RuleOutcome]:
    """The outcomes, and beside the one that says which rows have an unreadable cell one for each column that has any."""
    whole = outcomes[-1]
    return outcomes + [
        RuleOutcome(
            replace(whole.expectation, rule=rule),
            positions,
            {
                **whole.result,
                "rule_id": rule.id,
                "columns": list(rule.columns),
                "unexpected_count": len(positions),
                "unexpected_percent": 100.0 * len(positions) / whole.result["element_count"],
            },
        )
        for rule, positions in unreadable
    ]


def _drop_unreadable_rows(outcomes: list[RuleOutcome]) -> list[RuleOutcome]:
    """The outcomes without the rows that lack a value only because its cell could not be read: that is told of the cell, and
    an empty cell is another fault."""
    unread: dict[str, npt.NDArray[np.int64]] = {}
    for outcome in outcomes:
        rule = outcome.expectation.rule
        if rule.kind == "readable" and len(rule.columns) == 1:
            unread[rule.columns[0]] = np.union1d(unread.get(rule.columns[0], outcome.failing), outcome.failing)
    return [
        _remove_rows(outcome, unread[outcome.expectation.rule.columns[0]])
        if outcome.expectation.rule.kind == "required" and outcome.expectation.rule.columns[0] in unread
        else outcome
        for outcome in outcomes
    ]


def _remove_rows(outcome: RuleOutcome, rows: npt.NDArray[np.int64]) -> RuleOutcome:
    left = np.setdiff1d(outcome.failing, rows)
    counts = {"unexpected_count": len(left), "unexpected_percent": 100.0 * len(left) / max(outcome.result["element_count"], 1)}
    return replace(outcome, failing=left, result={**outcome.result, **counts, "success": not len(left)})


def _build_repeated_result(entity: Entity, split: quarantine.SplitResult) -> dict[str, Any]:
    """Rows that were dropped because another row says the same, in the shape of a result. Not a fault of either row."""
    return {
        "rule_id": f"{entity.name}.row.repeated",
        "kind": "repeated",
        "columns": [],
        "severity": "warning",
        "success": split.repeated == 0,
        "element_count": split.rows,
        "unexpected_count": split.repeated,
    }
