"""A SELECT that says beside each of its rows which cells that it is made of could not be read.

Every dataset has `unreadable` beside its columns. A SELECT is written over the columns only; here it is rewritten so that the
names of the unreadable cells travel with the rows through joins, common table expressions, groups and unions. Where no
rewriting can tell which rows a cell has made (a subquery in a condition, a window, an aggregate over everything), the author
says so himself with a column `unreadable`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from contracts.sql.files import full_table_name
from contracts.sql.lineage import list_datasets

UNREADABLE_COLUMN = "hub_unreadable"
"""The column that is added, last: comma-joined names of cells, `<system>.<dataset>.<column>`, or NULL."""


class CannotCarry(Exception):
    """No rewriting can tell which rows a cell has made. `node` is the place, `why` a key under `lint.why`."""

    def __init__(self, node: exp.Expr, why: str) -> None:
        super().__init__(why)
        self.node, self.why = node, why


def carry_unreadable(tree: exp.Query) -> exp.Query:
    """A copy of a SELECT with the column `hub_unreadable` added last.

    Raises:
        Uncarried: where that cannot be done exactly.
    """
    copy = tree.copy()
    carry_in_place(copy)
    return copy


def carry_in_place(tree: exp.Query) -> None:
    """Add the column to a SELECT in place; where that cannot be done (`Uncarried`), the SELECT is of no use afterwards."""
    if not _carry_query(tree, {}):
        _append_column(tree, exp.cast(exp.null(), "varchar"))


def _carry_query(tree: exp.Expr, around: Mapping[str, bool]) -> bool:
    """Add the column to a SELECT or to every part of a union; False, and nothing is added, when it reads no dataset.

    `around` says of every common table expression in sight whether it has the column.
    """
    known = dict(around)
    for cte in tree.ctes if isinstance(tree, exp.Query) else []:
        known[cte.alias] = _carry_query(cte.this, known)
    if isinstance(tree, exp.Subquery):
        return _carry_query(tree.this, known)
    if isinstance(tree, exp.Union) and not tree.args.get("distinct"):
        parts = [(part, _carry_query(part, known)) for part in (tree.left, tree.right)]
        if any(has for _, has in parts):
            for part, has in parts:
                if not has:
                    _append_column(part, exp.cast(exp.null(), "varchar"))
        return any(has for _, has in parts)
    if not isinstance(tree, exp.Select):
        if _has_dataset(tree, known):
            raise CannotCarry(tree, "carry_set")
        return False
    return _carry_select(tree, known)


def _carry_select(select: exp.Select, known: Mapping[str, bool]) -> bool:
    sources = [select.args["from_"].this] if select.args.get("from_") else []
    joins = select.args.get("joins") or []
    cells = [cell for source in [*sources, *(join.this for join in joins)] if (cell := _find_source_cells(source, known))]
    _refuse_subqueries(select, known)
    for join in joins:
        if cells and join.kind.upper() in ("SEMI", "ANTI"):
            raise CannotCarry(join, "carry_subquery")
    if not cells:
        return False
    if window := _find_own_node(select, exp.Window):
        raise CannotCarry(window, "carry_window")
    value = cells[0] if len(cells) == 1 else _join_cells(cells)
    aggregate = _find_own_node(select, exp.AggFunc)
    if select.args.get("distinct"):
        if select.args.get("group") or aggregate:
            raise CannotCarry(select, "carry_set")
        select.set("group", exp.Group(expressions=[exp.Literal.number(n + 1) for n in range(len(select.selects))]))
        select.set("distinct", None)
    elif aggregate and not select.args.get("group"):
        raise CannotCarry(aggregate, "carry_all")
    if select.args.get("group"):
        value = exp.Anonymous(this="string_agg", expressions=[value, exp.Literal.string(",")])
    _append_column(select, value)
    return True


def _find_source_cells(source: exp.Expr, known: Mapping[str, bool]) -> exp.Expr | None:
    """What a table of a FROM clause says of its row's cells; None for one that says nothing."""
    if isinstance(source, exp.Table):
        if source.args.get("joins"):
            raise CannotCarry(source, "carry_nested")
        name = source.alias_or_name
        if not source.db:
            return exp.column(UNREADABLE_COLUMN, table=name) if known.get(source.name) else None
        return None if source.db == "codes" else _qualify_cells(source, name)
    if isinstance(source, exp.Subquery) and isinstance(source.this, exp.Query) and not source.args.get("joins"):
        if not _carry_query(source, known):
            return None
        if not source.alias:
            raise CannotCarry(source, "carry_nested")
        return exp.column(UNREADABLE_COLUMN, table=source.alias)
    if _has_dataset(source, known):
        raise CannotCarry(source, "carry_nested")
    return None


def _qualify_cells(table: exp.Table, name: str) -> exp.Expr:
    """The unreadable cells of a dataset's row, each with the dataset before it."""
    cells = exp.column("unreadable", table=name)
    named = exp.func("replace", cells, exp.Literal.string(","), exp.Literal.string(f",{full_table_name(table)}."))
    return exp.DPipe(this=exp.Literal.string(f"{full_table_name(table)}."), expression=named)


def _join_cells(cells: list[exp.Expr]) -> exp.Expr:
    # by its own name: the parser's class stands for the function of engines where one NULL makes all of it NULL
    text = exp.Anonymous(this="concat_ws", expressions=[exp.Literal.string(","), *cells])
    return exp.Nullif(this=text, expression=exp.Literal.string(""))


def _refuse_subqueries(select: exp.Select, known: Mapping[str, bool]) -> None:
    """No subquery but those of the FROM clause may read a dataset: its rows are in no row of this SELECT."""
    for name, value in select.args.items():
        parts = value if isinstance(value, list) else [value]
        for part in [one.args.get("on") for one in parts] if name == "joins" else parts:
            if isinstance(part, exp.Expr) and name not in ("from_", "with_"):
                for inner in part.find_all(exp.Select):
                    if _has_dataset(inner, known):
                        raise CannotCarry(inner, "carry_subquery")


def _has_dataset(tree: exp.Expr, known: Mapping[str, bool]) -> bool:
    named = (table.name for table in tree.find_all(exp.Table) if not table.db)
    return bool(list_datasets(tree)) or any(known.get(name) for name in named)


def _find_own_node(select: exp.Select, kind: type[exp.Expr]) -> exp.Expr | None:
    """A node of a kind that belongs to this SELECT and to none inside it; what a window is over is no aggregate."""
    for name in ("expressions", "having", "qualify", "order"):
        value = select.args.get(name)
        for part in value if isinstance(value, list) else [value]:
            if part is None:
                continue
            for node in part.walk(prune=lambda one: isinstance(one, exp.Query)):
                inside = kind is exp.AggFunc and node.find_ancestor(exp.Window) is not None
                if isinstance(node, kind) and not inside:
                    return node
    return None


def _append_column(tree: exp.Expr, value: exp.Expr) -> None:
    """Add the column to a SELECT, or to each part of a union."""
    if isinstance(tree, exp.Select):
        tree.append("expressions", exp.alias_(value, UNREADABLE_COLUMN))
    elif isinstance(tree, exp.SetOperation):
        for part in (tree.left, tree.right):
            _append_column(part, value.copy())
    else:
        _append_column(tree.this, value)
