"""Rows that a receiver did not take while it took the rest, by reason and with their keys: nobody looks for them otherwise."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from contracts.catalog import Catalog
from contracts.contract import FeedDataset
from core.messages import known, text
from core.store.ledger import Ledger
from loaders.tables.control_totals import keys
from quality.mask import mask

KEYS_SHOWN = 4
_PARTS = "\x1f"


def points(book: Ledger, catalog: Catalog) -> list[dict[str, Any]]:
    """One a feed and reason: `{edge, dataset, source, target, reason, rows, keys}`; the first keys, masked by their columns."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in book.rows("select edge, dataset, row_key, reason from ops.refused order by 1, 2, 3"):
        found[f"{row['edge']}.{row['dataset']}", row["reason"]].append(row["row_key"])
    result = []
    for (id, reason), texts in found.items():
        feed = catalog.feeds.get(id)
        if feed is not None:
            shown = [_shown(feed, key) for key in texts[:KEYS_SHOWN]]
            facts = {"reason": reason, "rows": len(texts), "keys": shown, "target": feed.target}
            result.append({"kind": "turned_away", "feed": id, "source": feed.source, "target": feed.target, "facts": facts})
    return result


def line(point: dict[str, Any], language: str | None = None) -> str:
    """A point in one sentence with its next step. A key stands in quotes, so that blanks in it are seen."""
    facts = dict(point["facts"])
    named = f"desk.turned_away.{facts['reason']}"
    facts["why"] = text(named, language) if known(named, language) else facts["reason"]
    facts["keys"] = ", ".join(facts["keys"]) + (" …" if facts["rows"] > len(facts["keys"]) else "")
    return text("desk.attention.turned_away", language, feed=point["feed"], **facts)


def _shown(feed: FeedDataset, key: str) -> str:
    parts = [mask(column, part) for column, part in zip(keys(feed), key.split(_PARTS), strict=False)]
    return " + ".join(json.dumps(part, ensure_ascii=False) for part in parts)
