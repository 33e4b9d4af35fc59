"""The commands of the technician's check: verify (and sign), unchecked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Annotated, Any

import typer

from cli.app import AsJson, AsOf, app, day, signed_in
from cli.output import complain, show
from core.errors import Denied, HubError
from core.messages import text


@app.command(help=text("cli.verify"))
def verify(
    edge: Annotated[str | None, typer.Argument(help=text("cli.edge"))] = None,
    sign: Annotated[bool, typer.Option("--sign", help=text("cli.sign"))] = False,
    flow: Annotated[str | None, typer.Option("--flow", help=text("checks.cli.flow"))] = None,
    night: Annotated[datetime | None, typer.Option("--night", formats=["%Y-%m-%d"], help=text("checks.cli.night"))] = None,
    yes: Annotated[bool, typer.Option("--yes", help=text("checks.cli.unasked"))] = False,
    chain: Annotated[bool, typer.Option("--chain", help=text("desk.cli.chain"))] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    from cli.tables import desk
    from contracts.catalog import catalog
    from pipeline.delivery.manual_apply import feeds_of
    from runs.nightly import verify_edge

    if sum([bool(edge), chain, bool(flow or night)]) != 1:
        raise Denied("HUB748", "hub verify")
    if chain:
        _chain(as_json)
    elif edge is None:
        several = Several(flow.upper() if flow else None, night.date() if night else None, signed_in("sign"), yes)
        _several(several, day(as_of), as_json)
    else:
        ends = {system for feed in feeds_of(catalog(), edge) for system in (feed.source, feed.target)}
        by = signed_in("sign" if sign else "see_rows", ends)
        found = verify_edge(edge, day(as_of), by if sign else None)
        show(found, as_json, None if as_json else desk.verified(found))
        if not all(row["equal"] for row in found):
            raise typer.Exit(1)


def _chain(as_json: bool) -> None:
    from cli.tables import desk
    from core.store.ledger import ledger
    from pipeline import journal
    from pipeline.delivery import signoff

    signed, written = signoff.chain(ledger()), journal.chain(ledger())
    show({**signed, "journal": written}, as_json, None if as_json else desk.chains(signed, written))
    if signed["whole"] is False:
        raise Denied("HUB749", f"ops.signoff {signed['broken']}")
    if broken := written["broken"]:
        raise Denied("HUB879", f"ops.{broken['kind']} {broken['subject']}", **broken)


@dataclass(frozen=True)
class Several:
    """What is to be signed in one go, by whom, and whether it was said beforehand that it is wanted."""

    flow: str | None
    night: date | None
    by: str
    yes: bool


def _several(wanted: Several, as_of: date, as_json: bool) -> None:
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
    with signoff_batch.opened([name for name in names if name], as_of) as here:
        feeds = signoff_batch.waiting(here.ledger, here.catalog, flow=wanted.flow, night=wanted.night)
        for flow, members in groupby(sorted(feeds, key=lambda feed: feed.flow), key=lambda feed: feed.flow):
            found, unseen = signoff_batch.look(here, list(members))
            problems += unseen
            good = sum(row["equal"] for row in found)
            if not as_json:
                show(found, False, desk.verified(found))
            rest = len(found) - good + len(unseen)
            if good and not wanted.yes and (as_json or not _agreed(wanted, flow, good, rest)):
                left[flow] = good
                continue
            done, refused = signoff_batch.sign(here, found, wanted.by)
            signed, problems = signed + done, problems + refused
    if signed or not left:
        show(signed, as_json, None if as_json else text("checks.signed", None, count=len(signed), by=wanted.by))
    for error in problems:
        complain(error)
    if left:
        raise Denied("HUB872", ", ".join(left), count=sum(left.values()))
    if problems:
        raise typer.Exit(1)


def _agreed(wanted: Several, flow: str, good: int, rest: int) -> bool:
    """Whether the person at the terminal says yes to a flow that was shown; an end of input is a no."""
    try:
        return typer.confirm(text("checks.confirm", None, flow=flow, count=good, rest=rest, by=wanted.by))
    except typer.Abort:
        return False


@app.command(help=text("desk.cli.unchecked"))
def unchecked(as_json: AsJson = False) -> None:
    from cli.tables import desk
    from contracts.catalog import catalog
    from core.store.ledger import ledger
    from pipeline.delivery import signoff

    found = signoff.unchecked(ledger(), catalog())
    show(found, as_json, None if as_json else desk.unchecked(found))
    if any(row["overdue"] for row in found):
        raise typer.Exit(1)
