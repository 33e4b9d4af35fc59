"""A command is measured with all that it starts; one that fails says why, one that hangs is ended with its children."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psutil

from benchmarks.measure import run_measured

CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]], check=True)"


def test_memory_of_children_counts_and_the_last_line_is_read() -> None:
    grow = "import time; block = b'x' * 150_000_000; time.sleep(0.5); print('{\"rows\": 3}')"
    took = run_measured([sys.executable, "-c", CHILD, grow], os.environ, 60)
    assert took.problem is None
    assert took.peak_mb >= 140
    assert took.told == {"rows": 3}


def test_a_failure_is_told_by_its_last_line() -> None:
    took = run_measured([sys.executable, "-c", "print('fine'); raise SystemExit('no such table')"], os.environ, 60)
    assert took.problem == "no such table"


def test_a_failure_without_words_tells_its_status() -> None:
    assert run_measured([sys.executable, "-c", "raise SystemExit(7)"], os.environ, 60).problem == "status 7"


def test_what_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    hang = f"import os, time, pathlib; pathlib.Path({str(note)!r}).write_text(str(os.getpid())); time.sleep(600)"
    took = run_measured([sys.executable, "-c", CHILD, hang], os.environ, 3)
    assert took.problem == "not done after 3 s"
    pid = int(note.read_text())
    ends = time.monotonic() + 30  # a loaded machine takes its time to end what was killed
    while _runs(pid) and time.monotonic() < ends:
        time.sleep(0.05)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
