"""The commands of the calendar: what is coming, what is owed, and who is told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer

from cli.app import AsJson, AsOf, app, choose_business_date, demand_signed_in, find_signed_in
from cli.output import show_result
from core.messages import translate


@app.command(help=translate("cli_calendar.calendar"))
def calendar(
    days: Annotated[int, typer.Option(min=1, help=translate("cli_calendar.ahead"))] = 60,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help=translate("cli_calendar.first"))
    ] = None,
    as_json: AsJson = False,
) -> None:
    from cli.tables.calendar import render_preview as table
    from contracts.catalog import load_catalog
    from reporting.preview import preview_days

    begin = choose_business_date(first)
    found = [item.facts() for item in preview_days(load_catalog(), begin, begin + timedelta(days=days - 1))]
    show_result(found, as_json, None if as_json else table(found))


@app.command(help=translate("cli_calendar.obligations"))
def obligations(as_of: AsOf = None, as_json: AsJson = False) -> None:
    from cli.tables.calendar import render_obligations as table
    from reporting.daily import list_obligations

    found = list_obligations(choose_business_date(as_of))
    show_result(found, as_json, None if as_json else table(found))


@app.command(help=translate("cli_calendar.confirm"))
def confirm(
    deadline: Annotated[str, typer.Argument(help=translate("cli_calendar.deadline"))],
    note: Annotated[str, typer.Option(help=translate("cli_calendar.note"))] = "",
    occasion: Annotated[str, typer.Option(help=translate("cli_calendar.occasion"))] = "",
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    from contracts.catalog import load_catalog
    from core.store.ledger import open_ledger
    from reporting.obligations import confirm_deadline as run

    wanted = deadline.upper()
    departments = load_catalog().deadlines.get(wanted, {}).get("departments")
    people = {"by": demand_signed_in("confirm", departments), "note": note, "occasion": occasion}
    show_result(run(open_ledger(), load_catalog(), wanted, people, choose_business_date(as_of)), as_json)


@app.command(help=translate("cli_calendar.digest"))
def digest(
    send: Annotated[bool, typer.Option("--send", help=translate("cli_calendar.send"))] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    from cli.tables.calendar import render_digests, render_send_results
    from reporting import daily, notify

    if not send:
        who = find_signed_in("see_digest")
        own = set(who.systems) if who and who.role == "department" else None
        made = [item for item in daily.prepare_digests(choose_business_date(as_of)) if own is None or item.department in own]
        show_result(
            [{**item.__dict__, "points": list(item.points)} for item in made],
            as_json,
            None if as_json else render_digests(made),
        )
        return
    demand_signed_in("run")
    sent = daily.send_daily_digests(choose_business_date(as_of))
    show_result([item.facts() for item in sent], as_json, None if as_json else render_send_results(sent))
    if error := notify.find_failure(sent):
        raise error
