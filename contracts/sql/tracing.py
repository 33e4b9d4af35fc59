"""Which rows of its main table a SELECT gives on, and which it leaves out by a condition that it states.

The main table is the first one of the FROM clause, through common table expressions and subqueries down to a dataset. The
queries made here give the positions of its rows, once with the conditions of the SELECT and once without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from contracts.sql.files import full_table_name
from contracts.sql.lineage import list_datasets

TRACE_COLUMN = "hub_row"
"""The column of the queries: a position in the main table."""
_CONDITION_CLAUSES = ("where", "having", "qualify")


@dataclass(frozen=True)
class TracedSelect:
    """One SELECT without union, and its main table.

    Attributes:
        keeps: it can leave no row of its main table out, as it has no condition, and joins nothing but on the left.
        given: query of the positions of the rows that stand in the result; None where they cannot be followed.
        passing: the same without its conditions.
        own: conditions that look at the main table alone, as SQL over it under its `alias`.
        looked_at: columns of the main table that decide whether a row is given.
        keys: SQL over the main table of every output column that is made of it alone.
    """

    table: str
    alias: str
    keeps: bool = False
    given: str | None = None
    passing: str | None = None
    own: tuple[str, ...] = ()
    looked_at: frozenset[str] = frozenset()
    keys: tuple[tuple[str, str], ...] = ()


def trace_select(tree: exp.Query) -> list[TracedSelect]:
    """Every part of a SELECT that is a union of some."""
    return [_trace_part(part) for part in _list_union_parts(tree) if list_datasets(part)]


def find_join_columns(tree: exp.Query) -> dict[str, frozenset[str]]:
    """The datasets that a SELECT joins to others -> their columns by which it does."""
    found: dict[str, set[str]] = {}
    for join in tree.find_all(exp.Join):
        if isinstance(join.this, exp.Table) and join.this.db not in ("", "codes"):
            names = {part.name for part in join.args.get("using") or []}
            condition = join.args.get("on")
            columns = condition.find_all(exp.Column) if condition else ()
            names |= {column.name for column in columns if column.table == join.this.alias_or_name}
            found.setdefault(full_table_name(join.this), set()).update(names)
    return {table: frozenset(names) for table, names in found.items() if names}


def _list_union_parts(tree: exp.Query) -> Iterator[exp.Query]:
    if isinstance(tree, exp.Union) and not tree.args.get("distinct"):
        for part in (tree.left, tree.right):
            whole = part.unnest().copy().assert_is(exp.Query)
            if tree.args.get("with_"):
                whole.set("with_", tree.args["with_"].copy())
            yield from _list_union_parts(whole)
    else:
        yield tree


def _trace_part(tree: exp.Query) -> TracedSelect:
    levels = _list_levels(tree)
    if not levels:
        return TracedSelect(list_datasets(tree)[0], "m")
    main = levels[-1].args["from_"].this
    gathers = any(_is_gathering(level) for level in levels)
    single = levels[0] if len(levels) == 1 else None
    if single is not None and not gathers and _is_lossless(single):
        return TracedSelect(full_table_name(main), main.alias_or_name, keeps=True)
    return TracedSelect(
        full_table_name(main),
        main.alias_or_name,
        given=_build_position_sql(tree, True),
        passing=_build_position_sql(tree, False),
        own=tuple(_list_own_conditions(levels[-1], main.alias_or_name)),
        looked_at=_find_deciding_columns(levels, main.alias_or_name),
        keys=tuple(_list_output_keys(single, main.alias_or_name)) if single is not None and not gathers else (),
    )


def _list_levels(tree: exp.Expr) -> list[exp.Select]:
    """The SELECTs from the outermost down to the one that reads the main table; empty where that cannot be followed."""
    named: dict[str, exp.Expr] = {}
    levels: list[exp.Select] = []
    while isinstance(tree, exp.Select) and tree.args.get("from_"):
        levels.append(tree)
        named |= {cte.alias: cte.this for cte in tree.ctes}
        source = tree.args["from_"].this
        if isinstance(source, exp.Table) and source.db:
            return levels if source.db != "codes" else []
        inner = named.get(source.name) if isinstance(source, exp.Table) else source.this
        if inner is None or any(inner is level for level in levels):
            return []
        tree = inner
    return []


def _build_position_sql(tree: exp.Query, conditions: bool) -> str:
    copy = tree.copy()
    levels = _list_levels(copy)
    value: exp.Expr = exp.column("source_row", table=levels[-1].args["from_"].this.alias_or_name)
    listed = False
    for level in reversed(levels):
        if level is not levels[-1]:
            value = exp.column(TRACE_COLUMN, table=level.args["from_"].this.alias_or_name)
        if level.args.get("group") or _has_aggregate(level):
            value = exp.Anonymous(this="list", expressions=[value])
            value = exp.Anonymous(this="flatten", expressions=[value]) if listed else value
            listed = True
        level.set("distinct", None)
        for name in () if conditions else _CONDITION_CLAUSES:
            level.set(name, None)
        if level is levels[0]:
            level.set("expressions", [*_needed_outputs(level), exp.alias_(value, TRACE_COLUMN)])
        else:
            level.append("expressions", exp.alias_(value, TRACE_COLUMN))
    row = f"unnest({TRACE_COLUMN})" if listed else TRACE_COLUMN
    return f"select {row} as {TRACE_COLUMN} from ({copy.sql('duckdb')})"


def _needed_outputs(level: exp.Select) -> list[exp.Expr]:
    """The output columns that are still needed: all where a condition or group may name one of them."""
    plain = not any(level.args.get(name) for name in (*_CONDITION_CLAUSES, "group", "order"))
    return [] if plain else list(level.selects)


def _is_gathering(level: exp.Select) -> bool:
    return bool(level.args.get("group") or level.args.get("distinct") or _has_aggregate(level))


def _has_aggregate(level: exp.Select) -> bool:
    """Whether the output of a SELECT has an aggregate of its own, which no window is."""
    return any(
        isinstance(node, exp.AggFunc) and node.find_ancestor(exp.Window) is None
        for projection in level.selects
        for node in projection.walk(prune=lambda one: isinstance(one, exp.Query))
    )


def _is_lossless(level: exp.Select) -> bool:
    if any(level.args.get(name) for name in _CONDITION_CLAUSES):
        return False
    return all(join.side.upper() == "LEFT" or _is_one_row(join) for join in level.args.get("joins") or [])


def _is_one_row(join: exp.Join) -> bool:
    """A join with an aggregate over everything, which always gives one row."""
    inner = join.this.this if isinstance(join.this, exp.Subquery) else None
    plain = isinstance(inner, exp.Select) and not inner.args.get("group") and not inner.args.get("having")
    return plain and inner is not None and join.args.get("on") is None and _has_aggregate(inner.assert_is(exp.Select))


def _list_own_conditions(level: exp.Select, alias: str) -> Iterator[str]:
    """The conditions of WHERE that the main table alone decides."""
    where = level.args.get("where")
    for condition in where.this.flatten() if where and isinstance(where.this, exp.And) else [where.this] if where else []:
        if _is_of_main_table(condition, level, alias):
            yield condition.sql("duckdb")


def _is_of_main_table(node: exp.Expr, level: exp.Select, alias: str) -> bool:
    """Whether an expression is made of columns of the main table and nothing else."""
    names = {alias} if level.args.get("joins") else {alias, ""}
    columns = list(node.find_all(exp.Column))
    given = {
        one.alias for one in level.selects if isinstance(one, exp.Alias)
    }  # what the SELECT itself gives a name may be named
    if any(not column.table and column.name in given for column in columns):
        return False
    plain = not node.find(exp.Select, exp.Window, exp.AggFunc)
    return plain and bool(columns) and all(column.table in names and not column.db for column in columns)


def _find_deciding_columns(levels: list[exp.Select], alias: str) -> frozenset[str]:
    """Columns of the main table in conditions, joins and groups; with SELECTs around it also those that they are given."""
    found: set[str] = set()
    for level in levels:
        parts: list[exp.Expr | None] = [level.args.get(name) for name in (*_CONDITION_CLAUSES, "group")]
        parts += [join.args.get("on") for join in level.args.get("joins") or []]
        parts += level.selects if level is levels[-1] and len(levels) > 1 else []
        for part in parts:
            found |= {column.name for column in part.find_all(exp.Column) if column.table in ("", alias)} if part else set()
    return frozenset(found)


def _list_output_keys(level: exp.Select, alias: str) -> Iterator[tuple[str, str]]:
    for projection in level.selects:
        if _is_of_main_table(projection, level, alias):
            yield projection.alias_or_name, projection.unalias().sql("duckdb")
