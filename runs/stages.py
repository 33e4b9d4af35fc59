"""The verbs after extract, for what an outcome's run is restricted to: conform to publish, deliver and reconcile, and what
is written down at the end.

A night loads this module while its first rows are on their way: with it come the libraries for SQL, templates and workbooks.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from contracts.contract import FeedDataset
from core.calendar import calendar
from core.errors import Gated, HubError
from core.hashing import digest
from core.process.background import beside
from core.store.connections import connection, switched_off
from core.store.ledger import Output
from loaders import hub
from loaders.base import ROW_BY_ROW
from loaders.landing import Landed, landed
from pipeline.context import Night
from pipeline.delivery import deliver, due, late_arrivals, reconcile
from pipeline.delivery.grant_notices import notices
from pipeline.ingest import fingerprint
from pipeline.publishing.evaluate import judge
from pipeline.publishing.moot import close_moot
from pipeline.publishing.publish import publish as publish_changes
from pipeline.publishing.publish import unpublished
from pipeline.result import Outcome, each, recorded
from pipeline.transform import copies
from pipeline.transform.audit import audit
from pipeline.transform.audit import begin as begin_audit
from reporting import obligations
from reporting.report import report
from runs.returned import look


def whole(here: Night, outcome: Outcome) -> None:
    """All verbs of a night after extract."""
    with contextlib.ExitStack() as meanwhile:
        publish_all(here, outcome, list(here.catalog.entities), lambda: meanwhile.enter_context(_beside_servers(here)))
        outcome.guard(lambda: begin_audit(here))
        deliver_all(here, outcome, due.due(here.ledger, here.catalog.feeds.values(), here.run.as_of))
        outcome.guard(lambda: deliver_late(here, outcome, here.catalog.feeds.values()))
    outcome.guard(lambda: audit(here))
    outcome.guard(lambda: _owed(here))
    outcome.guard(lambda: notices(here))
    outcome.guard(lambda: report(here))


@contextlib.contextmanager
def _beside_servers(here: Night) -> Iterator[None]:
    """What is better done while the hub and the receivers work and this process waits for them: the sources look at every
    row for their marks, and the library of public holidays, which the report asks, loads those of all countries."""
    with beside(lambda: calendar().is_workday(here.run.as_of)), fingerprint.taken_beside(here):
        yield


def publish_all(
    here: Night, outcome: Outcome, names: Sequence[str], judged: Callable[[], object] = lambda: None
) -> Output | None:
    """Conform or derive, check, brake and publish the entities, then compare the copies of each other's fields. `judged` is
    called once before the publish.

    An entity that is stopped keeps its version and its children wait.
    """
    names = _with_tables(here, outcome, names)
    with here.ledger.alone():
        landings = {id: landed(output) for id, output in here.ledger.latest("extract").items() if id in here.catalog.sources}
        changes, problems = judge(here, names, landings)
        outcome.problems += problems
        judged()
        published = outcome.guard(lambda: publish_changes(here, changes))
        outcome.problems += unpublished(published)
        outcome.guard(lambda: close_moot(here))
        _compare_copies(here, outcome, landings)
        return published


def _with_tables(here: Night, outcome: Outcome, names: Sequence[str]) -> list[str]:
    """The entities whose tables are as their contracts say. One whose are not, and what refers to it or is made of it, keeps
    its version; why is written down."""
    stopped = hub.prepare(here.ledger, list(here.catalog.entities.values()))
    ready = []
    for name in [name for name in here.catalog.entities if name in names or name in stopped]:
        needs = (here.catalog.entity(name).parents | here.catalog.inputs_of(name)) & stopped.keys()
        if name not in stopped and needs:
            stopped[name] = Gated("HUB402", name, parents=", ".join(sorted(needs)))
        if name not in stopped:
            ready.append(name)
            continue
        error = stopped[name]
        step = here.ledger.begin(here.run.id, "publish", name, digest("tables", error.code, list(error.trace)))
        here.ledger.stop(step, error, "waiting" if error.recovery == "hold" else "failed")
        outcome.problems.append(error)
    return ready


def _compare_copies(here: Night, outcome: Outcome, landings: dict[str, Landed]) -> None:
    """Hold every landed copy of another department's field against what the hub now has of it."""
    copied = [dataset for dataset in here.catalog.sources.values() if copies.copies(dataset) and dataset.id in landings]
    same = [dataset for dataset in copied if landings[dataset.id].contract == dataset.version]
    each(lambda dataset: outcome.guard(lambda: copies.compare(here, dataset, landings[dataset.id]), dataset.id), same)


def deliver_all(here: Night, outcome: Outcome, feeds: Iterable[FeedDataset]) -> None:
    """Bring every feed to the published version and take its receipt, several side by side.

    The feeds from or to a system that is not connected yet (`off:`) wait; the first delivery after that brings everything.
    """
    off = switched_off()
    waiting = sorted((feed for feed in feeds if not here.catalog.waits(feed, off)), key=_slow_first)
    each(lambda feed: outcome.guard(lambda: _feed(here, outcome, feed), feed.id), waiting)
    outcome.guard(lambda: close_moot(here))


def _slow_first(feed: FeedDataset) -> bool:
    """Receivers that take one row at a time come first, so that the others are served meanwhile."""
    try:
        return connection(feed.connection).family not in ROW_BY_ROW
    except HubError:  # its delivery says what is wrong
        return True


def deliver_late(here: Night, outcome: Outcome, feeds: Iterable[FeedDataset]) -> None:
    """Deliver what came after the day on which it was due, as of that day, and write down that it was late."""
    for due_on, waiting in late_arrivals.pending(here.ledger, here.catalog, feeds, here.run.as_of).items():
        deliver_all(replace(here, run=replace(here.run, as_of=due_on)), outcome, waiting)
    late_arrivals.note(here, late_arrivals.newest_night(here.ledger, here.run.as_of))


def _owed(here: Night) -> Output:
    """What the night's data prove of the deadlines around its date."""
    return {"occasions": len(obligations.watch(here.ledger, here.catalog, here.run.as_of))}


def _feed(here: Night, outcome: Outcome, feed: FeedDataset) -> Output:
    with here.ledger.turn(f"feed {feed.id}"), recorded(here, "deliver", feed.id):
        outcome.problems += look(here, feed, lambda: take_up(here, feed))
        sent = deliver.deliver(here, feed.id)
        return reconcile.reconcile(here, feed.id, sent["delivery"])


def take_up(here: Night, feed: FeedDataset) -> None:
    """Bring deliveries of other runs that have no receipt to one: what was applied is only read back."""
    for row in deliver.unsettled(here, feed):
        deliver.send(here, row)
        reconcile.settle(here, row)
