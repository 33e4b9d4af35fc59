"""`hub flows`: the flow document, edge by edge and step by step, with what the hub has done and keeps."""

from __future__ import annotations

from typing import Annotated

import typer

from core.text import text
from pipeline.cli_base import AsJson, app, show


@app.command(help=text("flows.command"))
def flows(
    flow: Annotated[str | None, typer.Argument(help=text("flows.flow"))] = None,
    audit: Annotated[bool, typer.Option("--audit", help=text("flows.audit"))] = False,
    rules: Annotated[bool, typer.Option("--rules", help=text("flows.show_rules"))] = False,
    as_json: AsJson = False,
) -> None:
    from core.ledger import ledger
    from core.settings import settings
    from pipeline import flow_tables as tables
    from pipeline import flows as read
    from schemas.catalog import catalog
    from schemas.flowbook import flowbook

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
