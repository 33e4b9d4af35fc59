"""An entity's contract compiled, in memory, into the list of expectations that its rows are held against.

The list stands between the contract and the engines: it knows neither DuckDB nor Great Expectations. An expectation is
*direct* when Great Expectations can judge the cells themselves, and a *flag* when something else has to look first: other
entities' rows (reference, sql), what conform could not read (readable), a list too long to copy around (code), syntax that
only RE2 reads (pattern), or a bound that a double cannot hold (range). A flag is a boolean column computed by
`quality.scan`; Great Expectations then counts it like any other column, so that every verdict comes from one place.

Null semantics: every rule but `required` ignores NULL, and a rule over several columns ignores a row with a NULL in any.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any, Literal

from contracts.catalog import Catalog
from contracts.contract import Entity, Rule
from core.dialects import LogicalType
from core.errors import ContractError

Form = Literal["present", "unique", "in_set", "matches", "between", "longest", "flag"]

_MAX_DIRECT_CODES = 50
"""Great Expectations copies a value set many times per rule: 40,000 codes cost seconds, 50 cost nothing."""
_EXACT_LIMIT = 2**53
"""Great Expectations turns bounds into doubles, which are exact below this."""
_BIGINT_DIGITS = 18


@dataclass(frozen=True)
class Expectation:
    """One rule and the form in which it is judged.

    Attributes:
        form: which question is asked of the cells.
        fields: columns of the frame (see `frame_fields`): a contract column's name for its text, `<name>#` for its value
            as a whole number of the smallest unit, `flag#<n>` for a flag.
        limits: what the form needs: `value_set`, `regex`, `minimum` and `maximum`; for a flagged range its exact bounds.
    """

    rule: Rule
    form: Form
    fields: tuple[str, ...]
    limits: Mapping[str, Any] = field(default_factory=dict)


def build_expectations(entity: Entity, catalog: Catalog) -> list[Expectation]:
    """Everything that a row of `entity` must satisfy: the contract's rules, key columns present, every cell readable.

    Raises:
        ContractError: HUB104 for a code list that does not exist, HUB108 for a bound that is no value of its column.
    """
    codes = _group_codes(catalog)
    return [_build_expectation(rule, number, entity, codes) for number, rule in enumerate(collect_rules(entity))]


def collect_rules(entity: Entity) -> list[Rule]:
    """The contract's rules, then what holds without being written: keys are required (always an error), and no row has a
    cell that could not be read. That is asked once a row; `unreadable` says which cells of it."""
    keys = [Rule(f"{entity.name}.{name}.required", "required", (name,)) for name in entity.key]
    implied = {rule.id for rule in keys}
    written = [replace(rule, severity="error") if rule.id in implied else rule for rule in entity.rules]
    known = {rule.id for rule in written}
    readable = Rule(f"{entity.name}.row.readable", "readable", ())
    return [*written, *(rule for rule in keys if rule.id not in known), readable]


def _group_codes(catalog: Catalog) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for code in catalog.codes:
        lists.setdefault(code.list, []).append(code.code)
    return lists


def _build_expectation(rule: Rule, number: int, entity: Entity, codes: Mapping[str, Sequence[str]]) -> Expectation:
    flag = f"flag#{number}"
    match rule.kind:
        case "required":
            return Expectation(rule, "present", rule.columns)
        case "unique":
            return Expectation(rule, "unique", rule.columns)
        case "length":
            return Expectation(rule, "longest", rule.columns, {"maximum": rule.facts["maximum"]})
        case "code":
            return _expect_code(rule, flag, codes)
        case "pattern":
            return _expect_pattern(rule, flag)
        case "range":
            return _expect_range(rule, flag, entity.column(rule.columns[0]).type)
        case "reference" | "readable" | "sql":
            return Expectation(rule, "flag", (flag,))
        case _:
            raise ContractError("HUB108", rule.id, problem=rule.kind)


def _expect_code(rule: Rule, flag: str, codes: Mapping[str, Sequence[str]]) -> Expectation:
    """A retired code is still known: rows written while it was valid keep it."""
    name = rule.facts["list"]
    if name not in codes:
        raise ContractError("HUB104", name, kind="code list", known=", ".join(sorted(codes)))
    if len(codes[name]) > _MAX_DIRECT_CODES:
        return Expectation(rule, "flag", (flag,))
    return Expectation(rule, "in_set", rule.columns, {"value_set": list(codes[name])})


def _expect_pattern(rule: Rule, flag: str) -> Expectation:
    """A pattern describes the whole value, and its classes are those of ASCII, as in ECMA-262 and RE2.

    The empty look-ahead keeps pandas from changing its regular expression engine with the data: it would read columns that
    happen to be all ASCII with RE2, which does not know `(?a:`.
    """
    pattern = rule.facts["pattern"]
    try:
        re.compile(f"(?a:{pattern})")
    except re.error:
        return Expectation(rule, "flag", (flag,))
    return Expectation(rule, "matches", rule.columns, {"regex": rf"(?=)\A(?a:{pattern})\Z"})


def _expect_range(rule: Rule, flag: str, kind: LogicalType) -> Expectation:
    """Text is compared as text; everything else as a whole number of its smallest unit, so that money stays exact."""
    if kind.name in ("string", "time"):
        return Expectation(rule, "flag", (flag,), _stated_bounds(rule.facts))
    try:
        bounds = {
            side: count_smallest_units(text, kind, ROUND_CEILING if side == "minimum" else ROUND_FLOOR)
            for side, text in _stated_bounds(rule.facts).items()
        }
    except (ValueError, InvalidOperation) as error:
        raise ContractError("HUB108", rule.id, problem=f"range of {kind.name}") from error
    wide = kind.name == "number" and kind.precision > _BIGINT_DIGITS
    if wide or any(abs(bound) >= _EXACT_LIMIT for bound in bounds.values()):
        scale = kind.scale if kind.name == "number" else 0
        return Expectation(rule, "flag", (flag,), {side: str(Decimal(bound).scaleb(-scale)) for side, bound in bounds.items()})
    return Expectation(rule, "between", (f"{rule.columns[0]}#",), bounds)


def _stated_bounds(facts: Mapping[str, Any]) -> dict[str, str]:
    return {side: str(facts[side]) for side in ("minimum", "maximum") if facts.get(side) is not None}


def count_smallest_units(text: str, kind: LogicalType, rounding: str) -> int:
    """A bound as a whole number of the type's smallest unit: 1, 10 to the minus scale, days or microseconds since 1970.

    Raises:
        ValueError, InvalidOperation: the text is no value of the type.
    """
    if kind.name == "date":
        return (date.fromisoformat(text) - date(1970, 1, 1)).days
    if kind.name == "timestamp":
        return (datetime.fromisoformat(text) - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    scale = kind.scale if kind.name == "number" else 0
    return int(Decimal(text).scaleb(scale).to_integral_value(rounding=rounding))
