"""The suite compiled into one SQL scan: every failing position of every rule at once.

Each expectation becomes one condition that is true where its rule is broken. A row's broken rules travel as bits, so that the
scan returns only rows that break something. The verdicts are those of `quality.gx`, which stays the reference: a property
test holds them equal for every form, and `quality.audit` does so every night on rows of that night.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np
import numpy.typing as npt

from core.dialects import quote_identifier
from core.engine import quote_literal
from core.errors import ContractError
from quality import scan
from quality.base import CheckRequest
from quality.results import RuleOutcome, build_outcome
from quality.suite import Expectation

_BITS_PER_WORD = 62
"""Rules in one signed 64-bit integer."""


def can_judge(db: duckdb.DuckDBPyConnection, suite: Sequence[Expectation]) -> bool:
    """Whether every pattern of the suite is one that the database reads; look-around is not."""
    try:
        for expectation in suite:
            if expectation.form == "matches":
                db.execute("select regexp_full_match('', ?)", [expectation.rule.facts["pattern"]])
    except duckdb.InvalidInputException:
        return False
    return True


def judge_rows(db: duckdb.DuckDBPyConnection, question: CheckRequest, suite: Sequence[Expectation]) -> list[RuleOutcome]:
    """Hold the prepared rows (see `quality.scan.prepare`) against a suite; one outcome per expectation, in order.

    Raises:
        ContractError: HUB104 to HUB108 when a rule or a check cannot be judged.
    """
    scan.run_sql_checks(db, question, suite)
    conditions = [_build_broken_sql(db, question, number, expectation) for number, expectation in enumerate(suite)]
    rows, missing = _count_missing(db, suite)
    try:
        positions, bits = _scan_rows(db, conditions)
    except scan.MACHINE_ERRORS:
        raise
    except duckdb.Error as error:
        culprit = next((suite[n].rule.id for n, sql in enumerate(conditions) if _is_failing(db, sql)), question.entity.name)
        raise ContractError("HUB108", culprit, problem=scan.describe_error(error)) from None
    return [
        build_outcome(expectation, positions[_select_broken(bits, number)], rows, missing[number], "scan")
        for number, expectation in enumerate(suite)
    ]


def _build_broken_sql(db: duckdb.DuckDBPyConnection, question: CheckRequest, number: int, expectation: Expectation) -> str:
    """The condition that is true, never NULL, where the rule is broken."""
    limits, field = expectation.limits, expectation.fields[0]
    cell = quote_identifier(field.removesuffix("#"), "duckdb")
    match expectation.form:
        case "flag":
            return f"not coalesce({scan.build_flag_sql(question, number, expectation)}, true)"
        case "present":
            return f"{cell} is null"
        case "unique":
            return _build_shared_sql(db, question, number, expectation)
        case "in_set":
            listed = ", ".join(quote_literal(value) for value in limits["value_set"])
            return f"coalesce(cast({cell} as varchar) not in ({listed}), false)" if listed else f"{cell} is not null"
        case "matches":
            pattern = quote_literal(expectation.rule.facts["pattern"])
            return f"coalesce(not regexp_full_match(cast({cell} as varchar), {pattern}), false)"
        case "longest":
            return f"coalesce(length(cast({cell} as varchar)) > {int(limits['maximum'])}, false)"
        case "between":
            whole = scan.build_whole_number_sql(question.entity, field.removesuffix("#"))
            signs = {"minimum": "<", "maximum": ">"}
            outside = " or ".join(f"{whole} {signs[side]} {int(bound)}" for side, bound in limits.items())
            return f"coalesce({outside}, false)"


def _build_shared_sql(db: duckdb.DuckDBPyConnection, question: CheckRequest, number: int, expectation: Expectation) -> str:
    """Rows whose value in the fields another row has too; a NULL in any of them is not a value."""
    if expectation.fields == tuple(question.entity.key) and not scan.has_rows(db, "work.twice"):
        return "false"
    fields = ", ".join(quote_identifier(name, "duckdb") for name in expectation.fields)
    whole = " and ".join(f"{quote_identifier(name, 'duckdb')} is not null" for name in expectation.fields)
    db.execute(
        f'create table work."shared#{number}" as select position from work.rows where ({fields}) in '
        f"(select ({fields}) from work.rows where {whole} group by {fields} having count(*) > 1)"
    )
    return f'position in (select position from work."shared#{number}")'


def _count_missing(db: duckdb.DuckDBPyConnection, suite: Sequence[Expectation]) -> tuple[int, list[int]]:
    """How many rows there are, and for each expectation in how many of them there is nothing to judge."""
    asked = [one.fields if one.form not in ("flag", "present") else () for one in suite]
    groups = sorted(set(asked) - {()})
    present = "".join(
        f", {_build_count_sql([quote_identifier(name.removesuffix('#'), 'duckdb') for name in group])}" for group in groups
    )
    rows, *judged = map(int, db.execute(f"select count(*){present} from work.rows").fetchall()[0])
    by_group = dict(zip(groups, judged, strict=True))
    return rows, [rows - by_group.get(group, rows) for group in asked]


def _build_count_sql(cells: Sequence[str]) -> str:
    """The aggregate that counts rows with all of these cells; of one cell the engine knows a quicker one."""
    if len(cells) == 1:
        return f"count({cells[0]})"
    return f"count(*) filter (where {' and '.join(f'{cell} is not null' for cell in cells)})"


def _scan_rows(
    db: duckdb.DuckDBPyConnection, conditions: Sequence[str]
) -> tuple[npt.NDArray[np.int64], list[npt.NDArray[np.int64]]]:
    """Positions of the rows that break any rule, ascending, and their bits, 62 rules a word."""
    words = [
        " + ".join(
            f"case when {sql} then {1 << bit} else 0 end" for bit, sql in enumerate(conditions[start : start + _BITS_PER_WORD])
        )
        for start in range(0, len(conditions), _BITS_PER_WORD)
    ]
    names = [f"word{number}" for number in range(len(words))]
    columns = ", ".join(f"cast({sql} as bigint) as {name}" for name, sql in zip(names, words, strict=True))
    found = db.sql(
        f"select position, {', '.join(names)} from (select position, {columns} from work.rows)"
        f" where {' or '.join(f'{name} <> 0' for name in names)} order by position"
    ).fetchnumpy()
    return found["position"], [found[name] for name in names]


def _select_broken(bits: Sequence[npt.NDArray[np.int64]], number: int) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = (bits[number // _BITS_PER_WORD] >> (number % _BITS_PER_WORD)) & 1 == 1
    return found


def _is_failing(db: duckdb.DuckDBPyConnection, condition: str) -> bool:
    try:
        db.execute(f"select count(*) from work.rows where {condition}").fetchall()
    except duckdb.Error:
        return True
    return False
