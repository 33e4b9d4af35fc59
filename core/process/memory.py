"""How much memory there is, and how much of what a process no longer uses it gives back.

Rows pass through three allocators. Arrow's own keeps what it once had, and the C library's has a pool for every thread that
does the same: a night of a million rows held half as much again as it used. So Arrow takes what the C library has, and that
one has two pools and trims them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
from pathlib import Path

_CGROUP_FILES = ("memory.max", "memory/memory.limit_in_bytes")
"""Files under /sys/fs/cgroup in which a container reads its limit in bytes, in the second and the first version of cgroups."""
_MALLOC_OPTIONS = {"M_ARENA_MAX": (-8, 2), "M_MMAP_THRESHOLD": (-3, 4_000_000), "M_TRIM_THRESHOLD": (-1, 32_000_000)}
"""Number and value of options of glibc's malloc.h; another C library has its own ways, and keeps them. An Arrow array of a
batch is smaller than the second: to map and unmap every one of them costs a tenth of a reading."""


def get_total_bytes(groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes of memory of this machine, or the limit of the container if that is less."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in _CGROUP_FILES:
        with contextlib.suppress(OSError, ValueError):  # no such file, or the word "max"
            limits.append(int((groups / name).read_text("ascii")))
    return min(limits)


def get_peak_bytes() -> int:
    """The most bytes of memory that this program has used; not what the process was before it became this program."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def configure_allocators() -> None:
    """Set this for the process; it counts for what is not loaded and for threads that have not begun yet."""
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for number, value in _MALLOC_OPTIONS.values():
        mallopt(number, value)


def release_unused() -> None:
    """Give back now what lies unused between what is used. Worth it between two pieces of work on all rows of a large table,
    of which the second would else come on top of what the first left."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
