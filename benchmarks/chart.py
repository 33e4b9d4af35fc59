"""The figures of `benchmarks.side_by_side` as an SVG: `FIGURES CHART`. Runs in the environment `chart`, not in the hub's own.

One panel a job: a bar to the median seconds per million rows, a line from the smallest to the largest, the number beside it.
The scale is logarithmic, because the slowest way takes a hundred times the fastest.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import altair as alt

HUB, PEER = "#b3261e", "#9aa5b8"
LEFT = 0.5
"""Where bars begin: a logarithmic scale has no zero."""
TITLES = {
    "copy": "Whole copy",
    "extract": "Extraction",
    "load": "Loading",
    "check": "26 rules",
    "merge": "Merging 1.2 %",
    "first": "First night",
    "changed": "Night, 1.2 % changed",
    "unchanged": "Night, nothing changed",
}


def main(figures: str, chart: str) -> None:
    """Draw every size; ways that failed are left out."""
    sizes = json.loads(Path(figures).read_text("utf-8"))
    panels = [panel for sized in sizes for job in TITLES if (panel := _build_panel(sized, job)) is not None]
    drawn = alt.vconcat(*panels, title=_build_title(sizes)).resolve_scale(x="shared")
    drawn.configure_view(stroke=None).configure_axis(grid=False).save(chart)


def _build_title(sizes: list[dict[str, Any]]) -> alt.TitleParams:
    machine = sizes[0]["machine"]
    told = f"{machine}; median of {sizes[0]['runs']} rounds in turn, line from smallest to largest; logarithmic"
    return alt.TitleParams("Seconds per million rows, less is better", subtitle=told, anchor="start", offset=14)


def _build_panel(sized: dict[str, Any], job: str) -> Any:
    rows = [_build_row(one) for one in sized["jobs"] if one["job"] == job and "per_million" in one]
    if not rows:
        return None
    data = alt.Data(values=rows)
    order = alt.EncodingSortField("seconds", order="ascending")
    way = alt.Y("way:N", sort=order, title=None, axis=alt.Axis(labelLimit=220, minExtent=130, ticks=False, domain=False))
    seconds = alt.X("seconds:Q", scale=alt.Scale(type="log", domainMin=LEFT, nice=False), title=None, axis=None)
    colour = alt.condition(alt.datum.hub, alt.value(HUB), alt.value(PEER))
    base = alt.Chart(data).encode(y=way)
    bars = base.mark_bar(height=12).encode(x=seconds, x2="start:Q", color=colour)
    spread = base.mark_rule(color="black").encode(x=alt.X("smallest:Q"), x2="largest:Q")
    numbers = base.mark_text(align="left", dx=6).encode(x=alt.X("largest:Q"), text="told:N")
    title = alt.TitleParams(f"{TITLES[job]}, {sized['rows']:,} rows", anchor="start", fontSize=11)
    return alt.layer(bars, spread, numbers).properties(width=460, height=18 * len(rows), title=title)


def _build_row(one: dict[str, Any]) -> dict[str, Any]:
    scale = 1_000_000 / one["rows"]
    memory = f", {one['peak_mb']:,} MB" if one["peak_mb"] else ""
    return {
        "way": one["way"],
        "hub": one["way"] == "hub",
        "start": LEFT,
        "seconds": one["per_million"],
        "smallest": one["min"] * scale,
        "largest": one["max"] * scale,
        "told": f"{one['per_million']:,.2f} s{memory}",
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
