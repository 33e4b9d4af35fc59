"""The quick way out of a process: what must be done at the end, and not the interpreter's own clearing away.

That looks through everything that lives three times over, to free memory which the system takes back in any case: 0.2 s after
a night of a large table, and 0.1 s after the shortest command.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

_LOST_OUTPUT_STATUS = 120
"""The status with which the interpreter ends when it cannot write what is left of its output."""

_GRACE_SECONDS = 10
"""Seconds that a process which was told to stop waits for its own threads: one may wait for a locked table elsewhere."""
_kill_timers: list[threading.Timer] = []


def handle_signals() -> None:
    """Ctrl-C and SIGTERM end the process in order, and what does not end in time is left where it stands: a night goes on from
    any point, and the embedded database ends with its last user."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop_process)


def _stop_process(number: int, _: Any) -> None:
    if not _kill_timers:
        _kill_timers.append(threading.Timer(_GRACE_SECONDS, os._exit, [128 + number]))
        _kill_timers[0].daemon = True
        _kill_timers[0].start()
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


@contextlib.contextmanager
def shield_from_signals() -> Iterator[None]:
    """What must be done before the end, however long it takes and whoever presses Ctrl-C meanwhile."""
    for timer in _kill_timers:
        timer.cancel()
    kept = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def exit_process(status: int) -> NoReturn:
    """End this process with a status as `sys.exit` would: tell pools to end, wait for threads, do what was registered with
    `atexit`, write out what was printed."""
    threading._shutdown()  # type: ignore[attr-defined]  # pools register with it: an idle thread of one never ends by itself
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # a full disk, a reader that went away
        status = status or _LOST_OUTPUT_STATUS
    os._exit(status)
