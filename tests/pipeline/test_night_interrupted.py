"""`hub night` interrupted at any moment, as a person at a terminal does it: no process stays, and the same command ends it.

A process of its own, with the embedded store, which it starts and ends itself, and a file that a child reads. The moments are
drawn anew in every run.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from handed_in import HandedIn
from left_behind import left

NIGHT = [sys.executable, "-m", "cli.main", "night", "--json", "--as-of"]
DAY = date(2026, 9, 7)
SIGNALS = [(signal.SIGINT, 1), (signal.SIGTERM, 1), (signal.SIGINT, 2), (signal.SIGKILL, 1)]


@pytest.fixture
def environment(university: Any, server_room: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Of the process: the small university with a file handed in, its files and its store in a folder with a short name."""
    handed = HandedIn(university, university.var.parent / "uploads", monkeypatch)
    handed.reset()
    (handed.folder / "补贴_20260907.csv").write_text("工号,金额\nT0001,100.50\n", "utf-8")
    folder = server_room / "interrupted"
    folder.mkdir(mode=0o700)
    return {**os.environ, "HUB_VAR": str(folder), "HUB_URL": "", "HUB_AUDITED": "0", "PYTHONWARNINGS": "ignore"}


def start(environment: dict[str, str], day: date) -> subprocess.Popen[bytes]:
    nowhere = subprocess.DEVNULL
    command = [*NIGHT, day.isoformat()]
    return subprocess.Popen(command, env=environment, stdout=nowhere, stderr=nowhere, start_new_session=True)


def test_an_interrupted_night_leaves_no_process_and_ends_when_it_is_run_again(
    university: Any, environment: dict[str, str]
) -> None:
    began = time.monotonic()
    assert start(environment, DAY).wait(300) == 0
    takes = time.monotonic() - began
    assert left("HUB_VAR", environment["HUB_VAR"]) == []
    for day, (number, times) in enumerate(SIGNALS, DAY.day + 1):
        university.department("update jzg set xm = %s, gxsj = clock_timestamp() where gh = 'T0007'", [f"第{day}夜"])
        moment = random.SystemRandom().uniform(0.05, 0.95) * takes
        night = start(environment, DAY.replace(day=day))
        time.sleep(moment)
        for _ in range(times):
            if night.poll() is None:
                os.killpg(night.pid, number)
                time.sleep(0.1)
        night.wait(120)
        where = f"{number.name} x {times} after {moment:.2f} s of {takes:.2f}"
        assert left("HUB_VAR", environment["HUB_VAR"]) == [], where
        assert start(environment, DAY.replace(day=day)).wait(300) == 0, where
        assert ("T0007", f"第{day}夜") in {row[:2] for row in university.received()}, where
        assert left("HUB_VAR", environment["HUB_VAR"]) == [], where
