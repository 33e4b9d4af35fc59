"""What a run came to, and the work for many things side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from core.errors import HubError
from core.ledger import Output
from core.settings import settings

T = TypeVar("T")


@dataclass
class Outcome:
    """What a run came to: its id, the version it left, and one error for everything that did not go through."""

    run_id: str
    version: int = 0
    state: str = "running"
    problems: list[HubError] = field(default_factory=list)

    def guard(self, work: Callable[[], Output]) -> Output | None:
        """The output of `work`, or None with its error written to the list."""
        try:
            return work()
        except HubError as error:
            self.problems.append(error)
            return None


def each(work: Callable[[T], object], items: Iterable[T]) -> None:
    """Do the work for every item, as many side by side as the settings allow."""
    if settings().workers == 1:
        for item in items:
            work(item)
        return
    with ThreadPoolExecutor(settings().workers) as pool:
        list(pool.map(work, items))
