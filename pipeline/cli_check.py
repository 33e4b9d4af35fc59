"""The commands of the technician's check: verify (and sign), unchecked."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from core.errors import Denied
from core.text import text
from pipeline.cli_base import AsJson, AsOf, app, day, show


@app.command(help=text("cli.verify"))
def verify(
    edge: Annotated[str | None, typer.Argument(help=text("cli.edge"))] = None,
    sign: Annotated[bool, typer.Option("--sign", help=text("cli.sign"))] = False,
    chain: Annotated[bool, typer.Option("--chain", help=text("desk.cli.chain"))] = False,
    by: Annotated[str | None, typer.Option(help=text("cli.by"))] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    from core.ledger import ledger
    from pipeline import screen_desk, signoff
    from pipeline.night import verify_edge

    if chain:
        whole = signoff.chain(ledger())
        show(whole, as_json)
        if not whole["whole"]:
            raise Denied("HUB749", f"ops.signoff {whole['broken']}")
        return
    if edge is None:
        raise Denied("HUB748", "hub verify")
    found = verify_edge(edge, day(as_of), by or getpass.getuser() if sign else None)
    show(found, as_json, None if as_json else screen_desk.verified(found))
    if not all(row["equal"] for row in found):
        raise typer.Exit(1)


@app.command(help=text("desk.cli.unchecked"))
def unchecked(as_json: AsJson = False) -> None:
    from core.ledger import ledger
    from pipeline import screen_desk, signoff
    from schemas.catalog import catalog

    found = signoff.unchecked(ledger(), catalog())
    show(found, as_json, None if as_json else screen_desk.unchecked(found))
    if any(row["overdue"] for row in found):
        raise typer.Exit(1)
