"""The SQL files as parsed SELECTs that know their lines, or the finding that says why a file is none."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from contracts.finding import Finding

PLACEHOLDER = "待填"
"""What `hub draft` writes where a person must fill something in; lint refuses a file that still holds it."""
SQL_FOLDERS: Mapping[str, tuple[str, str]] = {
    "conform": ("conform/*/*.sql", "duckdb"),
    "feeds": ("feeds/*/*.sql", "postgres"),
    "checks": ("checks/*.sql", "duckdb"),
    "obligations": ("obligations/*.sql", "postgres"),
}
"""Kind -> where its files lie under `sql/` and the dialect they are written in."""
GATHERING_CLAUSES = ("group", "distinct", "having", "limit", "offset", "with", "with_")
"""Parts of a parsed SELECT after which a row of it is no longer one row of its main table, or depends on others."""
_TEMPLATE_SIGN = re.compile(r"\{\{|\{%|\$\{")


@dataclass(frozen=True)
class SqlFile:
    """A parsed SQL file. `file` is its name in findings."""

    path: Path
    file: str
    text: str
    tree: exp.Query

    def line(self, node: exp.Expr) -> int:
        """The line of a node: its own, or that of the first thing in it that the parser has marked."""
        for inner in node.walk():
            if "line" in inner.meta:
                return int(inner.meta["line"])
        return self.line(node.parent) if node.parent is not None else 1

    def build_finding(self, code: str, node: exp.Expr, **facts: object) -> Finding:
        return Finding(code, self.file, self.line(node), facts)

    @property
    def columns(self) -> list[str]:
        """The names of the output columns, in order."""
        return self.tree.named_selects

    @property
    def tables(self) -> frozenset[str]:
        """Every table named, as written (`hr.staff_record`), common table expressions included."""
        return frozenset(full_table_name(table) for table in self.tree.find_all(exp.Table))


@functools.lru_cache(maxsize=1024)
def parse_select(sql: str) -> exp.Query:
    """A SELECT as a tree that nobody changes: who wants another one changes a copy."""
    return sqlglot.parse_one(sql, read="duckdb").assert_is(exp.Query)


@functools.cache
def list_tables(sql: str) -> list[tuple[str, str]]:
    """The `(schema, table)` pairs that a SELECT reads, CTE names left out, in order of appearance."""
    tree = parse_select(sql)
    named = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
    found = [(table.db, table.name) for table in tree.find_all(exp.Table)]
    return list(dict.fromkeys(pair for pair in found if pair[0] or pair[1] not in named))


def full_table_name(table: exp.Table) -> str:
    return ".".join(part for part in (table.db, table.name) if part)


def parse_file(path: Path, file: str, dialect: str) -> SqlFile | Finding:
    """The one SELECT in a file, or the finding (HUB129, HUB130, HUB131, HUB133) about `file` that says why it is none."""
    try:
        content = path.read_text("utf-8")
    except UnicodeDecodeError:
        return Finding("HUB130", file, 1, {"problem": "utf-8"})
    for number, line in enumerate(content.splitlines(), start=1):
        if template := _TEMPLATE_SIGN.search(line):
            return Finding("HUB133", file, number, {"name": template[0]})
        if PLACEHOLDER in line:
            return Finding("HUB129", file, number, {"mark": line[line.index(PLACEHOLDER) :].rstrip(" */")})
    try:
        trees = [tree for tree in sqlglot.parse(content, read=dialect) if tree is not None]
    except SqlglotError as error:
        first = (getattr(error, "errors", None) or [{}])[0]
        problem = str(first.get("description") or str(error).splitlines()[0]).split(" but got <")[0].rstrip(".")
        return Finding("HUB130", file, int(first.get("line") or 1), {"problem": problem})
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        kinds = ", ".join(tree.key.upper() for tree in trees) or "-"
        return Finding("HUB131", file, 1, {"found": kinds})
    return SqlFile(path, file, content, trees[0])
