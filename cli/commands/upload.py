"""The commands of a department that hands in files: template, upload, uploads."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.app import AsJson, Limit, app, day, signed_in
from cli.output import show
from core.calendar import local_minute
from core.messages import text
from core.store.ledger import Row

Dataset = Annotated[str, typer.Argument(help=text("desk.cli.dataset"))]
_COLUMNS = ("receipt", "state", "as_of", "given_by", "given_at", "rows", "faulty", "replaced_by", "sha256")


@app.command(help=text("desk.cli.template"))
def template(
    dataset: Dataset, out: Annotated[Path, typer.Option("--out", help=text("desk.cli.out_file"))], as_json: AsJson = False
) -> None:
    from contracts.catalog import catalog
    from desk.template import template as write
    from desk.upload import uploaded

    known = catalog()
    found = {"file": str(write(known, uploaded(known, dataset), out))}
    show(found, as_json, None if as_json else text("desk.template.written", None, **found))


@app.command(help=text("desk.cli.upload"))
def upload(
    dataset: Dataset,
    file: Annotated[Path, typer.Argument(help=text("desk.cli.file"))],
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help=text("desk.cli.business"))] = None,
    accept_held: Annotated[bool, typer.Option("--accept-held", help=text("desk.cli.accept_held"))] = False,
    reason: Annotated[str, typer.Option(help=text("cli.reason"))] = "",
    as_json: AsJson = False,
) -> None:
    from contracts.catalog import catalog
    from core.store.ledger import ledger
    from desk import upload as desk

    by = signed_in("upload", [desk.uploaded(catalog(), dataset).system])
    offer = desk.Offer(dataset, file, by, day(as_of), accept_held, reason)
    found = desk.upload(ledger(), catalog(), offer)
    show(found, as_json, None if as_json else _told(found))
    if found["state"] != "taken":
        raise typer.Exit(1)


@app.command(help=text("desk.cli.uploads"))
def uploads(
    dataset: Dataset,
    approve: Annotated[str | None, typer.Option("--approve", help=text("desk.cli.approve_held"))] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    from contracts.catalog import catalog
    from core.store.ledger import ledger
    from desk import upload as desk

    wanted = desk.uploaded(catalog(), dataset)
    if approve is not None:
        taken = desk.agree(ledger(), catalog(), approve.upper(), signed_in("waive", [wanted.system]))
        show(taken, as_json, None if as_json else _told(taken))
        return
    signed_in("see_uploads", [wanted.system])
    found = desk.uploads(ledger(), wanted, limit)
    show(found, as_json, None if as_json else _table(dataset, found))


def _told(found: Row) -> Any:
    """What became of a file, in sentences: taken or not and why, how many rows, where the list of what to mend is."""
    from rich.console import Group

    from cli.tables import screen
    from cli.tables.grid import Prose
    from contracts.catalog import catalog
    from reporting import display_names

    names = ("receipt", "file_name", "as_of", "rows", "faulty", "given_by", "given_at", "sha256")
    facts = {name: found[name] for name in names}
    dataset = {"dataset": display_names.entity(catalog(), found["dataset"])}
    lines = [Prose(text(f"desk.upload.told_{found['state']}", None, **found))]
    if found["problem"]:
        lines.append(Prose(found["problem"]))
    if found.get("waits"):
        lines.append(Prose(text("desk.upload.told_waits", None, **found)))
    if found["fixes"]:
        lines.append(Prose(text("desk.upload.told_fixes", None, file=found["fixes"])))
    return Group(*lines, screen.facts({**dataset, **facts}))


def _table(dataset: str, rows: list[Row]) -> Any:
    from cli.tables.grid import Grid
    from contracts.catalog import catalog
    from reporting import display_names

    grid = Grid(text("desk.upload.title", None, dataset=display_names.placed(catalog(), dataset)))
    if not rows:
        return text("desk.upload.none", None, dataset=dataset)
    for name in _COLUMNS:
        grid.column(text(f"desk.upload.{name}"), right=name in ("rows", "faulty"), whole=name not in ("given_by", "state"))
    for row in rows:
        shown = {**row, "state": text(f"desk.upload.{row['state']}"), "given_at": local_minute(row["given_at"])}
        grid.row(*("-" if shown[name] is None else str(shown[name]) for name in _COLUMNS))
    return grid
