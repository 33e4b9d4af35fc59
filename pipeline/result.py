"""What a run came to, and the work for many things side by side."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from core import faults
from core.errors import HubError
from core.hashing import digest
from core.settings import settings
from pipeline.context import Night

T = TypeVar("T")


@dataclass
class Outcome:
    """What a run came to: its id, the version it left, and one error for everything that did not go through."""

    run_id: str
    version: int = 0
    state: str = "running"
    problems: list[HubError] = field(default_factory=list)

    def guard(self, work: Callable[[], T], where: str = "hub") -> T | None:
        """The output of `work`, or None with its error written to the list, as one about `where` when nobody foresaw it."""
        try:
            return work()
        except BaseException as error:
            if faults.ends(error):
                raise
            self.problems.append(faults.coded(error, "", where))
            return None


@contextlib.contextmanager
def recorded(here: Night, verb: str, subject: str) -> Iterator[None]:
    """Work on `subject` outside a step of its own: an error that nobody foresaw is written down as that of a failed step.

    Raises:
        HubError: what the work raised, coded.
    """
    try:
        yield
    except HubError:
        raise
    except BaseException as error:
        if faults.ends(error):
            raise
        found = faults.coded(error, verb, subject)
        here.ledger.stop(here.ledger.begin(here.run.id, verb, subject, digest("fault", list(found.trace))), found)
        raise found from None


def each(work: Callable[[T], object], items: Iterable[T]) -> None:
    """Do the work for every item, as many side by side as the settings allow."""
    if settings().workers == 1:
        for item in items:
            work(item)
        return
    with ThreadPoolExecutor(settings().workers) as pool:
        list(pool.map(work, items))
