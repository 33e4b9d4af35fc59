"""Does a feed give what its receiver is entitled to: columns that exist, classed no lower than where they come from?

A class is followed through the SELECT by value: a column that only stands in a condition (`case when outstanding > 0`)
does not carry its class into the result, since that is how a sum becomes a yes or no on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import build_scope

from schemas.contract import Entity, FeedDataset
from schemas.finding import Finding, near
from schemas.lint_links import extra_line
from schemas.queries import Query
from schemas.shelf import Located, Shelf


def feeds(found: Shelf) -> Iterator[Finding]:
    """Findings HUB150 to HUB154 over every feed dataset."""
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
    if (found.home / "sql" / "feeds" / flow / f"{dataset}.sql").is_file() or dataset in found.lost["hub"]:
        return {}
    if dataset in found.entities:
        return {column.name: column.pii for column in found.entities[dataset].thing.columns}
    return None


def _classes(found: Shelf, query: Query) -> dict[str, str]:
    """The highest class among the columns whose values flow into each output column."""
    scope = build_scope(query.tree)
    sources = {alias: str(getattr(source, "name", "")) for alias, source in scope.sources.items()} if scope else {}
    entities = {alias: found.entities[name].thing for alias, name in sources.items() if name in found.entities}
    return {
        projection.alias_or_name: max((_class(column, entities) for column in _values(projection)), default="P0")
        for projection in query.tree.selects
    }


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


def _class(column: exp.Column, entities: dict[str, Entity]) -> str:
    candidates = [entities[column.table]] if column.table in entities else list(entities.values())
    return max((item.pii for entity in candidates for item in entity.columns if item.name == column.name), default="P0")


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
        tree = sqlglot.parse_one(f"select 1 from t where {condition}", read="duckdb")
    except SqlglotError:
        yield Finding("HUB153", located.file, line, {"problem": condition, "known": ", ".join(known)})
        return
    for column in tree.find_all(exp.Column):
        if column.name not in known:
            yield Finding("HUB153", located.file, line, {"problem": column.name, "known": near(column.name, known)})
