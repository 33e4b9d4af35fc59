"""The commands of a department that hands in files: template, upload, uploads."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.app import AsJson, Limit, app, choose_business_date, demand_signed_in
from cli.output import show_result
from core.calendar import format_local_minute
from core.messages import translate

if TYPE_CHECKING:
    from core.store.ledger import Row  # with its drivers, which `hub --help` does not need

Dataset = Annotated[str, typer.Argument(help=translate("desk.cli.dataset"))]
_COLUMNS = ("receipt", "state", "as_of", "given_by", "given_at", "rows", "faulty", "replaced_by", "sha256")


@app.command(help=translate("desk.cli.template"))
def template(
    dataset: Dataset, out: Annotated[Path, typer.Option("--out", help=translate("desk.cli.out_file"))], as_json: AsJson = False
) -> None:
    from contracts.catalog import load_catalog
    from desk.template import write_template as write
    from desk.upload import get_upload_dataset

    catalog = load_catalog()
    found = {"file": str(write(catalog, get_upload_dataset(catalog, dataset), out))}
    show_result(found, as_json, None if as_json else translate("desk.template.written", None, **found))


@app.command(help=translate("desk.cli.upload"))
def upload(
    dataset: Dataset,
    file: Annotated[Path, typer.Argument(help=translate("desk.cli.file"))],
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help=translate("desk.cli.business"))] = None,
    accept_held: Annotated[bool, typer.Option("--accept-held", help=translate("desk.cli.accept_held"))] = False,
    reason: Annotated[str, typer.Option(help=translate("cli.reason"))] = "",
    as_json: AsJson = False,
) -> None:
    from contracts.catalog import load_catalog
    from core.store.ledger import open_ledger
    from desk import upload as desk

    by = demand_signed_in("upload", [desk.get_upload_dataset(load_catalog(), dataset).system])
    offer = desk.UploadRequest(dataset, file, by, choose_business_date(as_of), accept_held, reason)
    found = desk.upload_file(open_ledger(), load_catalog(), offer)
    show_result(found, as_json, None if as_json else _render_receipt(found))
    if found["state"] != "taken":
        raise typer.Exit(1)


@app.command(help=translate("desk.cli.uploads"))
def uploads(
    dataset: Dataset,
    approve: Annotated[str | None, typer.Option("--approve", help=translate("desk.cli.approve_held"))] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    from contracts.catalog import load_catalog
    from core.store.ledger import open_ledger
    from desk import upload as desk

    wanted = desk.get_upload_dataset(load_catalog(), dataset)
    if approve is not None:
        taken = desk.approve_held(open_ledger(), load_catalog(), approve.upper(), demand_signed_in("waive", [wanted.system]))
        show_result(taken, as_json, None if as_json else _render_receipt(taken))
        return
    demand_signed_in("see_uploads", [wanted.system])
    found = desk.list_receipts(open_ledger(), wanted, limit)
    show_result(found, as_json, None if as_json else _render_receipts(dataset, found))


def _render_receipt(found: Row) -> Any:
    """What became of a file, in sentences: taken or not and why, how many rows, where the list of what to mend is."""
    from rich.console import Group

    from cli.tables import screen
    from cli.tables.grid import Prose
    from contracts.catalog import load_catalog
    from reporting import display_names

    names = ("receipt", "file_name", "as_of", "rows", "faulty", "given_by", "given_at", "sha256")
    facts = {name: found[name] for name in names}
    dataset = {"dataset": display_names.get_entity_title(load_catalog(), found["dataset"])}
    lines = [Prose(translate(f"desk.upload.told_{found['state']}", None, **found))]
    if found["problem"]:
        lines.append(Prose(found["problem"]))
    if found.get("waits"):
        lines.append(Prose(translate("desk.upload.told_waits", None, **found)))
    if found["fixes"]:
        lines.append(Prose(translate("desk.upload.told_fixes", None, file=found["fixes"])))
    return Group(*lines, screen.render_facts({**dataset, **facts}))


def _render_receipts(dataset: str, rows: list[Row]) -> Any:
    from cli.tables.grid import Grid
    from contracts.catalog import load_catalog
    from reporting import display_names

    grid = Grid(translate("desk.upload.title", None, dataset=display_names.format_place(load_catalog(), dataset)))
    if not rows:
        return translate("desk.upload.none", None, dataset=dataset)
    for name in _COLUMNS:
        grid.column(translate(f"desk.upload.{name}"), right=name in ("rows", "faulty"), whole=name not in ("given_by", "state"))
    for row in rows:
        shown = {**row, "state": translate(f"desk.upload.{row['state']}"), "given_at": format_local_minute(row["given_at"])}
        grid.row(*("-" if shown[name] is None else str(shown[name]) for name in _COLUMNS))
    return grid
