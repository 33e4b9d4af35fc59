"""The hub and its peers on the same rows, on the same machine, in turn: `make bench`.

For each size the table is made anew; then a round runs every way of every job once, and rounds are repeated, so that a
busy minute of the machine meets all alike. The first day's history is made before the rounds; each round begins with a day's
changes. Prints and keeps seconds (smallest, median, largest), memory and seconds per million rows, draws a chart, and holds
the hub against its bars.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks import cases, environments, students, summary
from benchmarks.cases import Place, Way
from benchmarks.environments import PeerMissing
from benchmarks.measure import Run, run_measured
from benchmarks.steps import write_conformed
from benchmarks.summary import Measured
from campus.servers import processes

RESULTS = Path(__file__).parent / "results"
_ALSO = {"changed": {"changed", "first", "merge"}, "night": {"first", "changed", "unchanged", "merge"}}
"""The jobs that a way gives figures for, where it is not only its own."""
HUB_NIGHTS = Way(
    "night",
    "hub",
    lambda at: [sys.executable, "-m", "benchmarks.million", "--rows", str(at.rows), "--runs", "1", "--json"],
    own=True,
)


def main() -> None:
    """Measure every size, print, and keep the figures and the chart."""
    options = _parse_options()
    kept = []
    for rows in options.rows:
        figures = measure_size(rows, options.runs, options.only)
        summary.print_figures(figures)
        kept.append(figures)
    summary.print_bars(kept)
    RESULTS.mkdir(exist_ok=True)
    out = options.out or RESULTS / f"side-by-side-{'-'.join(str(rows) for rows in options.rows)}.json"
    out.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", "utf-8")
    draw_chart(out)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000], help="sizes of the table, one after the other")
    parser.add_argument("--runs", type=int, default=3, help="rounds")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        help="jobs (copy extract load check merge first changed unchanged) or ways (hub dlt GX sling ...)",
    )
    parser.add_argument("--out", type=Path, help="file for the figures; the chart lies beside it")
    return parser.parse_args()


def measure_size(rows: int, runs: int, only: Sequence[str] = ()) -> dict[str, Any]:
    """The figures of one size, as `summary.figures` gives them."""
    folder = environments.bench_folder() / f"rows-{rows}"
    _stop_servers(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    measured: Measured = {}
    chosen = [way for way in cases.list_ways() if is_asked(way, only)]
    load = os.getloadavg()[0]
    try:
        place = prepare_place(folder, rows)
        for number in range(runs):
            _run_round(place, number, chosen, measured)
            if is_asked(HUB_NIGHTS, only):
                _run_hub_nights(place, measured)
    finally:
        _stop_servers(folder)
    machine = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load_before": load,
        "load_after": os.getloadavg()[0],
    }
    return {
        "rows": rows,
        "columns": len(students.COLUMNS),
        "runs": runs,
        **machine,
        "jobs": summary.build_figures(measured, rows),
    }


def _stop_servers(folder: Path) -> None:
    for name in ("mariadb", "postgresql"):
        processes.stop_server(folder / name)


def prepare_place(folder: Path, rows: int) -> Place:
    """Start the servers, fill the source, and write the same rows as files."""
    port = _find_free_port()
    source = students.start_source(folder / "mariadb", port, rows)
    students.fill_table(source, rows)
    with students.open_connection(source) as connection, connection.cursor() as cursor:
        for host in ("localhost", "127.0.0.1"):
            cursor.execute(f"create or replace user bench@'{host}' identified by 'bench'")
            cursor.execute(f"grant all on {students.DATABASE}.* to bench@'{host}'")
    server = processes.start_postgres(folder / "postgresql")
    place = Place(folder, rows, source, server, port)
    _write_files(place)
    return place


def _write_files(place: Place) -> None:
    """The rows as Parquet, as conform leaves them, and as binary COPY has them."""
    pieces = students.build_pieces(place.rows)
    first = next(pieces)
    with pq.ParquetWriter(place.file, first.schema, compression="zstd", compression_level=1) as writer:
        writer.write_table(first)
        for piece in pieces:
            writer.write_table(piece)
    write_conformed(place.file, place.conformed, cases.HOME)
    cases.write_binary(place)


def _run_round(place: Place, number: int, chosen: Sequence[Way], measured: Measured) -> None:
    """Every way once, but those that have failed before or are not for so many rows."""
    histories = {way.name: way for way in chosen if way.job in ("changed", "unchanged")}
    for history in histories.values() if number == 0 else ():
        run_way(measured, replace(history, job="first"), place)
    students.change_rows(place.source, place.rows, day=number + 1)
    for way in chosen:
        run_way(measured, way, place)


def run_way(measured: Measured, way: Way, place: Place) -> None:
    """Run a way and add its figures; a peer that is not there or fails is a figure too."""
    earlier = measured.setdefault((way.job, way.name), [])
    if any(one.problem for one in earlier):
        return
    if way.most is not None and place.rows > way.most:
        earlier.append(Run(0.0, problem=f"{summary.NOT_RUN} {way.most:,} rows"))
        return
    print(f"  {way.job}: {way.name} ...", file=sys.stderr, flush=True)
    try:
        command = way.command(place)
        way.ready(place)
    except PeerMissing as error:
        earlier.append(Run(0.0, problem=f"not installed: {error}"))
        return
    took = run_measured(command, cases.build_variables(way, place), limit_seconds=600 + place.rows / 1_000)
    rows = min(place.rows, way.first or place.rows)
    earlier.append(_prove_run(took, way, place, rows))
    shutil.rmtree(place.folder / "out", ignore_errors=True)


def _prove_run(took: Run, way: Way, place: Place, rows: int) -> Run:
    problem = took.problem or way.proof(place, rows)
    return replace(took, problem=problem, told={**took.told, **({"rows_done": rows} if way.first else {})})


def _run_hub_nights(place: Place, measured: Measured) -> None:
    """The hub's nights: first, with a day's changes, without any. The million bench measures each as a process of its own."""
    took = run_measured(
        HUB_NIGHTS.command(place), cases.build_variables(HUB_NIGHTS, place), limit_seconds=1_200 + place.rows / 500
    )
    for job, name in (("first", "first"), ("changed", "full"), ("unchanged", "unchanged")):
        night = took.told.get(name)
        found = Run(0.0, problem=took.problem or "no figures") if night is None else _build_night(night)
        measured.setdefault((job, "hub"), []).append(found)


def _build_night(night: dict[str, Any]) -> Run:
    problem = ", ".join(night.get("problems") or ()) or None
    return Run(night["seconds"], 0.0, night["peak_mb"], problem, {"verbs": night["verbs"]})


def is_asked(way: Way, only: Sequence[str]) -> bool:
    """Whether `--only` names the way, or a job that it gives figures for; without `--only` everything is asked."""
    jobs = _ALSO.get(way.job, {way.job})
    return not only or any(word in jobs or word in way.name for word in only)


def draw_chart(figures: Path) -> None:
    """A chart beside the figures, drawn by a library that the hub itself does not need."""
    try:
        python = environments.find_program("chart")
    except PeerMissing as error:
        print(f"no chart: {error}", file=sys.stderr)
        return
    chart = figures.with_suffix(".svg")
    subprocess.run(
        [python, Path(__file__).with_name("chart.py"), figures, chart], env=environments.build_variables(), check=True
    )
    print(f"{figures}\n{chart}")


def _find_free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


if __name__ == "__main__":
    main()
