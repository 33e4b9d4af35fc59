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

from core.dialects import quoted
from core.engine import literal
from core.errors import ContractError
from quality import scan
from quality.base import Question
from quality.results import Outcome, outcome
from quality.suite import Expectation

_BITS = 62
"""Rules in one signed 64-bit integer."""


def able(db: duckdb.DuckDBPyConnection, suite: Sequence[Expectation]) -> bool:
    """Whether every pattern of the suite is one that the database reads; look-around is not."""
    try:
        for expectation in suite:
            if expectation.form == "matches":
                db.execute("select regexp_full_match('', ?)", [expectation.rule.facts["pattern"]])
    except duckdb.InvalidInputException:
        return False
    return True


def judge(db: duckdb.DuckDBPyConnection, question: Question, suite: Sequence[Expectation]) -> list[Outcome]:
    """Hold the prepared rows (see `quality.scan.prepare`) against a suite; one outcome per expectation, in order.

    Raises:
        ContractError: HUB104 to HUB108 when a rule or a check cannot be judged.
    """
    scan.run_checks(db, question, suite)
    conditions = [_broken(db, question, number, expectation) for number, expectation in enumerate(suite)]
    rows, missing = _missing(db, suite)
    try:
        positions, bits = _scan(db, conditions)
    except scan.MACHINE:
        raise
    except duckdb.Error as error:
        culprit = next((suite[n].rule.id for n, sql in enumerate(conditions) if _fails(db, sql)), question.entity.name)
        raise ContractError("HUB108", culprit, problem=scan.told(error)) from None
    return [
        outcome(expectation, positions[_set(bits, number)], rows, missing[number], "scan")
        for number, expectation in enumerate(suite)
    ]


def _broken(db: duckdb.DuckDBPyConnection, question: Question, number: int, expectation: Expectation) -> str:
    """The condition that is true, never NULL, where the rule is broken."""
    limits, field = expectation.limits, expectation.fields[0]
    cell = quoted(field.removesuffix("#"), "duckdb")
    match expectation.form:
        case "flag":
            return f"not coalesce({scan.flag(question, number, expectation)}, true)"
        case "present":
            return f"{cell} is null"
        case "unique":
            return _shared(db, question, number, expectation)
        case "in_set":
            listed = ", ".join(literal(value) for value in limits["value_set"])
            return f"coalesce(cast({cell} as varchar) not in ({listed}), false)" if listed else f"{cell} is not null"
        case "matches":
            return (
                f"coalesce(not regexp_full_match(cast({cell} as varchar), {literal(expectation.rule.facts['pattern'])}), false)"
            )
        case "longest":
            return f"coalesce(length(cast({cell} as varchar)) > {int(limits['maximum'])}, false)"
        case "between":
            whole = scan.whole(question.entity, field.removesuffix("#"))
            signs = {"minimum": "<", "maximum": ">"}
            outside = " or ".join(f"{whole} {signs[side]} {int(bound)}" for side, bound in limits.items())
            return f"coalesce({outside}, false)"


def _shared(db: duckdb.DuckDBPyConnection, question: Question, number: int, expectation: Expectation) -> str:
    """Rows whose value in the fields another row has too; a NULL in any of them is not a value."""
    if expectation.fields == tuple(question.entity.key) and not scan.any_row(db, "work.twice"):
        return "false"
    fields = ", ".join(quoted(name, "duckdb") for name in expectation.fields)
    whole = " and ".join(f"{quoted(name, 'duckdb')} is not null" for name in expectation.fields)
    db.execute(
        f'create table work."shared#{number}" as select position from work.rows where ({fields}) in '
        f"(select ({fields}) from work.rows where {whole} group by {fields} having count(*) > 1)"
    )
    return f'position in (select position from work."shared#{number}")'


def _missing(db: duckdb.DuckDBPyConnection, suite: Sequence[Expectation]) -> tuple[int, list[int]]:
    """How many rows there are, and for each expectation in how many of them there is nothing to judge."""
    asked = [one.fields if one.form not in ("flag", "present") else () for one in suite]
    groups = sorted(set(asked) - {()})
    present = "".join(f", {_judged([quoted(name.removesuffix('#'), 'duckdb') for name in group])}" for group in groups)
    rows, *judged = map(int, db.execute(f"select count(*){present} from work.rows").fetchall()[0])
    by_group = dict(zip(groups, judged, strict=True))
    return rows, [rows - by_group.get(group, rows) for group in asked]


def _judged(cells: Sequence[str]) -> str:
    """The aggregate that counts rows with all of these cells; of one cell the engine knows a quicker one."""
    if len(cells) == 1:
        return f"count({cells[0]})"
    return f"count(*) filter (where {' and '.join(f'{cell} is not null' for cell in cells)})"


def _scan(
    db: duckdb.DuckDBPyConnection, conditions: Sequence[str]
) -> tuple[npt.NDArray[np.int64], list[npt.NDArray[np.int64]]]:
    """Positions of the rows that break any rule, ascending, and their bits, 62 rules a word."""
    words = [
        " + ".join(f"case when {sql} then {1 << bit} else 0 end" for bit, sql in enumerate(conditions[start : start + _BITS]))
        for start in range(0, len(conditions), _BITS)
    ]
    names = [f"word{number}" for number in range(len(words))]
    columns = ", ".join(f"cast({sql} as bigint) as {name}" for name, sql in zip(names, words, strict=True))
    found = db.sql(
        f"select position, {', '.join(names)} from (select position, {columns} from work.rows)"
        f" where {' or '.join(f'{name} <> 0' for name in names)} order by position"
    ).fetchnumpy()
    return found["position"], [found[name] for name in names]


def _set(bits: Sequence[npt.NDArray[np.int64]], number: int) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = (bits[number // _BITS] >> (number % _BITS)) & 1 == 1
    return found


def _fails(db: duckdb.DuckDBPyConnection, condition: str) -> bool:
    try:
        db.execute(f"select count(*) from work.rows where {condition}").fetchall()
    except duckdb.Error:
        return True
    return False
