"""Casts that would change a value: the rows are held in which they do.

A narrowing cast of a SELECT becomes one that gives NULL where the type has no place, and the columns in which a value is not
the same afterwards are named beside the row, in the added column `hub_cut`.
"""

from __future__ import annotations

import duckdb
from sqlglot import exp

from contracts.sql.narrowing import (
    NarrowingCast,
    build_change_sql,
    find_narrowing_casts,
    is_in_output,
    is_in_projection,
    list_outer_selects,
)

CUT_COLUMN = "hub_cut"
CUT_PREFIX = "="
"""Before the name of an entity's column in `hub_cut`, so that it is not taken for a cell's."""


class HiddenCast(Exception):
    """A cast that changes values without an error where no row of the result can be told by it. `node` is the cast."""

    def __init__(self, node: exp.Cast) -> None:
        super().__init__(node.sql("duckdb"))
        self.node = node


def guard_casts(db: duckdb.DuckDBPyConnection, tree: exp.Query) -> bool:
    """Guard the narrowing casts of a SELECT over tables that exist, in place; False when there are none.

    Raises:
        Hidden: for one that rounds or cuts in a SELECT inside the SELECT.
    """
    found = {id(one.node): one for one in find_narrowing_casts(db, tree)}
    parts = list(list_outer_selects(tree))
    hidden = [one for one in found.values() if one.quiet and not is_in_output(one.node, parts)]
    for one in hidden:
        if is_in_projection(one.node):
            raise HiddenCast(one.node)
    marks = [_guard_projections(part, found) for part in parts]
    if not any(marks):
        return False
    for part, named in zip(parts, marks, strict=True):
        text = exp.Anonymous(this="concat_ws", expressions=[exp.Literal.string(","), *(named or [exp.Literal.string("")])])
        value = exp.Nullif(this=text, expression=exp.Literal.string(""))
        part.append("expressions", exp.alias_(value, CUT_COLUMN))
    return True


def _guard_projections(part: exp.Select, found: dict[int, NarrowingCast]) -> list[exp.Expr]:
    """For every guarded cast of a SELECT's projections: the column's name where it changes a value."""
    marks: list[exp.Expr] = []
    grouped = bool(part.args.get("group")) or any(projection.find(exp.AggFunc) for projection in part.selects)
    for projection in list(part.selects):
        name = projection.alias_or_name
        inner_first = reversed([node for node in projection.find_all(exp.Cast) if id(node) in found])
        for node in inner_first:
            source, target, value = found[id(node)].source, found[id(node)].target, node.this.sql("duckdb")
            condition = build_change_sql(value, source, target)
            if grouped and not node.this.find(exp.AggFunc):
                condition = f"bool_or({condition})"
            marks.append(exp.maybe_parse(f"case when {condition} then '{CUT_PREFIX}{name}' end", dialect="duckdb"))
            node.replace(exp.TryCast(this=node.this.copy(), to=node.to.copy(), safe=True))
    return marks
