"""The terminal's side: progress bars while a run works, tables when it is done."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from core.calendar import local_minute
from core.ledger import Row
from core.settings import settings
from core.text import text
from pipeline.context import Progress as Report
from schemas.catalog import catalog

_GOOD = {"done", "accepted", "unchanged", "released", "used", "moot"}
_BAD = {"failed", "refused", "stopped", "tripped"}


@contextlib.contextmanager
def progress(quiet: bool = False) -> Iterator[Report]:
    """A bar for every verb, filled as its steps begin; nothing when `quiet`."""
    known = catalog()
    totals = {
        "extract": len(known.sources),
        **dict.fromkeys(("conform", "brake"), len(known.entities)),
        "check": len(known.entities)
        + sum(any(column.copies for column in source.columns) for source in known.sources.values()),
        "publish": 1,
        **dict.fromkeys(("deliver", "reconcile"), len(known.feeds)),
        "audit": settings().audited,
        "notice": 1,
        "report": 1,
    }
    columns = [
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TextColumn("[dim]{task.fields[subject]}"),
        TimeElapsedColumn(),
    ]
    lock = threading.Lock()
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bars:
        tasks: dict[str, TaskID] = {}

        def report(verb: str, subject: str) -> None:
            with lock:
                if verb not in tasks:
                    tasks[verb] = bars.add_task(text(f"report.verb_{verb}"), total=totals[verb], subject="")
                bars.update(tasks[verb], advance=1, subject=subject)

        yield report
        for task in bars.tasks:  # what was not due tonight is no part of it
            bars.update(task.id, subject="", total=task.completed)


def outcome(found: Any, as_json: bool) -> None:
    """What a run came to: the table of flows, then what needs a person, then where the report is."""
    from core.settings import settings
    from pipeline.cli_base import show
    from pipeline.context import resume
    from pipeline.report import facts_of

    facts = facts_of(resume(found.run_id))
    problems = [error.line() for error in found.problems]
    if as_json:
        show(
            {
                "run": found.run_id,
                "version": found.version,
                "state": found.state,
                "flows": facts["flows"],
                "new_columns": {row["dataset"]: row["new_columns"] for row in facts["extracts"] if row["new_columns"]},
                "problems": problems,
            },
            True,
        )
        return
    console = Console()
    console.print(flows(facts["flows"], f"{found.run_id}  v{found.version}"))
    for line in problems:
        console.print(f"[red]●[/red] {escape(line)}", highlight=False, soft_wrap=True)
    for row in facts["extracts"]:
        if row["new_columns"]:
            told = text("report.new_columns_line", None, dataset=row["dataset"], columns=", ".join(row["new_columns"]))
            console.print(f"○ {escape(told)}", highlight=False, soft_wrap=True)
    page = settings().var / "reports" / found.run_id / f"report.{settings().lang}.html"
    console.print(text("cli.report_at", None, path=page), highlight=False, soft_wrap=True)


def flows(rows: Sequence[Row], title: str) -> Table:
    """Per flow: extracted, held, changed, delivered, accepted, seconds."""
    table = new_table(
        title,
        (
            "report.flow",
            "report.extracted",
            "report.held",
            "report.changed",
            "report.delivered",
            "report.accepted",
            "report.seconds",
        ),
        1,
    )
    for row in rows:
        accepted = f"{row['accepted']}/{row['sent']}"
        colour = {"done": "green", "failed": "red"}.get(row["state"], "dim")
        numbers = [f"{row[name]:,}" for name in ("extracted", "held", "changed", "delivered")]
        table.add_row(f"{row['flow']} {row['title']}", *numbers, f"[{colour}]{accepted}[/{colour}]", f"{row['seconds']:.1f}")
    return table


def held(rows: Sequence[Row], counts: Mapping[str, int]) -> Table:
    """Held rows, of so many (`rows`, `entries`): whose, which key, why, first and last seen. Three columns, so that the reason
    has room on 80 characters."""
    table = new_table(text("cli.held_title", None, count=len(rows), **counts), ("cli.key", "report.why", "report.since"), 3)
    for row in rows:
        severity = text(f"report.severity_{row['severity']}")
        systems = " / ".join(filter(None, (row["source_system"], row["authority"])))
        table.add_row(
            f"{row['entity']} [dim]{systems}[/dim]\n{escape(row['source_key'])}",
            f"{row['why']}\n[dim]{row['rule_id']}[/dim]",
            f"{row['first_seen']}\n{row['last_seen']} {severity}",
            end_section=True,
        )
    return table


def facts(value: dict[str, Any]) -> Table:
    """What a command came to, a line a fact."""
    table = Table(show_header=False, box=None)
    for name, fact in value.items():
        shown = ", ".join(f"{key} {item}" for key, item in fact.items()) if isinstance(fact, dict) else str(fact)
        table.add_row(f"[bold]{name}[/bold]", escape(shown))
    return table


def versions(rows: Sequence[Row]) -> Table:
    """The newest versions of the hub."""
    table = new_table(
        text("cli.versions_title"),
        ("report.versions", "cli.last_run", "cli.kind", "cli.published_at", "cli.rows_in", "cli.rows_closed"),
        4,
    )
    for row in rows:
        table.add_row(
            str(row["version"]),
            row["run_id"],
            row["kind"],
            local_minute(row["published_at"]),
            f"{row['rows_in']:,}",
            f"{row['rows_closed']:,}",
        )
    return table


def selftest(rows: Sequence[Row]) -> Table:
    """Which datasets of a connection can be read as contracted."""
    table = new_table(text("cli.selftest_title"), ("report.dataset", "report.rows", "report.state", "cli.problem"), 1)
    for row in rows:
        table.add_row(
            row["dataset"],
            f"{row['rows']:,}",
            "[green]✓[/green]" if row["ok"] else "[red]✗[/red]",
            row["problem"] or "; ".join([*row["notes"], *row["new_columns"]]),
        )
    return table


def new_table(title: str, keys: Sequence[str], words: int) -> Table:
    """A table whose first `words` columns are text and whose others are right-aligned."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for position, key in enumerate(keys):
        numbers = position >= words
        table.add_column(text(key), justify="right" if numbers else "left", overflow="fold", no_wrap=numbers)
    return table


def shown_state(value: str) -> str:
    colour = "green" if value in _GOOD else "red" if value in _BAD else "yellow"
    return f"[{colour}]{text(f'report.state_{value}')}[/{colour}]"


def number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
