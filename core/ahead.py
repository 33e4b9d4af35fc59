"""Two things at once where one gives and the other takes: what gives is a thread ahead by one."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterator[Item | None]) -> Generator[Item, None, None]:
    """The items to the first None or the end, each made in a thread while the one before is worked on.

    What making one raises is raised when its turn comes. Who stops early waits for the one that is being made.
    """
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
