"""A run on a terminal: progress bars while it works, and what it came to."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from cli.output import print_parts, show_result
from cli.tables.grid import Prose
from cli.tables.screen import render_flows
from contracts.catalog import load_catalog
from core.messages import translate
from core.settings import get_settings
from pipeline.context import ProgressCallback as Report
from reporting import display_names


@contextlib.contextmanager
def show_progress(quiet: bool = False) -> Iterator[Report]:
    """A bar for every verb, filled as its steps begin; nothing when `quiet`."""
    catalog = load_catalog()
    totals = {
        "extract": len(catalog.sources),
        **dict.fromkeys(("conform", "brake"), len(catalog.entities)),
        "check": len(catalog.entities)
        + sum(any(column.copies for column in source.columns) for source in catalog.sources.values()),
        "publish": 1,
        **dict.fromkeys(("deliver", "reconcile"), len(catalog.feeds)),
        "audit": get_settings().audited,
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
                    tasks[verb] = bars.add_task(translate(f"report.verb_{verb}"), total=totals[verb], subject="")
                bars.update(tasks[verb], advance=1, subject=subject)

        yield report
        for task in bars.tasks:  # what was not due tonight is no part of it
            bars.update(task.id, subject="", total=task.completed)


def show_run_result(found: Any, as_json: bool) -> None:
    """What a run came to: the table of flows, then what needs a person, then where the report is."""
    from pipeline.context import resume_run
    from reporting.report import collect_report_facts

    facts = collect_report_facts(resume_run(found.run_id))
    problems = [error.line() if as_json else display_names.format_error(load_catalog(), error) for error in found.problems]
    if as_json:
        show_result(
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
    page = get_settings().var / "reports" / found.run_id / f"report.{get_settings().lang}.html"
    print_parts(
        render_flows(facts["flows"], f"{found.run_id}  v{found.version}"),
        *(Prose(Text.assemble(("● ", "red"), line), hang=2) for line in problems),
        *(
            Prose(
                "○ "
                + translate(
                    "report.new_columns_line",
                    None,
                    dataset=display_names.format_place(load_catalog(), row["dataset"]),
                    columns=", ".join(row["new_columns"]),
                ),
                hang=2,
            )
            for row in facts["extracts"]
            if row["new_columns"]
        ),
        *(() if load_catalog().sources else (translate("site.nothing"),)),
        Prose(translate("cli.report_at", None, path=page)),
    )
