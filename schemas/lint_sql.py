"""Is every SQL file one plain SELECT in the portable subset, over tables that exist, giving the contract's columns?

Three kinds lie in three folders. `conform/<entity>/<system>.sql` maps one system's datasets to an entity;
`feeds/<flow>/<dataset>.sql` projects entities for receivers and is evaluated key by key, so it may not look across rows;
`checks/<entity>__<rule>.sql` returns the bad rows of an entity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope

from schemas import portable
from schemas.contract import Entity
from schemas.finding import Finding, near
from schemas.lint_words import MARK
from schemas.shelf import Shelf

Tables = Mapping[str, frozenset[str]]
"""What a SELECT may read: table name as written -> column names."""

_CODES: Tables = {
    "codes.map": frozenset({"system", "list", "source_code", "code"}),
    "codes.code": frozenset({"list", "code", "name_zh", "name_en", "parent", "valid_from", "valid_to", "basis"}),
}
_TEMPLATE = re.compile(r"\{\{|\{%|\$\{")
_ACROSS_ROWS = (exp.Window, exp.AggFunc, exp.Group, exp.Having, exp.Distinct, exp.SetOperation, exp.Qualify)


@dataclass(frozen=True)
class Query:
    """A parsed SQL file. `file` is relative to the home folder."""

    file: str
    text: str
    tree: exp.Query

    def line(self, node: exp.Expr) -> int:
        """The line of a node: its own, or that of the first thing in it that the parser has marked."""
        for inner in node.walk():
            if "line" in inner.meta:
                return int(inner.meta["line"])
        return self.line(node.parent) if node.parent is not None else 1

    def finding(self, code: str, node: exp.Expr, **facts: object) -> Finding:
        return Finding(code, self.file, self.line(node), facts)

    @property
    def columns(self) -> list[str]:
        """The names of the output columns, in order."""
        return self.tree.named_selects


def sql(found: Shelf) -> Iterator[Finding]:
    """Findings HUB130 to HUB143 over `sql/conform`, `sql/feeds` and `sql/checks`."""
    yield from _conform(found)
    yield from _feeds(found)
    yield from _checks(found)


def parse(path: Path, home: Path, dialect: str) -> Query | Finding:
    """The one SELECT in a file, or the finding (HUB130, HUB131, HUB133) that says why it is none."""
    file = path.relative_to(home).as_posix()
    content = path.read_text("utf-8")
    for number, line in enumerate(content.splitlines(), start=1):
        if template := _TEMPLATE.search(line):
            return Finding("HUB133", file, number, {"name": template[0]})
        if MARK in line:
            return Finding("HUB129", file, number, {"mark": MARK})
    try:
        trees = [tree for tree in sqlglot.parse(content, read=dialect) if tree is not None]
    except SqlglotError as error:
        first = (getattr(error, "errors", None) or [{}])[0]
        problem = str(first.get("description") or str(error).splitlines()[0]).split(" but got <")[0]
        return Finding("HUB130", file, int(first.get("line") or 1), {"problem": problem})
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        kinds = ", ".join(tree.key.upper() for tree in trees) or "-"
        return Finding("HUB131", file, 1, {"found": kinds})
    return Query(file, content, trees[0])


def _conform(found: Shelf) -> Iterator[Finding]:
    for path in sorted((found.home / "sql" / "conform").glob("*/*.sql")):
        query = parse(path, found.home, "duckdb")
        if isinstance(query, Finding):
            yield query
            continue
        name, system = path.parent.name, path.stem
        tables = {
            f"{system}.{dataset.name}": frozenset(column.name for column in dataset.columns) | {"source_row", "unreadable"}
            for dataset in found.datasets_of(system).values()
        }
        yield from _body(query, {**tables, **_CODES})
        if name not in found.entities:
            yield Finding("HUB143", query.file, 1, {"kind": "entity", "name": name, "known": near(name, found.entities)})
            continue
        entity = found.entities[name].thing
        giving = _authorities(entity)
        if system not in giving:
            facts = {"system": system, "entity": name, "known": ", ".join(sorted(giving))}
            yield Finding("HUB138", query.file, 1, facts)
        given = [column for column in query.columns if column != "unreadable"]
        yield from _output(query, given, [*(column.name for column in entity.columns), "source_row"])


def _feeds(found: Shelf) -> Iterator[Finding]:
    tables = {name: _columns(located.thing) | {"source_system"} for name, located in found.entities.items()}
    flows = {flow.lower() for flow in found.flows}
    served = {(feed.thing.flow.lower(), feed.thing.dataset) for feed in found.feeds.values()}
    for path in sorted((found.home / "sql" / "feeds").glob("*/*.sql")):
        query = parse(path, found.home, "postgres")
        if isinstance(query, Finding):
            yield query
            continue
        flow, dataset = path.parent.name, path.stem
        if flow not in flows:
            yield Finding("HUB143", query.file, 1, {"kind": "flow", "name": flow, "known": near(flow, flows)})
        elif (flow, dataset) not in served:
            known = near(dataset, (name for other, name in served if other == flow))
            yield Finding("HUB143", query.file, 1, {"kind": "dataset", "name": dataset, "known": known})
        yield from _body(query, tables)
        yield from _row_by_row(query)


def _checks(found: Shelf) -> Iterator[Finding]:
    entities = {name: _columns(located.thing) | {"source_system", "source_row"} for name, located in found.entities.items()}
    named = {
        rule.facts["file"]: (located, rule)
        for located in found.entities.values()
        for rule in located.thing.rules
        if rule.kind == "sql"
    }
    present: set[str] = set()
    for path in sorted((found.home / "sql" / "checks").glob("*.sql")):
        present.add(path.stem)
        query = parse(path, found.home, "duckdb")
        if isinstance(query, Finding):
            yield query
            continue
        if path.stem not in named:
            yield Finding("HUB140", query.file, 1, {"name": path.stem, "known": near(path.stem, named)})
        yield from _body(query, {**entities, **_CODES})
        yield from _output(query, query.columns, ["source_system", "source_row"])
    for stem, (located, _) in named.items():
        if stem not in present:
            position = [item.get("implementation") for item in located.raw["quality"]].index(stem)
            line = located.line("quality", position)
            yield Finding("HUB141", located.file, line, {"name": stem, "known": near(stem, present)})


def _columns(entity: Entity) -> frozenset[str]:
    return frozenset(column.name for column in entity.columns)


def _authorities(entity: Entity) -> frozenset[str]:
    return frozenset(entity.authority).union(*(column.authority for column in entity.columns))


def _output(query: Query, given: list[str], wanted: list[str]) -> Iterator[Finding]:
    if given == wanted:
        return
    missing = [name for name in wanted if name not in given]
    extra = [name for name in given if name not in wanted]
    repeated = sorted({name for name in given if given.count(name) > 1})
    if missing or extra or repeated:
        facts = {"missing": ", ".join(missing) or "-", "extra": ", ".join(extra + repeated) or "-"}
        yield query.finding("HUB136", query.tree, **facts)
    else:
        first = next(name for name, other in zip(wanted, given, strict=True) if name != other)
        yield query.finding("HUB142", query.tree, name=first, order=", ".join(wanted))


def _body(query: Query, tables: Tables) -> Iterator[Finding]:
    """What holds for every SELECT: no star, only portable constructs, only known tables and columns."""
    for star in query.tree.find_all(exp.Star):
        if not isinstance(star.parent, exp.Count):
            yield query.finding("HUB132", star.parent or star)
    allowed = portable.known_names()
    for node, name, why in portable.complaints(query.tree):
        if why:
            yield query.finding("HUB134", node, name=name, reason_key=f"lint.why.{why}")
        else:
            yield query.finding("HUB135", node, name=name, known=near(name, allowed))
    unknown = False
    for scope in traverse_scope(query.tree):
        for table in scope.tables:
            name = _full_name(table)
            if name not in tables and not _is_cte(scope, table):
                unknown = True
                yield query.finding("HUB137", table, name=name, known=near(name, tables))
    if not unknown:
        yield from _unknown_columns(query, tables)


def _is_cte(scope: Scope, table: exp.Table) -> bool:
    return not table.db and table.name in scope.cte_sources


def _unknown_columns(query: Query, tables: Tables) -> Iterator[Finding]:
    for scope in traverse_scope(query.tree):
        given = {alias: _gives(source, tables) for alias, source in scope.sources.items()}
        aliases = {projection.alias for projection in getattr(scope.expression, "selects", [])}
        for column in scope.columns:
            if column.table in given:
                known = given[column.table]
            elif not column.table:
                known = _visible(scope, tables) | aliases
            else:
                continue
            if column.name not in known:
                yield query.finding("HUB139", column, name=column.sql(), known=near(column.name, known))


def _visible(scope: Scope, tables: Tables) -> frozenset[str]:
    """The columns that an unqualified name may mean: those of the FROM clause, in a subquery those around it too."""
    own = (scope.sources[alias] for alias in scope.selected_sources if alias in scope.sources)
    around = _visible(scope.parent, tables) if scope.is_subquery and scope.parent is not None else frozenset[str]()
    return around.union(*(_gives(source, tables) for source in own))


def _gives(source: exp.Expr | Scope, tables: Tables) -> frozenset[str]:
    if isinstance(source, Scope):
        return frozenset(cast(exp.Query, source.expression).named_selects)
    return tables.get(_full_name(cast(exp.Table, source)), frozenset())


def _full_name(table: exp.Table) -> str:
    return ".".join(part for part in (table.db, table.name) if part)


def _row_by_row(query: Query) -> Iterator[Finding]:
    """A feed's delta is computed for touched keys only, so its SELECT may not look across rows."""
    for node in query.tree.walk():
        is_scalar = isinstance(node, exp.Subquery) and not isinstance(node.parent, exp.From | exp.Join)
        if isinstance(node, _ACROSS_ROWS) or is_scalar:
            name = "subquery" if is_scalar else type(node).__name__.lower()
            yield query.finding("HUB144", node, name=name)
