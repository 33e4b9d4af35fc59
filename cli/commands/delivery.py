"""The commands of what happens to a delivery afterwards: pull, ack, replay, adopt."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.app import AsJson, AsOf, agreed, app, day, signed_in
from cli.output import show
from core.messages import text

Edge = Annotated[str, typer.Argument(help=text("cli.edge"))]


@app.command(help=text("desk.cli.pull"))
def pull(
    edge: Edge,
    out: Annotated[Path, typer.Option("--out", help=text("desk.cli.out_folder"))],
    since: Annotated[int | None, typer.Option(help=text("desk.cli.since"))] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    from cli.tables import desk
    from contracts.catalog import catalog
    from pipeline.context import resume
    from pipeline.delivery import manual_apply as hop
    from runs.nightly import close_run, open_run

    by = signed_in("take", [feed.target for feed in hop.feeds_of(catalog(), edge)])
    run_id = open_run("pull", day(as_of), [edge])
    try:
        found = hop.pull(resume(run_id), edge, out, by, since)
        names = ("feed", "mode", "since", "version", "upserts", "deletes")
        table = None if as_json else desk.lines(found, names, "desk.screen.pull_title")
        show({"run": run_id, "datasets": found}, as_json, table)
    finally:
        close_run(run_id)


@app.command(help=text("desk.cli.ack"))
def ack(
    edge: Edge,
    version: Annotated[int | None, typer.Option(help=text("desk.cli.version"))] = None,
    rows: Annotated[int | None, typer.Option(min=0, help=text("desk.cli.rows"))] = None,
    refuse: Annotated[bool, typer.Option("--refuse", help=text("desk.cli.refuse"))] = False,
    reason: Annotated[str, typer.Option(help=text("cli.reason"))] = "",
    as_json: AsJson = False,
) -> None:
    from cli.tables import desk
    from contracts.catalog import catalog
    from core.store.ledger import ledger
    from pipeline.delivery import manual_apply as hop

    if version is None:
        found = hop.state(ledger(), hop.by_hand(catalog(), edge))
    else:
        by = signed_in("acknowledge", [feed.target for feed in hop.feeds_of(catalog(), edge)])
        word = hop.Word(version, by, rows, refuse, reason)
        found = hop.acknowledge(ledger(), catalog(), edge, word)
    names = ("feed", "delivered", "usable", "applied", "days", "state", "acknowledged_by", "acknowledged_at", "reason")
    show(found, as_json, None if as_json else desk.lines(found, names, "desk.screen.ack_title"))


@app.command(help=text("desk.cli.replay"))
def replay(
    edge: Annotated[str, typer.Option("--edge", help=text("cli.edge"))],
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help=text("desk.cli.first"))],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help=text("desk.cli.last"))],
    as_json: AsJson = False,
) -> None:
    from cli.tables import desk
    from contracts.catalog import catalog
    from core.store.ledger import ledger
    from runs.redeliver import replay as run

    signed_in("run")
    found = run(ledger(), catalog(), edge, first.date(), last.date())
    names = ("feed", "kept", "open", "lost", "sent", "version", "problem")
    show(found, as_json, None if as_json else desk.lines(found, names, "desk.screen.replay_title"))
    if any(row["problem"] for row in found):
        raise typer.Exit(1)


@app.command(help=text("desk.cli.adopt"))
def adopt(
    edge: Edge,
    yes: Annotated[bool, typer.Option("--yes", help=text("desk.cli.adopt_yes"))] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    from cli.tables import desk
    from contracts.catalog import catalog
    from core.errors import Denied
    from pipeline.context import resume
    from pipeline.delivery import adopt as again
    from pipeline.delivery.manual_apply import feeds_of
    from runs.nightly import close_run, open_run

    feeds, by = feeds_of(catalog(), edge), signed_in("adopt")
    if not agreed(text("desk.cli.adopt_ask", None, edge=edge), yes, as_json):
        raise Denied("HUB714", edge)
    run_id = open_run("adopt", day(as_of), [edge])
    try:
        here = resume(run_id)
        found = [again.adopt(here, feed, by) for feed in feeds]
    finally:
        close_run(run_id)
    names = ("feed", "version", "taken", "missing", "extra", "different")
    show(found, as_json, None if as_json else desk.lines(found, names, "desk.screen.adopt_title"))
