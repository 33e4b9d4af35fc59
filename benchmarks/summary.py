"""Many runs into a table: smallest, median, largest seconds, memory, seconds per million rows, ratios; and the hub's bars."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.cases import DLT, DLT_DEFAULT, RAW
from benchmarks.measure import Run

Measured = dict[tuple[str, str], list[Run]]
"""Runs by job and way."""
Figures = Mapping[str, Any]
_YARDSTICKS = {
    "copy": ("copy", RAW),
    "extract": ("extract", "mariadb > file"),
    "extract postgresql": ("extract postgresql", "psql > file"),
    "load": ("load", "psql COPY BINARY"),
    "check": ("check", "hub"),
    "merge": ("copy", RAW),
    "first": ("copy", RAW),
    "changed": ("copy", RAW),
    "unchanged": ("copy", RAW),
}
"""What a job's ratio is taken to."""
TITLES = {
    "copy": "whole copy, MariaDB to an empty PostgreSQL table",
    "extract": "extraction alone",
    "extract postgresql": "extraction from PostgreSQL",
    "load": "loading alone, empty table",
    "check": "26 rules with failing keys",
    "merge": "merging 1.2 % of changes",
    "first": "first night",
    "changed": "night with 1.2 % changed (the full step)",
    "unchanged": "night with nothing changed",
}
_MERGE = {"hub": ("diff", "change", "brake", "publish"), DLT: ("normalize", "load")}
"""The parts of a night with changes that are the merge."""
NOT_RUN = "not run above"
_WITH_CHECKS = {DLT: f"{DLT} + GX", DLT_DEFAULT: f"{DLT_DEFAULT} + GX"}
"""Ways of keeping a history, and what they are called together with the check that they do not have."""


def build_figures(measured: Measured, rows: int) -> list[dict[str, Any]]:
    """One object for every way that ran, in the order of the jobs; derived ways and ratios included."""
    runs = _add_derived(measured)
    found = [_summarize_way(job, name, runs[job, name], rows) for title in TITLES for job, name in runs if job == title]
    _compare_verdicts(found)
    middle = {(one["job"], one["way"]): one["per_million"] for one in found if "per_million" in one}
    for one in found:
        yardstick = middle.get(_YARDSTICKS[one["job"]])
        if yardstick and "per_million" in one:
            one["ratio"] = round(one["per_million"] / yardstick, 2)
    return found


def _compare_verdicts(found: Sequence[dict[str, Any]]) -> None:
    """Checks that do not find the same number of failing rows have not done the same work, so neither counts."""
    checks = [one for one in found if one["job"] == "check" and "problem" not in one]
    failing = {one["way"]: one["runs"][0].get("told", {}).get("failing") for one in checks}
    if len(set(failing.values())) > 1:
        for one in checks:
            one["problem"] = f"the checks disagree on failing rows: {failing}"
            del one["per_million"]


def _add_derived(measured: Measured) -> Measured:
    """Besides what ran: dlt's history with Great Expectations' check, and the merge as a part of a night."""
    runs = dict(measured)
    checks = runs.get(("check", "GX on pandas"), [])
    for job, (name, together) in itertools.product(("first", "changed", "unchanged"), _WITH_CHECKS.items()):
        nights = runs.get((job, name), [])
        if nights and checks:
            runs[job, together] = [_add_runs(night, check) for night, check in zip(nights, checks, strict=False)]
    for name, verbs in _MERGE.items():
        nights = [night for night in runs.get(("changed", name), []) if not night.problem and "verbs" in night.told]
        if nights:
            runs["merge", name] = [Run(sum(night.told["verbs"].get(verb, 0.0) for verb in verbs)) for night in nights]
    return runs


def _add_runs(one: Run, other: Run) -> Run:
    return Run(
        one.seconds + other.seconds,
        one.cpu_seconds + other.cpu_seconds,
        max(one.peak_mb, other.peak_mb),
        one.problem or other.problem,
    )


def _summarize_way(job: str, name: str, runs: Sequence[Run], rows: int) -> dict[str, Any]:
    problem = next((one.problem for one in runs if one.problem), None)
    if problem is not None:
        return {"job": job, "way": name, "problem": problem, "runs": [one.as_json() for one in runs]}
    seconds = [one.seconds for one in runs]
    done = runs[0].told.get("rows_done", rows)
    return {
        "job": job,
        "way": name,
        "min": round(min(seconds), 2),
        "median": round(median(seconds), 2),
        "max": round(max(seconds), 2),
        "peak_mb": max(one.peak_mb for one in runs),
        "per_million": round(median(seconds) / done * 1_000_000, 2),
        "rows": done,
        "runs": [one.as_json() for one in runs],
    }


