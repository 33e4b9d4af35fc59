"""The commands of the technician's check: verify (and sign), unchecked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Annotated, Any

import typer

from cli.app import AsJson, AsOf, app, choose_business_date, demand_signed_in
from cli.output import print_error, show_result
from core.errors import Denied, HubError
from core.messages import translate


@app.command(help=translate("cli.verify"))
def verify(
    edge: Annotated[str | None, typer.Argument(help=translate("cli.edge"))] = None,
    sign: Annotated[bool, typer.Option("--sign", help=translate("cli.sign"))] = False,
    flow: Annotated[str | None, typer.Option("--flow", help=translate("checks.cli.flow"))] = None,
    night: Annotated[datetime | None, typer.Option("--night", formats=["%Y-%m-%d"], help=translate("checks.cli.night"))] = None,
    yes: Annotated[bool, typer.Option("--yes", help=translate("checks.cli.unasked"))] = False,
    chain: Annotated[bool, typer.Option("--chain", help=translate("desk.cli.chain"))] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    from cli.tables import desk
    from contracts.catalog import load_catalog
    from pipeline.delivery.manual_apply import list_edge_feeds
    from runs.nightly import verify_edge

    if sum([bool(edge), chain, bool(flow or night)]) != 1:
        raise Denied("HUB748", "hub verify")
    if chain:
        _show_chains(as_json)
    elif edge is None:
        several = BatchSignoff(flow.upper() if flow else None, night.date() if night else None, demand_signed_in("sign"), yes)
        _sign_batch(several, choose_business_date(as_of), as_json)
    else:
        ends = {system for feed in list_edge_feeds(load_catalog(), edge) for system in (feed.source, feed.target)}
        by = demand_signed_in("sign" if sign else "see_rows", ends)
        found = verify_edge(edge, choose_business_date(as_of), by if sign else None)
        show_result(found, as_json, None if as_json else desk.render_verification(found))
        if not all(row["equal"] for row in found):
            raise typer.Exit(1)


def _show_chains(as_json: bool) -> None:
    from cli.tables import desk
    from core.store.ledger import open_ledger
    from pipeline import journal
    from pipeline.delivery import signoff

    signed, written = signoff.validate_chain(open_ledger()), journal.validate_chain(open_ledger())
    show_result({**signed, "journal": written}, as_json, None if as_json else desk.render_chains(signed, written))
    if signed["whole"] is False:
        raise Denied("HUB749", f"ops.signoff {signed['broken']}")
    if broken := written["broken"]:
        raise Denied("HUB879", f"ops.{broken['kind']} {broken['subject']}", **broken)


@dataclass(frozen=True)
class BatchSignoff:
    """What is to be signed in one go, by whom, and whether it was said beforehand that it is wanted."""

    flow: str | None
    night: date | None
    by: str
    yes: bool


def _sign_batch(wanted: BatchSignoff, as_of: date, as_json: bool) -> None:
    """Show flow by flow what waits for a check, ask, and sign each delivery of the flow that is as it should be.

    Raises:
        Denied: HUB872 for the flows without a yes; nothing of them is signed.
    """
    from cli.tables import desk
    from runs import signoff_batch

    names = [wanted.flow or "", str(wanted.night or "")]
    signed: list[dict[str, Any]] = []
    problems: list[HubError] = []
    left: dict[str, int] = {}
    with signoff_batch.open_verify_run([name for name in names if name], as_of) as here:
        feeds = signoff_batch.list_waiting_feeds(here.ledger, here.catalog, flow=wanted.flow, night=wanted.night)
        for flow, members in groupby(sorted(feeds, key=lambda feed: feed.flow), key=lambda feed: feed.flow):
            found, unseen = signoff_batch.verify_feeds(here, list(members))
            problems += unseen
            good = sum(row["equal"] for row in found)
            if not as_json:
                show_result(found, False, desk.render_verification(found))
            rest = len(found) - good + len(unseen)
            if good and not wanted.yes and (as_json or not _ask_to_sign(wanted, flow, good, rest)):
                left[flow] = good
                continue
            done, refused = signoff_batch.sign_deliveries(here, found, wanted.by)
            signed, problems = signed + done, problems + refused
    if signed or not left:
        show_result(signed, as_json, None if as_json else translate("checks.signed", None, count=len(signed), by=wanted.by))
    for error in problems:
        print_error(error)
    if left:
        raise Denied("HUB872", ", ".join(left), count=sum(left.values()))
    if problems:
        raise typer.Exit(1)


def _ask_to_sign(wanted: BatchSignoff, flow: str, good: int, rest: int) -> bool:
    """Whether the person at the terminal says yes to a flow that was shown; an end of input is a no."""
    try:
        return typer.confirm(translate("checks.confirm", None, flow=flow, count=good, rest=rest, by=wanted.by))
    except typer.Abort:
        return False


@app.command(help=translate("desk.cli.unchecked"))
def unchecked(as_json: AsJson = False) -> None:
    from cli.tables import desk
    from contracts.catalog import load_catalog
    from core.store.ledger import open_ledger
    from pipeline.delivery import signoff

    found = signoff.list_unsigned(open_ledger(), load_catalog())
    show_result(found, as_json, None if as_json else desk.render_unsigned(found))
    if any(row["overdue"] for row in found):
        raise typer.Exit(1)
