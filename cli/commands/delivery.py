"""The commands of what happens to a delivery afterwards: pull, ack, replay, adopt."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.app import AsJson, AsOf, app, ask_to_agree, choose_business_date, demand_signed_in
from cli.output import show_result
from core.messages import translate

Edge = Annotated[str, typer.Argument(help=translate("cli.edge"))]


@app.command(help=translate("desk.cli.pull"))
def pull(
    edge: Edge,
    out: Annotated[Path, typer.Option("--out", help=translate("desk.cli.out_folder"))],
    since: Annotated[int | None, typer.Option(help=translate("desk.cli.since"))] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    from cli.tables import desk
    from contracts.catalog import load_catalog
    from pipeline.context import resume_run
    from pipeline.delivery import manual_apply as hop
    from runs.nightly import close_run, open_run

    by = demand_signed_in("take", [feed.target for feed in hop.list_edge_feeds(load_catalog(), edge)])
    run_id = open_run("pull", choose_business_date(as_of), [edge])
    try:
        found = hop.take_delivered(resume_run(run_id), edge, out, by, since)
        names = ("feed", "mode", "since", "version", "upserts", "deletes")
        table = None if as_json else desk.render_rows(found, names, "desk.screen.pull_title")
        show_result({"run": run_id, "datasets": found}, as_json, table)
    finally:
        close_run(run_id)


@app.command(help=translate("desk.cli.ack"))
def ack(
    edge: Edge,
    version: Annotated[int | None, typer.Option(help=translate("desk.cli.version"))] = None,
    rows: Annotated[int | None, typer.Option(min=0, help=translate("desk.cli.rows"))] = None,
    refuse: Annotated[bool, typer.Option("--refuse", help=translate("desk.cli.refuse"))] = False,
    reason: Annotated[str, typer.Option(help=translate("cli.reason"))] = "",
    as_json: AsJson = False,
) -> None:
    from cli.tables import desk
    from contracts.catalog import load_catalog
    from core.store.ledger import open_ledger
    from pipeline.delivery import manual_apply as hop

    if version is None:
        found = hop.read_apply_state(open_ledger(), hop.list_manual_feeds(load_catalog(), edge))
    else:
        by = demand_signed_in("acknowledge", [feed.target for feed in hop.list_edge_feeds(load_catalog(), edge)])
        word = hop.Acknowledgement(version, by, rows, refuse, reason)
        found = hop.acknowledge_version(open_ledger(), load_catalog(), edge, word)
    names = ("feed", "delivered", "usable", "applied", "days", "state", "acknowledged_by", "acknowledged_at", "reason")
    show_result(found, as_json, None if as_json else desk.render_rows(found, names, "desk.screen.ack_title"))


@app.command(help=translate("desk.cli.replay"))
def replay(
    edge: Annotated[str, typer.Option("--edge", help=translate("cli.edge"))],
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help=translate("desk.cli.first"))],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help=translate("desk.cli.last"))],
    as_json: AsJson = False,
) -> None:
    from cli.tables import desk
    from contracts.catalog import load_catalog
    from core.store.ledger import open_ledger
    from runs.redeliver import redeliver_edge as run

    demand_signed_in("run")
    found = run(open_ledger(), load_catalog(), edge, first.date(), last.date())
    names = ("feed", "kept", "open", "lost", "sent", "version", "problem")
    show_result(found, as_json, None if as_json else desk.render_rows(found, names, "desk.screen.replay_title"))
    if any(row["problem"] for row in found):
        raise typer.Exit(1)


@app.command(help=translate("desk.cli.adopt"))
def adopt(
    edge: Edge,
    yes: Annotated[bool, typer.Option("--yes", help=translate("desk.cli.adopt_yes"))] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    from cli.tables import desk
    from contracts.catalog import load_catalog
    from core.errors import Denied
    from pipeline.context import resume_run
    from pipeline.delivery import adopt as again
    from pipeline.delivery.manual_apply import list_edge_feeds
    from runs.nightly import close_run, open_run

    feeds, by = list_edge_feeds(load_catalog(), edge), demand_signed_in("adopt")
    if not ask_to_agree(translate("desk.cli.adopt_ask", None, edge=edge), yes, as_json):
        raise Denied("HUB714", edge)
    run_id = open_run("adopt", choose_business_date(as_of), [edge])
    try:
        here = resume_run(run_id)
        found = [again.adopt_rows(here, feed, by) for feed in feeds]
    finally:
        close_run(run_id)
    names = ("feed", "version", "taken", "missing", "extra", "different")
    show_result(found, as_json, None if as_json else desk.render_rows(found, names, "desk.screen.adopt_title"))
