"""Casts of a SELECT to a type that cannot hold every value of what is cast: fewer decimals, smaller numbers.

Text is never cut by one: the length in `varchar(20)` means nothing to the engine, and the entity's own rule holds longer text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
from sqlglot import exp

_TYPE_DIGITS = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19, "HUGEINT": 39}
_DECIMAL = re.compile(r"DECIMAL\((\d+), ?(\d+)\)")
_INEXACT_TYPES = ("DOUBLE", "FLOAT")
_UNLIMITED_DIGITS = 1_000


@dataclass(frozen=True)
class NarrowingCast:
    """A cast and the type of what is cast, as the engine names it. `quiet` if a value is rounded or cut without an error."""

    node: exp.Cast
    source: str
    quiet: bool

    @property
    def target(self) -> str:
        return _target_type(self.node)

    @property
    def is_reported(self) -> bool:
        """Whether the author is told of it: it changes values, or makes smaller whole numbers of whole numbers."""
        return self.quiet or (self.target in _TYPE_DIGITS and self.source in _TYPE_DIGITS)


def find_narrowing_casts(db: duckdb.DuckDBPyConnection, tree: exp.Query) -> list[NarrowingCast]:
    """The narrowing casts of a SELECT over tables that the engine has; those that it cannot bind are left out."""
    return [found for select in tree.find_all(exp.Select) for found in _find_casts(db, tree, select)]


def build_change_sql(value: str, source: str, target: str) -> str:
    """SQL: whether a value is not the same after the cast; of text, whether it is not a number that the type holds exactly."""
    if source == "VARCHAR":
        exact = f"try_cast({value} as decimal(38, 12))"
        return f"(nullif(trim({value}), '') is not null and coalesce(try_cast({value} as {target}) <> {exact}, true))"
    return f"({value} is not null and coalesce(try_cast({value} as {target}) <> {value}, true))"


def can_lose_value(source: str, target: str) -> bool | None:
    """Whether a cast can change a value without an error; None where it can neither change one nor fail."""
    whole, scale = _count_digits(target)
    had, decimals = _count_digits(source)
    if whole < 0 or had < 0:
        return None
    if decimals > scale:
        return True
    return False if had > whole else None


def list_outer_selects(tree: exp.Expr) -> Iterator[exp.Select]:
    """The SELECT itself, or every part of a union."""
    if isinstance(tree, exp.SetOperation):
        yield from list_outer_selects(tree.left)
        yield from list_outer_selects(tree.right)
    else:
        inner = tree.unnest()
        if isinstance(inner, exp.Select):
            yield inner


def is_in_output(node: exp.Expr, parts: list[exp.Select]) -> bool:
    """Whether a cast makes a column of the result."""
    return any(node.find_ancestor(exp.Select) is part for part in parts) and is_in_projection(node)


def is_in_projection(node: exp.Expr) -> bool:
    """Whether a cast stands in what its SELECT gives, and not in a condition, join or group."""
    select = node.find_ancestor(exp.Select)
    below: exp.Expr = node
    while below.parent is not None and below.parent is not select:
        below = below.parent
    return below.arg_key == "expressions"


def _count_digits(kind: str) -> tuple[int, int]:
    """Digits before and after the point of a numeric type, or of text, which may hold any; -1 of others."""
    if found := _DECIMAL.match(kind):
        return int(found[1]) - int(found[2]), int(found[2])
    if kind in _INEXACT_TYPES or kind == "VARCHAR":
        return _UNLIMITED_DIGITS, _UNLIMITED_DIGITS
    return _TYPE_DIGITS.get(kind, -1), 0


def _find_casts(db: duckdb.DuckDBPyConnection, tree: exp.Query, select: exp.Select) -> Iterator[NarrowingCast]:
    own = [node for node in select.find_all(exp.Cast) if node.find_ancestor(exp.Select) is select]
    casts = [node for node in own if _count_digits(_target_type(node))[0] >= 0]
    if not casts:
        return
    kinds = _infer_types(db, tree, select, [node.this for node in casts])
    for node, kind in zip(casts, kinds, strict=True):
        quiet = can_lose_value(kind, _target_type(node))
        if quiet is not None and not (isinstance(node, exp.TryCast) and (not quiet or kind == "VARCHAR")):
            yield NarrowingCast(node, kind, quiet)


def _target_type(node: exp.Cast) -> str:
    spelled = node.to.sql("duckdb").upper().replace(", ", ",")
    return {"INT": "INTEGER", "DECIMAL": "DECIMAL(18,3)"}.get(spelled, spelled)


def _infer_types(db: duckdb.DuckDBPyConnection, tree: exp.Query, select: exp.Select, nodes: list[exp.Expr]) -> list[str]:
    """The types of expressions of a SELECT, empty of one that cannot be bound by itself."""
    probe = exp.Select(**{name: _copy_parts(select.args.get(name)) for name in ("from_", "joins")})
    if tree.args.get("with_"):
        probe.set("with_", tree.args["with_"].copy())
    found = _describe_types(db, probe, nodes)
    return found or [kind for node in nodes for kind in _describe_types(db, probe, [node]) or [""]]


def _copy_parts(part: exp.Expr | list[exp.Expr] | None) -> exp.Expr | list[exp.Expr] | None:
    return [one.copy() for one in part] if isinstance(part, list) else part.copy() if part else None


def _describe_types(db: duckdb.DuckDBPyConnection, probe: exp.Select, nodes: list[exp.Expr]) -> list[str]:
    probe.set("expressions", [exp.alias_(node.copy(), f"c{place}") for place, node in enumerate(nodes)])
    try:
        return [str(row[1]) for row in db.execute(f"describe {probe.sql('duckdb')}").fetchall()]
    except duckdb.Error:
        return []
