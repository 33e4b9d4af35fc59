"""Work beside other work that waits for its servers: libraries are loaded, sources look at their tables.

What goes wrong there is no word of its own on anybody's screen: it is met again, and told, where it is needed.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator

_SWITCH_SECONDS = 0.0003
"""How long who computes in Python may keep others waiting meanwhile. By default it is 5 ms, and the other work asks its
servers so often that it would lose more time than it saves."""


@contextlib.contextmanager
def load_in_background(load: Callable[[], object]) -> Iterator[None]:
    """Do `load` in a thread while what is inside goes on, and let the latter have its turns; it ends when both have."""

    def work() -> None:
        usual = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_SECONDS)
        try:
            load()
        finally:
            sys.setswitchinterval(usual)

    loading = begun(work)
    try:
        yield
    finally:
        loading.join()


def begun(work: Callable[[], object]) -> threading.Thread:
    """A thread that does `work`, begun."""

    def quietly() -> None:
        with contextlib.suppress(Exception):
            work()

    thread = threading.Thread(target=quietly, name="beside")
    thread.start()
    return thread
