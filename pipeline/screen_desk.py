"""The terminal's side of the desk: checks, what waits for one, and what receivers have applied."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from core.calendar import local_minute
from core.ledger import Row
from core.text import text


def verified(rows: Sequence[Row]) -> Group:
    """What receivers hold against what they accepted, the counts of the newest delivery, and masked samples."""
    names = ("edge", "version", "expected", "found", "state", "sent", "received", "applied", "rejected", "change", "mark")
    table = _table(text("cli.verify_title"), names)
    for row in rows:
        state = "[green]=[/green]" if row["equal"] else f"[red]≠ {', '.join(row['differs'])}[/red]"
        change = "-" if row["change"] is None else f"{row['change']:+,}"
        if row["change_percent"] is not None:
            change += f" ({row['change_percent']:+}%)"
        numbers = ["-" if row[name] is None else f"{row[name]:,}" for name in ("sent", "received", "applied", "rejected")]
        shown = [row["feed"], str(row["version"]), f"{row['expected']:,}", f"{row['found']:,}", state]
        table.add_row(*shown, *numbers, change, row.get("mark", "-")[:12])
    wrong = [
        text("desk.screen.wrong", None, feed=row["feed"], **row["faults"], keys=", ".join(row["keys"]))
        for row in rows
        if row["keys"]
    ]
    return Group(table, *wrong, *(_sample(row) for row in rows if row["samples"]))


def _sample(row: Row) -> Table:
    """A line for each field and a column for each row, the hub's value over the receiver's: a feed has more fields than a
    terminal has room for."""
    samples = row["samples"]
    table = Table(title=text("desk.screen.sample", None, feed=row["feed"]), title_justify="left", show_header=False)
    for _ in range(2 + len(samples)):
        table.add_column(overflow="fold")
    sides = f"{text('desk.screen.ours')}\n{text('desk.screen.theirs')}"
    for name in samples[0]["ours"] or samples[0]["theirs"]:
        table.add_row(name, sides, *(_both(one, name) for one in samples))
    return table


def _both(sample: Row, name: str) -> str:
    ours, theirs = (escape(sample[side].get(name, "-")) for side in ("ours", "theirs"))
    return f"{ours}\n[red]≠ {theirs}[/red]" if name in sample["unequal"] else f"{ours}\n{theirs}"


def unchecked(rows: Sequence[Row]) -> Table:
    """What waits for a technician's check."""
    table = _table(text("desk.screen.unchecked"), ("edge", "dataset", "version", "deliveries", "rows", "due_at"))
    for row in rows:
        due = local_minute(row["due_at"])
        shown = [row["edge"], row["dataset"], str(row["version"]), str(row["deliveries"]), f"{row['rows']:,}"]
        table.add_row(*shown, f"[red]{due}[/red]" if row["overdue"] else due)
    return table


def _table(title: str, names: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in names:
        table.add_column(text(f"desk.screen.{name}"), overflow="fold")  # a number must never be cut off
    return table


def lines(rows: Sequence[Row], names: Sequence[str], title: str) -> Table:
    """Rows under titles from the message catalogue."""
    table = _table(text(title), names)
    for row in rows:
        table.add_row(*("-" if row[name] is None else _shown(row[name]) for name in names))
    return table


def _shown(value: Any) -> str:
    return local_minute(value) if isinstance(value, datetime) else escape(str(value))
