"""A few rows of what a receiver should hold beside what it holds, as a technician sees them before signing: masked, by key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contracts.contract import FeedDataset
from core.engine import open_engine, quote_literal
from loaders.base import Target
from loaders.tables.control_totals import DUCK, cast_column, key_columns, key_text
from quality.mask import mask_value

SHOWN, NAMED = 5, 20
"""Rows shown in full, and keys of differing rows that are named."""
Cells = dict[str, list[str | None]]
"""Key text -> the texts of a row's columns in contract order."""


def compare_rows(feed: FeedDataset, target: Target, scope: Path, out: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Compare row by row: how many keys are `missing`, `extra` and `different`, and the first of them with which it is.

    `out` becomes a Parquet file of all of them (`row_key`, `what`).
    """
    counts = dict(zip(("missing", "extra", "different"), target.compare_rows(feed, scope, out), strict=True))
    with open_engine(feed.id) as db:
        query = f"select row_key, what from read_parquet({quote_literal(out)}) order by what, row_key limit {NAMED}"
        return counts, [(str(key), str(what)) for key, what in db.execute(query).fetchall()]


def mask_key(feed: FeedDataset, key: str) -> str:
    """A key text as it may be shown."""
    return " ".join(mask_value(column, part) for column, part in zip(key_columns(feed), key.split("\x1f"), strict=True))


def read_samples(feed: FeedDataset, target: Target, scope: Path, wanted: Sequence[str]) -> list[dict[str, Any]]:
    """Up to five rows, the wanted keys if there are any, else the same ones whenever they are asked for.

    Each is `{key, ours, theirs, unequal}`: column title -> masked value on both sides (empty where the row is not there), and
    the titles of the columns whose values are not the same.
    """
    ours = _read_expected_rows(feed, scope, wanted)
    chosen = list(wanted[:SHOWN]) if wanted else list(ours)
    theirs = target.find_rows(feed, chosen) if chosen else {}
    return [_pair_sides(feed, key, ours.get(key), theirs.get(key)) for key in chosen]


def _read_expected_rows(feed: FeedDataset, scope: Path, wanted: Sequence[str]) -> Cells:
    key = key_text(feed, DUCK, cast_column)
    texts = ", ".join(DUCK.format_value(column.type, cast_column(column)) for column in feed.columns)
    among = f"where {key} in (select unnest(?::varchar[]))" if wanted else ""
    with open_engine(feed.id) as db:
        query = f"select {key}, {texts} from read_parquet({quote_literal(scope)}) {among} order by md5({key}) limit {SHOWN}"
        rows = db.execute(query, [list(wanted[:SHOWN])] if wanted else []).fetchall()
    return {str(row[0]): list(row[1:]) for row in rows}


def _pair_sides(feed: FeedDataset, key: str, ours: list[str | None] | None, theirs: list[str | None] | None) -> dict[str, Any]:
    sides = [
        {column.title: mask_value(column, cell or "") for column, cell in zip(feed.columns, cells, strict=True)}
        if cells
        else {}
        for cells in (ours, theirs)
    ]
    both = zip(feed.columns, ours or [None] * len(feed.columns), theirs or [None] * len(feed.columns), strict=True)
    unequal = [column.title for column, left, right in both if (left or "") != (right or "")]
    return {"key": mask_key(feed, key), "ours": sides[0], "theirs": sides[1], "unequal": unequal}
