"""What a run came to, and the work for many things side by side."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from core import faults
from core.errors import HubError
from core.hashing import hash_values
from core.settings import get_settings
from pipeline.context import RunContext

T = TypeVar("T")


@dataclass
class RunResult:
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
            if faults.is_exit(error):
                raise
            self.problems.append(faults.wrap_error(error, "", where))
            return None


@contextlib.contextmanager
def record_failure(run: RunContext, verb: str, subject: str) -> Iterator[None]:
    """Work on `subject` outside a step of its own: an error that nobody foresaw is written down as that of a failed step.

    Raises:
        HubError: what the work raised, coded.
    """
    try:
        yield
    except HubError:
        raise
    except BaseException as error:
        if faults.is_exit(error):
            raise
        found = faults.wrap_error(error, verb, subject)
        run.ledger.stop(run.ledger.begin(run.run.id, verb, subject, hash_values("fault", list(found.trace))), found)
        raise found from None


def run_for_each(work: Callable[[T], object], items: Iterable[T]) -> None:
    """Do the work for every item, as many side by side as the settings allow."""
    if get_settings().workers == 1:
        for item in items:
            work(item)
        return
    with ThreadPoolExecutor(get_settings().workers) as pool:
        list(pool.map(work, items))
