"""`hub status` on a terminal: did tonight run in the first five lines, then what needs a person, then flows and systems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.text import Text

from cli.tables.grid import Grid, Prose
from cli.tables.screen import new_grid, number, shown_state
from contracts.catalog import catalog
from core.calendar import local_minute
from core.messages import text
from core.settings import settings
from reporting import action_items, display_names
from reporting.daily_digest import addressed
from reporting.status import brake_line

_WAITING = ("tripped", "requested")


def status(found: Mapping[str, Any]) -> Group:
    """The whole page; lines wrap at blanks, keys and numbers are never cut."""
    needs = _needs(found)
    flows, systems = _flows(found), _systems(found)
    return Group(*map(Prose, _head(found)), *needs, flows, *_waiting(found), systems)


def _head(found: Mapping[str, Any]) -> list[str]:
    night = found["night"]
    published = local_minute(found["published_at"]) if found["published_at"] else "-"
    hub = text("status.hub", None, version=found["version"], at=published, held=f"{found['held']:,}")
    if night is None:
        return [text("status.none"), hub]
    brakes = sum(row["state"] in _WAITING for row in found["brakes"])
    counts = {"problems": len(night["problems"]), "brakes": brakes, "points": len(found["attention"])}
    facts = {"feeds": night["unsigned_feeds"], "rows": f"{night['unsigned_rows']:,}"}
    ended = local_minute(night["ended"]) if night["ended"] else text("status.not_ended")
    state = text(f"status.state_{night['state']}")
    return [
        text("status.night", None, run=night["run"], as_of=night["as_of"], state=state),
        text("status.times", None, begun=local_minute(night["begun"]), ended=ended),
        text("status.needs" if any(counts.values()) else "status.needs_nothing", None, **counts),
        text("status.unsigned" if night["unsigned_feeds"] else "status.all_signed", None, **facts),
        hub,
    ]


def _needs(found: Mapping[str, Any]) -> list[Prose]:
    night = found["night"]
    problems = night["problems"] if night else [line for row in found["systems"] for line in row["errors"]]
    lines = [*problems, *(brake_line(row) for row in found["brakes"])]
    unsent = [row for row in found["alerts"] if row["state"] == "not_sent"]
    lines += [text("screen_calendar.unsent", None, **row, name=addressed(catalog(), row["department"])) for row in unsent]
    lines += [action_items.line(point) for point in found["attention"]]
    return [Prose(Text.assemble(("● ", "red"), line), hang=2) for line in lines]


def _flows(found: Mapping[str, Any]) -> Grid:
    made = new_grid(text("status.flows"), ("report.flow", "status.title", "report.state"), ("status.feeds",))
    for row in found["flows"]:
        title = row["title" if settings().lang == "zh" else "title_en"]
        made.row(row["flow"], title, shown_state(row["state"]), f"{row['accepted']}/{row['feeds']}")
    return made


def _waiting(found: Mapping[str, Any]) -> list[Prose | Grid]:
    """Sources that gave nothing, and the deliveries that their receivers have not taken, one a line."""
    known = catalog()
    down = sorted({system for row in found["flows"] for system in row["down"]})
    names = ", ".join(display_names.system(known, code) for code in down)
    said = [Prose(text("status.down", None, systems=names), style="red")] if down else []
    waiting = [row for row in found["feeds"] if row["state"] not in ("accepted", "off", "outside")]
    if not waiting:
        return [*said]
    made = new_grid(text("status.waiting_feeds"), ("report.edge", "report.dataset", "report.from_to", "report.state"))
    for row in waiting:
        ends = f"{display_names.system(known, row['source'])} → {display_names.system(known, row['target'])}"
        edge, _, title = display_names.feed(known, f"{row['edge']}.{row['dataset']}").partition(" ")
        made.row(edge, title, ends, shown_state(row["state"]))
    return [*said, made]


def _systems(found: Mapping[str, Any]) -> Grid:
    heads = ("report.system", "status.title", "report.state")
    made = new_grid(text("status.systems"), heads, ("report.extracted", "report.held"))
    for row in found["systems"]:
        name = display_names.system(catalog(), row["code"])
        made.row(row["code"], name, shown_state(row["state"]), number(row["extracted"]), number(row["held"]))
    return made
