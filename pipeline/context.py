"""What every verb gets: the run, the ledger, the catalogue, and where to write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from contracts.catalog import Catalog, catalog
from core.settings import settings
from core.store.ledger import Ledger, Run, ledger

Progress = Callable[[str, str], None]


def _silent(verb: str, subject: str) -> None:
    return None


@dataclass(frozen=True)
class Night:
    """A run under way. `progress(verb, subject)` is called as each step begins, for people who watch."""

    run: Run
    ledger: Ledger
    catalog: Catalog
    progress: Progress = field(default=_silent, repr=False)

    @property
    def landing(self) -> Path:
        return settings().landing

    def folder(self, *parts: str) -> Path:
        """A folder for this run's intermediate files; it is made."""
        path = settings().work.joinpath(self.run.id, *parts)
        path.mkdir(parents=True, exist_ok=True)
        return path


def resume(run_id: str, progress: Progress = _silent) -> Night:
    """The run with this id, as another process left it."""
    book = ledger()
    return Night(book.run(run_id), book, catalog(), progress)
