"""The cycle: the eight verbs in order, for a whole night or for the part that an orchestrator's task asks for.

What goes wrong with one dataset, entity or receiver is written down and the rest goes on; the caller gets the list.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeVar

from core.calendar import calendar
from core.connections import connection, switched_off
from core.errors import ContractError, HubError, merged
from core.ledger import Ledger, Output, ledger
from core.settings import settings
from loaders import hub
from loaders.base import ROW_BY_ROW
from loaders.landing import Landed, landed
from pipeline import copies, deliver, extract, late, marks, obligations, reconcile, schedule, verify
from pipeline.audit import audit
from pipeline.audit import begin as begin_audit
from pipeline.context import Night, Progress, resume
from pipeline.judge import judge
from pipeline.notices import notices
from pipeline.publish import publish as publish_changes
from pipeline.report import report
from schemas.catalog import catalog, nearest
from schemas.contract import FeedDataset

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


def night(as_of: date, progress: Progress | None = None, book: Ledger | None = None) -> Outcome:
    """Run the whole cycle for a business date. An interrupted night of that date is gone on with, not begun again.

    Raises:
        Denied: HUB712 when another process is at work on that night.
    """
    book = book or ledger()
    run = book.open_run("night", as_of)
    here = Night(run, book, catalog(), progress) if progress else Night(run, book, catalog())
    outcome = Outcome(run.id)
    with book.sole(run.id):
        extract_all(here, outcome, sorted(here.catalog.sources))
        with contextlib.ExitStack() as beside:
            publish_all(here, outcome, list(here.catalog.entities), lambda: beside.enter_context(_beside_servers(here)))
            begin_audit(here)
            deliver_all(here, outcome, schedule.due(book, here.catalog.feeds.values(), as_of))
            deliver_late(here, outcome, here.catalog.feeds.values())
        outcome.guard(lambda: audit(here))
        outcome.guard(lambda: _owed(here))
        outcome.guard(lambda: notices(here))
        outcome.guard(lambda: report(here))
        outcome.state = book.close_run(run.id)
    outcome.version = book.version()
    outcome.problems = merged(outcome.problems)
    return outcome


@contextlib.contextmanager
def _beside_servers(here: Night) -> Iterator[None]:
    """What is better done while the hub and the receivers work and this process waits for them: the sources look at every
    row for their marks, and the library of public holidays, which the report asks, loads those of all countries."""
    loading = threading.Thread(target=calendar().is_workday, args=(here.run.as_of,), name="holidays")
    loading.start()
    try:
        with marks.taken_beside(here):
            yield
    finally:
        loading.join()


def extract_all(here: Night, outcome: Outcome, datasets: Sequence[str]) -> None:
    """Land the datasets, several side by side. Systems that are not connected yet (`off:`) wait."""
    off = switched_off()
    wanted = [id for id in datasets if here.catalog.source(id).connection not in off]
    _each(lambda id: outcome.guard(lambda: extract.extract(here, id).__dict__), wanted)


def publish_all(
    here: Night, outcome: Outcome, names: Sequence[str], judged: Callable[[], object] = lambda: None
) -> Output | None:
    """Conform or derive, check, brake and publish the entities, then compare the copies of each other's fields. `judged` is
    called once before the publish.

    An entity that is stopped keeps its version and its children wait.
    """
    hub.prepare(here.ledger, list(here.catalog.entities.values()))
    with here.ledger.alone():
        landings = {id: landed(output) for id, output in here.ledger.latest("extract").items() if id in here.catalog.sources}
        changes, problems = judge(here, names, landings)
        outcome.problems += problems
        judged()
        published = outcome.guard(lambda: publish_changes(here, changes))
        _compare_copies(here, outcome, landings)
        return published


def _compare_copies(here: Night, outcome: Outcome, landings: dict[str, Landed]) -> None:
    """Hold every landed copy of another department's field against what the hub now has of it."""
    copied = [dataset for dataset in here.catalog.sources.values() if copies.copies(dataset) and dataset.id in landings]
    same = [dataset for dataset in copied if landings[dataset.id].contract == dataset.version]
    _each(lambda dataset: outcome.guard(lambda: copies.compare(here, dataset, landings[dataset.id])), same)


def deliver_all(here: Night, outcome: Outcome, feeds: Iterable[FeedDataset]) -> None:
    """Bring every feed to the published version and take its receipt, several side by side.

    The feeds from or to a system that is not connected yet (`off:`) wait; the first delivery after that brings everything.
    """
    off = switched_off()
    waiting = sorted((feed for feed in feeds if not here.catalog.waits(feed, off)), key=_slow_first)
    _each(lambda feed: outcome.guard(lambda: _feed(here, feed)), waiting)


def _slow_first(feed: FeedDataset) -> bool:
    """Receivers that take one row at a time come first, so that the others are served meanwhile."""
    try:
        return connection(feed.connection).family not in ROW_BY_ROW
    except HubError:  # its delivery says what is wrong
        return True


