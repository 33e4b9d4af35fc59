"""How long a night takes and how much memory it needs: the first, one with a day's changes, and one without any.

Each night is a process of its own, so that its peak memory is its own. Run with `make bench`; `--persons` sets the size.
Figures are of this machine on this day: compare nights of one run, not of two machines.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

DAY_ONE = date(2026, 9, 7)
SPINE = "hr,academic,graduate,finance"
"""The four systems of the flows SJGXLC01 to SJGXLC04."""
NIGHT = """
import json, resource, sys, time
from datetime import date
started = time.perf_counter()
from runs.nightly import run_night
outcome = run_night(date.fromisoformat(sys.argv[1]))
print(json.dumps({
    "seconds": round(time.perf_counter() - started, 2),
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    "version": outcome.version,
    "problems": [error.code for error in outcome.problems],
}))
"""


def main() -> None:
    """Build a university, run three nights, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=32_500)
    parser.add_argument("--runs", type=int, default=3, help="nights without change")
    parser.add_argument("--systems", default="", help=f"connect only these, such as {SPINE}; default: the whole university")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as folder:
        Path(folder).chmod(0o711)  # the embedded server gives up root and must still get at its files
        os.environ["HUB_VAR"] = folder
        figures = measure_nights(
            Path(folder), options.persons, options.runs, [name for name in options.systems.split(",") if name]
        )
    print_figures(figures)
    part = "-" + options.systems.replace(",", "-") if options.systems else ""
    kept = Path(__file__).parent / "results" / f"night-{options.persons}{part}.json"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", "utf-8")


def measure_nights(folder: Path, persons: int, runs: int, systems: Sequence[str]) -> dict[str, Any]:
    """The figures of the nights, in seconds and megabytes."""
    from campus.rehearsal import Rehearsal
    from core.store.postgres import get_hub_url

    started = time.perf_counter()
    university = Rehearsal(folder / "campus", persons, systems=systems)
    university.start()
    university.load(1)
    os.environ["HUB_URL"] = get_hub_url()  # one server for every night, so that starting it is not measured
    figures: dict[str, Any] = {
        "persons": persons,
        "systems": list(systems) or "all",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load_before": os.getloadavg()[0],
        "university_seconds": round(time.perf_counter() - started, 2),
    }
    try:
        figures["first"] = run_night(0)
        university.load(2)
        figures["changed"] = run_night(1)
        figures["settling"] = run_night(2)
        figures["unchanged"] = [run_night(3 + number) for number in range(runs)]
    finally:
        university.stop()
    figures["generator_peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return figures


def run_night(day: int) -> dict[str, Any]:
    """One night in a process of its own."""
    command = [sys.executable, "-c", NIGHT, (DAY_ONE + timedelta(days=day)).isoformat()]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def print_figures(figures: dict[str, Any]) -> None:
    """Print the figures as a table."""
    print(f"{figures['persons']:,} persons, {figures['machine']}, load {figures['load_before']:.1f}")
    rows = [
        (name, figures[key]) for name, key in (("first night", "first"), ("a day's changes", "changed"), ("next", "settling"))
    ]
    rows += [("nothing changed", row) for row in figures["unchanged"]]
    print(f"{'':<18}{'seconds':>9}{'peak MB':>9}  problems")
    for name, row in rows:
        print(f"{name:<18}{row['seconds']:>9.1f}{row['peak_mb']:>9}  {', '.join(row['problems']) or '-'}")


if __name__ == "__main__":
    main()
