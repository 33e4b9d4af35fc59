"""The terminal's side: progress bars while a run works, tables when it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group
from rich.text import Text

from cli.tables.grid import Grid, Items, Prose
from contracts.catalog import catalog
from core.calendar import local_minute
from core.messages import known as known_text
from core.messages import text
from core.settings import settings
from core.store.ledger import Row
from reporting import display_names
from reporting.action_items import request_line
from reporting.status import brake_line, restored_line

_GOOD = {"done", "accepted", "unchanged", "released", "used", "moot"}
_BAD = {"failed", "refused", "stopped", "tripped"}


def flows(rows: Sequence[Row], title: str) -> Grid:
    """Per flow: extracted, held, changed, delivered, accepted, seconds."""
    numbers = ("extracted", "held", "changed", "delivered", "accepted", "seconds")
    grid = new_grid(title, ("report.flow", "status.title"), [f"report.{name}" for name in numbers])
    for row in rows:
        accepted = Text(f"{row['accepted']}/{row['sent']}", style={"done": "green", "failed": "red"}.get(row["state"], "dim"))
        counts = [f"{row[name]:,}" for name in ("extracted", "held", "changed", "delivered")]
        title = row["title" if settings().lang == "zh" else "title_en"]
        grid.row(row["flow"], title, *counts, accepted, f"{row['seconds']:.1f}")
    return grid


def held(found: Sequence[Row], counts: Mapping[str, int]) -> Group:
    """Held rows, of so many (`rows`, `entries`), by reason: whose, why, how many, and their keys with the days on which they
    were first and last seen."""
    known = catalog()
    lines: list[Any] = [Prose(text("cli.held_title", None, count=len(found), **counts), style="italic")]
    names = ("severity", "entity", "source_system", "authority", "rule_id", "why")
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in found:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    for (severity, entity, system, authority, rule, why), rows in groups.items():
        facts = {
            "severity": text(f"report.severity_{severity}"),
            "entity": display_names.entity(known, entity),
            "systems": " / ".join(display_names.system(known, code) for code in (system, authority) if code),
            "rows": len(rows),
        }
        colour = "red" if severity == "error" else "yellow"
        lines.append(Prose(Text.assemble(("● ", colour), (text("cli.held_group", None, **facts), "bold"))))
        lines.append(Prose(Text.assemble("  ", why, (f" {rule}", "dim")), hang=2))
        days: dict[tuple[Any, Any], list[str]] = {}
        for row in rows:
            days.setdefault((row["first_seen"], row["last_seen"]), []).append(readable_key(row["source_key"]))
        for (first, last), keys in days.items():
            lines.append(Items(text("cli.held_since", None, first=first, last=last), keys))
    return Group(*lines)


def readable_key(key: str) -> str:
    """A key of several columns with a bar between them."""
    return key.replace("\x1f", "|")


def drafted(files: Sequence[str]) -> Group:
    """The files that were written."""
    return Group(Prose(text("cli.drafted", None, count=len(files))), *(Prose(file) for file in files))


def rollback_preview(seen: Mapping[str, Any]) -> Group:
    """What a rollback would come to, and how it is asked for."""
    return Group(Prose(text("cli.rollback_preview", None, **seen)), _restored(seen["entities"]))


def rollback_asked(row: Row) -> Group:
    """What was asked for, and that somebody else must agree."""
    return Group(Prose(request_line(row)), _restored(row["asked"]["entities"]))


def rolled_back(found: Mapping[str, Any]) -> Group:
    """What a rollback restored, in words and by entity."""
    return Group(Prose(text("cli.rolled_back", None, **found)), _restored(found["entities"]))


def _restored(entities: Mapping[str, Mapping[str, int]]) -> Grid:
    grid = new_grid("", ("report.entity",), ("facts.restored", "facts.closed"))
    for name, counts in entities.items():
        grid.row(display_names.entity(catalog(), name), f"{counts['restored']:,}", f"{counts['closed']:,}")
    return grid


def facts(value: Mapping[str, Any]) -> Grid:
    """What a command came to, a line a fact that is known; the words for the facts are `facts.*` of the catalogue."""
    grid = Grid()
    grid.column("", whole=True)
    grid.column("")
    for name, fact in value.items():
        if fact is not None and fact != "" and fact != []:
            grid.row(Text(text(f"facts.{name}"), style="bold"), told(name, fact))
    return grid


def told(name: str, fact: Any) -> str:
    """A fact as people read it: moments at the university, yes and no, states and codes in words, counts with commas."""
    if isinstance(fact, bool):
        return text("facts.yes" if fact else "facts.no")
    if isinstance(fact, datetime):
        return local_minute(fact)
    if isinstance(fact, int):
        return f"{fact:,}" if name in _COUNTS else str(fact)
    if isinstance(fact, Mapping):
        return "\n".join(f"{_named(key)}{text('facts.colon')}{told(str(key), item)}" for key, item in fact.items())
    if isinstance(fact, list | tuple):
        return "\n".join(told(name, item) for item in fact)
    if name in ("state", "kind") and known_text(f"facts.{name}_{fact}"):
        return text(f"facts.{name}_{fact}")
    if name == "system":
        return display_names.system(catalog(), fact)
    return display_names.subject(catalog(), fact) if name in _CODES else str(fact)


_COUNTS = {"rows", "rows_in", "rows_closed", "faulty", "upserts", "deletes", "refused", "restored", "closed", "before"}
_CODES = {"subject", "flow", "dataset", "feed", "changed", "delivered", "entity"}


def _named(key: Any) -> str:
    return text(f"facts.{key}") if known_text(f"facts.{key}") else display_names.subject(catalog(), str(key))


def versions(rows: Sequence[Row], decisions: Sequence[Row], asked: Sequence[Row] = ()) -> Group:
    """The newest versions of the hub; of a rollback who asked, who agreed, and why; then what waits for a second person and the
    brakes that were released."""
    heads = ("report.versions", "cli.kind", "cli.published_at", "cli.last_run")
    grid = new_grid(text("cli.versions_title"), heads, ("cli.rows_in", "cli.rows_closed"))
    grid.column(text("cli.note"))
    for row in rows:
        people = row["entities"].get("people")
        note = restored_line(row["restores"], people) if people else ""
        kind = text(f"facts.kind_{row['kind']}")
        counts = (f"{row['rows_in']:,}", f"{row['rows_closed']:,}")
        grid.row(str(row["version"]), kind, local_minute(row["published_at"]), row["run_id"], *counts, note)
    lines = [*map(request_line, asked), *map(brake_line, decisions)]
    return Group(grid, *(Prose(f"● {line}", hang=2) for line in lines))


def selftest(rows: Sequence[Row]) -> Grid:
    """Which datasets of a connection can be read as contracted."""
    grid = new_grid(text("cli.selftest_title"), ("report.dataset", "report.state"), ("report.rows",))
    grid.column(text("cli.problem"))
    for row in rows:
        state = Text("✓", style="green") if row["ok"] else Text("✗", style="red")
        more = [text("selftest.more", None, columns=", ".join(row["new_columns"]))] if row["new_columns"] else []
        problem = row["problem"] or "\n".join([*row["notes"], *more])
        grid.row(row["dataset"], state, f"{row['rows']:,}", problem)
    return grid


def new_grid(title: str, words: Sequence[str], numbers: Sequence[str] = ()) -> Grid:
    """A grid with columns of text, the first of them a key, then columns of numbers; the heads are keys of the catalogue."""
    grid = Grid(title)
    for position, key in enumerate(words):
        grid.column(text(key), whole=position == 0)
    for key in numbers:
        grid.column(text(key), right=True)
    return grid


def shown_state(value: str) -> Text:
    return Text(text(f"report.state_{value}"), style="green" if value in _GOOD else "red" if value in _BAD else "yellow")


def number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
