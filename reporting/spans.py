"""Deadlines as people read them: days to come on which the same is due are one entry over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from core.messages import translate

_AHEAD_STATES = ("due_soon", "expected")


def group_days(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of `reporting.obligations`, each with its `days`; those of a recurring deadline that lie ahead in the same state
    are one row."""
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        ahead = row["recurring"] and row["state"] in _AHEAD_STATES
        key = (row["deadline"], row["state"], "" if ahead else (row["due_on"], row["occasion"]))
        groups.setdefault(key, {**row, "days": []})["days"].append(row["due_on"])
    return list(groups.values())


def format_days(given: Sequence[date], language: str | None = None) -> str:
    """One day, or the first and the last of several and how many they are."""
    first, last = min(given), max(given)
    if first == last:
        return f"{first:%Y-%m-%d}"
    return translate("screen_calendar.days", language, first=f"{first:%Y-%m-%d}", last=f"{last:%Y-%m-%d}", count=len(given))
