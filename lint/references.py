"""Do the contracts fit together: do the entities, code lists, systems, edges and columns that they name exist?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from contracts.contract import HUB, Column, CopiedField, Entity, FeedDataset, SourceDataset
from contracts.finding import Finding, nearest_names
from lint.workspace import LintWorkspace, LocatedContract


def lint_references(found: LintWorkspace) -> Iterator[Finding]:
    """Findings HUB103, HUB120 to HUB126, HUB155, HUB156 and HUB870 over all contracts that could be read."""
    for source in found.sources.values():
        yield from _lint_source(found, source)
    for entity in found.entities.values():
        yield from _lint_entity(found, entity)
    for feed in found.feeds.values():
        yield from _lint_feed(found, feed)
    yield from _lint_circles(found)


def find_extra_line(located: LocatedContract[Any], name: str) -> int:
    """The line of an extra property of a schema object, or of the object when it is not there."""
    for index, extra in enumerate(located.raw.get("customProperties") or []):
        if extra["property"] == name:
            return located.line("customProperties", index)
    return located.line()


def _lint_source(found: LintWorkspace, located: LocatedContract[SourceDataset]) -> Iterator[Finding]:
    dataset = located.thing
    if dataset.system not in found.systems:
        facts = {"name": dataset.system, "known": nearest_names(dataset.system, found.systems)}
        yield Finding("HUB123", located.file, located.document.line("domain"), facts)
    names = [column.name for column in dataset.columns]
    if dataset.mode == "window" and dataset.watermark not in names:
        facts = {"name": str(dataset.watermark or "-"), "known": nearest_names(dataset.watermark or "", names)}
        yield Finding("HUB122", located.file, find_extra_line(located, "watermark"), facts)
    for position, column in enumerate(dataset.columns):
        for copy in column.copies:
            line = located.line("properties", position, "customProperties")
            yield from _lint_copied_field(found, located, line, copy)


def _lint_copied_field(
    found: LintWorkspace, located: LocatedContract[SourceDataset], line: int, copy: CopiedField
) -> Iterator[Finding]:
    """A copy names a field that exists and another system decides, and where its key stands."""
    dataset, name = located.thing, copy.path[0]
    if name in found.lost["hub"]:
        return
    column, known = _find_field(found, copy.path)
    if column is None:
        yield Finding("HUB120", located.file, line, {"name": ".".join(copy.path), "known": nearest_names(copy.path[-1], known)})
        return
    entity = found.entities[name].thing
    if set(entity.column(copy.path[1]).authority or entity.authority) <= {dataset.system}:
        yield Finding("HUB155", located.file, line, {"name": ".".join(copy.path), "system": dataset.system})
    names = [column.name for column in dataset.columns]
    if len(copy.key) != len(entity.key) or not set(copy.key) <= set(names):
        facts = {
            "name": ", ".join(copy.key),
            "entity": name,
            "key": ", ".join(entity.key),
            "known": nearest_names(copy.key[0], names),
        }
        yield Finding("HUB156", located.file, line, facts)


def _find_field(found: LintWorkspace, path: tuple[str, ...]) -> tuple[Column | None, Iterable[str]]:
    """The column that a path leads to, or None and what its first unknown part could have been."""
    if path[0] not in found.entities:
        return None, found.entities
    columns = {column.name: column for column in found.entities[path[0]].thing.columns}
    if path[1] not in columns:
        return None, columns
    if len(path) == 2:
        return columns[path[1]], ()
    references = columns[path[1]].references
    if references is None:
        return None, [column.name for column in columns.values() if column.references]
    return _find_field(found, (references[0], path[2]))


def _lint_entity(found: LintWorkspace, located: LocatedContract[Entity]) -> Iterator[Finding]:
    entity = located.thing
    line = find_extra_line(located, "authority")
    yield from _lint_systems(found, located.file, line, entity.authority)
    for position, column in enumerate(entity.columns):
        here = ("properties", position)
        yield from _lint_systems(found, located.file, located.line(*here, "customProperties"), column.authority)
        if column.code_list and column.code_list not in found.code_lists:
            facts = {"name": column.code_list, "known": nearest_names(column.code_list, found.code_lists)}
            yield Finding("HUB121", located.file, located.line(*here, "customProperties"), facts)
        for index, relation in enumerate(located.raw["properties"][position].get("relationships") or []):
            yield from _lint_relation(found, located, (*here, "relationships", index), str(relation["to"]))
    for name in entity.after:
        if name not in found.entities and not found.lost["hub"]:
            facts = {"name": name, "known": nearest_names(name, found.entities)}
            yield Finding("HUB120", located.file, find_extra_line(located, "after"), facts)
    windows = found.windows
    for window in entity.brake.expect:
        if window not in windows:
            facts = {"name": window, "known": nearest_names(window, windows)}
            yield Finding("HUB126", located.file, find_extra_line(located, "brake"), facts)


def _lint_relation(
    found: LintWorkspace, located: LocatedContract[Entity], place: tuple[str | int, ...], to: str
) -> Iterator[Finding]:
    name, _, column = to.partition(".")
    if name in found.lost["hub"]:
        return
    if name not in found.entities:
        yield Finding("HUB120", located.file, located.line(*place), {"name": to, "known": nearest_names(name, found.entities)})
        return
    columns = [other.name for other in found.entities[name].thing.columns]
    if column not in columns:
        yield Finding("HUB120", located.file, located.line(*place), {"name": to, "known": nearest_names(column, columns)})


def _lint_systems(found: LintWorkspace, file: str, line: int, systems: tuple[str, ...]) -> Iterator[Finding]:
    for system in systems:
        if system not in found.systems:
            yield Finding("HUB123", file, line, {"name": system, "known": nearest_names(system, found.systems)})


def _lint_feed(found: LintWorkspace, located: LocatedContract[FeedDataset]) -> Iterator[Finding]:
    feed, document = located.thing, located.document
    line = document.line("customProperties")
    if feed.flow not in found.flows:
        yield Finding(
            "HUB124", located.file, line, {"name": "flow", "value": feed.flow, "known": nearest_names(feed.flow, found.flows)}
        )
    edge: Mapping[str, Any] | None = found.edges.get(feed.edge)
    if edge is None:
        yield Finding(
            "HUB124", located.file, line, {"name": "edge", "value": feed.edge, "known": nearest_names(feed.edge, found.edges)}
        )
        return
    for name, value in (("source", feed.source), ("target", feed.target)):
        if value != edge[name]:
            yield Finding("HUB124", located.file, line, {"name": name, "value": value, "known": str(edge[name])})
    if (feed.schedule == "outside") != (feed.edge in found.outside):
        right = "outside" if feed.edge in found.outside else "nightly, payday"
        facts = {"name": "schedule", "value": feed.schedule, "known": right}
        yield Finding("HUB124", located.file, find_extra_line(located, "schedule"), facts)
    if feed.checked_before_use and not feed.applied_by_hand:
        yield Finding("HUB870", located.file, find_extra_line(located, "technicianCheck"), {"edge": feed.edge})
    if feed.dataset not in edge["datasets"]:
        facts = {"name": feed.dataset, "edge": feed.edge, "known": nearest_names(feed.dataset, edge["datasets"])}
        yield Finding("HUB125", located.file, located.line("name"), facts)
    for window in feed.brake.expect:
        if window not in found.windows:
            facts = {"name": window, "known": nearest_names(window, found.windows)}
            yield Finding("HUB126", located.file, find_extra_line(located, "brake"), facts)


def _lint_circles(found: LintWorkspace) -> Iterator[Finding]:
    graph = {
        name: (located.thing.parents | set(located.thing.after)) & found.entities.keys()
        for name, located in found.entities.items()
    }
    for query in found.queries["conform"]:
        if query.path.stem == HUB and query.path.parent.name in graph:
            read = {table.removeprefix(f"{HUB}.") for table in query.tables if table.startswith(f"{HUB}.")}
            graph[query.path.parent.name] |= read & found.entities.keys() - {query.path.parent.name}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle: list[str] = error.args[1]
        first = found.entities[min(circle)]
        yield Finding("HUB103", first.file, first.line(), {"circle": " -> ".join(circle)})
