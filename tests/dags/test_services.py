"""The services of Airflow: interrupted while they start, or with their keeper killed, they leave no process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from left_behind import left, marked

from core.settings import ROOT

SERVICES = [sys.executable, "-W", "ignore", str(ROOT / "scripts" / "airflow.py")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_services_that_are_interrupted_or_killed_leave_no_process(server_room: Path) -> None:
    var = server_room / "services"
    logs = var / "airflow" / "logs"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment |= {"HUB_VAR": str(var), "HUB_AIRFLOW_PORT": str(free_port())}

    def starting(log: str) -> subprocess.Popen[bytes]:
        """`make up`, as far as something writes into this log."""
        before = (logs / log).stat().st_size if (logs / log).exists() else -1
        nowhere = subprocess.DEVNULL
        up = subprocess.Popen([*SERVICES, "up"], env=environment, stdout=nowhere, stderr=nowhere, start_new_session=True)
        deadline = time.monotonic() + 200
        while not (logs / log).exists() or (logs / log).stat().st_size <= before:
            assert up.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return up

    for log, number in (("db.log", signal.SIGINT), ("scheduler.log", signal.SIGTERM)):
        up = starting(log)
        os.killpg(up.pid, number)
        assert up.wait(120) != 0
        assert left("HUB_VAR", str(var)) == [], log

    up = starting("scheduler.log")
    keeper = var / "airflow" / "keeper.pid"
    os.kill(int(keeper.read_text("utf-8").split()[0]), signal.SIGKILL)
    up.kill()
    up.wait()
    keeper.unlink()
    assert marked("HUB_VAR", str(var))
    assert subprocess.run([*SERVICES, "down"], env=environment, check=False).returncode == 0
    assert left("HUB_VAR", str(var)) == []
