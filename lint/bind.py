"""Would the engine run it? Every SELECT that reads soundly is bound against empty tables of the contracts' types.

Binding finds what no reading of the text can: a function with the wrong arguments, an ambiguous column, a comparison of
a number with text, a result of another type than the contract says.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

import duckdb

from contracts.contract import HUB, TONIGHT, Column, Severity
from contracts.deadlines import OBLIGATION_DATED, OBLIGATION_LIST, OBLIGATION_TABLES
from contracts.finding import Finding
from contracts.sql import condition
from contracts.sql.files import Query
from contracts.sql.narrowing import in_output, in_projection, narrow, outer
from core.dialects import LogicalType, quoted, spelling
from lint.references import extra_line
from lint.workspace import Shelf

_TEXT = LogicalType("string")
_COUNT = LogicalType("integer")
_CODES = {
    "map": ("system", "list", "source_code", "code"),
    "code": ("list", "code", "name_zh", "name_en", "parent", "valid_from", "valid_to", "basis"),
}
_FAMILIES = (
    (r"VARCHAR", "string"),
    (r"(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER)$", "integer"),
    (r"DECIMAL", "number"),
    (r"BOOLEAN", "boolean"),
    (r"DATE", "date"),
    (r"TIMESTAMP(_\w+)?$", "timestamp"),
)
_ALONE: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "lock_configuration": True,
}
"""An engine that reads and writes nothing outside itself."""
_LINE = re.compile(r"\n+LINE (\d+):")
_SCALE = re.compile(r"DECIMAL\(\d+,(\d+)\)")


def bind(found: Shelf, broken: Collection[str]) -> Iterator[Finding]:
    """Findings HUB145, HUB146, HUB153 and HUB172; files that other findings already name (`broken`) are left out."""
    with duckdb.connect(":memory:", config=_ALONE) as db:
        _tables(db, found)
        for kind, queries in found.queries.items():
            if kind != "conform":
                db.execute(f"use {kind}")
            for query in queries:
                if query.file not in broken:
                    yield from _select(db, query, _wanted(found, kind, query))
                    yield from _casts(db, query) if kind == "conform" else ()
            if kind == "feeds":
                yield from _filters(db, found, broken)


def _filters(db: duckdb.DuckDBPyConnection, found: Shelf, broken: Collection[str]) -> Iterator[Finding]:
    """Every edge's filter over the SELECT of its dataset, or over the entity of that name."""
    selects = {(query.path.parent.name, query.path.stem): query for query in found.queries["feeds"]}
    for located in found.feeds.values():
        feed = located.thing
        query = selects.get((feed.flow.lower(), feed.dataset))
        if (
            feed.filter is None
            or located.file in broken
            or (query.file in broken if query else feed.dataset not in found.entities)
        ):
            continue
        body = f"({query.text.rstrip().rstrip(';')}\n)" if query else quoted(feed.dataset, "duckdb")
        try:
            [(_, kind, *_)] = db.execute(f"describe select {condition.plain(feed.filter)} from {body} q").fetchall()
            problem = "" if kind == "BOOLEAN" else str(kind).lower()
        except duckdb.Error as error:
            problem = str(error).splitlines()[0].rstrip(".")
        if problem:
            facts = {"problem": problem, "known": ", ".join(query.columns) if query else feed.dataset}
            yield Finding("HUB153", located.file, extra_line(located, "filter"), facts)


def _wanted(found: Shelf, kind: str, query: Query) -> Sequence[Column]:
    """The contract's columns that a SELECT's output must fit."""
    folder, stem = query.path.parent.name, query.path.stem
    if kind == "conform":
        return found.entities[folder].thing.columns
    if kind == "obligations":
        return [Column(name, name, name, LogicalType(type_)) for name, type_ in {**OBLIGATION_DATED, **OBLIGATION_LIST}.items()]
    feeds = [located.thing for located in found.feeds.values() if kind == "feeds" and located.thing.dataset == stem]
    return [column for feed in feeds if feed.flow.lower() == folder for column in feed.columns]


