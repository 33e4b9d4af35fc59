"""An environment of its own for every peer, made once under `var/bench/` from a file of pinned versions.

The hub's own environment stays as it is: what a peer needs may contradict what the hub needs.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from core.settings import ROOT, get_settings

_MODULES_OF_PEERS = {"sling": "sling_linux_amd64/bin/sling-linux-amd64"}


class PeerMissing(Exception):
    """A peer could not be installed; the text is the installer's last line."""


def find_program(name: str, command: str = "python") -> Path:
    """The path of a command in the environment of a peer, which is made when its pins have changed.

    Raises:
        Missing: the installer failed.
    """
    pins = ROOT / "requirements" / f"peers-{name}.txt"
    folder = bench_folder() / "envs" / name
    stamp = folder / "made-from"
    made_from = hashlib.sha256(pins.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != made_from:
        print(f"installing {name} ...", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        _run_command([sys.executable, "-m", "venv", str(folder)])
        _run_command([str(folder / "bin" / "pip"), "install", "-q", "--disable-pip-version-check", "-r", str(pins)])
        stamp.write_text(made_from)
    if command in _MODULES_OF_PEERS:
        found = next(folder.glob(f"lib/python*/site-packages/{_MODULES_OF_PEERS[command]}"), None)
        if found is None:
            raise PeerMissing(f"{name} has no program for this machine")
        return found
    return folder / "bin" / command


def bench_folder() -> Path:
    """Where the bench keeps environments, servers and files; they may be deleted at any time."""
    folder = get_settings().var / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def build_variables() -> dict[str, str]:
    """The environment variables of a peer's process: nothing is reported to its makers, nothing written to the user's home."""
    home = bench_folder() / "home"
    home.mkdir(exist_ok=True)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("HUB_", "AIRFLOW_", "PYTHON"))},
        "HOME": str(home),
        "GX_ANALYTICS_ENABLED": "false",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "INGESTR_DISABLE_TELEMETRY": "true",
        "SLING_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
    }


def _run_command(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise PeerMissing(lines[-1] if lines else f"status {done.returncode}")
