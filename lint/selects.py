"""Is every SQL file one plain SELECT in the portable subset, over tables that exist, giving the contract's columns?

Four kinds lie in four folders. `conform/<entity>/<system>.sql` maps one system's datasets to an entity, with `hub` as the
system it derives it from other entities;
`feeds/<flow>/<dataset>.sql` projects entities for receivers and is evaluated key by key, so it may not look across rows;
`checks/<entity>__<rule>.sql` returns the bad rows of an entity; `obligations/<deadline>.sql` says of one occasion of a
deadline what is needed and what is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import cast

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from contracts.contract import HUB, TONIGHT_TABLE, Entity
from contracts.deadlines import OBLIGATION_TABLES, choose_answer_columns
from contracts.finding import Finding, nearest_names
from contracts.sql import carrying, subset
from contracts.sql.files import SqlFile, full_table_name
from lint.workspace import LintWorkspace

TableColumns = Mapping[str, frozenset[str]]
"""What a SELECT may read: table name as written -> column names."""

_CODE_TABLES: TableColumns = {
    "codes.map": frozenset({"system", "list", "source_code", "code"}),
    "codes.code": frozenset({"list", "code", "name_zh", "name_en", "parent", "valid_from", "valid_to", "basis"}),
}
_UNIT_TABLES = frozenset({"org_unit", "units"})
_COMPARING_NODES = (exp.Predicate, exp.Case, exp.Func)
_CHINESE_SIGN = re.compile(r"[\u4e00-\u9fff]")
_UNIT_NAME = re.compile(r"[\u4e00-\u9fff]{1,20}(处|部|学院|研究院|办公室|办|中心|馆|集团|科|委员会)")
_ACROSS_ROWS = (exp.Window, exp.AggFunc, exp.Group, exp.Having, exp.Distinct, exp.Except, exp.Intersect, exp.Qualify)
"""A union is not among them: equal rows have equal keys, so it is the same whether all keys are looked at or a few."""


def lint_selects(found: LintWorkspace) -> Iterator[Finding]:
    """Findings HUB130 to HUB143, HUB157 and HUB170 over `sql/conform`, `sql/feeds` and `sql/checks`, HUB735 over
    `sql/obligations`."""
    yield from _lint_conform(found)
    yield from _lint_feeds(found)
    yield from _lint_checks(found)
    yield from _lint_obligations(found)
    for query in (query for queries in found.queries.values() for query in queries):
        yield from _lint_unit_names(query)


def _lint_conform(found: LintWorkspace) -> Iterator[Finding]:
    for query in found.queries["conform"]:
        name, system = query.path.parent.name, query.path.stem
        yield from _lint_body(
            query, {**(_list_hub_tables(found) if system == HUB else _list_landed_tables(found, system)), **_CODE_TABLES}
        )
        if name not in found.entities:
            yield Finding(
                "HUB143", query.file, 1, {"kind": "entity", "name": name, "known": nearest_names(name, found.entities)}
            )
            continue
        entity = found.entities[name].thing
        giving = _list_authorities(entity)
        if system not in giving:
            facts = {"system": system, "entity": name, "known": ", ".join(sorted(giving))}
            yield Finding("HUB138", query.file, 1, facts)
        yield from _lint_writer(query, entity, system)
        if system != HUB and "unreadable" not in query.columns:
            yield from _lint_uncarried(query)
        given = [column for column in query.columns if column != "unreadable"]
        columns = [column.name for column in entity.columns]
        yield from _lint_output(query, given, columns if system == HUB else [*columns, "source_row"])
        if system != HUB and (query.path.parent / f"{HUB}.sql").is_file():
            yield Finding("HUB729", query.file, 1, {"entity": name, "system": system})


def _lint_uncarried(query: SqlFile) -> Iterator[Finding]:
    """A SELECT through which nobody can follow a cell says itself what could not be read."""
    try:
        carrying.carry_unreadable(query.tree)
    except carrying.CannotCarry as error:
        yield query.build_finding("HUB170", error.node, reason_key=f"lint.why.{error.why}")


def _list_landed_tables(found: LintWorkspace, system: str) -> TableColumns:
    return {
        f"{system}.{dataset.name}": frozenset(column.name for column in dataset.columns) | {"source_row", "unreadable"}
        for dataset in found.datasets_of(system)
    }


def _list_hub_tables(found: LintWorkspace) -> TableColumns:
    """What a derived entity's SELECT may read: every entity, and the business date."""
    entities = {f"{HUB}.{name}": _column_names(located.thing) | {"source_system"} for name, located in found.entities.items()}
    return {**entities, f"{HUB}.{TONIGHT_TABLE}": frozenset({"as_of"})}


