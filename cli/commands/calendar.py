"""The commands of the calendar: what is coming, what is owed, and who is told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer

from cli.app import AsJson, AsOf, acting, app, day, signed_in
from cli.output import show
from core.messages import text


@app.command(help=text("cli_calendar.calendar"))
def calendar(
    days: Annotated[int, typer.Option(min=1, help=text("cli_calendar.ahead"))] = 60,
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help=text("cli_calendar.first"))] = None,
    as_json: AsJson = False,
) -> None:
    from cli.tables.calendar import preview as table
    from contracts.catalog import catalog
    from reporting.preview import preview

    begin = day(first)
    found = [item.facts() for item in preview(catalog(), begin, begin + timedelta(days=days - 1))]
    show(found, as_json, None if as_json else table(found))


@app.command(help=text("cli_calendar.obligations"))
def obligations(as_of: AsOf = None, as_json: AsJson = False) -> None:
    from cli.tables.calendar import obligations as table
    from reporting.daily import look

    found = look(day(as_of))
    show(found, as_json, None if as_json else table(found))


@app.command(help=text("cli_calendar.confirm"))
def confirm(
    deadline: Annotated[str, typer.Argument(help=text("cli_calendar.deadline"))],
    note: Annotated[str, typer.Option(help=text("cli_calendar.note"))] = "",
    occasion: Annotated[str, typer.Option(help=text("cli_calendar.occasion"))] = "",
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    from contracts.catalog import catalog
    from core.store.ledger import ledger
    from reporting.obligations import confirm as run

    wanted = deadline.upper()
    departments = catalog().deadlines.get(wanted, {}).get("departments")
    people = {"by": signed_in("confirm", departments), "note": note, "occasion": occasion}
    show(run(ledger(), catalog(), wanted, people, day(as_of)), as_json)


@app.command(help=text("cli_calendar.digest"))
def digest(
    send: Annotated[bool, typer.Option("--send", help=text("cli_calendar.send"))] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    from cli.tables.calendar import digests, outcomes
    from reporting import daily, notify

    if not send:
        who = acting("see_digest")
        own = set(who.systems) if who and who.role == "department" else None
        made = [item for item in daily.written(day(as_of)) if own is None or item.department in own]
        show([{**item.__dict__, "points": list(item.points)} for item in made], as_json, None if as_json else digests(made))
        return
    signed_in("run")
    sent = daily.tell(day(as_of))
    show([item.facts() for item in sent], as_json, None if as_json else outcomes(sent))
    if error := notify.failed(sent):
        raise error
