"""Which rows of its dataset a feed's receiver gets: its contract's filter, asked of a file as one condition."""

from __future__ import annotations

from pathlib import Path

import duckdb

from contracts.contract import FeedDataset
from contracts.sql import condition
from core.engine import quote_literal
from core.errors import ContractError


def build_scope_query(db: duckdb.DuckDBPyConnection, feed: FeedDataset, rows: Path) -> str:
    """What stands behind FROM for the rows of a dataset (Parquet) that a feed's receiver gets.

    Raises:
        ContractError: HUB158 when the filter is not one condition, HUB109 when it names a column that the dataset lacks.
    """
    source = f"read_parquet({quote_literal(rows)})"
    if not feed.filter:
        return source
    try:
        where = condition.render_condition(feed.filter)
        [(_, kind, *_)] = db.execute(f"describe select {where} from {source}").fetchall()
    except condition.InvalidCondition as error:
        raise ContractError("HUB158", feed.id, problem=str(error)) from None
    except duckdb.Error as error:
        raise ContractError("HUB109", feed.id, problem=str(error).splitlines()[0]) from None
    if kind != "BOOLEAN":  # the engine would try to read truth out of a text, and quote what it cannot read
        raise ContractError("HUB158", feed.id, problem=f"{where}: {str(kind).lower()}")
    return f"{source} where {where}"
