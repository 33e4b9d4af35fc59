"""How long a night takes with one large table: the first, one with a day's changes, and one without any.

The home in this folder is an ordinary one (contracts, one SELECT, two feeds) and the night is the product's own; every
night is a process of its own, so that its start counts and its memory is its own. `python -m benchmarks.million`, `--rows`
sets the size, `--json` prints one object. `full` is the night with changes: extract, land, conform, 26 checks, diff, publish
with history, a delta to a MariaDB and a PostgreSQL subscriber, receipts. Great Expectations' own nightly sample is left out
unless `--audited` says how many entities.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import students
from benchmarks.measure import run_measured

HOME = Path(__file__).parent / "home"
RESULTS = Path(__file__).parent.parent / "results"
DAY_ONE = date(2026, 9, 7)
LIMIT_SECONDS = 7200
NIGHT = """
import json, sys
from datetime import date
from runs.nightly import run_night
outcome = run_night(date.fromisoformat(sys.argv[1]))
from core.store.ledger import open_ledger
book, run = open_ledger(), [outcome.run_id]
steps = book.rows(
    "select verb, sum(extract(epoch from ended_at - started_at))::float as seconds from ops.step"
    " where run_id = %s and ended_at is not null group by verb order by min(started_at)", run)
held = book.single("select count(distinct source_key) as n from ops.held where state = 'open' and severity = 'error'")
change = book.fetch_row("select rows_in, rows_closed from ops.version where run_id = %s", run)
sent = book.rows("select edge, rows_upsert, rows_delete, state from ops.delivery where run_id = %s order by edge", run)
print(json.dumps({
    "verbs": {row["verb"]: round(row["seconds"], 2) for row in steps},
    "version": outcome.version,
    "held": held["n"],
    "rows_in": change["rows_in"] if change else 0,
    "rows_closed": change["rows_closed"] if change else 0,
    "sent": {row["edge"]: [row["rows_upsert"], row["rows_delete"], row["state"]] for row in sent},
    "problems": [error.code for error in outcome.problems],
}))
from core.process.leaving import exit_process
exit_process(0)  # as `hub night` ends
"""


def main() -> None:
    """Build the university, run the nights, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3, help="nights with changes, and nights without")
    parser.add_argument("--audited", type=int, default=0, help="entities a night that Great Expectations samples")
    parser.add_argument("--folder", type=Path, help="where the servers and the hub lie; a temporary folder unless given")
    parser.add_argument("--out", type=Path, help="file for the figures")
    parser.add_argument("--json", action="store_true", help="print the figures as one object and nothing else")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hub-million-", dir=options.folder) as folder:
        Path(folder).chmod(0o711)  # the embedded server gives up root and must still get at its files
        figures = measure_nights(Path(folder), options.rows, options.runs, options.audited)
    if options.json:
        print(json.dumps(figures, ensure_ascii=False))
    else:
        print_figures(figures)
    if options.out:
        options.out.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", "utf-8")


def measure_nights(folder: Path, rows: int, runs: int, audited: int = 0) -> dict[str, Any]:
    """The figures of the nights: seconds, seconds by verb, megabytes."""
    from campus.servers import processes

    try:
        source = build_university(folder, rows, audited)
        figures: dict[str, Any] = {
            "rows": rows,
            "columns": len(students.COLUMNS),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "load_before": os.getloadavg()[0],
            "first": run_night(0),
        }
        raw, changed, unchanged = [], [], []
        for number in range(runs):
            day = 1 + 2 * number
            students.change_rows(source, rows, day=number + 1)
            raw.append(time_raw_copy(source))
            changed.append(run_night(day))
            unchanged.append(run_night(day + 1))
        figures["full"] = figures["changed"] = choose_typical(changed)
        figures["unchanged"] = choose_typical(unchanged)
        figures["raw"], figures["raw_seconds"] = raw, min(raw)
        figures["ratio_to_raw"] = round(figures["full"]["seconds"] / median(figures["raw"]), 2)
        figures["load_after"] = os.getloadavg()[0]
        return figures
    finally:
        from core.store.ledger import open_ledger

        if os.environ.get("HUB_URL"):
            open_ledger().close()
        for server in ("mariadb", "postgresql"):
            processes.stop_server(folder / server)


