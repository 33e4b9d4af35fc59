"""A process that leaves quickly has done all that one does that leaves in the ordinary way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import atexit, sys, threading, time
from core.process.leaving import exit_process

def late():
    time.sleep(0.2)
    print("thread")

atexit.register(lambda: print("registered first"))
atexit.register(lambda: print("registered last"))
print("printed")
threading.Thread(target=late).start()
exit_process(int(sys.argv[1]))
"""


@pytest.mark.parametrize("status", [0, 1, 3])
def test_threads_registered_work_and_output_are_waited_for(status: int, tmp_path: Path) -> None:
    out = tmp_path / "out"  # a file is written in blocks, unlike a terminal
    with out.open("w") as sink:
        ended = subprocess.run([sys.executable, "-c", PROGRAM, str(status)], stdout=sink, check=False)
    assert ended.returncode == status
    assert out.read_text().split("\n") == ["printed", "thread", "registered last", "registered first", ""]


def test_a_pool_that_a_library_left_open_is_not_waited_for() -> None:
    program = """
from concurrent.futures import ThreadPoolExecutor
from core.process.leaving import exit_process
pool = ThreadPoolExecutor(1)
print(pool.submit(sum, [1, 2]).result())
exit_process(0)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (0, "3\n")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_thread_that_waits_for_something_else_does_not_keep_an_interrupted_process(number: int, status: int) -> None:
    program = """
import time
from concurrent.futures import ThreadPoolExecutor
from core.process import leaving
leaving._GRACE_SECONDS = 1
leaving.handle_signals()
with ThreadPoolExecutor(2) as pool:
    pool.submit(time.sleep, 1000)
    print("waiting", flush=True)
    time.sleep(1000)
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(number)
    assert process.wait(60) == status
    process.stdout.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
@pytest.mark.parametrize(("status", "told"), [(0, 120), (3, 3)])
def test_output_that_could_not_be_written_is_no_success(status: int, told: int) -> None:
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("w") as sink:
        ended = subprocess.run([sys.executable, "-c", PROGRAM, str(status)], stdout=sink, env=buffered, check=False)
    assert ended.returncode == told


def test_the_command_s_status_is_told() -> None:
    def status(*words: str) -> int:
        return subprocess.run([sys.executable, "-m", "cli.main", *words], capture_output=True, check=False).returncode

    assert (status("--help"), status("no-such-command")) == (0, 2)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
def test_a_full_disk_behind_the_output_is_one_line() -> None:
    with Path("/dev/full").open("w") as sink:
        command = [sys.executable, "-m", "cli.main", "--help"]
        ended = subprocess.run(command, stdout=sink, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("HUB811 hub") and ended.stderr.count("\n") == 1
