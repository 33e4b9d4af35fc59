"""The commands about people: who is who, numbers of external persons, and what waits for a decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from cli.app import AsJson, app, day, signed_in
from cli.output import show
from core.messages import text
from core.store.ledger import Row

Reason = Annotated[str, typer.Option("--reason", help=text("cli.reason"))]
Number = Annotated[str, typer.Argument(help=text("person.cli.kept"))]
Other = Annotated[str, typer.Argument(help=text("person.cli.joining"))]
Alone = Annotated[str, typer.Argument(help=text("person.cli.alone"))]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help=text("person.cli.day"))]


@app.command(help=text("person.cli.number"))
def number(
    unit: Annotated[str | None, typer.Option(help=text("person.cli.unit"))] = None,
    name: Annotated[str | None, typer.Option(help=text("person.cli.name"))] = None,
    kind: Annotated[str, typer.Option(help=text("person.cli.kind"))] = "9",
    valid_from: Day = None,
    valid_to: Day = None,
    linked: Annotated[str | None, typer.Option(help=text("person.cli.linked"))] = None,
    reason: Annotated[str, typer.Option("--reason", help=text("cli.reason"))] = "",
    serial: Annotated[int | None, typer.Option(help=text("person.cli.serial"))] = None,
    approve: Annotated[str | None, typer.Option(help=text("person.cli.approve"))] = None,
    as_json: AsJson = False,
) -> None:
    from core.store.ledger import ledger
    from desk import persons

    who = signed_in("number")
    if approve:
        show(persons.approve_number(ledger(), approve, who), as_json)
        return
    start = day(valid_from)
    end = valid_to.date() if valid_to else start.replace(month=12, day=31)
    facts = persons.Applicant(unit or "", name or "", kind, start, end, linked, reason)
    show(persons.give_number(ledger(), facts, who, serial), as_json)


@app.command(help=text("person.cli.persons"))
def persons(
    conflicts: Annotated[bool, typer.Option("--conflicts", help=text("person.cli.conflicts"))] = False,
    provisional: Annotated[bool, typer.Option("--provisional", help=text("person.cli.provisional"))] = False,
    number: Annotated[str | None, typer.Option(help=text("person.cli.of_number"))] = None,
    as_json: AsJson = False,
) -> None:
    from contracts.catalog import catalog
    from core.store.ledger import ledger
    from desk import persons as register

    if number or provisional or conflicts:
        signed_in("see_persons")
    if number:
        entity, rows = "person_role", register.numbers(ledger(), number)
    elif provisional:
        entity, rows = "staff_preentry", register.preentries(ledger())
    elif conflicts:
        entity, rows = "person_conflict", register.conflicts(ledger())
    else:
        show(register.summary(ledger()), as_json)
        return
    shown = register.masked(catalog(), entity, rows)
    show(shown, as_json, None if as_json else _table(entity, shown))


@app.command(help=text("person.cli.link"))
def link(number: Number, other: Other, reason: Reason, as_json: AsJson = False) -> None:
    from core.store.ledger import ledger
    from desk import persons

    show(persons.link(ledger(), number, other, signed_in("decide"), reason), as_json)


@app.command(help=text("person.cli.unlink"))
def unlink(number: Alone, reason: Reason, as_json: AsJson = False) -> None:
    from core.store.ledger import ledger
    from desk import persons

    show(persons.unlink(ledger(), number, signed_in("decide"), reason), as_json)


def _table(entity: str, rows: Sequence[Row]) -> Any:
    """The rows under the contract's own titles; numbers and days are never cut."""
    from cli.tables.grid import Grid
    from cli.tables.screen import told
    from contracts.catalog import catalog
    from reporting import display_names

    found = catalog().entity(entity)
    grid = Grid(f"{display_names.entity(catalog(), entity)} {len(rows)}")
    for column in found.columns:
        number = column.name in found.key or column.name.endswith(("_no", "_id")) or column.type.name in ("date", "timestamp")
        grid.column(display_names.titled(column.title, column.name), whole=number)
    for row in rows:
        grid.row(*("-" if row[column.name] is None else told(column.name, row[column.name]) for column in found.columns))
    return grid
