"""The cycle: the eight verbs in order, for a whole night or for the part that an orchestrator's task asks for.

What goes wrong with one dataset, entity or receiver is written down and the rest goes on; the caller gets the list.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from datetime import date
from typing import Any

from contracts.catalog import catalog, nearest
from core.errors import ContractError, merged
from core.process.background import beside
from core.store.connections import switched_off
from core.store.ledger import Ledger, ledger
from pipeline.context import Night, Progress, resume
from pipeline.ingest import extract, fingerprint
from pipeline.result import Outcome, each
from runs import part_result
from runs.part_result import Part


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
        with beside(lambda: importlib.import_module("runs.stages")):  # with it come most libraries
            extract_all(here, outcome, sorted(here.catalog.sources))
        from runs import stages

        stages.whole(here, outcome)
        outcome.state = book.close_run(run.id)
    outcome.version = book.version()
    outcome.problems = merged(outcome.problems)
    return outcome


def extract_all(here: Night, outcome: Outcome, datasets: Sequence[str]) -> None:
    """Land the datasets, several side by side; what did not land is told in the order of the datasets' names. Systems that are
    not connected yet (`off:`) wait."""
    off = switched_off()
    wanted = [id for id in datasets if here.catalog.source(id).connection not in off]
    each(lambda id: outcome.guard(lambda: extract.extract(here, id).__dict__, id), wanted)
    outcome.problems.sort(key=lambda error: error.where)


def later_night(as_of: date) -> date | None:
    """The newest business date with a finished night, when that is later than `as_of`; else None."""
    found = ledger().single("select max(as_of) as day from ops.run where kind = 'night' and state <> 'running'")["day"]
    return found if found and found > as_of else None


def open_run(kind: str, as_of: date, scope: Sequence[str] = ()) -> str:
    """Open (or go on with) a run and return its id, for an orchestrator that passes identifiers only."""
    return ledger().open_run(kind, as_of, scope).id


def extract_system(run_id: str, system: str) -> dict[str, Any]:
    """Land every dataset of a system; returns `{system, landed}`.

    Raises:
        HubError: the first of those that failed, after all were tried.
    """
    return _raise_first(extract_part(run_id, system))


def extract_part(run_id: str, system: str) -> Part:
    """Land every dataset of a system; facts `{system, landed}`.

    Raises:
        ContractError: HUB104 when there is no such system.
    """
    here, outcome = resume(run_id), Outcome(run_id)
    names = [id for id, dataset in here.catalog.sources.items() if dataset.system == system]
    if not names:
        raise ContractError("HUB104", system, kind="source system", known=nearest(system, here.catalog.source_systems()))
    extract_all(here, outcome, names)
    fingerprint.take(here, names)
    failed = {problem.where for problem in outcome.problems}
    count = len([name for name in names if name not in failed])
    return Part({"system": system, "landed": count}, outcome.problems, part_result.landed(here, names))


def publish(run_id: str) -> dict[str, Any]:
    """Conform to publish for the entities of the run's systems (all without a scope); returns `{version}`.

    Raises:
        HubError: the first that failed; what could be published was published.
    """
    return _raise_first(publish_part(run_id))


def publish_part(run_id: str) -> Part:
    """Conform to publish for the entities of the run's systems; facts `{version}`."""
    from runs import stages

    here, outcome = resume(run_id), Outcome(run_id)
    systems = [name for name in here.run.scope if name in here.catalog.source_systems()]
    wanted = {entity for system in systems for entity in here.catalog.entities_of(system)}
    names = here.catalog.with_derived(wanted) if systems else list(here.catalog.entities)
    published = stages.publish_all(here, outcome, names) or {}
    version = published.get("version", here.ledger.version())
    return Part({"version": version}, outcome.problems, part_result.published({**published, "version": version}))


def deliver_flow(run_id: str, flow: str, word: str = "nightly") -> dict[str, Any]:
    """Deliver and reconcile the feeds of a flow that have this schedule word; returns `{flow, feeds}`.

    A nightly run brings those of the flow that were never accepted as well, whatever their word.

    Raises:
        HubError: the first that failed, after all were tried.
    """
    return _raise_first(deliver_part(run_id, flow, word))


def deliver_part(run_id: str, flow: str, word: str = "nightly") -> Part:
    """Deliver and reconcile the feeds of a flow; facts `{flow, feeds}`.

    Raises:
        ContractError: HUB104 when there is no such flow.
    """
    from pipeline.delivery import due
    from runs import stages

    here, outcome = resume(run_id), Outcome(run_id)
    known = sorted({feed.flow for feed in here.catalog.feeds.values()})
    if flow not in known:
        raise ContractError("HUB104", flow, kind="flow with feeds", known=nearest(flow, known))
    mine = [feed for feed in here.catalog.feeds.values() if feed.flow == flow]
    feeds = due.due(here.ledger, mine, here.run.as_of, word)
    stages.deliver_all(here, outcome, feeds)
    stages.deliver_late(here, outcome, mine if word == "nightly" else [])
    failed = {problem.where for problem in outcome.problems}
    count = len([feed for feed in feeds if feed.id not in failed])
    return Part({"flow": flow, "feeds": count}, outcome.problems, part_result.delivered(here, flow))


def close_run(run_id: str) -> dict[str, Any]:
    """Audit the checks, write the run's report and close it; returns `{state}`.

    Raises:
        Fault: HUB810, after the run was closed.
    """
    from pipeline.delivery.grant_notices import notices
    from pipeline.transform.audit import audit
    from reporting.figures import night_of
    from reporting.report import report

    here, outcome = resume(run_id), Outcome(run_id)
    outcome.guard(lambda: audit(here))
    if here.run.kind == "night":
        outcome.guard(lambda: notices(here))
    report(here)
    if whole := night_of(here.ledger, here.run):
        outcome.guard(lambda: report(resume(whole)))
    return _raise_first(Part({"state": here.ledger.close_run(run_id)}, outcome.problems, []))


def verify_edge(edge: str, as_of: date, sign_by: str | None = None) -> list[dict[str, Any]]:
    """Compare an edge (`E18`) or one feed (`E18.student_basic`) with its receiver, and sign it off when a name is given.

    Raises:
        Denied: HUB707, HUB708. ContractError: HUB104 when there is no such edge.
    """
    from pipeline.delivery import verify

    book = ledger()
    run = book.open_run("verify", as_of, [edge])
    here = Night(run, book, catalog())
    feeds = [feed for feed in here.catalog.feeds.values() if edge in (feed.edge, feed.id)] or [here.catalog.feed(edge)]
    try:
        found = [verify.verify(here, feed) for feed in feeds]
        return [verify.sign(here, feed, sign_by, row) if sign_by else row for feed, row in zip(feeds, found, strict=True)]
    finally:
        book.close_run(run.id)


def _raise_first(done: Part) -> dict[str, Any]:
    if done.problems:
        raise done.problems[0]
    return done.facts
