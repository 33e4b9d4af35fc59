"""What a night would change: every entity conformed or derived, checked and held against the hub, parents first.

Entities that do not wait for each other are worked on side by side. What an entity is told of another one does not depend
on who is faster: of those before it in the catalogue the outcome of this night, of those after it what was mapped or, where
nothing was, what the hub has.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from pathlib import Path

from core.errors import Gated, HubError
from core.hashing import hash_values
from core.row_set import RowSet, restore_row_set
from core.settings import get_settings
from core.store.ledger import Output
from loaders.landing import Landing
from pipeline.context import RunContext
from pipeline.publishing import absence, diff, gate, stops
from pipeline.result import record_failure
from pipeline.transform import check, conform, published
from pipeline.transform.derive import derive_entity

KnownRows = tuple[RowSet, str]
"""A Parquet of an entity's rows, and a text that is another for other rows."""


def evaluate_entities(
    run: RunContext, names: Sequence[str], landings: dict[str, Landing]
) -> tuple[dict[str, Output], list[HubError]]:
    """The staged change of every entity of `names` that may be published, and what went wrong with the others, both in the
    catalogue's order. An entity that is stopped keeps its version, and what refers to it is judged against that
    (`pipeline.publishing.stops`)."""
    work = _Evaluation(run, names, landings)
    run_by_dependency({name: frozenset[str]() for name in work.names if not run.catalog.is_derived(name)}, work.map)
    work.begin()
    run_by_dependency(work.waits_for, work.judge)
    changes = {name: work.changes[name] for name in work.names if name in work.changes}
    return changes, [error for name in run.catalog.entities for error in work.problems.get(name, [])]


def run_by_dependency(waits_for: Mapping[str, frozenset[str]], work: Callable[[str], object]) -> None:
    """Do the work for every name once that for the names it waits for is done, as many at once as the settings allow."""
    order = TopologicalSorter(waits_for)
    order.prepare()
    running: dict[Future[object], str] = {}
    with ThreadPoolExecutor(get_settings().workers) as pool:
        try:
            while order.is_active():
                running |= {pool.submit(work, name): name for name in order.get_ready()}
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    future.result()
                    order.done(running.pop(future))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


class _Evaluation:
    """One night's work. Every name is touched by one thread, after those that it waits for."""

    def __init__(self, run: RunContext, names: Sequence[str], landings: dict[str, Landing]) -> None:
        self.night, self.landings = run, landings
        self.names = [name for name in run.catalog.entities if name in names]
        self.mapped: dict[str, Output] = {}
        self.before: dict[str, KnownRows] = {}
        self.after: dict[str, KnownRows] = {}
        self.waits_for: dict[str, frozenset[str]] = {}
        self.changes: dict[str, Output] = {}
        self.problems: dict[str, list[HubError]] = {}
        self.stopped: set[str] = set()

    def map(self, name: str) -> None:
        with self._guarded(name):
            found = conform.conform_entity(self.night, name, self.landings)
            if found["systems"]:
                self.mapped[name] = found

    def begin(self) -> None:
        """Who waits for whom, and what each may be told of others before they are judged."""
        reads: dict[str, frozenset[str]] = {}
        for name in self.names:
            with self._guarded(name):
                reads[name] = self._list_inputs(name)
        self.names = [name for name in self.names if name in reads]
        for place, name in enumerate(self.names):
            self.waits_for[name] = reads[name] & frozenset(self.names[:place])
        ahead = frozenset[str]().union(*(reads[name] - self.waits_for[name] for name in self.names))
        for name in frozenset[str]().union(*reads.values()):
            with self._guarded(name):
                self.before[name] = self._choose_known_rows(name, name in ahead)

    def judge(self, name: str) -> None:
        earlier = self.waits_for[name]
        known = {other: self.after.get(other, rows) if other in earlier else rows for other, rows in self.before.items()}
        if self.night.catalog.is_derived(name):
            with self._guarded(name):
                self.mapped[name] = derive_entity(self.night, name, known)
        if name not in self.mapped:
            return
        with self._guarded(name):
            self._wait_for_parents(name)
            stood = {
                other: published.load_last_rows(self.night, other) for other in check.list_published_inputs(self.night, name)
            }
            checked = check.check_entity(self.night, name, self.mapped[name], known, stood)
            parents = self.night.catalog.entity(name).parents & self.mapped.keys()
            stopped = {parent: self.mapped[parent] for parent in parents if parent in self.stopped}
            gate.stop_above_held_limit(self.night, self.night.catalog.entity(name), self.mapped[name], checked, stopped)
            found = diff.stage_change(self.night, name, self.mapped[name], checked)
            self.changes[name], self.after[name] = found, (restore_row_set(found["rows"]), found["known_hash"])
            said = [
                *absence.build_suspension_errors(name, found),
                *stops.list_waiting_errors(self.night, name, checked, stopped),
            ]
            self.problems.setdefault(name, []).extend(said)
            return
        with self._guarded(name):
            self.after[name] = published.load_last_rows(self.night, name)

    @contextlib.contextmanager
    def _guarded(self, name: str) -> Iterator[None]:
        try:
            with record_failure(self.night, "check", name):
                yield
        except HubError as error:
            self.problems.setdefault(name, []).append(error)
            if name in self.mapped:
                self.stopped.add(name)

    def _wait_for_parents(self, name: str) -> None:
        blocked = stops.find_unknown_parents(self.night, name, self.stopped)
        if blocked:
            error = Gated("HUB402", name, parents=", ".join(blocked))
            step = self.night.ledger.begin(self.night.run.id, "check", name, hash_values("waits", blocked))
            self.night.ledger.stop(step, error, "waiting")
            raise error

    def _list_inputs(self, name: str) -> frozenset[str]:
        """The entities that an entity is made of, refers to, or is checked against."""
        entity = self.night.catalog.entity(name)
        return self.night.catalog.inputs_of(name) | entity.parents | check.list_dependencies(self.night, entity)

    def _choose_known_rows(self, name: str, looked_at: bool) -> KnownRows:
        """An entity's rows as far as is known before it is judged: what was just mapped, else what the hub has, as of one
        that others look at before it is judged and that will be stopped."""
        made = self.mapped.get(name)
        if made is None or (looked_at and stops.is_stop_foreseen(self.night, name, made)):
            return published.load_last_rows(self.night, name)
        return RowSet(Path(made["file"])), made["file"]
