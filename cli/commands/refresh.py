"""The commands of real time: refresh a source, and how long changes take."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.app import AsJson, AsOf, app, day, signed_in
from cli.output import NEEDS_A_PERSON, show
from core.messages import text


@app.command(help=text("cli_calendar.refresh"))
def refresh(
    system: Annotated[str, typer.Argument(help=text("cli.system"))], as_of: AsOf = None, as_json: AsJson = False
) -> None:
    from contracts.catalog import catalog
    from reporting import display_names
    from runs.refresh import refresh as run

    signed_in("run")
    found = run(system, day(as_of))
    problems = [error.line() if as_json else display_names.line(catalog(), error) for error in found.problems]
    show({**found.__dict__, "problems": problems}, as_json)
    if problems:
        raise typer.Exit(NEEDS_A_PERSON)


@app.command(help=text("cli_calendar.latency"))
def latency(days: Annotated[int, typer.Option(help=text("cli_calendar.days"))] = 30, as_json: AsJson = False) -> None:
    from cli.tables.calendar import latency as table
    from contracts.catalog import catalog
    from core.store.ledger import ledger
    from pipeline.delivery.latency import summary

    found = summary(ledger(), catalog(), days)
    show(found, as_json, None if as_json else table(found))
