"""A few rows of what a receiver should hold beside what it holds, as a technician sees them before signing: masked, by key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contracts.contract import FeedDataset
from core.engine import engine, literal
from loaders.base import Target
from loaders.tables.control_totals import DUCK, key_text, keys, typed
from quality.mask import mask

SHOWN, NAMED = 5, 20
"""Rows shown in full, and keys of differing rows that are named."""
Cells = dict[str, list[str | None]]
"""Key text -> the texts of a row's columns in contract order."""


def differing(feed: FeedDataset, target: Target, scope: Path, out: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Compare row by row: how many keys are `missing`, `extra` and `different`, and the first of them with which it is.

    `out` becomes a Parquet file of all of them (`row_key`, `what`).
    """
    counts = dict(zip(("missing", "extra", "different"), target.compare(feed, scope, out), strict=True))
    with engine(feed.id) as db:
        query = f"select row_key, what from read_parquet({literal(out)}) order by what, row_key limit {NAMED}"
        return counts, [(str(key), str(what)) for key, what in db.execute(query).fetchall()]


def named(feed: FeedDataset, key: str) -> str:
    """A key text as it may be shown."""
    return " ".join(mask(column, part) for column, part in zip(keys(feed), key.split("\x1f"), strict=True))


def samples(feed: FeedDataset, target: Target, scope: Path, wanted: Sequence[str]) -> list[dict[str, Any]]:
    """Up to five rows, the wanted keys if there are any, else the same ones whenever they are asked for.

    Each is `{key, ours, theirs, unequal}`: column title -> masked value on both sides (empty where the row is not there), and
    the titles of the columns whose values are not the same.
    """
    ours = _ours(feed, scope, wanted)
    chosen = list(wanted[:SHOWN]) if wanted else list(ours)
    theirs = target.look(feed, chosen) if chosen else {}
    return [_pair(feed, key, ours.get(key), theirs.get(key)) for key in chosen]


def _ours(feed: FeedDataset, scope: Path, wanted: Sequence[str]) -> Cells:
    key = key_text(feed, DUCK, typed)
    texts = ", ".join(DUCK.text(column.type, typed(column)) for column in feed.columns)
    among = f"where {key} in (select unnest(?::varchar[]))" if wanted else ""
    with engine(feed.id) as db:
        query = f"select {key}, {texts} from read_parquet({literal(scope)}) {among} order by md5({key}) limit {SHOWN}"
        rows = db.execute(query, [list(wanted[:SHOWN])] if wanted else []).fetchall()
    return {str(row[0]): list(row[1:]) for row in rows}


def _pair(feed: FeedDataset, key: str, ours: list[str | None] | None, theirs: list[str | None] | None) -> dict[str, Any]:
    sides = [
        {column.title: mask(column, cell or "") for column, cell in zip(feed.columns, cells, strict=True)} if cells else {}
        for cells in (ours, theirs)
    ]
    both = zip(feed.columns, ours or [None] * len(feed.columns), theirs or [None] * len(feed.columns), strict=True)
    unequal = [column.title for column, left, right in both if (left or "") != (right or "")]
    return {"key": named(feed, key), "ours": sides[0], "theirs": sides[1], "unequal": unequal}
