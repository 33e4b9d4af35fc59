"""`hub grants`: a person's permissions, and the person's own word about them."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.app import AsJson, app, demand_signed_in
from cli.output import show_result
from core.messages import translate


@app.command(help=translate("grants.cli.command"))
def grants(
    uid: Annotated[str | None, typer.Argument(help=translate("grants.cli.uid"))] = None,
    confirm: Annotated[bool, typer.Option("--confirm", help=translate("grants.cli.confirm"))] = False,
    wrong: Annotated[str | None, typer.Option("--wrong", help=translate("grants.cli.wrong"))] = None,
    system: Annotated[str | None, typer.Option("--system", help=translate("grants.cli.system"))] = None,
    as_json: AsJson = False,
) -> None:
    from cli.tables import desk
    from core.store.ledger import open_ledger
    from desk import grants as register

    names: tuple[str, ...] = ("system_code", "role_code", "scope_unit", "unit_name", "valid_from", "valid_to", "agrees")
    if uid is None:
        found, names = register.count_grants(open_ledger()), ("system_code", "grants", "confirmed", "disputed")
    elif confirm or wrong is not None:
        found = register.confirm_grants(open_ledger(), uid, demand_signed_in("confirm_grants", person=uid), system, wrong)
    else:
        demand_signed_in("see_grants", person=uid)
        found = [row for row in register.list_grants(open_ledger(), uid) if system in (None, row["system_code"])]
    show_result(found, as_json, None if as_json else desk.render_rows(found, names, "grants.title"))
