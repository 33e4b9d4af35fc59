"""Limits: when a change is too large to be believed, of an entity, of the part that one source gives to it, of a feed.

A contract gives percents and a floor of rows under which they do not count. The floor of deletes is never more than a fifth of
what stands, or a small table could lose two rows of three; updates take nobody away, and a small table may change as a whole.
In the calendar windows that the contract expects the percents are wider, and never off: a graduation takes a year's students
away, not half of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from contracts.contract import Brake
from core.calendar import load_calendar

FLOOR_SHARE = 5
"""The floor of deletes is at most one row in so many that stand, and at least one row."""
WIDER_DELETES, WIDER_UPDATES = 0.35, 0.75
"""The part of the way from the contract's percent to all rows by which an expected window widens it."""


@dataclass(frozen=True)
class ChangeSize:
    """Rows that stood, and how many of them would be deleted (or are seen absent) and updated; `system` is the source that
    they are of, empty for all."""

    before: int
    deletes: int
    updates: int
    system: str = ""


@dataclass(frozen=True)
class ExceededLimit:
    """A limit that a change passes: `kind` is `deletes` or `updates`."""

    kind: str
    size: ChangeSize
    count: int
    limit: float
    free: int
    """How many rows may change so whatever share they are."""

    @property
    def op(self) -> str:
        """The operation that there is too much of: `D` or `U`."""
        return "D" if self.kind == "deletes" else "U"

    @property
    def facts(self) -> Mapping[str, Any]:
        """Facts for the message: `count`, `percent`, `limit`, `before`."""
        share = 100.0 * self.count / max(self.size.before, 1)
        return {"count": self.count, "percent": f"{share:.1f}", "limit": f"{self.limit:g}", "before": self.size.before}


def find_exceeded(brake: Brake, size: ChangeSize, day: date) -> Iterator[ExceededLimit]:
    """The limits that a change of this size passes on a business date; a first load passes none."""
    if size.before == 0:
        return
    expected = bool(load_calendar().windows(day) & set(brake.expect))
    for kind, count, percent, wider in (
        ("deletes", size.deletes, brake.max_delete_percent, WIDER_DELETES),
        ("updates", size.updates, brake.max_update_percent, WIDER_UPDATES),
    ):
        limit = percent + (100.0 - percent) * wider if expected else percent
        free = min(brake.floor, max(1, size.before // FLOOR_SHARE)) if kind == "deletes" else brake.floor
        if count > free and 100.0 * count > limit * size.before:
            yield ExceededLimit(kind, size, count, limit, free)
