"""A session of tests that is interrupted, ended or killed leaves no process and no folder of its servers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from left_behind import left, marked

ENDLESS = Path(__file__).with_name("endless_session.py")
COMMAND = [sys.executable, "-m", "pytest", str(ENDLESS), "-p", "no:cacheprovider"]


@pytest.mark.parametrize(
    ("number", "workers", "fixtures"),
    [
        (signal.SIGTERM, 0, "postgres_server directory_server"),
        (signal.SIGKILL, 0, "mariadb_server"),
        (signal.SIGINT, 2, ""),
        (signal.SIGKILL, 2, ""),
    ],
)
def test_an_interrupted_session_leaves_nothing(number: signal.Signals, workers: int, fixtures: str, tmp_path: Path) -> None:
    temporary = tmp_path / "t"
    temporary.mkdir()
    temporary.chmod(0o711)
    environment = {**os.environ, "HUB_TEST_READY": str(tmp_path), "HUB_TEST_FIXTURES": fixtures, "TMPDIR": str(temporary)}
    command = [*COMMAND, *(["-n", str(workers), "--dist", "load"] if workers else [])]
    nowhere = subprocess.DEVNULL
    heard = signal.signal(signal.SIGINT, signal.SIG_DFL)  # which a session in the background does not, and its children neither
    session = subprocess.Popen(command, env=environment, stdout=nowhere, stderr=nowhere)
    signal.signal(signal.SIGINT, heard)
    deadline = time.monotonic() + 120
    while not {str(test) for test in range(1, max(workers, 1) + 1)} <= {path.name for path in tmp_path.iterdir()}:
        assert session.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    running = marked("HUB_TEST_READY", str(tmp_path))
    assert len(running) > 6
    elsewhere = re.findall(r"directories=(/\S*/hub-\w+)(?!\S)", " ".join(running))
    assert elsewhere
    session.send_signal(number)
    assert session.wait(60) != 0
    assert left("HUB_TEST_READY", str(tmp_path)) == []
    assert [place for place in (*elsewhere, *temporary.glob("hub-*")) if Path(place).exists()] == []
