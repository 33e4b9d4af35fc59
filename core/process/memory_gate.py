"""Who works with a database of `core.engine` beside whom: memory is one for all, and what is too much beside others may do
alone."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import Counter
from collections.abc import Iterator

from core.errors import MachineFault


class MemoryCrowded(MachineFault):
    """Memory was used up beside other tasks; alone there may be enough."""


def wait_until_alone() -> contextlib.AbstractContextManager[None]:
    """For a task that ran out of memory beside others: wait until no other thread has a database, and then let none open one
    until this thread is done."""
    return get_memory_gate().hold_exclusive()


def lock_large_task() -> contextlib.AbstractContextManager[object]:
    """For a task that takes all the memory there is: no other of its kind works meanwhile. To be entered before the task opens
    a database, never after, so that who waits here keeps nobody waiting."""
    return get_memory_gate().large_task_lock()


class MemoryGate:
    """Which threads have a database of the instance open, and whether one of them has it for itself."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open: Counter[int] = Counter()
        self._met: set[int] = set()
        self._alone: int | None = None
        self._large = threading.Lock()
        self.opening = threading.Lock()

    @contextlib.contextmanager
    def enter_beside_others(self) -> Iterator[None]:
        me = threading.get_ident()
        with self._changed:
            self._changed.wait_for(lambda: self._alone in (None, me))
            self._open[me] += 1
            if self._has_others():
                self._met |= self._open.keys()
        try:
            yield
        finally:
            with self._changed:
                self._open[me] -= 1
                if not self._open[me]:
                    del self._open[me]
                    self._met.discard(me)
                self._changed.notify_all()

    def has_met_others(self) -> bool:
        """Whether another thread had a database at any time since this one has one: memory it held may have been missing."""
        return threading.get_ident() in self._met

    def large_task_lock(self) -> contextlib.AbstractContextManager[object]:
        # Who is alone must not wait: the lock may be held by one that waits until it is done.
        return contextlib.nullcontext() if self._alone == threading.get_ident() else self._large

    def _has_others(self) -> bool:
        return bool(self._open.keys() - {threading.get_ident()})

    @contextlib.contextmanager
    def hold_exclusive(self) -> Iterator[None]:
        me = threading.get_ident()
        with self._changed:
            # Not before nobody has one: who has one may need another to come to its end.
            self._changed.wait_for(lambda: self._alone is None and not self._has_others())
            self._alone = me
        try:
            yield
        finally:
            with self._changed:
                self._alone = None
                self._changed.notify_all()


_GATES: dict[int, MemoryGate] = {}


def get_memory_gate() -> MemoryGate:
    """Those of this process: a child has none of its parent's threads."""
    process = os.getpid()
    return _GATES.get(process) or _GATES.setdefault(process, MemoryGate())  # of two threads that come first, one is kept