def print_figures(sized: Figures) -> None:
    """Print the table of one size."""
    print(f"\n{sized['rows']:,} rows x {sized['columns']} columns, {sized['runs']} rounds", end=", ")
    print(f"{sized['machine']}, load {sized['load_before']:.1f}")
    job = None
    for one in sized["jobs"]:
        if one["job"] != job:
            job = one["job"]
            to = "" if _YARDSTICKS[job][0] == job else f", ratio to {RAW}"
            print(f"\n{TITLES[job] + to:<66}{'min':>9}{'median':>9}{'max':>9}{'peak MB':>9}{'s per M':>9}{'ratio':>8}")
        if "problem" in one:
            word = "" if one["problem"].startswith(NOT_RUN) else "failed: "
            print(f"  {one['way']:<66}{word}{one['problem']}")
            continue
        name = one["way"] + ("" if one["rows"] == sized["rows"] else f" (first {one['rows']:,} rows)")
        cells = "".join(f"{one[key]:>9.2f}" for key in ("min", "median", "max"))
        peak = f"{one['peak_mb']:>9}" if one["peak_mb"] else f"{'':>9}"
        print(f"  {name:<64}{cells}{peak}{one['per_million']:>9.2f}{one.get('ratio', ''):>8}")


@dataclass(frozen=True)
class Bar:
    """A value of the hub that may be at most `limit`; `value` is None when it was not measured."""

    title: str
    value: float | None
    limit: float

    @property
    def kept(self) -> bool | None:
        return None if self.value is None else self.value <= self.limit


def build_bars(sizes: Sequence[Figures]) -> list[Bar]:
    """What the hub must reach, for every size, and from the smallest to the largest."""
    found = [bar for sized in sizes for bar in _build_size_bars(sized)]
    nights = {sized["rows"]: _find_value(sized, "changed", "hub", "per_million") for sized in sizes}
    if len(nights) > 1:
        small, large = min(nights), max(nights)
        title = f"full step per million rows, {large:,} to {small:,} rows"
        found.append(Bar(title, _compute_ratio(nights[large], nights[small]), 1.6))
    return found


def _build_size_bars(sized: Figures) -> list[Bar]:
    def per_million(job: str, name: str) -> float | None:
        return _find_value(sized, job, name, "per_million")

    raw, full = per_million("copy", RAW), per_million("changed", "hub")
    rows = sized["rows"]
    parts = (
        (f"full step to {RAW}", full, raw, 3.0),
        *((f"full step to {name}", full, per_million("changed", name), 1 / 6) for name in _WITH_CHECKS.values()),
        ("extraction to the raw dump", per_million("extract", "hub"), per_million("extract", "mariadb > file"), 1.6),
        ("loading to COPY BINARY", per_million("load", "hub"), per_million("load", "psql COPY BINARY"), 1.5),
        (f"merging 1.2 % to {RAW}", per_million("merge", "hub"), raw, 4 / 3.6),
        ("check to GX on pandas", per_million("check", "hub"), per_million("check", "GX on pandas"), 1 / 15),
        ("nothing changed to the full step", per_million("unchanged", "hub"), full, 1 / 3),
    )
    found = [Bar(f"{rows:,}: {title}", _compute_ratio(value, to), limit) for title, value, to, limit in parts]
    peaks = [value for job in ("first", "changed", "unchanged") if (value := _find_value(sized, job, "hub", "peak_mb"))]
    return [*found, Bar(f"{rows:,}: peak memory of a night, MB", max(peaks, default=None), 600 if rows <= 1_000_000 else 1_500)]


def _find_value(sized: Figures, job: str, name: str, key: str) -> float | None:
    found = (one.get(key) for one in sized["jobs"] if (one["job"], one["way"]) == (job, name))
    return next(found, None)


def _compute_ratio(value: float | None, to: float | None) -> float | None:
    return value / to if value is not None and to else None


def print_bars(sizes: Sequence[Figures]) -> None:
    """Print what the hub must reach and what it reached."""
    print(f"\n{'the hub must reach, at most':<66}{'is':>9}{'limit':>9}")
    for bar in build_bars(sizes):
        word = {True: "kept", False: "MISSED", None: "not measured"}[bar.kept]
        value = f"{bar.value:>9.3g}" if bar.value is not None else f"{'-':>9}"
        print(f"  {bar.title:<64}{value}{bar.limit:>9.3g}  {word}")
