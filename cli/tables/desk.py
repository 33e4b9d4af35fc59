"""The terminal's side of the desk: checks, what waits for one, and what receivers have applied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console, ConsoleOptions, Group
from rich.text import Text

from cli.tables.grid import Grid, Prose
from contracts.catalog import load_catalog
from core.calendar import format_local_minute
from core.messages import has_message as known_text
from core.messages import translate
from core.store.ledger import Row
from reporting import display_names

_NUMBER_COLUMNS = frozenset(
    [
        *("version", "expected", "found", "sent", "received", "applied", "rejected", "change", "deliveries", "rows", "days"),
        *("delivered", "usable", "kept", "open", "taken", "missing", "extra", "different", "grants", "confirmed", "disputed"),
        *("since", "upserts", "deletes", "unsigned", "unsigned_rows"),
    ]
)
_COUNT_COLUMNS = ("sent", "received", "applied", "rejected")
_UNBROKEN = ("edge", "due_at", "mark", "acknowledged_at", "valid_from", "valid_to")


def render_verification(rows: Sequence[Row]) -> Group:
    """What receivers hold against what they accepted, the counts of the newest delivery, and masked samples."""
    names = ("feed", "state", "version", "expected", "found", "unsigned", "unsigned_rows", *_COUNT_COLUMNS, "change", "mark")
    grid = _create_grid(translate("cli.verify_title"), names)
    for row in rows:
        state = Text("=", style="green") if row["equal"] else Text(f"≠ {', '.join(row['differs'])}", style="red")
        change = "-" if row["change"] is None else f"{row['change']:+,}"
        if row["change_percent"] is not None:
            change += f" ({row['change_percent']:+}%)"
        numbers = ["-" if row[name] is None else f"{row[name]:,}" for name in ("unsigned", "unsigned_rows", *_COUNT_COLUMNS)]
        counts = [str(row["version"]), f"{row['expected']:,}", f"{row['found']:,}"]
        grid.row(row["feed"], state, *counts, *numbers, change, row.get("mark", "-")[:12])
    wrong = [
        Prose(translate("desk.screen.wrong", None, feed=row["feed"], **row["faults"], keys=", ".join(row["keys"])))
        for row in rows
        if row["keys"]
    ]
    return Group(grid, *wrong, *(_SampleTable(row) for row in rows if row["samples"]))


class _SampleTable:
    """A line for each field and a column for each row, the hub's value over the receiver's: a feed has more fields than a
    terminal has room for. Rows that have no room beside the others stand below them."""

    def __init__(self, row: Row) -> None:
        self.row = row

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        samples = self.row["samples"]
        for beside in range(len(samples), 0, -1):
            grids = [_render_sample(self.row, samples[at : at + beside]) for at in range(0, len(samples), beside)]
            if beside == 1 or all(grid.fits(options.max_width) for grid in grids):
                yield from grids
                return


def _render_sample(row: Row, samples: Sequence[Row]) -> Grid:
    columns = load_catalog().feeds[row["feed"]].columns if row["feed"] in load_catalog().feeds else ()
    titles = {column.title: display_names.choose_title(column.title, column.name) for column in columns}
    grid = Grid(translate("desk.screen.sample", None, feed=display_names.get_feed_title(load_catalog(), row["feed"])))
    for position in range(2 + len(samples)):
        grid.column("", whole=position == 1)
    sides = f"{translate('desk.screen.ours')}\n{translate('desk.screen.theirs')}"
    for name in samples[0]["ours"] or samples[0]["theirs"]:
        grid.row(titles.get(name, name), sides, *(_render_both_sides(one, name) for one in samples))
    return grid


def _render_both_sides(sample: Row, name: str) -> Text:
    ours, theirs = (str(sample[side].get(name, "-")) for side in ("ours", "theirs"))
    if name in sample["unequal"]:
        return Text.assemble(ours, "\n", (f"≠ {theirs}", "red"))
    return Text(f"{ours}\n{theirs}")


def render_unsigned(rows: Sequence[Row]) -> Group:
    """What waits for a technician's check, and how much that is."""
    grid = _create_grid(translate("desk.screen.unchecked"), ("edge", "dataset", "version", "deliveries", "rows", "due_at"))
    for row in rows:
        edge, _, title = display_names.get_feed_title(load_catalog(), f"{row['edge']}.{row['dataset']}").partition(" ")
        shown = [edge, title, str(row["version"]), str(row["deliveries"]), f"{row['rows']:,}"]
        grid.row(*shown, Text(format_local_minute(row["due_at"]), style="red" if row["overdue"] else ""))
    facts = {"feeds": len(rows), "rows": f"{sum(row['rows'] for row in rows):,}", "late": sum(row["overdue"] for row in rows)}
    return Group(grid, Prose(translate("desk.screen.unchecked_total", None, **facts)))


def render_chains(signed: Row, written: Row) -> Group:
    """Whether the marks of checks and the journal are whole, in words."""
    words = {None: "none", True: "whole", False: "broken"}
    journal = "none" if not written["records"] else "broken" if written["broken"] else "whole"
    return Group(
        Prose(translate(f"desk.screen.marks_{words[signed['whole']]}", None, **signed)),
        Prose(translate(f"desk.screen.journal_{journal}", None, records=written["records"])),
    )


def _create_grid(title: str, names: Sequence[str]) -> Grid:
    grid = Grid(title)
    for position, name in enumerate(names):
        grid.column(translate(f"desk.screen.{name}"), right=name in _NUMBER_COLUMNS, whole=position == 0 or name in _UNBROKEN)
    return grid


def render_rows(rows: Sequence[Row], names: Sequence[str], title: str) -> Grid:
    """Rows under titles from the message catalogue; codes of systems and states in words."""
    grid = _create_grid(translate(title), names)
    for row in rows:
        grid.row(*("-" if row[name] is None else _format_cell(name, row[name]) for name in names))
    return grid


def _format_cell(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return translate("facts.yes" if value else "facts.no")
    if isinstance(value, datetime):
        return format_local_minute(value)
    if name == "system_code":
        return display_names.get_system_name(load_catalog(), value)
    if name == "feed":
        return display_names.get_feed_title(load_catalog(), value)
    if known_text(f"facts.{name}_{value}"):
        return translate(f"facts.{name}_{value}")
    return str(value)
