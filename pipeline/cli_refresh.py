"""The commands of real time: refresh a source, and how long changes take."""

from __future__ import annotations

from typing import Annotated

import typer

from core.text import text
from pipeline.cli_base import NEEDS_A_PERSON, AsJson, AsOf, app, day, show


@app.command(help=text("cli_calendar.refresh"))
def refresh(
    system: Annotated[str, typer.Argument(help=text("cli.system"))], as_of: AsOf = None, as_json: AsJson = False
) -> None:
    from pipeline import naming
    from pipeline.refresh import refresh as run
    from schemas.catalog import catalog

    found = run(system, day(as_of))
    problems = [error.line() if as_json else naming.line(catalog(), error) for error in found.problems]
    show({**found.__dict__, "problems": problems}, as_json)
    if problems:
        raise typer.Exit(NEEDS_A_PERSON)


@app.command(help=text("cli_calendar.latency"))
def latency(days: Annotated[int, typer.Option(help=text("cli_calendar.days"))] = 30, as_json: AsJson = False) -> None:
    from core.ledger import ledger
    from pipeline.latency import summary
    from pipeline.screen_calendar import latency as table
    from schemas.catalog import catalog

    found = summary(ledger(), catalog(), days)
    show(found, as_json, None if as_json else table(found))