def _lint_writer(query: SqlFile, entity: Entity, system: str) -> Iterator[Finding]:
    """A row comes whole from one system; a column that is another's to write (`authority` on the column) is NULL in it."""
    branches = [tree for tree in query.tree.find_all(exp.Select) if tree is query.tree or isinstance(tree.parent, exp.Union)]
    for column in entity.columns:
        if column.authority and system not in column.authority:
            for select in (select for branch in branches for select in branch.selects):
                if select.alias_or_name == column.name and not _is_null(select.unalias()):
                    facts = {"system": system, "name": column.name, "authority": ", ".join(column.authority)}
                    yield query.build_finding("HUB157", select, **facts)


def _is_null(value: exp.Expr) -> bool:
    return isinstance(value, exp.Null) or (isinstance(value, exp.Cast) and isinstance(value.this, exp.Null))


def _lint_feeds(found: LintWorkspace) -> Iterator[Finding]:
    tables = {name: _column_names(located.thing) | {"source_system"} for name, located in found.entities.items()}
    flows = {flow.lower() for flow in found.flows}
    served = {(feed.thing.flow.lower(), feed.thing.dataset) for feed in found.feeds.values()}
    for query in found.queries["feeds"]:
        flow, dataset = query.path.parent.name, query.path.stem
        if flow not in flows:
            yield Finding("HUB143", query.file, 1, {"kind": "flow", "name": flow, "known": nearest_names(flow, flows)})
        elif (flow, dataset) not in served and not found.lost["feed"]:
            known = nearest_names(dataset, (name for other, name in served if other == flow))
            yield Finding("HUB143", query.file, 1, {"kind": "dataset", "name": dataset, "known": known})
        yield from _lint_body(query, tables)
        yield from _lint_row_by_row(query)


def _lint_checks(found: LintWorkspace) -> Iterator[Finding]:
    entities = {
        name: _column_names(located.thing) | {"source_system", "source_row"} for name, located in found.entities.items()
    }
    standing = {f"standing.{name}": columns - {"source_row"} | {"source_key"} for name, columns in entities.items()}
    named = {
        rule.facts["file"]: located for located in found.entities.values() for rule in located.thing.rules if rule.kind == "sql"
    }
    for query in found.queries["checks"]:
        stem = query.path.stem
        if stem not in named and not found.lost["hub"]:
            yield Finding("HUB140", query.file, 1, {"name": stem, "known": nearest_names(stem, named)})
        yield from _lint_body(query, {**entities, **standing, **_CODE_TABLES})
        where = "source_key" if "source_key" in query.columns else "source_row"
        yield from _lint_output(query, query.columns, ["source_system", where])
    present = {path.stem for path in found.layers.glob("sql/checks/*.sql")}
    for stem, located in named.items():
        if stem not in present:
            position = [item.get("implementation") for item in located.raw["quality"]].index(stem)
            line = located.line("quality", position)
            yield Finding("HUB141", located.file, line, {"name": stem, "known": nearest_names(stem, present)})


def _lint_obligations(found: LintWorkspace) -> Iterator[Finding]:
    """An entity that the flow document promises and that has no contract yet is a warning; from then on columns are checked."""
    tables = {name: _column_names(located.thing) | {"source_system"} for name, located in found.entities.items()} | {
        name: frozenset(column for column, _ in columns) for name, columns in OBLIGATION_TABLES.items()
    }
    known = {str(item["id"]).lower() for _, _, item in found.deadlines}
    for query in found.queries["obligations"]:
        if query.path.stem not in known:
            near_by = nearest_names(query.path.stem, known)
            yield Finding("HUB143", query.file, 1, {"kind": "deadline", "name": query.path.stem, "known": near_by})
        awaited = query.tables & (found.promised - found.entities.keys())
        if awaited:
            yield Finding("HUB735", query.file, 1, {"names": ", ".join(sorted(awaited))}, "warning")
        else:
            yield from _lint_body(query, tables)
        yield from _lint_output(query, query.columns, list(choose_answer_columns(query.columns)))


def _column_names(entity: Entity) -> frozenset[str]:
    return frozenset(column.name for column in entity.columns)


def _list_authorities(entity: Entity) -> frozenset[str]:
    return frozenset(entity.authority).union(*(column.authority for column in entity.columns))


