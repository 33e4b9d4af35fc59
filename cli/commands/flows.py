"""`hub flows`: the flow document, edge by edge and step by step, with what the hub has done and keeps."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.app import AsJson, app
from cli.output import show
from core.messages import text


@app.command(help=text("flows.command"))
def flows(
    flow: Annotated[str | None, typer.Argument(help=text("flows.flow"))] = None,
    audit: Annotated[bool, typer.Option("--audit", help=text("flows.audit"))] = False,
    rules: Annotated[bool, typer.Option("--rules", help=text("flows.show_rules"))] = False,
    as_json: AsJson = False,
) -> None:
    from cli.tables import flows as tables
    from contracts.catalog import catalog
    from contracts.flow_document import flowbook
    from core.settings import settings
    from core.store.ledger import ledger
    from reporting import flows as read

    known, language = flowbook(), settings().lang
    if audit:
        found = read.audit(known, language)
        show(found, as_json, None if as_json else tables.audit(found, known, language))
    elif rules:
        kept = read.rules(known, language)
        show(kept, as_json, None if as_json else tables.rules(kept))
    elif flow:
        told = read.steps(ledger(), catalog(), known, flow.upper())
        show(told, as_json, None if as_json else tables.steps(told, known, language))
    else:
        whole = read.overview(ledger(), catalog(), known)
        show(whole, as_json, None if as_json else tables.overview(whole, known, language))
