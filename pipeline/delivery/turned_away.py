"""Rows that a receiver did not take while it took the rest, by reason and with their keys: nobody looks for them otherwise."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from contracts.catalog import Catalog
from contracts.contract import FeedDataset
from core.messages import has_message, translate
from core.store.ledger import Ledger
from loaders.tables.control_totals import key_columns
from quality.mask import mask_value

KEYS_SHOWN = 4
_KEY_SEPARATOR = "\x1f"


def list_refusal_items(ledger: Ledger, catalog: Catalog) -> list[dict[str, Any]]:
    """One a feed and reason: `{edge, dataset, source, target, reason, rows, keys}`; the first keys, masked by their columns."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in ledger.rows("select edge, dataset, row_key, reason from ops.refused order by 1, 2, 3"):
        found[f"{row['edge']}.{row['dataset']}", row["reason"]].append(row["row_key"])
    result = []
    for (id, reason), texts in found.items():
        feed = catalog.feeds.get(id)
        if feed is not None:
            shown = [_mask_key(feed, key) for key in texts[:KEYS_SHOWN]]
            facts = {"reason": reason, "rows": len(texts), "keys": shown, "target": feed.target}
            result.append({"kind": "turned_away", "feed": id, "source": feed.source, "target": feed.target, "facts": facts})
    return result


def format_refusal(point: dict[str, Any], language: str | None = None) -> str:
    """A point in one sentence with its next step. A key stands in quotes, so that blanks in it are seen."""
    facts = dict(point["facts"])
    named = f"desk.turned_away.{facts['reason']}"
    facts["why"] = translate(named, language) if has_message(named, language) else facts["reason"]
    facts["keys"] = ", ".join(facts["keys"]) + (" …" if facts["rows"] > len(facts["keys"]) else "")
    return translate("desk.attention.turned_away", language, feed=point["feed"], **facts)


def _mask_key(feed: FeedDataset, key: str) -> str:
    parts = [mask_value(column, part) for column, part in zip(key_columns(feed), key.split(_KEY_SEPARATOR), strict=False)]
    return " + ".join(json.dumps(part, ensure_ascii=False) for part in parts)
