"""Ends what a session of tests leaves behind, however the session ended: `python reaper.py <pid of the session> <folder>`.

It waits for the session's word on its standard input, or for the session's death. Then everything goes that was started with
the folder as `HUB_TEST_SESSION` in its environment, or has a file of it open, or was forked from the session (it has the
other end of the pipe open), and the folder with it. Servers only: their data are nobody's, so they are not asked for long.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from left_behind import open_files

SECONDS = 10
SOCKET = re.compile(rb"--(?:unix_socket_directories|socket)=(/.*?/hub-[^/]+)(?:/[^/]*)?$")
"""Where a server with a long path listens: in a short folder elsewhere."""


def left(session: int, folder: str, pipe: str) -> Iterator[int]:
    """The processes of the session, without itself and this one."""
    mark = os.fsencode(f"HUB_TEST_SESSION={folder}")  # which a program may overwrite that renames itself
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in (session, os.getpid()):
            continue
        with contextlib.suppress(OSError):
            marked = mark in (entry / "environ").read_bytes().split(b"\0")
            ends = open_files(entry)
            if marked or pipe in ends or any(end.startswith(f"{folder}/") for end in ends):
                yield int(entry.name)


def sockets(pid: int) -> list[bytes]:
    """The short folder of a server's socket, if it has one."""
    with contextlib.suppress(OSError):
        return [found[1] for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") if (found := SOCKET.match(word))]
    return []


def reap(session: int, folder: str) -> list[str]:
    """End everything; the commands that were still there."""
    pipe, seen, places = f"pipe:[{os.fstat(0).st_ino}]", {}, set()
    deadline = time.monotonic() + SECONDS
    while found := list(left(session, folder, pipe)):
        late = time.monotonic() > deadline
        for pid in found:
            places |= set(sockets(pid))
            if pid not in seen or late:  # SIGQUIT is PostgreSQL's word for "at once"
                with contextlib.suppress(OSError):
                    seen[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    os.kill(pid, signal.SIGKILL if late else signal.SIGQUIT)
        time.sleep(0.05)
    for place in (os.fsencode(folder), *places):
        shutil.rmtree(place, ignore_errors=True)
    return list(seen.values())


def main(session: int, folder: str) -> None:
    ends = [0]
    with contextlib.suppress(OSError):  # a system without it: then a fork that outlives the session delays this
        ends.append(os.pidfd_open(session))
    ready = select.select(ends, [], [])[0]
    said = ready == [0] and os.read(0, 1)
    for command in reap(session, folder):
        if said:
            print(f"left behind by a test, and ended: {command[:200]}", file=sys.stderr)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
