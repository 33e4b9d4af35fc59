"""The terminal's side: progress bars while a run works, tables when it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group
from rich.text import Text

from cli.tables.grid import Grid, Items, Prose
from contracts.catalog import load_catalog
from core.calendar import format_local_minute
from core.messages import has_message as known_text
from core.messages import translate
from core.settings import get_settings
from core.store.ledger import Row
from reporting import display_names
from reporting.action_items import request_line
from reporting.status import format_brake, restored_line

_GOOD_STATES = {"done", "accepted", "unchanged", "released", "used", "moot"}
_BAD_STATES = {"failed", "refused", "stopped", "tripped"}


def render_flows(rows: Sequence[Row], title: str) -> Grid:
    """Per flow: extracted, held, changed, delivered, accepted, seconds."""
    numbers = ("extracted", "held", "changed", "delivered", "accepted", "seconds")
    grid = create_grid(title, ("report.flow", "status.title"), [f"report.{name}" for name in numbers])
    for row in rows:
        accepted = Text(f"{row['accepted']}/{row['sent']}", style={"done": "green", "failed": "red"}.get(row["state"], "dim"))
        counts = [f"{row[name]:,}" for name in ("extracted", "held", "changed", "delivered")]
        title = row["title" if get_settings().lang == "zh" else "title_en"]
        grid.row(row["flow"], title, *counts, accepted, f"{row['seconds']:.1f}")
    return grid


def render_held(found: Sequence[Row], counts: Mapping[str, int]) -> Group:
    """Held rows, of so many (`rows`, `entries`), by reason: whose, why, how many, and their keys with the days on which they
    were first and last seen."""
    catalog = load_catalog()
    lines: list[Any] = [Prose(translate("cli.held_title", None, count=len(found), **counts), style="italic")]
    names = ("severity", "entity", "source_system", "authority", "rule_id", "why")
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in found:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    for (severity, entity, system, authority, rule, why), rows in groups.items():
        facts = {
            "severity": translate(f"report.severity_{severity}"),
            "entity": display_names.get_entity_title(catalog, entity),
            "systems": " / ".join(display_names.get_system_name(catalog, code) for code in (system, authority) if code),
            "rows": len(rows),
        }
        colour = "red" if severity == "error" else "yellow"
        lines.append(Prose(Text.assemble(("● ", colour), (translate("cli.held_group", None, **facts), "bold"))))
        lines.append(Prose(Text.assemble("  ", why, (f" {rule}", "dim")), hang=2))
        days: dict[tuple[Any, Any], list[str]] = {}
        for row in rows:
            days.setdefault((row["first_seen"], row["last_seen"]), []).append(format_key(row["source_key"]))
        for (first, last), keys in days.items():
            lines.append(Items(translate("cli.held_since", None, first=first, last=last), keys))
    return Group(*lines)


def format_key(key: str) -> str:
    """A key of several columns with a bar between them."""
    return key.replace("\x1f", "|")


def render_drafts(files: Sequence[str]) -> Group:
    """The files that were written."""
    return Group(Prose(translate("cli.drafted", None, count=len(files))), *(Prose(file) for file in files))


def rollback_preview(seen: Mapping[str, Any]) -> Group:
    """What a rollback would come to, and how it is asked for."""
    return Group(Prose(translate("cli.rollback_preview", None, **seen)), _restored(seen["entities"]))


def rollback_asked(row: Row) -> Group:
    """What was asked for, and that somebody else must agree."""
    return Group(Prose(request_line(row)), _restored(row["asked"]["entities"]))


def render_rollback(found: Mapping[str, Any]) -> Group:
    """What a rollback restored, in words and by entity."""
    return Group(Prose(translate("cli.rolled_back", None, **found)), _restored(found["entities"]))


def _restored(entities: Mapping[str, Mapping[str, int]]) -> Grid:
    grid = create_grid("", ("report.entity",), ("facts.restored", "facts.closed"))
    for name, counts in entities.items():
        grid.row(display_names.get_entity_title(load_catalog(), name), f"{counts['restored']:,}", f"{counts['closed']:,}")
    return grid


def render_facts(value: Mapping[str, Any]) -> Grid:
    """What a command came to, a line a fact that is known; the words for the facts are `facts.*` of the catalogue."""
    grid = Grid()
    grid.column("", whole=True)
    grid.column("")
    for name, fact in value.items():
        if fact is not None and fact != "" and fact != []:
            grid.row(Text(translate(f"facts.{name}"), style="bold"), format_fact(name, fact))
    return grid


def format_fact(name: str, fact: Any) -> str:
    """A fact as people read it: moments at the university, yes and no, states and codes in words, counts with commas."""
    if isinstance(fact, bool):
        return translate("facts.yes" if fact else "facts.no")
    if isinstance(fact, datetime):
        return format_local_minute(fact)
    if isinstance(fact, int):
        return f"{fact:,}" if name in _COUNT_FACTS else str(fact)
    if isinstance(fact, Mapping):
        return "\n".join(
            f"{_format_fact_name(key)}{translate('facts.colon')}{format_fact(str(key), item)}" for key, item in fact.items()
        )
    if isinstance(fact, list | tuple):
        return "\n".join(format_fact(name, item) for item in fact)
    if name in ("state", "kind") and known_text(f"facts.{name}_{fact}"):
        return translate(f"facts.{name}_{fact}")
    if name == "system":
        return display_names.get_system_name(load_catalog(), fact)
    return display_names.get_subject_name(load_catalog(), fact) if name in _CODE_FACTS else str(fact)


_COUNT_FACTS = {"rows", "rows_in", "rows_closed", "faulty", "upserts", "deletes", "refused", "restored", "closed", "before"}
_CODE_FACTS = {"subject", "flow", "dataset", "feed", "changed", "delivered", "entity"}


def _format_fact_name(key: Any) -> str:
    return translate(f"facts.{key}") if known_text(f"facts.{key}") else display_names.get_subject_name(load_catalog(), str(key))


def render_versions(rows: Sequence[Row], decisions: Sequence[Row], asked: Sequence[Row] = ()) -> Group:
    """The newest versions of the hub; of a rollback who asked, who agreed, and why; then what waits for a second person and the
    brakes that were released."""
    heads = ("report.versions", "cli.kind", "cli.published_at", "cli.last_run")
    grid = create_grid(translate("cli.versions_title"), heads, ("cli.rows_in", "cli.rows_closed"))
    grid.column(translate("cli.note"))
    for row in rows:
        people = row["entities"].get("people")
        note = restored_line(row["restores"], people) if people else ""
        kind = translate(f"facts.kind_{row['kind']}")
        counts = (f"{row['rows_in']:,}", f"{row['rows_closed']:,}")
        grid.row(str(row["version"]), kind, format_local_minute(row["published_at"]), row["run_id"], *counts, note)
    lines = [*map(request_line, asked), *map(format_brake, decisions)]
    return Group(grid, *(Prose(f"● {line}", hang=2) for line in lines))


def render_connection_check(rows: Sequence[Row]) -> Grid:
    """Which datasets of a connection can be read as contracted."""
    grid = create_grid(translate("cli.selftest_title"), ("report.dataset", "report.state"), ("report.rows",))
    grid.column(translate("cli.problem"))
    for row in rows:
        state = Text("✓", style="green") if row["ok"] else Text("✗", style="red")
        more = [translate("selftest.more", None, columns=", ".join(row["new_columns"]))] if row["new_columns"] else []
        problem = row["problem"] or "\n".join([*row["notes"], *more])
        grid.row(row["dataset"], state, f"{row['rows']:,}", problem)
    return grid


def create_grid(title: str, words: Sequence[str], numbers: Sequence[str] = ()) -> Grid:
    """A grid with columns of text, the first of them a key, then columns of numbers; the heads are keys of the catalogue."""
    grid = Grid(title)
    for position, key in enumerate(words):
        grid.column(translate(key), whole=position == 0)
    for key in numbers:
        grid.column(translate(key), right=True)
    return grid


def render_state(value: str) -> Text:
    return Text(
        translate(f"report.state_{value}"),
        style="green" if value in _GOOD_STATES else "red" if value in _BAD_STATES else "yellow",
    )


def format_number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
