"""Which cells of which tables the columns of a SELECT are made of, through joins, common table expressions and subqueries."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope

from contracts.sql.files import full_table_name, parse_select

ColumnReference = tuple[str, str]
"""A table as written (`hr.staff_record`) and a column of it."""


@functools.lru_cache(maxsize=1024)
def map_column_uses(sql: str, names: frozenset[str]) -> Mapping[ColumnReference, list[str]]:
    """Every cell that a SELECT reads -> the output columns among `names` that are made from it, `[]` for one that only a
    condition looks at. An unqualified column may be of any table beside it, and counts for all of them."""
    return _Lineage(parse_select(sql)).collect_uses(names)


def list_datasets(tree: exp.Expr) -> list[str]:
    """The datasets that a SELECT reads, as often as it does, by name; codes and its own expressions are none."""
    return [full_table_name(table) for table in tree.find_all(exp.Table) if table.db and table.db != "codes"]


class _Lineage:
    def __init__(self, tree: exp.Expr) -> None:
        self.root = build_scope(tree)
        self.scopes = list(self.root.traverse()) if self.root else []
        self.home: dict[int, Scope] = {}
        for scope in self.scopes:
            for column in scope.columns:
                self.home.setdefault(id(column), scope)

    def collect_uses(self, names: frozenset[str]) -> dict[ColumnReference, list[str]]:
        found: dict[ColumnReference, list[str]] = {}
        for scope in self.scopes:
            for column in scope.columns:
                for cell in self._list_references(scope, column):
                    found.setdefault(cell, [])
        for name, cell in self._trace_outputs() if self.root else ():
            if name in names and name not in found.setdefault(cell, []):
                found[cell].append(name)
        return found

    def _trace_outputs(self) -> Iterator[tuple[str, ColumnReference]]:
        """An output column and a cell that it is made from, once for each of them and each part of a union."""
        for scope in _list_union_parts(self.root) if self.root else ():
            for projection in _scope_query(scope).selects:
                for cell in self._trace_node(projection, frozenset()):
                    yield projection.alias_or_name, cell

    def _trace_node(self, node: exp.Expr, seen: frozenset[int]) -> Iterator[ColumnReference]:
        for column in node.find_all(exp.Column):
            scope = self.home.get(id(column))
            if scope is None or id(column) in seen:
                continue
            yield from self._list_references(scope, column)
            for inner in _find_column_sources(scope, column):
                if isinstance(inner, Scope):
                    for projection in _find_named_outputs(inner, column.name):
                        yield from self._trace_node(projection, seen | {id(column)})

    @staticmethod
    def _list_references(scope: Scope, column: exp.Column) -> Iterator[ColumnReference]:
        for source in _find_column_sources(scope, column):
            if isinstance(source, exp.Table):
                yield full_table_name(source), column.name


def _find_column_sources(scope: Scope, column: exp.Column) -> list[exp.Table | Scope]:
    """The tables, or scopes of further SELECTs, of which a column may be."""
    if column.table:
        found = scope.sources.get(column.table)
        return [] if found is None else [found]
    return list(scope.sources.values())


def _list_union_parts(scope: Scope) -> Iterator[Scope]:
    """A SELECT, or those that a union is made of."""
    if scope.set_operation_scopes:
        for part in scope.set_operation_scopes:
            yield from _list_union_parts(part)
    else:
        yield scope


def _find_named_outputs(scope: Scope, name: str) -> Iterator[exp.Expr]:
    """The projections of an inner SELECT that give a column of this name."""
    own = _scope_query(scope).named_selects
    for part in _list_union_parts(scope):
        for given, projection in zip(own, _scope_query(part).selects, strict=False):
            if given == name:
                yield projection


def _scope_query(scope: Scope) -> exp.Query:
    return scope.expression.assert_is(exp.Query)
