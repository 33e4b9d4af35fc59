"""`hub status` on a terminal: did tonight run in the first five lines, then what needs a person, then flows and systems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from core.calendar import local_minute
from core.settings import settings
from core.text import text
from pipeline import attention
from pipeline.screen import new_table, number, shown_state
from pipeline.status import brake_line

_WAITING = ("tripped", "requested")


def status(found: Mapping[str, Any]) -> Group:
    """The whole page; lines wrap at blanks, keys and numbers are never cut."""
    needs = _needs(found)
    flows, systems = _flows(found), _systems(found)
    return Group(*map(Text, _head(found)), *needs, flows, *_waiting(found), systems)


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


def _needs(found: Mapping[str, Any]) -> list[Text]:
    night = found["night"]
    problems = night["problems"] if night else [line for row in found["systems"] for line in row["errors"]]
    lines = [*problems, *(brake_line(row) for row in found["brakes"])]
    lines += [text("screen_calendar.unsent", None, **row) for row in found["alerts"] if row["state"] == "not_sent"]
    lines += [attention.line(point) for point in found["attention"]]
    return [Text.assemble(("● ", "red"), line) for line in lines]


def _flows(found: Mapping[str, Any]) -> Table:
    made = new_table(text("status.flows"), ("report.flow", "status.title", "report.state", "status.feeds"), 3)
    for row in found["flows"]:
        title = row["title" if settings().lang == "zh" else "title_en"]
        made.add_row(row["flow"], title, shown_state(row["state"]), f"{row['accepted']}/{row['feeds']}")
    return made


def _waiting(found: Mapping[str, Any]) -> list[Text | Table]:
    """Sources that gave nothing, and the deliveries that their receivers have not taken, one a line."""
    down = sorted({system for row in found["flows"] for system in row["down"]})
    said = [Text(text("status.down", None, systems=", ".join(down)), style="red")] if down else []
    waiting = [row for row in found["feeds"] if row["state"] not in ("accepted", "off", "outside")]
    if not waiting:
        return [*said]
    made = new_table(text("status.waiting_feeds"), ("report.flow", "report.edge", "report.from_to", "report.state"), 4)
    for row in waiting:
        edge = f"{row['edge']}.{row['dataset']}"
        made.add_row(row["flow"], edge, f"{row['source']} → {row['target']}", shown_state(row["state"]))
    return [*said, made]


def _systems(found: Mapping[str, Any]) -> Table:
    heads = ("report.system", "status.title", "report.state", "report.extracted", "report.held")
    made = new_table(text("status.systems"), heads, 3)
    for row in found["systems"]:
        made.add_row(row["code"], row["name"], shown_state(row["state"]), number(row["extracted"]), number(row["held"]))
    return made
