"""The nightly DAG against the runner: the same kind of night by both, on an idle machine and beside other work.

A university is built and its first night is run. Then, for each load of the machine, a day's changes are taken by the runner
(`hub night`, a process of its own) and the next day's by the orchestrator: the DAG `nightly` is triggered, and the flows'
DAGs follow by themselves. The runner's time is that of its process; the orchestrator's is from the trigger to the end of the
last step of that night, every feed's receipt included. Airflow is up for its own nights only.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.trickle import run_airflow
from core.calendar import ZONE

if TYPE_CHECKING:
    from campus.rehearsal import Rehearsal

RUNNER = "import sys; from datetime import date; from runs.nightly import run_night; run_night(date.fromisoformat(sys.argv[1]))"
QUIET_SECONDS, LIMIT_SECONDS = 60, 1800
"""Seconds without a new step after which a night counts as over; and how long one may take."""
BUSY = "while True: pass"


def main() -> None:
    """Build a university, run its nights by both, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=32_500)
    parser.add_argument("--busy", type=int, nargs="+", default=[0, os.cpu_count() or 1], help="processes that compete")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hub-orchestrated-") as folder:
        Path(folder).chmod(0o711)  # the embedded server gives up root and must still get at its files
        os.environ["HUB_VAR"] = folder
        figures = measure_loads(Path(folder), options.persons, options.busy)
    print_figures(figures)
    kept = Path(__file__).parent / "results" / f"orchestrated-{options.persons}.json"
    kept.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", "utf-8")


def measure_loads(folder: Path, persons: int, loads: list[int]) -> dict[str, Any]:
    """The figures, in seconds, by the number of competing processes."""
    from campus.rehearsal import Rehearsal
    from campus.simulate.world import day_of
    from core.store.postgres import get_hub_url

    today = datetime.now(ZONE).date()
    day = day_of(today) - 1
    university = Rehearsal(folder / "campus", persons)
    university.start()
    os.environ["HUB_URL"] = get_hub_url()  # one server for every night, so that starting it is not measured
    nights: list[dict[str, Any]] = [{"busy": busy} for busy in loads]
    try:
        university.load(day)
        first = _time_runner(today.isoformat())
        for found in nights:
            day = _load_next_day(university, day)
            with _run_competitors(found["busy"]):
                found["runner"] = _time_runner(today.isoformat())
        run_airflow("up")
        try:
            for found in nights:
                day = _load_next_day(university, day)
                with _run_competitors(found["busy"]):
                    found["dag"] = _time_dag()
        finally:
            run_airflow("down")
    finally:
        university.stop()
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    return {"persons": persons, "machine": machine, "first": first, "nights": nights}


def _load_next_day(university: Rehearsal, day: int) -> int:
    university.load(day + 1)
    return day + 1


@contextlib.contextmanager
def _run_competitors(count: int) -> Iterator[None]:
    """So many processes that do nothing but work."""
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def _time_runner(day: str) -> dict[str, float]:
    started, began = time.perf_counter(), datetime.now(UTC)
    subprocess.run([sys.executable, "-c", RUNNER, day], check=True)
    return {"seconds": round(time.perf_counter() - started, 1), **_count_receipts(began)}


def _time_dag() -> dict[str, float]:
    """Trigger the night, wait until nothing follows any more, and tell how long it took."""
    from core.store.ledger import open_ledger

    run_airflow("cli", "dags", "trigger", "nightly")
    began, book = datetime.now(UTC), open_ledger()
    question = (
        "select max(coalesce(s.ended_at, now())) as last, bool_or(r.state = 'running') as running from ops.step s"
        " join ops.run r using (run_id) where r.started_at >= %s::timestamptz - interval '10 seconds' and r.kind <> 'refresh'"
    )
    while (datetime.now(UTC) - began).total_seconds() < LIMIT_SECONDS:
        time.sleep(2)
        seen = book.fetch_row(question, [began])
        if seen and seen["last"] and not seen["running"] and (datetime.now(UTC) - seen["last"]).total_seconds() > QUIET_SECONDS:
            return {"seconds": round((seen["last"] - began).total_seconds(), 1), **_count_receipts(began)}
    raise SystemExit("The nightly DAG did not come to its end.")


def _count_receipts(began: datetime) -> dict[str, int]:
    """How many deliveries were accepted since: that both did the same work."""
    from core.store.ledger import open_ledger

    return {"receipts": open_ledger().single("select count(*) as n from ops.delivery where accepted_at >= %s", [began])["n"]}


def print_figures(figures: dict[str, Any]) -> None:
    """Print the figures as a table."""
    print(f"{figures['persons']:,} persons, {figures['machine']}; first night {figures['first']['seconds']} s")
    print(f"{'competing':<12}{'runner s':>10}{'receipts':>10}{'DAG s':>10}{'receipts':>10}{'DAG / runner':>14}")
    for row in figures["nights"]:
        runner, dag = row["runner"], row["dag"]
        cells = f"{runner['seconds']:>10}{runner['receipts']:>10}{dag['seconds']:>10}{dag['receipts']:>10}"
        print(f"{row['busy']:<12}{cells}{dag['seconds'] / runner['seconds']:>14.1f}")


if __name__ == "__main__":
    main()
