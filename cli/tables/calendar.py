"""Tables of the calendar's commands for people on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.text import Text

from cli.tables.grid import Grid, Prose
from contracts.catalog import load_catalog
from core.messages import translate
from core.settings import get_settings
from reporting import display_names
from reporting.daily_digest import DailyDigest
from reporting.notify import SendResult
from reporting.spans import format_days, group_days

_COLOURS = {
    **{"met": "green", "late": "yellow", "missing": "red", "due_soon": "yellow", "unseen": "yellow", "off": "yellow"},
    **{"sent": "green", "not_sent": "red"},
}


_NUMBER_COLUMNS = ("feeds", "changes", "median", "p95", "late", "looked", "changed", "failed", "mean_seconds", "points")
_UNBROKEN = ("day", "due_on", "at")


def render_preview(rows: Sequence[Mapping[str, Any]]) -> Grid:
    """Day, time, what, feeds, why and who. What runs every day is one line over all its days."""
    grid = _create_grid("calendar", ("day", "at", "what", "feeds", "why", "department"))
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        alike = (row["kind"], row["at"], row["name"], row["feeds"], row["why"], row["department"])
        groups.setdefault(alike if row["kind"] == "run" else (*alike, row["day"]), []).append(row["day"])
    for (kind, at, name, feeds, why, department, *_), when in groups.items():
        what = Text(name if kind == "due" else _describe_run(name), style="bold" if kind == "due" else "")
        grid.row(format_days(when), at, what, str(feeds) if feeds else "", why, department)
    return grid


def _describe_run(name: str) -> str:
    """What runs: the system that is looked at, the flow that is delivered, or one of the hub's own rounds."""
    kind, _, of = name.partition("__")
    if kind == "realtime":
        return f"{translate('dag.realtime.tag')} {display_names.get_system_name(load_catalog(), of)}"
    flow = of.partition("_")[0].upper()
    return (
        f"{flow} {display_names.get_flow_title(load_catalog(), flow)}"
        if kind == "feed"
        else translate(f"screen_calendar.run_{kind}")
    )


def render_obligations(rows: Sequence[Mapping[str, Any]]) -> Group:
    """Every deadline: which, what is to be done and by whom, then state, counts and evidence. Days to come that are alike are
    one entry over all of them."""
    chinese = get_settings().lang == "zh"
    lines: list[Any] = [Prose(translate("screen_calendar.title_obligations"), style="italic")]
    for row in group_days(rows):
        what, who = row["text_zh" if chinese else "what"], row["responsible" if chinese else "responsible_en"]
        counts = "" if row["needed"] is None else f"{row['found']:,} / {row['needed']:,}"
        waits = translate("screen_calendar.not_yet") if row["not_yet"] else ""
        proof = row["confirmed_by"] or display_names.format_evidence(row["evidence"]) or waits
        head = Text.assemble((f"{row['deadline']} ", "bold"), what, f"  {who}")
        more = [f"{translate('screen_calendar.counts')} {counts}" if counts else "", proof]
        facts = Text.assemble(f"  {format_days(row['days'])}  ", render_state(row["state"]))
        for part in more:
            facts.append(f"  {part}" if part else "")
        lines += [Prose(head, hang=2), Prose(facts, hang=4)]
    return Group(*lines)


def render_latency(found: Mapping[str, Any]) -> Group:
    """Changes and their seconds by system, then how often each system was looked at."""
    grid = _create_grid("latency", ("system", "changes", "median", "p95", "late"))
    for row in [{**found, "system": ""}, *found["systems"]]:
        numbers = ("changes", "median_seconds", "p95_seconds", "late")
        name = (
            display_names.get_system_name(load_catalog(), row["system"]) if row["system"] else translate("screen_calendar.all")
        )
        grid.row(name, *("-" if row[name] is None else str(row[name]) for name in numbers))
    looks = _create_grid("refreshes", ("system", "day", "looked", "changed", "failed", "mean_seconds"))
    for row in found["refreshes"]:
        names = ("as_of", "looked", "changed", "failed", "mean_seconds")
        looks.row(
            display_names.get_system_name(load_catalog(), row["system"]),
            *("-" if row[name] is None else str(row[name]) for name in names),
        )
    return Group(grid, looks)


def render_digests(made: Sequence[DailyDigest]) -> Group:
    """Every digest as it would be sent."""
    if not made:
        return Group(Prose(translate("digest.nothing")))
    return Group(
        *(
            part
            for item in made
            for part in (Prose(item.title, style="bold"), *(Prose(f"- {point}", hang=2) for point in item.points), Prose(""))
        )
    )


def render_send_results(sent: Sequence[SendResult]) -> Grid:
    """What became of each message."""
    grid = _create_grid("alerts", ("department", "state", "points", "reason"))
    for item in sent:
        name = display_names.get_system_name(load_catalog(), item.department)
        grid.row(name, render_state(item.state), str(item.points), item.reason or "")
    return grid


def render_state(value: str) -> Text:
    """A state in words, coloured by whether somebody must do something."""
    return Text(translate(f"screen_calendar.state_{value}"), style=_COLOURS.get(value, ""))


def _create_grid(title: str, columns: Sequence[str]) -> Grid:
    grid = Grid(translate(f"screen_calendar.title_{title}"))
    for name in columns:
        grid.column(translate(f"screen_calendar.{name}"), right=name in _NUMBER_COLUMNS, whole=name in _UNBROKEN)
    return grid
