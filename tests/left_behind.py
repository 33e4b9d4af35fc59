"""What still runs of something that a test started."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path


def open_files(process: Path) -> list[str]:
    """What a process has open; it may open and close more meanwhile."""
    found = []
    for end in (process / "fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(end.readlink()))
    return found


def marked(name: str, folder: str) -> list[str]:
    """The commands of everything that was started with this variable in its environment, or has a file of its folder open: a
    program that renames itself overwrites its environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "environ").read_bytes().split(b"\0") if entry.name.isdigit() else []
            ends = open_files(entry) if entry.name.isdigit() else []
            known = os.fsencode(f"{name}={folder}") in words or any(end.startswith(f"{folder}/") for end in ends)
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace") if known else ""
        except OSError:
            continue
        if command and int(entry.name) != os.getpid():
            found.append(command)
    return found


def left(name: str, folder: str) -> list[str]:
    """What of it does not end."""
    deadline = time.monotonic() + 90
    while (found := marked(name, folder)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
