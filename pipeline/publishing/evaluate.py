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
from core.hashing import digest
from core.row_set import Rows, rows_of
from core.settings import settings
from core.store.ledger import Output
from loaders.landing import Landed
from pipeline.context import Night
from pipeline.publishing import absence, diff, gate, stops
from pipeline.result import recorded
from pipeline.transform import check, conform, published
from pipeline.transform.derive import derive

Told = tuple[Rows, str]
"""A Parquet of an entity's rows, and a text that is another for other rows."""


def judge(night: Night, names: Sequence[str], landings: dict[str, Landed]) -> tuple[dict[str, Output], list[HubError]]:
    """The staged change of every entity of `names` that may be published, and what went wrong with the others, both in the
    catalogue's order. An entity that is stopped keeps its version, and what refers to it is judged against that
    (`pipeline.publishing.stops`)."""
    work = _Judging(night, names, landings)
    side_by_side({name: frozenset[str]() for name in work.names if not night.catalog.is_derived(name)}, work.map)
    work.begin()
    side_by_side(work.waits_for, work.judge)
    changes = {name: work.changes[name] for name in work.names if name in work.changes}
    return changes, [error for name in night.catalog.entities for error in work.problems.get(name, [])]


def side_by_side(waits_for: Mapping[str, frozenset[str]], work: Callable[[str], object]) -> None:
    """Do the work for every name once that for the names it waits for is done, as many at once as the settings allow."""
    order = TopologicalSorter(waits_for)
    order.prepare()
    running: dict[Future[object], str] = {}
    with ThreadPoolExecutor(settings().workers) as pool:
        try:
            while order.is_active():
                running |= {pool.submit(work, name): name for name in order.get_ready()}
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    future.result()
                    order.done(running.pop(future))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


class _Judging:
    """One night's work. Every name is touched by one thread, after those that it waits for."""

    def __init__(self, night: Night, names: Sequence[str], landings: dict[str, Landed]) -> None:
        self.night, self.landings = night, landings
        self.names = [name for name in night.catalog.entities if name in names]
        self.mapped: dict[str, Output] = {}
        self.before: dict[str, Told] = {}
        self.after: dict[str, Told] = {}
        self.waits_for: dict[str, frozenset[str]] = {}
        self.changes: dict[str, Output] = {}
        self.problems: dict[str, list[HubError]] = {}
        self.stopped: set[str] = set()

    def map(self, name: str) -> None:
        with self._guarded(name):
            found = conform.conform(self.night, name, self.landings)
            if found["systems"]:
                self.mapped[name] = found

    def begin(self) -> None:
        """Who waits for whom, and what each may be told of others before they are judged."""
        reads: dict[str, frozenset[str]] = {}
        for name in self.names:
            with self._guarded(name):
                reads[name] = self._reads(name)
        self.names = [name for name in self.names if name in reads]
        for place, name in enumerate(self.names):
            self.waits_for[name] = reads[name] & frozenset(self.names[:place])
        ahead = frozenset[str]().union(*(reads[name] - self.waits_for[name] for name in self.names))
        for name in frozenset[str]().union(*reads.values()):
            with self._guarded(name):
                self.before[name] = self._unjudged(name, name in ahead)

    def judge(self, name: str) -> None:
        earlier = self.waits_for[name]
        known = {other: self.after.get(other, rows) if other in earlier else rows for other, rows in self.before.items()}
        if self.night.catalog.is_derived(name):
            with self._guarded(name):
                self.mapped[name] = derive(self.night, name, known)
        if name not in self.mapped:
            return
        with self._guarded(name):
            self._wait_for_parents(name)
            stood = {other: published.last(self.night, other) for other in check.looks_back(self.night, name)}
            checked = check.check(self.night, name, self.mapped[name], known, stood)
            parents = self.night.catalog.entity(name).parents & self.mapped.keys()
            stopped = {parent: self.mapped[parent] for parent in parents if parent in self.stopped}
            gate.respect(self.night, self.night.catalog.entity(name), self.mapped[name], checked, stopped)
            found = diff.change(self.night, name, self.mapped[name], checked)
            self.changes[name], self.after[name] = found, (rows_of(found["rows"]), found["known_hash"])
            said = [*absence.said(name, found), *stops.waiting(self.night, name, checked, stopped)]
            self.problems.setdefault(name, []).extend(said)
            return
        with self._guarded(name):
            self.after[name] = published.last(self.night, name)

    @contextlib.contextmanager
    def _guarded(self, name: str) -> Iterator[None]:
        try:
            with recorded(self.night, "check", name):
                yield
        except HubError as error:
            self.problems.setdefault(name, []).append(error)
            if name in self.mapped:
                self.stopped.add(name)

    def _wait_for_parents(self, name: str) -> None:
        blocked = stops.unknown(self.night, name, self.stopped)
        if blocked:
            error = Gated("HUB402", name, parents=", ".join(blocked))
            step = self.night.ledger.begin(self.night.run.id, "check", name, digest("waits", blocked))
            self.night.ledger.stop(step, error, "waiting")
            raise error

    def _reads(self, name: str) -> frozenset[str]:
        """The entities that an entity is made of, refers to, or is checked against."""
        entity = self.night.catalog.entity(name)
        return self.night.catalog.inputs_of(name) | entity.parents | check.dependencies(self.night, entity)

    def _unjudged(self, name: str, looked_at: bool) -> Told:
        """An entity's rows as far as is known before it is judged: what was just mapped, else what the hub has, as of one
        that others look at before it is judged and that will be stopped."""
        made = self.mapped.get(name)
        if made is None or (looked_at and stops.foreseen(self.night, name, made)):
            return published.last(self.night, name)
        return Rows(Path(made["file"])), made["file"]
