"""The outcome of one expectation, in Great Expectations' words, whichever engine judged it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quality.suite import Expectation

_SHOWN_VALUES = 50


@dataclass(frozen=True)
class RuleOutcome:
    """One expectation's outcome: positions of the failing rows (int64, ascending) and the result without values or keys."""

    expectation: Expectation
    failing: npt.NDArray[np.int64]
    result: dict[str, Any]


def build_gx_call(expectation: Expectation) -> tuple[str, dict[str, Any]]:
    """The class of Great Expectations that asks this question, and its arguments."""
    fields, limits = expectation.fields, expectation.limits
    match expectation.form:
        case "present":
            return "ExpectColumnValuesToNotBeNull", {"column": fields[0]}
        case "unique" if len(fields) == 1:
            return "ExpectColumnValuesToBeUnique", {"column": fields[0]}
        case "unique":
            return "ExpectCompoundColumnsToBeUnique", {"column_list": list(fields), "ignore_row_if": "any_value_is_missing"}
        case "in_set":
            return "ExpectColumnValuesToBeInSet", {"column": fields[0], "value_set": limits["value_set"]}
        case "matches":
            return "ExpectColumnValuesToMatchRegex", {"column": fields[0], "regex": limits["regex"]}
        case "between":
            bounds = {"min_value": limits.get("minimum"), "max_value": limits.get("maximum")}
            return "ExpectColumnValuesToBeBetween", {"column": fields[0], **bounds}
        case "longest":
            return "ExpectColumnValueLengthsToBeBetween", {"column": fields[0], "max_value": limits["maximum"]}
        case "flag":
            return "ExpectColumnValuesToBeInSet", {"column": fields[0], "value_set": [True]}


def build_outcome(
    expectation: Expectation, failing: npt.NDArray[np.int64], rows: int, missing: int, engine: str
) -> RuleOutcome:
    """The outcome over `rows` rows, in `missing` of which there was nothing to judge; `engine` names who judged."""
    rule = expectation.rule
    kind, kwargs = build_gx_call(expectation)
    return RuleOutcome(
        expectation,
        failing,
        {
            "rule_id": rule.id,
            "kind": rule.kind,
            "columns": list(rule.columns),
            "severity": rule.severity,
            "facts": dict(rule.facts),
            "expectation_type": re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower(),
            "kwargs": {name: value for name, value in kwargs.items() if _is_shown(name, value)},
            "success": len(failing) == 0,
            "element_count": rows,
            "missing_count": missing,
            "unexpected_count": len(failing),
            "unexpected_percent": 100.0 * len(failing) / rows if rows else 0.0,
            "engine": engine,
        },
    )


def _is_shown(name: str, value: Any) -> bool:
    return not (name == "value_set" and len(value) > _SHOWN_VALUES)
