"""`hub status` on a terminal: did tonight run in the first five lines, then what needs a person, then flows and systems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.text import Text

from cli.tables.grid import Grid, Prose
from cli.tables.screen import create_grid, format_number, render_state
from contracts.catalog import load_catalog
from core.calendar import format_local_minute
from core.messages import translate
from core.settings import get_settings
from reporting import action_items, display_names
from reporting.daily_digest import get_recipient_name
from reporting.status import format_brake

_WAITING_STATES = ("tripped", "requested")


def render_status(found: Mapping[str, Any]) -> Group:
    """The whole page; lines wrap at blanks, keys and numbers are never cut."""
    needs = _render_needs(found)
    flows, systems = _render_flows(found), _render_systems(found)
    return Group(*map(Prose, _build_head(found)), *needs, flows, *_render_waiting(found), systems)


def _build_head(found: Mapping[str, Any]) -> list[str]:
    night = found["night"]
    published = format_local_minute(found["published_at"]) if found["published_at"] else "-"
    hub = translate("status.hub", None, version=found["version"], at=published, held=f"{found['held']:,}")
    if night is None:
        return [translate("status.none"), hub]
    brakes = sum(row["state"] in _WAITING_STATES for row in found["brakes"])
    counts = {"problems": len(night["problems"]), "brakes": brakes, "points": len(found["attention"])}
    facts = {"feeds": night["unsigned_feeds"], "rows": f"{night['unsigned_rows']:,}"}
    ended = format_local_minute(night["ended"]) if night["ended"] else translate("status.not_ended")
    state = translate(f"status.state_{night['state']}")
    return [
        translate("status.night", None, run=night["run"], as_of=night["as_of"], state=state),
        translate("status.times", None, begun=format_local_minute(night["begun"]), ended=ended),
        translate("status.needs" if any(counts.values()) else "status.needs_nothing", None, **counts),
        translate("status.unsigned" if night["unsigned_feeds"] else "status.all_signed", None, **facts),
        hub,
    ]


def _render_needs(found: Mapping[str, Any]) -> list[Prose]:
    night = found["night"]
    problems = night["problems"] if night else [line for row in found["systems"] for line in row["errors"]]
    lines = [*problems, *(format_brake(row) for row in found["brakes"])]
    unsent = [row for row in found["alerts"] if row["state"] == "not_sent"]
    lines += [
        translate("screen_calendar.unsent", None, **row, name=get_recipient_name(load_catalog(), row["department"]))
        for row in unsent
    ]
    lines += [action_items.format_action_item(point) for point in found["attention"]]
    return [Prose(Text.assemble(("● ", "red"), line), hang=2) for line in lines]


def _render_flows(found: Mapping[str, Any]) -> Grid:
    made = create_grid(translate("status.flows"), ("report.flow", "status.title", "report.state"), ("status.feeds",))
    for row in found["flows"]:
        title = row["title" if get_settings().lang == "zh" else "title_en"]
        made.row(row["flow"], title, render_state(row["state"]), f"{row['accepted']}/{row['feeds']}")
    return made


def _render_waiting(found: Mapping[str, Any]) -> list[Prose | Grid]:
    """Sources that gave nothing, and the deliveries that their receivers have not taken, one a line."""
    catalog = load_catalog()
    down = sorted({system for row in found["flows"] for system in row["down"]})
    names = ", ".join(display_names.get_system_name(catalog, code) for code in down)
    said = [Prose(translate("status.down", None, systems=names), style="red")] if down else []
    waiting = [row for row in found["feeds"] if row["state"] not in ("accepted", "off", "outside")]
    if not waiting:
        return [*said]
    made = create_grid(translate("status.waiting_feeds"), ("report.edge", "report.dataset", "report.from_to", "report.state"))
    for row in waiting:
        ends = (
            f"{display_names.get_system_name(catalog, row['source'])} → {display_names.get_system_name(catalog, row['target'])}"
        )
        edge, _, title = display_names.get_feed_title(catalog, f"{row['edge']}.{row['dataset']}").partition(" ")
        made.row(edge, title, ends, render_state(row["state"]))
    return [*said, made]


def _render_systems(found: Mapping[str, Any]) -> Grid:
    heads = ("report.system", "status.title", "report.state")
    made = create_grid(translate("status.systems"), heads, ("report.extracted", "report.held"))
    for row in found["systems"]:
        name = display_names.get_system_name(load_catalog(), row["code"])
        made.row(row["code"], name, render_state(row["state"]), format_number(row["extracted"]), format_number(row["held"]))
    return made
