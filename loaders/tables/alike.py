"""Keys that are two to the hub and one to a receiver, because it folds case, accents or blanks at the end.

Such a receiver would overwrite one row with the other and call it a success. So rows are found by their exact key, and what the
receiver's own comparison takes for another row is refused by its key (`ALIKE`), before anything of it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from contracts.contract import FeedDataset
from core.engine import quote_literal
from loaders.tables import control_totals
from loaders.tables.control_totals import DUCK, TEXT

ALIKE = "alike"
"""Reason code: the receiver takes this key for that of another row."""
_ALWAYS_DIFFERENT = r"[0-9A-Z\x1f]*"
"""Digits and capitals: of two keys of nothing else no receiver takes one for the other."""
_SHOWN_AS_ONE = r"[^\pL\pN\x1f]"
_WIDE = "".join(map(chr, range(0xFF21, 0xFF5B))) + "".join(map(chr, range(0xFF10, 0xFF1A)))
_NARROW = "".join(chr(ord(sign) - 0xFEE0) for sign in _WIDE)


def has_text_key(feed: FeedDataset) -> bool:
    """Whether a key has texts: numbers and dates are equal in one way only."""
    return any(column.type.name in TEXT for column in control_totals.key_columns(feed))


def may_be_alike(db: duckdb.DuckDBPyConnection, feed: FeedDataset, rows: Path) -> bool:
    """Whether some receiver might take two keys of these rows for one. It errs on the side of yes."""
    if not has_text_key(feed):
        return False
    text = control_totals.key_text(feed, DUCK, control_totals.cast_column)
    [(other,)] = db.execute(
        f"select count(*) from read_parquet({quote_literal(rows)}) where not regexp_full_match({text}, '{_ALWAYS_DIFFERENT}')"
    ).fetchall()
    if not other:
        return False
    key = f"lower(strip_accents(translate({text}, '{_WIDE}', '{_NARROW}')))"
    plain = f"regexp_replace({key}, '{_SHOWN_AS_ONE}', '', 'g')"
    query = f"select count(*) - count(distinct {plain}) from read_parquet({quote_literal(rows)})"
    [(surplus,)] = db.execute(query).fetchall()
    return bool(surplus)


def find_padded_keys(db: duckdb.DuckDBPyConnection, feed: FeedDataset, rows: Path) -> Sequence[str]:
    """The keys that differ from another one of these rows by blanks at their end only: all but the shortest of each."""
    if not has_text_key(feed):
        return ()
    key = control_totals.key_text(feed, DUCK, control_totals.cast_column)
    db.execute(
        f"create or replace temp table keys as select {key} as k, rtrim(k, ' ') as bare"
        f" from read_parquet({quote_literal(rows)})"
    )
    # Hardly any key ends in a blank, which one look tells.
    ended = "select bare from keys where k <> bare"
    ranked = f"select k, row_number() over (partition by bare order by length(k)) as place from keys where bare in ({ended})"
    return [str(key) for (key,) in db.execute(f"select k from ({ranked}) where place > 1 order by 1").fetchall()]
