"""What a receiver's table cannot hold, found before anything is sent to it.

A server that refuses a value writes it into its own log, beside the name of the table: there it is read by people who were
never meant to. So lengths, ranges and empty values are compared with the table's own columns here, where nothing is written
down but the column and how many rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from contracts.contract import Column, FeedDataset
from core.engine import quote_literal
from core.errors import FeedFailed
from loaders.tables import control_totals
from loaders.tables.control_totals import TEXT

_WHOLE = {"smallint": 15, "integer": 31, "int": 31, "mediumint": 23, "tinyint": 7, "bigint": 63}
_DECIMAL = ("numeric", "decimal")
CATALOG_COLUMNS = "column_name, character_maximum_length, is_nullable, data_type, numeric_precision, numeric_scale"
"""What `read` takes, as the standard's catalogue calls it."""


@dataclass(frozen=True)
class ColumnLimit:
    """What a column of the receiver holds: at most so many characters, numbers below `top`, NULL or not."""

    column: str
    length: int | None
    top: int | None
    nullable: bool


def read_limits(rows: Sequence[Sequence[Any]]) -> list[ColumnLimit]:
    """The limits in rows of `CATALOGUE`."""
    limits = []
    for name, length, nullable, kind, precision, scale in rows:
        top = 1 << _WHOLE[str(kind)] if str(kind) in _WHOLE else None
        if str(kind) in _DECIMAL and precision is not None:
            top = 10 ** (int(precision) - int(scale or 0))
        held = int(length) if length is not None and int(length) > 0 else None
        limits.append(ColumnLimit(str(name), held, top, str(nullable) != "NO"))
    return limits


def refuse_unfit_rows(db: duckdb.DuckDBPyConnection, feed: FeedDataset, rows: Path, limits: Sequence[ColumnLimit]) -> None:
    """Refuse rows that the table cannot hold.

    Raises:
        FeedFailed: HUB616 with the first column that does not fit, and how many rows.
    """
    by_name = {limit.column: limit for limit in limits}
    asked = [
        (column, word, bound, condition)
        for column in feed.columns
        if column.physical in by_name
        for word, bound, condition in _build_conditions(column, by_name[column.physical])
    ]
    if not asked:
        return
    counts = ", ".join(f"count(*) filter (where {condition})" for *_, condition in asked)
    [found] = db.execute(f"select {counts} from read_parquet({quote_literal(rows)})").fetchall()
    for (column, word, bound, _), count in zip(asked, found, strict=True):
        if count:
            facts = {"column": column.physical, "rows": count, "limit": bound, "reason_key": f"fit.{word}"}
            raise FeedFailed("HUB616", feed.id, **facts)


def _build_conditions(column: Column, limit: ColumnLimit) -> list[tuple[str, int, str]]:
    """The word of a message under `fit`, what bounds the column, and the condition that a value is beyond."""
    value, found = control_totals.cast_column(column), list[tuple[str, int, str]]()
    if not limit.nullable:
        found.append(("empty", 0, f"{value} is null"))
    if limit.length is not None and column.type.name in TEXT:
        found.append(("long", limit.length, f"length({value}) > {limit.length}"))
    own = {"integer": 1 << 63, "number": 10 ** (column.type.precision - column.type.scale)}.get(column.type.name, 0)
    if limit.top is not None and limit.top < own:
        found.append(("range", limit.top, f"{value} >= {limit.top} or {value} <= -{limit.top}"))
    return found
