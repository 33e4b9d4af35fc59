"""The quick way out of a process: what must be done at the end, and not the interpreter's own clearing away.

That looks through everything that lives three times over, to free memory which the system takes back in any case: 0.2 s after
a night of a large table, and 0.1 s after the shortest command.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from typing import NoReturn

_LOST_OUTPUT = 120
"""The status with which the interpreter ends when it cannot write what is left of its output."""


def leave(status: int) -> NoReturn:
    """End this process with a status as `sys.exit` would: tell pools to end, wait for threads, do what was registered with
    `atexit`, write out what was printed."""
    threading._shutdown()  # type: ignore[attr-defined]  # pools register with it: an idle thread of one never ends by itself
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # a full disk, a reader that went away
        status = status or _LOST_OUTPUT
    os._exit(status)