def _tables(db: duckdb.DuckDBPyConnection, found: Shelf) -> None:
    """Empty tables: every dataset under its system, every entity as a feed and as a check sees it (tonight's rows
    and, under `standing`, those of the last version), the code views."""
    systems = {located.thing.system for located in found.sources.values()}
    schemas = {"codes", "feeds", "checks", "obligations", "standing", HUB, *systems}
    for schema in sorted(schemas):
        db.execute(f"create schema if not exists {quoted(schema, 'duckdb')}")
    text = {name: [(column, _TEXT) for column in columns] for name, columns in _CODES.items()}
    for name, columns in text.items():
        _table(db, "codes", name, columns)
    for source in found.sources.values():
        extra = [("source_row", _COUNT), ("unreadable", _TEXT)]
        _table(db, source.thing.system, source.thing.name, _typed(source.thing.columns) + extra)
    _table(db, HUB, TONIGHT, [("as_of", LogicalType("date"))])
    for name, located in found.entities.items():
        own = [*_typed(located.thing.columns), ("source_system", _TEXT)]
        _table(db, HUB, name, own)
        _table(db, "feeds", name, own)
        _table(db, "checks", name, [*own, ("source_row", _COUNT)])
        _table(db, "obligations", name, own)
        _table(db, "standing", name, [*own, ("source_key", _TEXT)])
    for name, facts in OBLIGATION_TABLES.items():
        _table(db, "obligations", name, [(column, LogicalType(kind)) for column, kind in facts])


def _typed(columns: Sequence[Column]) -> list[tuple[str, LogicalType]]:
    return [(column.name, column.type) for column in columns]


def _table(db: duckdb.DuckDBPyConnection, schema: str, name: str, columns: Sequence[tuple[str, LogicalType]]) -> None:
    body = ", ".join(f"{quoted(column, 'duckdb')} {spelling(kind, 'duckdb')}" for column, kind in columns)
    db.execute(f"create or replace table {quoted(schema, 'duckdb')}.{quoted(name, 'duckdb')} ({body})")


def _select(db: duckdb.DuckDBPyConnection, query: Query, wanted: Sequence[Column]) -> Iterator[Finding]:
    try:
        rows = db.execute(f"describe {query.text.rstrip().rstrip(';')}").fetchall()
    except duckdb.Error as error:
        line = _LINE.search(str(error))
        facts = {"problem": str(error).splitlines()[0].rstrip(".")}
        yield Finding("HUB145", query.file, int(line[1]) if line else 1, facts)
        return
    given = {str(name): str(kind) for name, kind, *_ in rows}
    for column in wanted:
        kind = given.get(column.name)
        if kind is not None and not _fits(kind, column.type):
            facts = {"name": column.name, "found": kind.lower(), "expected": spelling(column.type, "duckdb")}
            yield Finding("HUB146", query.file, 1, facts)


def _casts(db: duckdb.DuckDBPyConnection, query: Query) -> Iterator[Finding]:
    """A cast that changes values: in the result a warning, since its rows are held; within, where nobody sees it, an error."""
    parts = list(outer(query.tree))
    for one in narrow(db, query.tree):
        if one.is_told:
            hidden = one.quiet and in_projection(one.node) and not in_output(one.node, parts)
            facts = {"cast": one.node.sql("duckdb"), "found": one.source.lower(), "expected": one.target.lower()}
            severity: Severity = "error" if hidden else "warning"
            yield Finding("HUB172", query.file, query.line(one.node), facts, severity)


def _fits(kind: str, wanted: LogicalType) -> bool:
    """Whether a result of a type becomes the contract's type without rounding or parsing."""
    family = next((name for pattern, name in _FAMILIES if re.match(pattern, kind)), kind)
    expected = "string" if wanted.name == "time" else wanted.name
    if scale := _SCALE.match(kind):
        return expected == "number" and int(scale[1]) <= wanted.scale
    return family == expected or (family, expected) == ("integer", "number")
