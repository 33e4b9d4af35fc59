"""The verbs after extract, for what an outcome's run is restricted to: conform to publish, deliver and reconcile, and what
is written down at the end.

A night loads this module while its first rows are on their way: with it come the libraries for SQL, templates and workbooks.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from contracts.contract import FeedDataset
from core.calendar import load_calendar
from core.errors import Gated, HubError
from core.hashing import hash_values
from core.process.background import load_in_background
from core.store.connections import get_connection, list_switched_off
from core.store.ledger import Output
from loaders import hub
from loaders.base import ROW_BY_ROW
from loaders.landing import Landing, parse_landing
from pipeline.context import RunContext
from pipeline.delivery import deliver, due, late_arrivals, reconcile
from pipeline.delivery.grant_notices import write_notices
from pipeline.ingest import fingerprint
from pipeline.publishing.evaluate import evaluate_entities
from pipeline.publishing.moot import close_moot_brakes
from pipeline.publishing.publish import list_publish_errors, publish_changes
from pipeline.result import RunResult, record_failure, run_for_each
from pipeline.transform import copies
from pipeline.transform.audit import audit_run
from pipeline.transform.audit import preload_audit as begin_audit
from reporting import obligations
from reporting.report import write_report
from runs.returned import compare_receiver


def run_after_extract(run: RunContext, outcome: RunResult) -> None:
    """All verbs of a night after extract."""
    with contextlib.ExitStack() as meanwhile:
        publish_all(run, outcome, list(run.catalog.entities), lambda: meanwhile.enter_context(_work_in_background(run)))
        outcome.guard(lambda: begin_audit(run))
        deliver_all(run, outcome, due.list_due_feeds(run.ledger, run.catalog.feeds.values(), run.run.as_of))
        outcome.guard(lambda: deliver_late(run, outcome, run.catalog.feeds.values()))
    outcome.guard(lambda: audit_run(run))
    outcome.guard(lambda: _watch_deadlines(run))
    outcome.guard(lambda: write_notices(run))
    outcome.guard(lambda: write_report(run))


@contextlib.contextmanager
def _work_in_background(run: RunContext) -> Iterator[None]:
    """What is better done while the hub and the receivers work and this process waits for them: the sources look at every
    row for their marks, and the library of public holidays, which the report asks, loads those of all countries."""
    with load_in_background(lambda: load_calendar().is_workday(run.run.as_of)), fingerprint.take_in_background(run):
        yield


def publish_all(
    run: RunContext, outcome: RunResult, names: Sequence[str], judged: Callable[[], object] = lambda: None
) -> Output | None:
    """Conform or derive, check, brake and publish the entities, then compare the copies of each other's fields. `judged` is
    called once before the publish.

    An entity that is stopped keeps its version and its children wait.
    """
    names = _select_ready_entities(run, outcome, names)
    with run.ledger.hold_exclusive():
        landings = {
            id: parse_landing(output) for id, output in run.ledger.latest("extract").items() if id in run.catalog.sources
        }
        changes, problems = evaluate_entities(run, names, landings)
        outcome.problems += problems
        judged()
        published = outcome.guard(lambda: publish_changes(run, changes))
        outcome.problems += list_publish_errors(published)
        outcome.guard(lambda: close_moot_brakes(run))
        _compare_copies(run, outcome, landings)
        return published


def _select_ready_entities(run: RunContext, outcome: RunResult, names: Sequence[str]) -> list[str]:
    """The entities whose tables are as their contracts say. One whose are not, and what refers to it or is made of it, keeps
    its version; why is written down."""
    stopped = hub.prepare_tables(run.ledger, list(run.catalog.entities.values()))
    ready = []
    for name in [name for name in run.catalog.entities if name in names or name in stopped]:
        needs = (run.catalog.entity(name).parents | run.catalog.inputs_of(name)) & stopped.keys()
        if name not in stopped and needs:
            stopped[name] = Gated("HUB402", name, parents=", ".join(sorted(needs)))
        if name not in stopped:
            ready.append(name)
            continue
        error = stopped[name]
        step = run.ledger.begin(run.run.id, "publish", name, hash_values("tables", error.code, list(error.trace)))
        run.ledger.stop(step, error, "waiting" if error.recovery == "hold" else "failed")
        outcome.problems.append(error)
    return ready


def _compare_copies(run: RunContext, outcome: RunResult, landings: dict[str, Landing]) -> None:
    """Hold every landed copy of another department's field against what the hub now has of it."""
    copied = [dataset for dataset in run.catalog.sources.values() if copies.list_copies(dataset) and dataset.id in landings]
    same = [dataset for dataset in copied if landings[dataset.id].contract == dataset.version]
    run_for_each(
        lambda dataset: outcome.guard(lambda: copies.compare_dataset(run, dataset, landings[dataset.id]), dataset.id), same
    )


def deliver_all(run: RunContext, outcome: RunResult, feeds: Iterable[FeedDataset]) -> None:
    """Bring every feed to the published version and take its receipt, several side by side.

    The feeds from or to a system that is not connected yet (`off:`) wait; the first delivery after that brings everything.
    """
    off = list_switched_off()
    waiting = sorted((feed for feed in feeds if not run.catalog.is_switched_off(feed, off)), key=_is_fast_receiver)
    run_for_each(lambda feed: outcome.guard(lambda: _deliver_and_reconcile(run, outcome, feed), feed.id), waiting)
    outcome.guard(lambda: close_moot_brakes(run))


def _is_fast_receiver(feed: FeedDataset) -> bool:
    """Receivers that take one row at a time come first, so that the others are served meanwhile."""
    try:
        return get_connection(feed.connection).family not in ROW_BY_ROW
    except HubError:  # its delivery says what is wrong
        return True


def deliver_late(run: RunContext, outcome: RunResult, feeds: Iterable[FeedDataset]) -> None:
    """Deliver what came after the day on which it was due, as of that day, and write down that it was late."""
    for due_on, waiting in late_arrivals.find_late_feeds(run.ledger, run.catalog, feeds, run.run.as_of).items():
        deliver_all(replace(run, run=replace(run.run, as_of=due_on)), outcome, waiting)
    late_arrivals.record_late_deliveries(run, late_arrivals.find_newest_night(run.ledger, run.run.as_of))


def _watch_deadlines(run: RunContext) -> Output:
    """What the night's data prove of the deadlines around its date."""
    return {"occasions": len(obligations.watch_obligations(run.ledger, run.catalog, run.run.as_of))}


def _deliver_and_reconcile(run: RunContext, outcome: RunResult, feed: FeedDataset) -> Output:
    with run.ledger.hold_lock(f"feed {feed.id}"), record_failure(run, "deliver", feed.id):
        outcome.problems += compare_receiver(run, feed, lambda: resume_deliveries(run, feed))
        sent = deliver.deliver_feed(run, feed.id)
        return reconcile.reconcile_delivery(run, feed.id, sent["delivery"])


def resume_deliveries(run: RunContext, feed: FeedDataset) -> None:
    """Bring deliveries of other runs that have no receipt to one: what was applied is only read back."""
    for row in deliver.find_unsettled_deliveries(run, feed):
        deliver.send_delivery(run, row)
        reconcile.settle_delivery(run, row)
