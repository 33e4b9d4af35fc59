"""Reading ahead: the next item of an iterator is fetched by a thread of its own while the last one is worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
_END = object()


def ahead(items: Iterator[T], count: int = 2) -> Generator[T, None, None]:
    """The same items, up to `count` of them fetched before they are asked for; an error is raised where it would have been.

    All are fetched by one thread, one after the other. Closing waits for the one that is being fetched, no longer.
    """
    with ThreadPoolExecutor(1, "ahead") as pool:
        fetched = deque(pool.submit(next, items, _END) for _ in range(count))
        try:
            while (item := fetched.popleft().result()) is not _END:
                fetched.append(pool.submit(next, items, _END))
                yield item  # type: ignore[misc]
        finally:
            pool.shutdown(cancel_futures=True)
