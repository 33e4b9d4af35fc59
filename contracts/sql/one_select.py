"""A SELECT as it may run: one statement in the portable subset over the tables that it was given, and nothing else.

`hub lint` says the same with the line; here it holds for what a night runs, whether or not anybody has asked lint.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import traverse_scope

from contracts.sql import subset
from core.errors import ContractError

CanReadTable = Callable[[str], bool]
"""Whether a SELECT may read a table, by its name as written."""


def read_select(path: Path, dialect: str, known: CanReadTable) -> str:
    """The text of a SQL file without its last semicolon.

    Raises:
        ContractError: HUB162 when it is not one SELECT, HUB160 when it uses what is not portable, HUB161 when it reads a
            table that it was not given.
    """
    where = f"sql/{'/'.join(path.parts[-3:])}" if path.parts[-3] != "sql" else f"sql/{'/'.join(path.parts[-2:])}"
    text = path.read_text("utf-8").strip().rstrip(";")
    fault, tables = _judge_text(text, dialect)
    if fault:
        raise ContractError(fault[0], where, problem=fault[1])
    for table in tables:
        if not known(table):
            raise ContractError("HUB161", where, name=table)
    return text


@functools.lru_cache(maxsize=1024)
def _judge_text(text: str, dialect: str) -> tuple[tuple[str, str] | None, tuple[str, ...]]:
    """Code and problem of a text that may not run, or None and the tables that it reads."""
    try:
        trees = sqlglot.parse(text, read=dialect)
    except SqlglotError as error:
        return ("HUB162", type(error).__name__), ()
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        return ("HUB162", ", ".join("-" if tree is None else tree.key.upper() for tree in trees)), ()
    tree = trees[0]
    for _, name, _ in subset.find_violations(tree):
        return ("HUB160", name), ()
    return None, tuple(dict.fromkeys(_list_table_names(tree)))


def _list_table_names(tree: exp.Expr) -> list[str]:
    """Every table with all parts of its name. What the SELECT defines itself is left out where it is visible, and only
    there: elsewhere its name is that of a table."""
    own = {
        id(table)
        for scope in traverse_scope(tree)
        for table in scope.tables
        if len(table.parts) == 1 and table.name in scope.cte_sources
    }
    return [".".join(part.name for part in table.parts) for table in tree.find_all(exp.Table) if id(table) not in own]
