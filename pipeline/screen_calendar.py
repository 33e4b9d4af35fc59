"""Tables of the calendar's commands for people on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.table import Table

from core.text import text
from pipeline.alerts import Outcome
from pipeline.digest import Digest

_COLOURS = {
    **{"met": "green", "late": "yellow", "missing": "red", "due_soon": "yellow", "unseen": "yellow", "off": "yellow"},
    **{"sent": "green", "not_sent": "red"},
}


def preview(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Day, time, what, feeds, why and who."""
    table = _table("calendar", ("day", "at", "what", "feeds", "why", "department"))
    for row in rows:
        name = f"[bold]{row['name']}[/bold]" if row["kind"] == "due" else row["name"]
        feeds = str(row["feeds"]) if row["feeds"] else ""
        table.add_row(f"{row['day']:%Y-%m-%d}", row["at"], name, feeds, row["why"], row["department"])
    return table


def obligations(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Due day, deadline, department, state, counts and evidence."""
    table = _table("obligations", ("due_on", "deadline", "department", "state", "counts", "evidence"))
    for row in rows:
        counts = "" if row["needed"] is None else f"{row['found']:,} / {row['needed']:,}"
        proof = row["confirmed_by"] or row["evidence"] or ("" if not row["not_yet"] else text("screen_calendar.not_yet"))
        name = f"{row['deadline']} {row['occasion']}"
        table.add_row(f"{row['due_on']:%Y-%m-%d}", name, row["responsible"], state(row["state"]), counts, proof)
    return table


def latency(found: Mapping[str, Any]) -> Group:
    """Changes and their seconds by system, then how often each system was looked at."""
    table = _table("latency", ("system", "changes", "median", "p95", "late"))
    total = {**found, "system": text("screen_calendar.all")}
    for row in [total, *found["systems"]]:
        numbers = ("changes", "median_seconds", "p95_seconds", "late")
        table.add_row(row["system"], *("-" if row[name] is None else str(row[name]) for name in numbers))
    looks = _table("refreshes", ("system", "day", "looked", "changed", "failed", "mean_seconds"))
    for row in found["refreshes"]:
        names = ("as_of", "looked", "changed", "failed", "mean_seconds")
        looks.add_row(row["system"], *(str(row[name]) for name in names))
    return Group(table, looks)


def digests(made: Sequence[Digest]) -> Group:
    """Every digest as it would be sent."""
    if not made:
        return Group(text("digest.nothing"))
    return Group(*(line for item in made for line in (f"[bold]{item.title}[/bold]", item.body, "")))


def outcomes(sent: Sequence[Outcome]) -> Table:
    """What became of each message."""
    table = _table("alerts", ("department", "state", "points", "reason"))
    for item in sent:
        table.add_row(item.department, state(item.state), str(item.points), item.reason or "")
    return table


def state(value: str) -> str:
    """A state in words, coloured by whether somebody must do something."""
    word = text(f"screen_calendar.state_{value}")
    return f"[{_COLOURS[value]}]{word}[/{_COLOURS[value]}]" if value in _COLOURS else word


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=text(f"screen_calendar.title_{title}"), title_justify="left")
    for name in columns:
        table.add_column(text(f"screen_calendar.{name}"), overflow="fold")
    return table
