"""How long a change takes from its department to its subscribers while people work, under the orchestrator.

A university is built as of today, its night is run, Airflow is started on it, and the changes of the next days trickle into
five departments' databases, a few every `--every` seconds. The orchestrator looks as the calendar says: in working hours
(08:00 to 18:00, Asia/Shanghai, on working days). A change counts as arrived when a subscriber's receipt for the first
refresh that began after it was written is there; every subscriber that this refresh served counts, so that the figures
err on the slow side. Figures are of this machine on this day.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from core.calendar import ZONE

if TYPE_CHECKING:
    from campus.rehearsal import Rehearsal
    from campus.simulate.changes import Difference
    from contracts.contract import SourceDataset

SYSTEMS = ("hr", "academic", "graduate", "finance", "student_affairs")
DAYS = 5
"""How many days' changes are spread over the time, so that small departments have enough of them."""
SETTLING = timedelta(minutes=7)
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Written:
    """A change in a department's database: how many rows, and when its transaction had ended."""

    system: str
    rows: int
    at: datetime


def main() -> None:
    """Build a university, start the orchestrator, let changes trickle, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=32_500)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--every", type=float, default=20, help="seconds between two changes of a department")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hub-trickle-") as folder:
        Path(folder).chmod(0o711)  # the embedded server gives up root and must still get at its files
        os.environ["HUB_VAR"] = folder
        figures = measure_delays(Path(folder), options.persons, options.minutes, options.every)
    print_figures(figures)
    kept = Path(__file__).parent / "results" / f"trickle-{options.persons}.json"
    kept.write_text(json.dumps(figures, ensure_ascii=False, indent=1, default=str) + "\n", "utf-8")


def measure_delays(folder: Path, persons: int, minutes: float, every: float) -> dict[str, Any]:
    """The figures, in seconds."""
    from campus.rehearsal import Rehearsal
    from campus.simulate.world import day_of
    from contracts.catalog import load_catalog
    from core.store.ledger import open_ledger
    from pipeline.delivery.latency import measure_latency
    from runs.nightly import run_night

    today = datetime.now(ZONE).date()
    university = Rehearsal(folder / "campus", persons)
    university.start()
    try:
        university.load(day_of(today) - 1)
        first = run_night(today)
        run_airflow("up")
        try:
            written = list(_trickle_changes(university, day_of(today) + DAYS, minutes, every))
            time.sleep(SETTLING.total_seconds())
        finally:
            run_airflow("down")
        book = open_ledger()
        accepted = book.rows("select system, edge, dataset, seen_at, accepted_at from ops.latency order by seen_at")
        waits = {system: _list_waits(system, written, accepted) for system in SYSTEMS}
        every_wait = [seconds for found in waits.values() for seconds in found]
        return {
            "persons": persons,
            "minutes": minutes,
            "first_night_problems": [error.code for error in first.problems],
            "written": {system: _count_written(system, written) for system in SYSTEMS},
            "seconds": {
                "all": _describe_spread(every_wait),
                **{system: _describe_spread(found) for system, found in waits.items()},
            },
            "as_the_hub_tells": measure_latency(book, load_catalog()),
        }
    finally:
        university.stop()


def run_airflow(*words: str) -> None:
    """Run a subcommand of the orchestrator's script, such as `up`."""
    subprocess.run([sys.executable, str(ROOT / "scripts" / "airflow.py"), *words], check=True)


def _trickle_changes(university: Rehearsal, day: int, minutes: float, every: float) -> Iterator[Written]:
    """Write a part of every department's changes, wait, and so on until the time is over."""
    from contracts.catalog import load_catalog

    turns = int(minutes * 60 / every)
    parts = {id: slice_changes(found, turns) for id, found in university.preview_changes(day, SYSTEMS).items()}
    began = time.monotonic()
    for turn in range(turns):
        for system in SYSTEMS:
            rows = 0
            for id, changes in parts.items():
                dataset, part = load_catalog().source(id), changes[turn]
                if dataset.system == system and part.keys.num_rows:
                    university.change_rows(id, part.keys, _stamp_rows(dataset, part.rows))
                    rows += part.keys.num_rows
            if rows:
                yield Written(system, rows, datetime.now(UTC))
        print(f"{turn + 1}/{turns}", end="\r", flush=True)
        time.sleep(max(0.0, began + (turn + 1) * every - time.monotonic()))


def slice_changes(found: Difference, count: int) -> list[Difference]:
    """The keys in `count` parts of about the same size, each with the rows that it has now."""
    from campus.simulate.changes import Difference

    bounds = np.linspace(0, found.keys.num_rows, count + 1).astype(int).tolist()
    parts = [found.keys.slice(first, last - first) for first, last in itertools.pairwise(bounds)]
    names = found.keys.column_names
    return [
        Difference(keys, found.rows.join(keys, names, join_type="left semi").select(found.rows.column_names)) for keys in parts
    ]


def _stamp_rows(dataset: SourceDataset, rows: pa.Table) -> pa.Table:
    """The rows with the moment at which they are written, where their department keeps it."""
    mark = next((column.physical for column in dataset.columns if column.name == dataset.watermark), None)
    if mark is None:
        return rows
    now = pa.scalar(datetime.now(ZONE).replace(tzinfo=None), pa.timestamp("us")).cast(rows.schema.field(mark).type, safe=False)
    return rows.set_column(rows.column_names.index(mark), rows.schema.field(mark), pa.repeat(now, rows.num_rows))


def _list_waits(system: str, written: Sequence[Written], accepted: Sequence[dict[str, Any]]) -> list[float]:
    """Seconds from each change to the receipt of every subscriber that the first refresh after it served."""
    mine = [row for row in accepted if row["system"] == system]
    found = []
    for change in (change for change in written if change.system == system):
        first = min((row["seen_at"] for row in mine if row["seen_at"] >= change.at), default=None)
        found += [(row["accepted_at"] - change.at).total_seconds() for row in mine if row["seen_at"] == first]
    return found


def _count_written(system: str, written: Sequence[Written]) -> dict[str, int]:
    mine = [change.rows for change in written if change.system == system]
    return {"changes": len(mine), "rows": sum(mine)}


def _describe_spread(seconds: Sequence[float]) -> dict[str, float | int]:
    if not seconds:
        return {"count": 0}
    low, high = np.percentile(seconds, [5, 95]).round(1).tolist()
    median = round(statistics.median(seconds), 1)
    return {"count": len(seconds), "p5": low, "median": median, "p95": high, "max": round(max(seconds), 1)}


def print_figures(figures: dict[str, Any]) -> None:
    """Print the figures as a table."""
    print(f"{figures['persons']:,} persons, {figures['minutes']:g} minutes; seconds from a change to its subscribers' receipts")
    print(f"{'':<18}{'rows':>8}{'receipts':>10}{'median':>9}{'p95':>9}{'max':>9}")
    for name, row in figures["seconds"].items():
        rows = figures["written"].get(name, {}).get("rows", "")
        cells = "".join(f"{row.get(word, '-'):>9}" for word in ("median", "p95", "max"))
        print(f"{name:<18}{rows:>8}{row['count']:>10}{cells}")


if __name__ == "__main__":
    main()
