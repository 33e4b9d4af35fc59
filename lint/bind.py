"""Would the engine run it? Every SELECT that reads soundly is bound against empty tables of the contracts' types.

Binding finds what no reading of the text can: a function with the wrong arguments, an ambiguous column, a comparison of
a number with text, a result of another type than the contract says.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

import duckdb

from contracts.contract import HUB, TONIGHT_TABLE, Column, Severity
from contracts.deadlines import DATED_OBLIGATION_COLUMNS, LISTED_OBLIGATION_COLUMNS, OBLIGATION_TABLES
from contracts.finding import Finding
from contracts.sql import condition
from contracts.sql.files import SqlFile
from contracts.sql.narrowing import find_narrowing_casts, is_in_output, is_in_projection, list_outer_selects
from core.dialects import LogicalType, quote_identifier, spell_sql_type
from lint.references import find_extra_line
from lint.workspace import LintWorkspace

_TEXT_TYPE = LogicalType("string")
_COUNT_TYPE = LogicalType("integer")
_CODE_COLUMNS = {
    "map": ("system", "list", "source_code", "code"),
    "code": ("list", "code", "name_zh", "name_en", "parent", "valid_from", "valid_to", "basis"),
}
_TYPE_FAMILIES = (
    (r"VARCHAR", "string"),
    (r"(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER)$", "integer"),
    (r"DECIMAL", "number"),
    (r"BOOLEAN", "boolean"),
    (r"DATE", "date"),
    (r"TIMESTAMP(_\w+)?$", "timestamp"),
)
_ISOLATED_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "lock_configuration": True,
}
"""An engine that reads and writes nothing outside itself."""
_ERROR_LINE = re.compile(r"\n+LINE (\d+):")
_DECIMAL_SCALE = re.compile(r"DECIMAL\(\d+,(\d+)\)")


def lint_binding(found: LintWorkspace, broken: Collection[str]) -> Iterator[Finding]:
    """Findings HUB145, HUB146, HUB153 and HUB172; files that other findings already name (`broken`) are left out."""
    with duckdb.connect(":memory:", config=_ISOLATED_CONFIG) as db:
        _create_tables(db, found)
        for kind, queries in found.queries.items():
            if kind != "conform":
                db.execute(f"use {kind}")
            for query in queries:
                if query.file not in broken:
                    yield from _lint_select(db, query, _list_expected_columns(found, kind, query))
                    yield from _lint_casts(db, query) if kind == "conform" else ()
            if kind == "feeds":
                yield from _lint_filters(db, found, broken)


def _lint_filters(db: duckdb.DuckDBPyConnection, found: LintWorkspace, broken: Collection[str]) -> Iterator[Finding]:
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
        body = f"({query.text.rstrip().rstrip(';')}\n)" if query else quote_identifier(feed.dataset, "duckdb")
        try:
            [(_, kind, *_)] = db.execute(f"describe select {condition.render_condition(feed.filter)} from {body} q").fetchall()
            problem = "" if kind == "BOOLEAN" else str(kind).lower()
        except duckdb.Error as error:
            problem = str(error).splitlines()[0].rstrip(".")
        if problem:
            facts = {"problem": problem, "known": ", ".join(query.columns) if query else feed.dataset}
            yield Finding("HUB153", located.file, find_extra_line(located, "filter"), facts)


def _list_expected_columns(found: LintWorkspace, kind: str, query: SqlFile) -> Sequence[Column]:
    """The contract's columns that a SELECT's output must fit."""
    folder, stem = query.path.parent.name, query.path.stem
    if kind == "conform":
        return found.entities[folder].thing.columns
    if kind == "obligations":
        return [
            Column(name, name, name, LogicalType(type_))
            for name, type_ in {**DATED_OBLIGATION_COLUMNS, **LISTED_OBLIGATION_COLUMNS}.items()
        ]
    feeds = [located.thing for located in found.feeds.values() if kind == "feeds" and located.thing.dataset == stem]
    return [column for feed in feeds if feed.flow.lower() == folder for column in feed.columns]


def _create_tables(db: duckdb.DuckDBPyConnection, found: LintWorkspace) -> None:
    """Empty tables: every dataset under its system, every entity as a feed and as a check sees it (tonight's rows
    and, under `standing`, those of the last version), the code views."""
    systems = {located.thing.system for located in found.sources.values()}
    schemas = {"codes", "feeds", "checks", "obligations", "standing", HUB, *systems}
    for schema in sorted(schemas):
        db.execute(f"create schema if not exists {quote_identifier(schema, 'duckdb')}")
    text = {name: [(column, _TEXT_TYPE) for column in columns] for name, columns in _CODE_COLUMNS.items()}
    for name, columns in text.items():
        _create_table(db, "codes", name, columns)
    for source in found.sources.values():
        extra = [("source_row", _COUNT_TYPE), ("unreadable", _TEXT_TYPE)]
        _create_table(db, source.thing.system, source.thing.name, _list_column_types(source.thing.columns) + extra)
    _create_table(db, HUB, TONIGHT_TABLE, [("as_of", LogicalType("date"))])
    for name, located in found.entities.items():
        own = [*_list_column_types(located.thing.columns), ("source_system", _TEXT_TYPE)]
        _create_table(db, HUB, name, own)
        _create_table(db, "feeds", name, own)
        _create_table(db, "checks", name, [*own, ("source_row", _COUNT_TYPE)])
        _create_table(db, "obligations", name, own)
        _create_table(db, "standing", name, [*own, ("source_key", _TEXT_TYPE)])
    for name, facts in OBLIGATION_TABLES.items():
        _create_table(db, "obligations", name, [(column, LogicalType(kind)) for column, kind in facts])


def _list_column_types(columns: Sequence[Column]) -> list[tuple[str, LogicalType]]:
    return [(column.name, column.type) for column in columns]


def _create_table(db: duckdb.DuckDBPyConnection, schema: str, name: str, columns: Sequence[tuple[str, LogicalType]]) -> None:
    body = ", ".join(f"{quote_identifier(column, 'duckdb')} {spell_sql_type(kind, 'duckdb')}" for column, kind in columns)
    db.execute(f"create or replace table {quote_identifier(schema, 'duckdb')}.{quote_identifier(name, 'duckdb')} ({body})")


def _lint_select(db: duckdb.DuckDBPyConnection, query: SqlFile, wanted: Sequence[Column]) -> Iterator[Finding]:
    try:
        rows = db.execute(f"describe {query.text.rstrip().rstrip(';')}").fetchall()
    except duckdb.Error as error:
        line = _ERROR_LINE.search(str(error))
        facts = {"problem": str(error).splitlines()[0].rstrip(".")}
        yield Finding("HUB145", query.file, int(line[1]) if line else 1, facts)
        return
    given = {str(name): str(kind) for name, kind, *_ in rows}
    for column in wanted:
        kind = given.get(column.name)
        if kind is not None and not _is_compatible(kind, column.type):
            facts = {"name": column.name, "found": kind.lower(), "expected": spell_sql_type(column.type, "duckdb")}
            yield Finding("HUB146", query.file, 1, facts)


def _lint_casts(db: duckdb.DuckDBPyConnection, query: SqlFile) -> Iterator[Finding]:
    """A cast that changes values: in the result a warning, since its rows are held; within, where nobody sees it, an error."""
    parts = list(list_outer_selects(query.tree))
    for one in find_narrowing_casts(db, query.tree):
        if one.is_reported:
            hidden = one.quiet and is_in_projection(one.node) and not is_in_output(one.node, parts)
            facts = {"cast": one.node.sql("duckdb"), "found": one.source.lower(), "expected": one.target.lower()}
            severity: Severity = "error" if hidden else "warning"
            yield Finding("HUB172", query.file, query.line(one.node), facts, severity)


def _is_compatible(kind: str, wanted: LogicalType) -> bool:
    """Whether a result of a type becomes the contract's type without rounding or parsing."""
    family = next((name for pattern, name in _TYPE_FAMILIES if re.match(pattern, kind)), kind)
    expected = "string" if wanted.name == "time" else wanted.name
    if scale := _DECIMAL_SCALE.match(kind):
        return expected == "number" and int(scale[1]) <= wanted.scale
    return family == expected or (family, expected) == ("integer", "number")