def deliver_late(here: Night, outcome: Outcome, feeds: Iterable[FeedDataset]) -> None:
    """Deliver what came after the day on which it was due, as of that day, and write down that it was late."""
    for due_on, waiting in late.pending(here.ledger, here.catalog, feeds, here.run.as_of).items():
        deliver_all(replace(here, run=replace(here.run, as_of=due_on)), outcome, waiting)
    late.note(here, late.newest_night(here.ledger, here.run.as_of))


def _owed(here: Night) -> Output:
    """What the night's data prove of the deadlines around its date."""
    return {"occasions": len(obligations.watch(here.ledger, here.catalog, here.run.as_of))}


def _each(work: Callable[[T], object], items: Iterable[T]) -> None:
    """Do the work for every item, as many side by side as the settings allow."""
    if settings().workers == 1:
        for item in items:
            work(item)
        return
    with ThreadPoolExecutor(settings().workers) as pool:
        list(pool.map(work, items))


def _feed(here: Night, feed: FeedDataset) -> Output:
    with here.ledger.turn(f"feed {feed.id}"):
        take_up(here, feed)
        sent = deliver.deliver(here, feed.id)
        return reconcile.reconcile(here, feed.id, sent["delivery"])


def take_up(here: Night, feed: FeedDataset) -> None:
    """Bring deliveries of other runs that have no receipt to one: what was applied is only read back."""
    for row in deliver.unsettled(here, feed):
        deliver.send(here, row)
        reconcile.settle(here, row)


def open_run(kind: str, as_of: date, scope: Sequence[str] = ()) -> str:
    """Open (or go on with) a run and return its id, for an orchestrator that passes identifiers only."""
    return ledger().open_run(kind, as_of, scope).id


def extract_system(run_id: str, system: str) -> dict[str, Any]:
    """Land every dataset of a system; returns `{system, landed}`.

    Raises:
        HubError: the first of those that failed, after all were tried.
    """
    here, outcome = resume(run_id), Outcome(run_id)
    names = [id for id, dataset in here.catalog.sources.items() if dataset.system == system]
    if not names:
        raise ContractError("HUB104", system, kind="source system", known=nearest(system, here.catalog.source_systems()))
    extract_all(here, outcome, names)
    marks.take(here, names)
    return _raise_first(outcome, {"system": system, "landed": len(names)})


def publish(run_id: str) -> dict[str, Any]:
    """Conform to publish for the entities of the run's systems (all without a scope); returns `{version}`.

    Raises:
        HubError: the first that failed; what could be published was published.
    """
    here, outcome = resume(run_id), Outcome(run_id)
    systems = [name for name in here.run.scope if name in here.catalog.source_systems()]
    wanted = {entity for system in systems for entity in here.catalog.entities_of(system)}
    names = here.catalog.with_derived(wanted) if systems else list(here.catalog.entities)
    published = publish_all(here, outcome, names) or {}
    return _raise_first(outcome, {"version": published.get("version", here.ledger.version())})


def deliver_flow(run_id: str, flow: str, word: str = "nightly") -> dict[str, Any]:
    """Deliver and reconcile the feeds of a flow that have this schedule word; returns `{flow, feeds}`.

    A nightly run brings those of the flow that were never accepted as well, whatever their word.

    Raises:
        HubError: the first that failed, after all were tried.
    """
    here, outcome = resume(run_id), Outcome(run_id)
    known = sorted({feed.flow for feed in here.catalog.feeds.values()})
    if flow not in known:
        raise ContractError("HUB104", flow, kind="flow with feeds", known=nearest(flow, known))
    mine = [feed for feed in here.catalog.feeds.values() if feed.flow == flow]
    feeds = schedule.due(here.ledger, mine, here.run.as_of, word)
    deliver_all(here, outcome, feeds)
    deliver_late(here, outcome, mine if word == "nightly" else [])
    return _raise_first(outcome, {"flow": flow, "feeds": len(feeds)})


def close_run(run_id: str) -> dict[str, Any]:
    """Audit the checks, write the run's report and close it; returns `{state}`.

    Raises:
        Fault: HUB810, after the run was closed.
    """
    here, outcome = resume(run_id), Outcome(run_id)
    outcome.guard(lambda: audit(here))
    if here.run.kind == "night":
        outcome.guard(lambda: notices(here))
    report(here)
    return _raise_first(outcome, {"state": here.ledger.close_run(run_id)})


def verify_edge(edge: str, as_of: date, sign_by: str | None = None) -> list[dict[str, Any]]:
    """Compare an edge (`E18`) or one feed (`E18.student_basic`) with its receiver, and sign it off when a name is given.

    Raises:
        Denied: HUB707, HUB708. ContractError: HUB104 when there is no such edge.
    """
    book = ledger()
    run = book.open_run("verify", as_of, [edge])
    here = Night(run, book, catalog())
    feeds = [feed for feed in here.catalog.feeds.values() if edge in (feed.edge, feed.id)] or [here.catalog.feed(edge)]
    try:
        found = [verify.verify(here, feed) for feed in feeds]
        return [verify.sign(here, feed, sign_by, row) if sign_by else row for feed, row in zip(feeds, found, strict=True)]
    finally:
        book.close_run(run.id)


def _raise_first(outcome: Outcome, result: dict[str, Any]) -> dict[str, Any]:
    if outcome.problems:
        raise outcome.problems[0]
    return result
