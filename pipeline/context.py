"""What every verb gets: the run, the ledger, the catalogue, and where to write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from contracts.catalog import Catalog, load_catalog
from core.settings import get_settings
from core.store.ledger import Ledger, Run, open_ledger

ProgressCallback = Callable[[str, str], None]


def _ignore_progress(verb: str, subject: str) -> None:
    return None


@dataclass(frozen=True)
class RunContext:
    """A run under way. `progress(verb, subject)` is called as each step begins, for people who watch."""

    run: Run
    ledger: Ledger
    catalog: Catalog
    progress: ProgressCallback = field(default=_ignore_progress, repr=False)

    @property
    def landing(self) -> Path:
        return get_settings().landing

    def folder(self, *parts: str) -> Path:
        """A folder for this run's intermediate files; it is made."""
        path = get_settings().work.joinpath(self.run.id, *parts)
        path.mkdir(parents=True, exist_ok=True)
        return path


def resume_run(run_id: str, progress: ProgressCallback = _ignore_progress) -> RunContext:
    """The run with this id, as another process left it."""
    ledger = open_ledger()
    return RunContext(ledger.run(run_id), ledger, load_catalog(), progress)
