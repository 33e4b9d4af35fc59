"""The commands of real time: refresh a source, and how long changes take."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.app import AsJson, AsOf, app, choose_business_date, demand_signed_in
from cli.output import NEEDS_A_PERSON, show_result
from core.messages import translate


@app.command(help=translate("cli_calendar.refresh"))
def refresh(
    system: Annotated[str, typer.Argument(help=translate("cli.system"))], as_of: AsOf = None, as_json: AsJson = False
) -> None:
    from contracts.catalog import load_catalog
    from reporting import display_names
    from runs.refresh import refresh_system as run

    demand_signed_in("run")
    found = run(system, choose_business_date(as_of))
    problems = [error.line() if as_json else display_names.format_error(load_catalog(), error) for error in found.problems]
    show_result({**found.__dict__, "problems": problems}, as_json)
    if problems:
        raise typer.Exit(NEEDS_A_PERSON)


@app.command(help=translate("cli_calendar.latency"))
def latency(days: Annotated[int, typer.Option(help=translate("cli_calendar.days"))] = 30, as_json: AsJson = False) -> None:
    from cli.tables.calendar import render_latency as table
    from contracts.catalog import load_catalog
    from core.store.ledger import open_ledger
    from pipeline.delivery.latency import measure_latency

    found = measure_latency(open_ledger(), load_catalog(), days)
    show_result(found, as_json, None if as_json else table(found))
