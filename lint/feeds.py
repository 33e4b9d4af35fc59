"""Does a feed give what its receiver is entitled to: columns that exist, classed no lower than where they come from?

A class is followed through the SELECT by value: a column that only stands in a condition (`case when outstanding > 0`)
does not carry its class into the result, since that is how a sum becomes a yes or no on purpose. One of the highest class does,
where a condition looks into it (`like`, a function) or where more is asked than that: by enough questions a number is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope

from contracts.contract import FeedDataset
from contracts.finding import Finding, nearest_names
from contracts.sql.condition import InvalidCondition, parse_condition
from contracts.sql.files import SqlFile
from lint.references import find_extra_line
from lint.workspace import LintWorkspace, LocatedContract

_HIGHEST, _QUESTIONS = "P3", 2
"""The class whose values can be told by questions, and how many a SELECT may ask of one column."""
_PLAIN_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Is)


def lint_feeds(found: LintWorkspace) -> Iterator[Finding]:
    """Findings HUB150 to HUB154 and HUB158 over every feed dataset."""
    offers: dict[tuple[str, str], dict[str, str] | None] = {}
    for located in found.feeds.values():
        feed = located.thing
        name = (feed.flow.lower(), feed.dataset)
        if name not in offers:
            offers[name] = _find_offered_classes(found, *name)
        offer = offers[name]
        if offer is None:
            facts = {
                "name": feed.dataset,
                "file": f"sql/feeds/{name[0]}/{name[1]}.sql",
                "known": nearest_names(feed.dataset, found.entities),
            }
            yield Finding("HUB154", located.file, located.line("name"), facts)
        elif offer:
            yield from _lint_columns(located, offer)
            yield from _lint_filter(located, sorted(offer))
        yield from _lint_purpose(located)


def _find_offered_classes(found: LintWorkspace, flow: str, dataset: str) -> dict[str, str] | None:
    """Output column -> class; None when there is neither a SELECT nor an entity, empty when what there is is broken."""
    for query in found.queries["feeds"]:
        if (query.path.parent.name, query.path.stem) == (flow, dataset):
            return _classify_query(found, query)
    if found.layers.find(f"sql/feeds/{flow}/{dataset}.sql") or dataset in found.lost["hub"]:
        return {}
    if dataset in found.entities:
        return {column.name: column.pii for column in found.entities[dataset].thing.columns}
    return None


def _classify_query(found: LintWorkspace, query: SqlFile) -> dict[str, str]:
    """The highest class among the columns whose values flow into each output column, over every branch of a union."""
    return _classify_outputs(found, query.tree)


def _classify_outputs(found: LintWorkspace, tree: exp.Query) -> dict[str, str]:
    highest = dict.fromkeys(tree.named_selects, "P0")
    for select in _list_branches(tree):
        scope = build_scope(select)
        given = {alias: _classify_source(found, source) for alias, source in scope.sources.items()} if scope else {}
        # A union takes its names from the first branch and puts the others below it by position.
        for name, projection in zip(highest, select.selects, strict=False):
            values = [_classify_column(column, given) for column in _list_value_columns(projection)]
            highest[name] = max(highest[name], *values, *_find_disclosures(select, projection, given), "P0")
    return highest


def _classify_source(found: LintWorkspace, source: exp.Expr | Scope) -> dict[str, str]:
    """Column -> class of what a SELECT reads from: an entity, or a SELECT of its own in the FROM clause."""
    if isinstance(source, Scope):
        return _classify_outputs(found, cast(exp.Query, source.expression))
    entity = found.entities.get(source.name)
    return {column.name: column.pii for column in entity.thing.columns} if entity else {}


def _list_branches(tree: exp.Query) -> Iterator[exp.Select]:
    """The SELECTs whose rows a query puts together, in order."""
    if isinstance(tree, exp.SetOperation):
        for side in (tree.this, tree.expression):
            yield from _list_branches(cast(exp.Query, side))
    elif isinstance(tree, exp.Subquery):
        yield from _list_branches(cast(exp.Query, tree.this))
    elif isinstance(tree, exp.Select):
        yield tree


def _list_value_columns(node: exp.Expr) -> Iterator[exp.Column]:
    """The columns whose value, not only whose truth, reaches the result."""
    if isinstance(node, exp.Column):
        yield node
    elif not isinstance(node, exp.Predicate | exp.Connector | exp.Not):
        for name, value in node.args.items():
            if isinstance(node, exp.If) and name == "this" and isinstance(node.parent, exp.Case):
                continue
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, exp.Expr):
                    yield from _list_value_columns(inner)


def _find_disclosures(select: exp.Select, projection: exp.Expr, given: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """The highest class, when what a projection asks about a column of that class tells its value."""
    asked = [column for other in select.selects for column in _list_questioned_columns(other, given)]
    for column in _list_questioned_columns(projection, given):
        same = [other for other in asked if (other.table, other.name) == (column.table, column.name)]
        if len(same) > _QUESTIONS or not isinstance(_find_surrounding(column), _PLAIN_COMPARISONS):
            yield _HIGHEST


def _list_questioned_columns(projection: exp.Expr, given: Mapping[str, Mapping[str, str]]) -> list[exp.Column]:
    """The columns of the highest class in a projection of which more is asked than whether there is a value."""
    columns = [column for column in projection.find_all(exp.Column) if not isinstance(column.parent, exp.Is)]
    return [column for column in columns if _classify_column(column, given) == _HIGHEST]


def _find_surrounding(column: exp.Column) -> exp.Expr | None:
    """What a column stands in, apart from brackets and a value for nothing."""
    node = column.parent
    while isinstance(node, exp.Paren | exp.Coalesce):
        node = node.parent
    return node


def _classify_column(column: exp.Column, given: Mapping[str, Mapping[str, str]]) -> str:
    candidates = [given[column.table]] if column.table in given else list(given.values())
    return max((classes[column.name] for classes in candidates if column.name in classes), default="P0")


def _lint_columns(located: LocatedContract[FeedDataset], offer: dict[str, str]) -> Iterator[Finding]:
    for column in located.thing.columns:
        if column.name not in offer:
            facts = {"name": column.name, "known": nearest_names(column.name, offer)}
            yield Finding("HUB150", located.file, located.column_line(column.name), facts)
        elif column.pii < offer[column.name]:
            facts = {"name": column.name, "found": column.pii, "expected": offer[column.name]}
            yield Finding("HUB151", located.file, located.column_line(column.name, "classification"), facts)


def _lint_purpose(located: LocatedContract[FeedDataset]) -> Iterator[Finding]:
    extras = {extra["property"] for extra in located.raw.get("customProperties") or []}
    sensitive = [column.name for column in located.thing.columns if column.pii == "P3"]
    if sensitive and "purpose" not in extras:
        yield Finding("HUB152", located.file, located.line(), {"names": ", ".join(sensitive)}, "warning")


def _lint_filter(located: LocatedContract[FeedDataset], known: list[str]) -> Iterator[Finding]:
    """The filter chooses rows of the dataset as its SELECT gives it, so it may use columns that the receiver does not get."""
    condition = located.thing.filter
    if condition is None:
        return
    line = find_extra_line(located, "filter")
    try:
        tree = parse_condition(condition)
    except InvalidCondition as error:
        yield Finding("HUB158", located.file, line, {"problem": str(error)})
        return
    for column in tree.find_all(exp.Column):
        if column.name not in known:
            yield Finding("HUB153", located.file, line, {"problem": column.name, "known": nearest_names(column.name, known)})
