"""Libraries loaded beside other work that waits for its servers."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator

_TURN_SECONDS = 0.0003
"""How long who computes in Python may keep others waiting meanwhile. By default it is 5 ms, and the other work asks its
servers so often that it would lose more time than it saves."""


@contextlib.contextmanager
def beside(load: Callable[[], object]) -> Iterator[None]:
    """Do `load` in a thread while what is inside goes on; it ends when both have. What cannot be loaded fails again, and is
    told, where it is needed."""

    def work() -> None:
        usual = sys.getswitchinterval()
        sys.setswitchinterval(_TURN_SECONDS)
        try:
            with contextlib.suppress(Exception):
                load()
        finally:
            sys.setswitchinterval(usual)

    loading = threading.Thread(target=work, name="loading")
    loading.start()
    try:
        yield
    finally:
        loading.join()
