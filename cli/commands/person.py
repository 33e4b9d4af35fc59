"""The commands about people: who is who, numbers of external persons, and what waits for a decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.app import AsJson, app, choose_business_date, demand_signed_in
from cli.output import show_result
from core.messages import translate

if TYPE_CHECKING:
    from core.store.ledger import Row  # with its drivers, which `hub --help` does not need

Reason = Annotated[str, typer.Option("--reason", help=translate("cli.reason"))]
Number = Annotated[str, typer.Argument(help=translate("person.cli.kept"))]
Other = Annotated[str, typer.Argument(help=translate("person.cli.joining"))]
Alone = Annotated[str, typer.Argument(help=translate("person.cli.alone"))]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help=translate("person.cli.day"))]


@app.command(help=translate("person.cli.number"))
def number(
    unit: Annotated[str | None, typer.Option(help=translate("person.cli.unit"))] = None,
    name: Annotated[str | None, typer.Option(help=translate("person.cli.name"))] = None,
    kind: Annotated[str, typer.Option(help=translate("person.cli.kind"))] = "9",
    valid_from: Day = None,
    valid_to: Day = None,
    linked: Annotated[str | None, typer.Option(help=translate("person.cli.linked"))] = None,
    reason: Annotated[str, typer.Option("--reason", help=translate("cli.reason"))] = "",
    serial: Annotated[int | None, typer.Option(help=translate("person.cli.serial"))] = None,
    approve: Annotated[str | None, typer.Option(help=translate("person.cli.approve"))] = None,
    as_json: AsJson = False,
) -> None:
    from core.store.ledger import open_ledger
    from desk import persons

    who = demand_signed_in("number")
    if approve:
        show_result(persons.approve_number(open_ledger(), approve, who), as_json)
        return
    start = choose_business_date(valid_from)
    end = valid_to.date() if valid_to else start.replace(month=12, day=31)
    facts = persons.Applicant(unit or "", name or "", kind, start, end, linked, reason)
    show_result(persons.give_number(open_ledger(), facts, who, serial), as_json)


@app.command(help=translate("person.cli.persons"))
def persons(
    conflicts: Annotated[bool, typer.Option("--conflicts", help=translate("person.cli.conflicts"))] = False,
    provisional: Annotated[bool, typer.Option("--provisional", help=translate("person.cli.provisional"))] = False,
    number: Annotated[str | None, typer.Option(help=translate("person.cli.of_number"))] = None,
    as_json: AsJson = False,
) -> None:
    from contracts.catalog import load_catalog
    from core.store.ledger import open_ledger
    from desk import persons as register

    if number or provisional or conflicts:
        demand_signed_in("see_persons")
    if number:
        entity, rows = "person_role", register.list_roles(open_ledger(), number)
    elif provisional:
        entity, rows = "staff_preentry", register.list_preentries(open_ledger())
    elif conflicts:
        entity, rows = "person_conflict", register.list_conflicts(open_ledger())
    else:
        show_result(register.count_persons(open_ledger()), as_json)
        return
    shown = register.mask_rows(load_catalog(), entity, rows)
    show_result(shown, as_json, None if as_json else _render_rows(entity, shown))


@app.command(help=translate("person.cli.link"))
def link(number: Number, other: Other, reason: Reason, as_json: AsJson = False) -> None:
    from core.store.ledger import open_ledger
    from desk import persons

    show_result(persons.link_numbers(open_ledger(), number, other, demand_signed_in("decide"), reason), as_json)


@app.command(help=translate("person.cli.unlink"))
def unlink(number: Alone, reason: Reason, as_json: AsJson = False) -> None:
    from core.store.ledger import open_ledger
    from desk import persons

    show_result(persons.unlink_number(open_ledger(), number, demand_signed_in("decide"), reason), as_json)


def _render_rows(entity: str, rows: Sequence[Row]) -> Any:
    """The rows under the contract's own titles; numbers and days are never cut."""
    from cli.tables.grid import Grid
    from cli.tables.screen import format_fact
    from contracts.catalog import load_catalog
    from reporting import display_names

    found = load_catalog().entity(entity)
    grid = Grid(f"{display_names.get_entity_title(load_catalog(), entity)} {len(rows)}")
    for column in found.columns:
        number = column.name in found.key or column.name.endswith(("_no", "_id")) or column.type.name in ("date", "timestamp")
        grid.column(display_names.choose_title(column.title, column.name), whole=number)
    for row in rows:
        grid.row(*("-" if row[column.name] is None else format_fact(column.name, row[column.name]) for column in found.columns))
    return grid
