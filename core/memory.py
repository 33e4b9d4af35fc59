"""How much of the memory that a process no longer uses it gives back.

Rows pass through three allocators. Arrow's own keeps what it once had, and the C library's has a pool for every thread that
does the same: a night of a million rows held half as much again as it used. So Arrow takes what the C library has, and that
one has two pools and trims them.
"""

from __future__ import annotations

import ctypes
import os

_TRIM_THRESHOLD, _ARENA_MAX = -1, -8
"""`M_TRIM_THRESHOLD` and `M_ARENA_MAX` of glibc's malloc.h; another C library has its own ways, and keeps them."""


def give_back() -> None:
    """Set this for the process; it counts for what is not loaded and for threads that have not begun yet."""
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(_ARENA_MAX, 2)
    mallopt(_TRIM_THRESHOLD, 1_000_000)
