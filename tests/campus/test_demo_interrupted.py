"""A demonstration that is interrupted leaves no process behind, wherever it stood; and what it wrote is for its user only."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

STAGES = {
    "tables": "var/campus/mariadb/new/mysql",
    "servers": "var/campus/postgres/postmaster.pid",
    "sources": "var/secrets/connections.yaml",
    "night": "var/hub/postgres/postmaster.pid",
}


def processes(folder: Path) -> list[str]:
    """The commands of everything that works in the folder or was told of it."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            where = str((entry / "cwd").readlink()) if words else ""
        except OSError:
            continue
        if os.fsencode(folder) in words or where.startswith(str(folder)):
            found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found


def interrupted(folder: Path, stage: str, number: int) -> dict[str, str]:
    """Start a demonstration and stop it there; the environment that it had."""
    folder.mkdir(mode=0o711)
    environment = {**os.environ, "HUB_VAR": str(folder / "var"), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "cli.main", "demo", "--persons", "200"]
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, stdout=nowhere, stderr=nowhere, umask=0, start_new_session=True)
    deadline = time.monotonic() + 300
    while not (folder / STAGES[stage]).exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    if number == signal.SIGKILL:
        process.kill()
    else:
        os.killpg(process.pid, signal.Signals(number))  # as a terminal and make do it: to everybody in the foreground
    assert process.wait(120) != 0
    return environment


def left(folder: Path) -> list[str]:
    deadline = time.monotonic() + 90
    while (found := processes(folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


@pytest.mark.usefixtures("mariadb_server", "directory_server")
@pytest.mark.parametrize(("stage", "number"), [("servers", 2), ("sources", 15), ("night", 2), ("night", 15)])
def test_an_interrupted_demonstration_leaves_no_process(server_room: Path, stage: str, number: int) -> None:
    folder = server_room / f"demo-{stage}-{number}"
    interrupted(folder, stage, number)
    assert left(folder) == []
    for path in (folder / "var").rglob("*"):
        if not path.is_symlink() and not path.is_socket():
            assert not stat.S_IMODE(path.stat().st_mode) & stat.S_IRWXO, path


@pytest.mark.usefixtures("mariadb_server", "directory_server")
@pytest.mark.parametrize("stage", ["tables", "servers", "night"])
def test_what_a_killed_demonstration_leaves_ends_with_make_down(server_room: Path, stage: str) -> None:
    folder = server_room / f"demo-{stage}-9"
    environment = interrupted(folder, stage, signal.SIGKILL)
    for words in (["-m", "cli.main", "status"], ["-m", "campus", "stop"]):
        subprocess.run([sys.executable, *words], env=environment, capture_output=True, check=False)
    assert left(folder) == []
