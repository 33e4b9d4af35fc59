"""Does each school year give the days that deadlines count from, and can every deadline be proved?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.finding import Finding, nearest_names
from core.calendar import ANCHOR_WINDOWS, read_calendar
from core.errors import ContractError
from lint.workspace import LintWorkspace

_SCHOOL_YEAR = re.compile(r"\d{4}-\d{4}")


def lint_calendar(found: LintWorkspace) -> Iterator[Finding]:
    """Findings HUB181, HUB760, HUB762 and HUB763 over the calendar and the deadlines."""
    yield from _lint_deadlines(found)
    if not any(_SCHOOL_YEAR.fullmatch(str(document.data.get("school_year"))) for document in found.calendars):
        return
    try:
        read_calendar(found.layers.glob("schemas/calendar/*.yaml"))
    except ContractError as error:
        yield Finding(error.code, f"schemas/calendar/{error.where}", 1, error.facts)
        return
    for document in found.calendars:
        names = {str(item.get("name")) for item in document.data.get("windows") or []}
        wanted = {ANCHOR_WINDOWS[item["anchor"]][0] for _, _, item in found.deadlines if item.get("anchor") in ANCHOR_WINDOWS}
        wanted |= {str(item["window"]) for _, _, item in found.deadlines if item.get("window")}
        for name in sorted(wanted - names):
            yield Finding("HUB760", document.file, document.line("windows"), {"name": name})


def _lint_deadlines(found: LintWorkspace) -> Iterator[Finding]:
    """Departments and proofs; a home without a folder of proofs watches no deadlines."""
    selects = {query.path.stem for query in found.queries["obligations"]}
    present = {path.stem for path in found.layers.glob("sql/obligations/*.sql")}
    for document, position, item in found.deadlines:
        line = document.line("deadlines", position)
        unknown = set(item.get("departments") or ["-"]) - found.systems
        if unknown:
            facts = {"id": item["id"], "name": ", ".join(sorted(unknown)), "known": nearest_names(min(unknown), found.systems)}
            yield Finding("HUB763", document.file, line, facts)
        if present and (item.get("proof") == "person") == (str(item["id"]).lower() in selects | present):
            yield Finding(
                "HUB762", document.file, line, {"id": item["id"], "file": f"sql/obligations/{item['id'].lower()}.sql"}
            )
