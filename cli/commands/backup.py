"""The commands that move a hub to another machine: backup, restore."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.app import AsJson, app, ask_to_agree, demand_signed_in, handle_interrupt
from cli.output import NEEDS_A_PERSON, print_error, print_parts, show_result
from core.calendar import format_local_minute
from core.errors import Denied, MachineFault
from core.messages import translate
from core.settings import get_settings

if TYPE_CHECKING:
    from runs.backup_manifest import Manifest, Report

SHOWN = 5
"""Files that are named of those that are not as the ledger says."""


@app.command(help=translate("backup.cli.backup"))
def backup(folder: Annotated[Path, typer.Argument(help=translate("backup.cli.into"))], as_json: AsJson = False) -> None:
    from runs.backup import make_backup as run

    demand_signed_in("run")
    with handle_interrupt(), _show_progress(as_json) as report:
        made = run(folder, report)
    facts = _build_facts(made.manifest) | {"folder": str(made.folder), "seconds": round(made.seconds, 1)}
    _print_lines(facts, as_json, [translate("backup.made", None, **facts), *_describe_connections(made.manifest)])
    _report_wrong_files(made.manifest)


@app.command(help=translate("backup.cli.restore"))
def restore(
    folder: Annotated[Path, typer.Argument(help=translate("backup.cli.from"))],
    check: Annotated[bool, typer.Option("--check", help=translate("backup.cli.check"))] = False,
    replace: Annotated[bool, typer.Option("--replace", help=translate("backup.cli.replace"))] = False,
    yes: Annotated[bool, typer.Option("--yes", help=translate("backup.cli.yes"))] = False,
    as_json: AsJson = False,
) -> None:
    from runs import restore as restores
    from runs.backup_manifest import read_manifest

    if check:
        with handle_interrupt(), _show_progress(as_json) as report:
            manifest = restores.check_backup(folder, report)
        facts = _build_facts(manifest) | {"folder": str(folder.absolute())}
        _print_lines(facts, as_json, [translate("backup.sound", None, **facts), *_describe_connections(manifest)])
        _report_wrong_files(manifest)
        return
    read_manifest(folder)
    is_occupied = restores.is_occupied()
    if is_occupied and not replace:
        raise Denied("HUB853", "hub", var=str(get_settings().var))
    by = demand_signed_in("restore") if is_occupied else ""
    if is_occupied and not ask_to_agree(translate("backup.ask"), yes, as_json):
        raise Denied("HUB853", "hub", var=str(get_settings().var))
    with handle_interrupt(), _show_progress(as_json) as report:
        found = restores.restore_backup(folder, report, replace, by)
    facts = _build_facts(found.manifest) | {"seconds": round(found.seconds, 1), "abandoned": list(found.abandoned)}
    lines = [translate("backup.restored", None, **facts)]
    lines += [translate("backup.abandoned", None, runs=", ".join(found.abandoned))] if found.abandoned else []
    _print_lines(facts, as_json, [*lines, *_list_next_steps(found.manifest)])
    _report_wrong_files(found.manifest)


def _build_facts(manifest: Manifest) -> dict[str, Any]:
    return {
        "made_at": format_local_minute(datetime.fromisoformat(manifest.made_at)),
        "product": manifest.product,
        "migration": manifest.migration,
        "version": manifest.version,
        "tables": len(manifest.tables),
        "rows": sum(table.rows for table in manifest.tables),
        "files": len(manifest.files),
        "megabytes": -(-manifest.size // 1_000_000),
        "connections": [named.id for named in manifest.connections],
        "damaged": manifest.damaged,
        "gone": manifest.gone,
    }


def _print_lines(facts: dict[str, Any], as_json: bool, lines: list[str]) -> None:
    if as_json:
        show_result(facts, True)
    else:
        print_parts(*lines)


def _describe_connections(manifest: Manifest, here: Collection[str] = ()) -> list[str]:
    """What must be given again, since no password is in a backup, and what was switched off and must be again; nothing of what
    is registered `here`."""
    named = [one.id for one in manifest.connections if one.family != "off" and one.id not in here]
    off = [one.id for one in manifest.connections if one.family == "off" and one.id not in here]
    lines = [translate("backup.connections", None, count=len(named), names=", ".join(named))] if named else []
    return lines + ([translate("backup.off", None, names=", ".join(off))] if off else [])


def _list_next_steps(manifest: Manifest) -> list[str]:
    """What is left to do on the new machine, in order."""
    from core.store.connections import list_connections
    from runs.backup import hash_contracts

    steps = _describe_connections(manifest, list_connections())
    steps += [] if hash_contracts() == manifest.contracts else [translate("backup.contracts")]
    steps += [translate("backup.lint"), translate("backup.receivers"), translate("backup.night")]
    return [translate("backup.left"), *(f"{place}. {step}" for place, step in enumerate(steps, 1))]


def _report_wrong_files(manifest: Manifest) -> None:
    """Name the files that were not as the ledger says when the backup was made.

    Raises:
        typer.Exit: with `NEEDS_A_PERSON` when there are any.
    """
    wrong = [*manifest.damaged, *manifest.gone]
    if wrong:
        names = ", ".join(wrong[:SHOWN]) + (f" (+{len(wrong) - SHOWN})" if len(wrong) > SHOWN else "")
        print_error(MachineFault("HUB859", "hub", damaged=len(manifest.damaged), gone=len(manifest.gone), names=names))
        raise typer.Exit(NEEDS_A_PERSON)


@contextlib.contextmanager
def _show_progress(quiet: bool) -> Iterator[Report]:
    """A bar for everything that is done in turn; nothing when `quiet`."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=28), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bars:
        tasks: dict[str, TaskID] = {}

        def report(doing: str, done: int, of: int) -> None:
            if doing not in tasks:
                tasks[doing] = bars.add_task(translate(f"backup.doing.{doing}"), total=of)
            bars.update(tasks[doing], completed=done, total=of)

        yield report
