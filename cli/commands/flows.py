"""`hub flows`: the flow document, edge by edge and step by step, with what the hub has done and keeps."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.app import AsJson, app
from cli.output import show_result
from core.messages import translate


@app.command(help=translate("flows.command"))
def flows(
    flow: Annotated[str | None, typer.Argument(help=translate("flows.flow"))] = None,
    audit: Annotated[bool, typer.Option("--audit", help=translate("flows.audit"))] = False,
    rules: Annotated[bool, typer.Option("--rules", help=translate("flows.show_rules"))] = False,
    as_json: AsJson = False,
) -> None:
    from cli.tables import flows as tables
    from contracts.catalog import load_catalog
    from contracts.flow_document import load_flow_document
    from core.settings import get_settings
    from core.store.ledger import open_ledger
    from reporting import flows as read

    known, language = load_flow_document(), get_settings().lang
    if audit:
        found = read.list_findings(known, language)
        show_result(found, as_json, None if as_json else tables.render_findings(found, known, language))
    elif rules:
        kept = read.list_rules(known, language)
        show_result(kept, as_json, None if as_json else tables.render_rules(kept))
    elif flow:
        told = read.read_flow_steps(open_ledger(), load_catalog(), known, flow.upper())
        show_result(told, as_json, None if as_json else tables.render_steps(told, known, language))
    else:
        whole = read.build_overview(open_ledger(), load_catalog(), known)
        show_result(whole, as_json, None if as_json else tables.render_overview(whole, known, language))