def _lint_output(query: SqlFile, given: list[str], wanted: list[str]) -> Iterator[Finding]:
    if given == wanted:
        return
    missing = [name for name in wanted if name not in given]
    extra = [name for name in given if name not in wanted]
    repeated = sorted({name for name in given if given.count(name) > 1})
    if missing or extra or repeated:
        facts = {"missing": ", ".join(missing) or "-", "extra": ", ".join(extra + repeated) or "-"}
        yield query.build_finding("HUB136", query.tree, **facts)
    else:
        first = next(name for name, other in zip(wanted, given, strict=True) if name != other)
        yield query.build_finding("HUB142", query.tree, name=first, order=", ".join(wanted))


def _lint_body(query: SqlFile, tables: TableColumns) -> Iterator[Finding]:
    """What holds for every SELECT: no star, only portable constructs, only known tables and columns."""
    for star in query.tree.find_all(exp.Star):
        if not isinstance(star.parent, exp.Count):
            yield query.build_finding("HUB132", star.parent or star)
    allowed = subset.list_function_names()
    for node, name, why in subset.find_violations(query.tree):
        if why:
            yield query.build_finding("HUB134", node, name=name, reason_key=f"lint.why.{why}")
        else:
            yield query.build_finding("HUB135", node, name=name, known=nearest_names(name, allowed))
    unknown = False
    for scope in traverse_scope(query.tree):
        for table in scope.tables:
            name = full_table_name(table)
            if name not in tables and not _is_cte(scope, table):
                unknown = True
                yield query.build_finding("HUB137", table, name=name, known=nearest_names(name, tables))
    if not unknown:
        yield from _lint_unknown_columns(query, tables)


def _is_cte(scope: Scope, table: exp.Table) -> bool:
    return not table.db and table.name in scope.cte_sources


def _lint_unknown_columns(query: SqlFile, tables: TableColumns) -> Iterator[Finding]:
    for scope in traverse_scope(query.tree):
        given = {alias: _find_given_columns(source, tables) for alias, source in scope.sources.items()}
        aliases = {projection.alias for projection in getattr(scope.expression, "selects", [])} - {""}
        for column in scope.columns:
            if column.table in given:
                known = given[column.table]
            elif not column.table:
                known = _find_visible_columns(scope, tables) | aliases
            else:
                continue
            if column.name not in known:
                yield query.build_finding("HUB139", column, name=column.sql(), known=nearest_names(column.name, known))


def _find_visible_columns(scope: Scope, tables: TableColumns) -> frozenset[str]:
    """The columns that an unqualified name may mean: those of the FROM clause, in a subquery those around it too."""
    own = (scope.sources[alias] for alias in scope.selected_sources if alias in scope.sources)
    around = _find_visible_columns(scope.parent, tables) if scope.is_subquery and scope.parent is not None else frozenset[str]()
    return around.union(*(_find_given_columns(source, tables) for source in own))


def _find_given_columns(source: exp.Expr | Scope, tables: TableColumns) -> frozenset[str]:
    if isinstance(source, Scope):
        return frozenset(cast(exp.Query, source.expression).named_selects)
    return tables.get(full_table_name(cast(exp.Table, source)), frozenset())


def _lint_unit_names(query: SqlFile) -> Iterator[Finding]:
    """A unit is known by its code and what it does (`org_unit.office_code`), not by what one university calls it."""
    for scope in traverse_scope(query.tree):
        units = {
            alias for alias, source in scope.sources.items() if isinstance(source, exp.Table) and source.name in _UNIT_TABLES
        }
        compared = {
            literal
            for column in scope.columns
            if column.table in units and (where := column.find_ancestor(*_COMPARING_NODES)) is not None
            for literal in where.find_all(exp.Literal)
            if literal.is_string and _CHINESE_SIGN.search(literal.name)
        }
        named = {literal for literal in scope.find_all(exp.Literal) if literal.is_string and _UNIT_NAME.fullmatch(literal.name)}
        for literal in sorted(compared | named, key=lambda literal: (query.line(literal), literal.name)):
            yield query.build_finding("HUB191", literal, name=literal.name)


def _lint_row_by_row(query: SqlFile) -> Iterator[Finding]:
    """A feed's delta is computed for touched keys only, so its SELECT may not look across rows."""
    for node in query.tree.walk():
        is_scalar = isinstance(node, exp.Subquery) and not isinstance(node.parent, exp.From | exp.Join)
        if isinstance(node, _ACROSS_ROWS) or is_scalar:
            name = "subquery" if is_scalar else type(node).__name__.lower()
            yield query.build_finding("HUB144", node, name=name)
