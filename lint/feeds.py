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
from contracts.finding import Finding, near
from contracts.sql.condition import NoCondition, parse
from contracts.sql.files import Query
from lint.references import extra_line
from lint.workspace import Located, Shelf

_HIGHEST, _QUESTIONS = "P3", 2
"""The class whose values can be told by questions, and how many a SELECT may ask of one column."""
_PLAIN = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Is)


def feeds(found: Shelf) -> Iterator[Finding]:
    """Findings HUB150 to HUB154 and HUB158 over every feed dataset."""
    offers: dict[tuple[str, str], dict[str, str] | None] = {}
    for located in found.feeds.values():
        feed = located.thing
        name = (feed.flow.lower(), feed.dataset)
        if name not in offers:
            offers[name] = _offer(found, *name)
        offer = offers[name]
        if offer is None:
            facts = {
                "name": feed.dataset,
                "file": f"sql/feeds/{name[0]}/{name[1]}.sql",
                "known": near(feed.dataset, found.entities),
            }
            yield Finding("HUB154", located.file, located.line("name"), facts)
        elif offer:
            yield from _columns(located, offer)
            yield from _filter(located, sorted(offer))
        yield from _purpose(located)


def _offer(found: Shelf, flow: str, dataset: str) -> dict[str, str] | None:
    """Output column -> class; None when there is neither a SELECT nor an entity, empty when what there is is broken."""
    for query in found.queries["feeds"]:
        if (query.path.parent.name, query.path.stem) == (flow, dataset):
            return _classes(found, query)
    if found.layers.find(f"sql/feeds/{flow}/{dataset}.sql") or dataset in found.lost["hub"]:
        return {}
    if dataset in found.entities:
        return {column.name: column.pii for column in found.entities[dataset].thing.columns}
    return None


def _classes(found: Shelf, query: Query) -> dict[str, str]:
    """The highest class among the columns whose values flow into each output column, over every branch of a union."""
    return _output_classes(found, query.tree)


def _output_classes(found: Shelf, tree: exp.Query) -> dict[str, str]:
    highest = dict.fromkeys(tree.named_selects, "P0")
    for select in _branches(tree):
        scope = build_scope(select)
        given = {alias: _given(found, source) for alias, source in scope.sources.items()} if scope else {}
        # A union takes its names from the first branch and puts the others below it by position.
        for name, projection in zip(highest, select.selects, strict=False):
            values = [_class(column, given) for column in _values(projection)]
            highest[name] = max(highest[name], *values, *_told(select, projection, given), "P0")
    return highest


def _given(found: Shelf, source: exp.Expr | Scope) -> dict[str, str]:
    """Column -> class of what a SELECT reads from: an entity, or a SELECT of its own in the FROM clause."""
    if isinstance(source, Scope):
        return _output_classes(found, cast(exp.Query, source.expression))
    entity = found.entities.get(source.name)
    return {column.name: column.pii for column in entity.thing.columns} if entity else {}


def _branches(tree: exp.Query) -> Iterator[exp.Select]:
    """The SELECTs whose rows a query puts together, in order."""
    if isinstance(tree, exp.SetOperation):
        for side in (tree.this, tree.expression):
            yield from _branches(cast(exp.Query, side))
    elif isinstance(tree, exp.Subquery):
        yield from _branches(cast(exp.Query, tree.this))
    elif isinstance(tree, exp.Select):
        yield tree


def _values(node: exp.Expr) -> Iterator[exp.Column]:
    """The columns whose value, not only whose truth, reaches the result."""
    if isinstance(node, exp.Column):
        yield node
    elif not isinstance(node, exp.Predicate | exp.Connector | exp.Not):
        for name, value in node.args.items():
            if isinstance(node, exp.If) and name == "this" and isinstance(node.parent, exp.Case):
                continue
            for inner in value if isinstance(value, list) else [value]:
                if isinstance(inner, exp.Expr):
                    yield from _values(inner)


def _told(select: exp.Select, projection: exp.Expr, given: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """The highest class, when what a projection asks about a column of that class tells its value."""
    asked = [column for other in select.selects for column in _asked(other, given)]
    for column in _asked(projection, given):
        same = [other for other in asked if (other.table, other.name) == (column.table, column.name)]
        if len(same) > _QUESTIONS or not isinstance(_around(column), _PLAIN):
            yield _HIGHEST


def _asked(projection: exp.Expr, given: Mapping[str, Mapping[str, str]]) -> list[exp.Column]:
    """The columns of the highest class in a projection of which more is asked than whether there is a value."""
    columns = [column for column in projection.find_all(exp.Column) if not isinstance(column.parent, exp.Is)]
    return [column for column in columns if _class(column, given) == _HIGHEST]


def _around(column: exp.Column) -> exp.Expr | None:
    """What a column stands in, apart from brackets and a value for nothing."""
    node = column.parent
    while isinstance(node, exp.Paren | exp.Coalesce):
        node = node.parent
    return node


def _class(column: exp.Column, given: Mapping[str, Mapping[str, str]]) -> str:
    candidates = [given[column.table]] if column.table in given else list(given.values())
    return max((classes[column.name] for classes in candidates if column.name in classes), default="P0")


def _columns(located: Located[FeedDataset], offer: dict[str, str]) -> Iterator[Finding]:
    for column in located.thing.columns:
        if column.name not in offer:
            facts = {"name": column.name, "known": near(column.name, offer)}
            yield Finding("HUB150", located.file, located.column_line(column.name), facts)
        elif column.pii < offer[column.name]:
            facts = {"name": column.name, "found": column.pii, "expected": offer[column.name]}
            yield Finding("HUB151", located.file, located.column_line(column.name, "classification"), facts)


def _purpose(located: Located[FeedDataset]) -> Iterator[Finding]:
    extras = {extra["property"] for extra in located.raw.get("customProperties") or []}
    sensitive = [column.name for column in located.thing.columns if column.pii == "P3"]
    if sensitive and "purpose" not in extras:
        yield Finding("HUB152", located.file, located.line(), {"names": ", ".join(sensitive)}, "warning")


def _filter(located: Located[FeedDataset], known: list[str]) -> Iterator[Finding]:
    """The filter chooses rows of the dataset as its SELECT gives it, so it may use columns that the receiver does not get."""
    condition = located.thing.filter
    if condition is None:
        return
    line = extra_line(located, "filter")
    try:
        tree = parse(condition)
    except NoCondition as error:
        yield Finding("HUB158", located.file, line, {"problem": str(error)})
        return
    for column in tree.find_all(exp.Column):
        if column.name not in known:
            yield Finding("HUB153", located.file, line, {"problem": column.name, "known": near(column.name, known)})