def build_university(folder: Path, rows: int, audited: int) -> str:
    """Start the servers, fill the source and point this process and its children at them; returns the source's URL."""
    from campus.servers import processes
    from core.settings import ROOT
    from core.store.postgres import ensure_database

    home = folder / "home"
    shutil.copytree(HOME, home)
    shutil.copytree(ROOT / "sql" / "migrations", home / "sql" / "migrations")
    source = students.start_source(folder / "mariadb", rows=rows)
    students.fill_table(source, rows)
    server = processes.start_postgres(folder / "postgresql")
    head, tail = source.split(f"/{students.DATABASE}", 1)
    os.environ |= {
        "HUB_HOME": str(home),
        "HUB_VAR": str(folder / "var"),
        "HUB_URL": ensure_database(server, "hub"),
        "HUB_AUDITED": str(audited),
        "AIRFLOW_CONN_SRC_REGISTRY": source,
        "AIRFLOW_CONN_DST_LIBRARY": processes.create_mariadb_database(head + tail, "library"),
        "AIRFLOW_CONN_DST_FINANCE": ensure_database(server, "finance"),
        "MILLION_RAW": ensure_database(server, "raw"),
    }
    return source


def time_raw_copy(source: str) -> float:
    """Seconds of the servers' own clients, joined by a pipe: the whole table from MariaDB into an empty PostgreSQL table."""
    from core.store.address import parse_url
    from core.store.embedded import administrator_url

    door, target = parse_url("raw", source).options["unix_socket"], os.environ["MILLION_RAW"]
    psql, mariadb = shutil.which("psql"), shutil.which("mariadb")
    if psql is None or mariadb is None:
        raise SystemExit("The bench needs the clients psql and mariadb.")
    subprocess.run([psql, target, "-qc", students.build_ddl(keyed=False, side="target")], check=True)
    dump = [mariadb, "-uroot", f"--socket={door}", "--default-character-set=utf8mb4", "--quick", "--batch", "-N"]
    load = [psql, target, "-qc", "copy student from stdin with (null 'NULL')"]
    started = time.perf_counter()
    words = [*dump, students.DATABASE, "-e", f"select * from {students.TABLE}"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as reading:
        subprocess.run(load, stdin=reading.stdout, check=True)
    seconds = round(time.perf_counter() - started, 2)
    # What it left to be written would be written during the night that comes next.
    subprocess.run([psql, target, "-qc", "drop table student"], check=True)
    subprocess.run([psql, administrator_url(target), "-qc", "checkpoint"], check=True)
    return seconds


def run_night(day: int) -> dict[str, Any]:
    """One night in a process of its own, its start included; the memory is that of the process and what it starts, together."""
    command = [sys.executable, "-c", NIGHT, (DAY_ONE + timedelta(days=day)).isoformat()]
    found = run_measured(command, os.environ, LIMIT_SECONDS)
    if found.problem:
        raise SystemExit(f"A night broke off: {found.problem}")
    return {"seconds": round(found.seconds, 2), "cpu_seconds": found.cpu_seconds, "peak_mb": found.peak_mb, **found.told}


def choose_typical(nights: list[dict[str, Any]]) -> dict[str, Any]:
    """The night of median length, with the seconds of all of them."""
    ordered = sorted(nights, key=lambda one: one["seconds"])
    return {**ordered[(len(ordered) - 1) // 2], "all_seconds": [one["seconds"] for one in nights]}


def print_figures(figures: dict[str, Any]) -> None:
    """Print the figures as a table."""
    print(f"{figures['rows']:,} x {figures['columns']}, {figures['machine']}, load {figures['load_before']:.1f}")
    print(f"raw copy {figures['raw']} s; full step is {figures['ratio_to_raw']} x")
    verbs = list(dict.fromkeys(verb for name in ("first", "full", "unchanged") for verb in figures[name]["verbs"]))
    print(f"{'':<12}{'seconds':>9}{'CPU':>9}{'peak MB':>9}" + "".join(f"{verb:>11}" for verb in verbs))
    for name in ("first", "full", "unchanged"):
        row = figures[name]
        spent = "".join(f"{row['verbs'].get(verb, 0):>11.2f}" for verb in verbs)
        print(f"{name:<12}{row['seconds']:>9.2f}{row['cpu_seconds']:>9.2f}{row['peak_mb']:>9}{spent}")
        counts = f"held {row['held']}, in {row['rows_in']}, closed {row['rows_closed']}, sent {row['sent']}"
        print(f"{'':<12}{counts}, {row['problems'] or 'no problems'}")


if __name__ == "__main__":
    main()
