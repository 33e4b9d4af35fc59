"""Runs become a table: ratios to each job's yardstick, nights with their checks, and the bars that the hub must keep."""

from __future__ import annotations

from typing import Any

from benchmarks import summary
from benchmarks.cases import RAW
from benchmarks.measure import Run

ROWS = 100_000
VERBS = {"extract": 0.2, "brake": 0.1, "publish": 0.2, "deliver": 0.3}


def measured() -> summary.Measured:
    return {
        ("copy", RAW): [Run(0.5), Run(0.4), Run(0.9)],
        ("copy", "pandas, to_sql"): [Run(2.0, peak_mb=300, told={"rows_done": 10_000})],
        ("copy", "sling"): [Run(0.0, problem="not installed: no wheel")],
        ("check", "GX on pandas"): [Run(6.0, peak_mb=900, told={"failing": 54})],
        ("check", "hub"): [Run(0.3, peak_mb=200, told={"failing": 54})],
        ("changed", "dlt scd2"): [Run(4.0, peak_mb=500, told={"verbs": {"extract": 1.0, "normalize": 1.0, "load": 2.0}})],
        ("changed", "hub"): [Run(1.2, peak_mb=400, told={"verbs": VERBS})],
        ("unchanged", "hub"): [Run(0.6, peak_mb=300, told={"verbs": VERBS})],
    }


def found(figures: list[dict[str, Any]], job: str, way: str) -> dict[str, Any]:
    return next(one for one in figures if (one["job"], one["way"]) == (job, way))


def test_smallest_median_and_largest_and_the_price_of_a_million() -> None:
    raw = found(summary.build_figures(measured(), ROWS), "copy", RAW)
    assert (raw["min"], raw["median"], raw["max"], raw["per_million"], raw["ratio"]) == (0.4, 0.5, 0.9, 5.0, 1.0)


def test_a_way_that_did_fewer_rows_is_compared_by_the_million() -> None:
    slow = found(summary.build_figures(measured(), ROWS), "copy", "pandas, to_sql")
    assert (slow["rows"], slow["per_million"], slow["ratio"]) == (10_000, 200.0, 40.0)


def test_a_failed_way_is_listed_with_its_reason() -> None:
    assert found(summary.build_figures(measured(), ROWS), "copy", "sling")["problem"] == "not installed: no wheel"


def test_a_night_of_the_peer_is_its_load_and_its_check() -> None:
    night = found(summary.build_figures(measured(), ROWS), "changed", "dlt scd2 + GX")
    assert (night["median"], night["peak_mb"], night["ratio"]) == (10.0, 900, 20.0)


def test_the_merge_is_a_part_of_the_night() -> None:
    figures = summary.build_figures(measured(), ROWS)
    assert found(figures, "merge", "hub")["median"] == 0.3
    assert found(figures, "merge", "dlt scd2")["median"] == 3.0


def test_checks_that_disagree_do_not_count() -> None:
    runs = measured()
    runs["check", "hub"] = [Run(0.3, told={"failing": 53})]
    assert "disagree" in found(summary.build_figures(runs, ROWS), "check", "hub")["problem"]


def test_bars_say_what_is_kept_missed_and_not_measured() -> None:
    sized = {"rows": ROWS, "jobs": summary.build_figures(measured(), ROWS)}
    kept = {bar.title.removeprefix("100,000: "): bar.kept for bar in summary.build_bars([sized])}
    assert kept == {
        f"full step to {RAW}": True,
        "full step to dlt scd2 + GX": True,
        "full step to dlt scd2, default + GX": None,
        "extraction to the raw dump": None,
        "loading to COPY BINARY": None,
        f"merging 1.2 % to {RAW}": True,
        "check to GX on pandas": True,
        "nothing changed to the full step": False,
        "peak memory of a night, MB": True,
    }


def test_cost_per_row_may_grow_with_size_only_so_far() -> None:
    sizes = [{"rows": rows, "jobs": summary.build_figures(measured(), rows)} for rows in (ROWS, 20 * ROWS)]
    assert summary.build_bars(sizes)[-1].kept is True
