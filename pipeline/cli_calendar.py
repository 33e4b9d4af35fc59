"""The commands of the calendar: what is coming, what is owed, and who is told."""

from __future__ import annotations

import getpass
from datetime import datetime, timedelta
from typing import Annotated

import typer

from core.text import text
from pipeline.cli_base import AsJson, AsOf, app, day, show


@app.command(help=text("cli_calendar.calendar"))
def calendar(
    days: Annotated[int, typer.Option(min=1, help=text("cli_calendar.ahead"))] = 60,
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help=text("cli_calendar.first"))] = None,
    as_json: AsJson = False,
) -> None:
    from pipeline.preview import preview
    from pipeline.screen_calendar import preview as table
    from schemas.catalog import catalog

    begin = day(first)
    found = [item.facts() for item in preview(catalog(), begin, begin + timedelta(days=days - 1))]
    show(found, as_json, None if as_json else table(found))


@app.command(help=text("cli_calendar.obligations"))
def obligations(as_of: AsOf = None, as_json: AsJson = False) -> None:
    from pipeline.morning import look
    from pipeline.screen_calendar import obligations as table

    found = look(day(as_of))
    show(found, as_json, None if as_json else table(found))


@app.command(help=text("cli_calendar.confirm"))
def confirm(
    deadline: Annotated[str, typer.Argument(help=text("cli_calendar.deadline"))],
    note: Annotated[str, typer.Option(help=text("cli_calendar.note"))] = "",
    by: Annotated[str | None, typer.Option(help=text("cli.by"))] = None,
    occasion: Annotated[str, typer.Option(help=text("cli_calendar.occasion"))] = "",
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    from core.ledger import ledger
    from pipeline.obligations import confirm as run
    from schemas.catalog import catalog

    people = {"by": getpass.getuser() if by is None else by, "note": note, "occasion": occasion}
    show(run(ledger(), catalog(), deadline.upper(), people, day(as_of)), as_json)


@app.command(help=text("cli_calendar.digest"))
def digest(
    send: Annotated[bool, typer.Option("--send", help=text("cli_calendar.send"))] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    from pipeline import alerts, morning
    from pipeline.screen_calendar import digests, outcomes

    if not send:
        made = morning.written(day(as_of))
        show([{**item.__dict__, "points": list(item.points)} for item in made], as_json, None if as_json else digests(made))
        return
    sent = morning.tell(day(as_of))
    show([item.facts() for item in sent], as_json, None if as_json else outcomes(sent))
    if error := alerts.failed(sent):
        raise error
