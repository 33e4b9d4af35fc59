"""What the hub costs when there is nothing to do: a step, a flow's whole orchestration, the start, and the DAG files.

`python -m benchmarks.overhead`. The flow is one source, one entity and two receivers of a thousand rows, on a night to which
nothing came: what is measured beside the seconds of its own steps is orchestration. The DAG files are those of the shipped
catalogue, parsed in a process that has imported Airflow. Figures are of this machine on this day.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.million.__main__ import DAY_ONE, build_university
from core.settings import ROOT

RESULTS = Path(__file__).parent / "results"
ROWS, STEPS = 1_000, 300
STEP_LIMIT, FLOW_LIMIT, PARSE_LIMIT = 0.056, 0.727, 2.0
"""Seconds: the first two are what an integration platform of a vendor was measured to take."""
HUB = """
import json, statistics, sys, time
began = time.perf_counter()
from datetime import date, timedelta
from core.hashing import hash_values
from core.store.ledger import open_ledger
from runs.nightly import run_night
imported = time.perf_counter() - began
book, first = open_ledger(), date.fromisoformat(sys.argv[1])
spent = []
for number in range(8):
    began = time.perf_counter()
    outcome = run_night(first + timedelta(days=number))
    spent.append(time.perf_counter() - began)
    assert not outcome.problems, [error.code for error in outcome.problems]
run = book.open_run("overhead", first, ["bench"])
steps = []
for number in range(int(sys.argv[2])):
    began = time.perf_counter()
    book.run_step(run.id, "bench", f"step {number}", hash_values(str(number)), lambda step: {})
    steps.append(time.perf_counter() - began)
book.close_run(run.id)
print(json.dumps({"import": imported, "step": statistics.median(steps), "step_longest": max(steps), "flow": spent[2:]}))
"""
PARSE = """
import json, time
began = time.perf_counter()
from airflow.dag_processing.dagbag import DagBag
imported = time.perf_counter() - began
began = time.perf_counter()
bag = DagBag("dags")
assert not bag.import_errors, list(bag.import_errors)
print(json.dumps({"airflow_import": imported, "parse": time.perf_counter() - began, "dags": len(bag.dags)}))
"""


def main() -> None:
    """Measure, print and keep the figures."""
    from campus.servers import processes
    from core.store.ledger import open_ledger

    plain = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="hub-overhead-") as made:
        folder = Path(made)
        folder.chmod(0o711)  # the embedded server gives up root and must still get at its files
        try:
            build_university(folder, ROWS, 0)
            figures = _run_json([sys.executable, "-c", HUB, DAY_ONE.isoformat(), str(STEPS)], os.environ)
        finally:
            if os.environ.get("HUB_URL"):
                open_ledger().close()
            for server in ("mariadb", "postgresql"):
                processes.stop_server(folder / server)
        airflow = {"AIRFLOW_HOME": str(folder / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        figures |= _run_json([sys.executable, "-W", "ignore", "-c", PARSE], plain | airflow)
    figures["flow"] = sorted(figures["flow"])[len(figures["flow"]) // 2]
    for name, limit in {"step": STEP_LIMIT, "flow": FLOW_LIMIT, "parse": PARSE_LIMIT}.items():
        print(f"{name:<8}{figures[name]:8.3f} s  (at most {limit} s)")
    start, dags, import_ = figures["import"], figures["dags"], figures["airflow_import"]
    print(f"start of the process {start:.2f} s; {dags} DAGs; Airflow's own import {import_:.2f} s")
    kept = {name: round(value, 4) for name, value in figures.items()}
    (RESULTS / "overhead.json").write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


def _run_json(command: list[str], variables: Any) -> dict[str, Any]:
    done = subprocess.run(command, env=dict(variables), cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
