"""`hub oneroster`: why a learning platform may refuse a bundle."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli.app import AsJson, app
from cli.output import show_result
from core.messages import translate


@app.command(help=translate("roster.command"))
def oneroster(
    bundles: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help=translate("roster.bundles"))],
    as_json: AsJson = False,
) -> None:
    from cli.tables.grid import Grid
    from core.errors import FeedFailed
    from onboarding.oneroster_validator import find_violations

    found = find_violations(bundles)
    table = Grid(translate("roster.title", None, count=len(found)))
    for name in ("bundle", "file", "column", "rows", "problem"):
        table.column(translate(f"roster.head_{name}"), whole=name in ("bundle", "file", "column"))
    for slip in found:
        rows = ", ".join(str(row) for row in slip.rows) + (" …" if slip.count > len(slip.rows) > 0 else "")
        problem = translate(f"roster.slip_{slip.problem}", None, count=slip.count)
        table.row(slip.bundle, slip.file, slip.column or "-", rows or "-", problem)
    show_result([asdict(slip) for slip in found], as_json, None if as_json else table)
    if found:
        raise FeedFailed("HUB624", bundles[-1].name, count=len(found))
