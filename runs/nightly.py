"""The cycle: the eight verbs in order, for a whole night or for the part that an orchestrator's task asks for.

What goes wrong with one dataset, entity or receiver is written down and the rest goes on; the caller gets the list.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from datetime import date
from typing import Any

from contracts.catalog import format_known_names, load_catalog
from core.errors import ContractError, merge_errors
from core.process.background import load_in_background
from core.store.connections import list_switched_off
from core.store.ledger import Ledger, open_ledger
from pipeline.context import ProgressCallback, RunContext, resume_run
from pipeline.ingest import extract, fingerprint
from pipeline.result import RunResult, run_for_each
from runs import part_result
from runs.part_result import PartResult


def run_night(as_of: date, progress: ProgressCallback | None = None, ledger: Ledger | None = None) -> RunResult:
    """Run the whole cycle for a business date. An interrupted night of that date is gone on with, not begun again.

    Raises:
        Denied: HUB712 when another process is at work on that night.
    """
    ledger = ledger or open_ledger()
    run = ledger.open_run("night", as_of)
    here = RunContext(run, ledger, load_catalog(), progress) if progress else RunContext(run, ledger, load_catalog())
    outcome = RunResult(run.id)
    with ledger.claim_run(run.id):
        with load_in_background(lambda: importlib.import_module("runs.stages")):  # with it come most libraries
            extract_all(here, outcome, sorted(here.catalog.sources))
        from runs import stages

        stages.run_after_extract(here, outcome)
        outcome.state = ledger.close_run(run.id)
    outcome.version = ledger.version()
    outcome.problems = merge_errors(outcome.problems)
    return outcome


def extract_all(run: RunContext, outcome: RunResult, datasets: Sequence[str]) -> None:
    """Land the datasets, several side by side; what did not land is told in the order of the datasets' names. Systems that are
    not connected yet (`off:`) wait."""
    off = list_switched_off()
    wanted = [id for id in datasets if run.catalog.source(id).connection not in off]
    run_for_each(lambda id: outcome.guard(lambda: extract.extract_dataset(run, id).__dict__, id), wanted)
    outcome.problems.sort(key=lambda error: error.where)


def find_later_night(as_of: date) -> date | None:
    """The newest business date with a finished night, when that is later than `as_of`; else None."""
    found = open_ledger().single("select max(as_of) as day from ops.run where kind = 'night' and state <> 'running'")["day"]
    return found if found and found > as_of else None


def open_run(kind: str, as_of: date, scope: Sequence[str] = ()) -> str:
    """Open (or go on with) a run and return its id, for an orchestrator that passes identifiers only."""
    return open_ledger().open_run(kind, as_of, scope).id


def extract_system(run_id: str, system: str) -> dict[str, Any]:
    """Land every dataset of a system; returns `{system, landed}`.

    Raises:
        HubError: the first of those that failed, after all were tried.
    """
    return _raise_first(extract_part(run_id, system))


def extract_part(run_id: str, system: str) -> PartResult:
    """Land every dataset of a system; facts `{system, landed}`.

    Raises:
        ContractError: HUB104 when there is no such system.
    """
    here, outcome = resume_run(run_id), RunResult(run_id)
    names = [id for id, dataset in here.catalog.sources.items() if dataset.system == system]
    if not names:
        raise ContractError(
            "HUB104", system, kind="source system", known=format_known_names(system, here.catalog.source_systems())
        )
    extract_all(here, outcome, names)
    fingerprint.take_fingerprints(here, names)
    failed = {problem.where for problem in outcome.problems}
    count = len([name for name in names if name not in failed])
    return PartResult({"system": system, "landed": count}, outcome.problems, part_result.describe_landed(here, names))


def publish_run(run_id: str) -> dict[str, Any]:
    """Conform to publish for the entities of the run's systems (all without a scope); returns `{version}`.

    Raises:
        HubError: the first that failed; what could be published was published.
    """
    return _raise_first(publish_part(run_id))


def publish_part(run_id: str) -> PartResult:
    """Conform to publish for the entities of the run's systems; facts `{version}`."""
    from runs import stages

    here, outcome = resume_run(run_id), RunResult(run_id)
    systems = [name for name in here.run.scope if name in here.catalog.source_systems()]
    wanted = {entity for system in systems for entity in here.catalog.entities_of(system)}
    names = here.catalog.add_derived(wanted) if systems else list(here.catalog.entities)
    published = stages.publish_all(here, outcome, names) or {}
    version = published.get("version", here.ledger.version())
    return PartResult({"version": version}, outcome.problems, part_result.describe_published({**published, "version": version}))


def deliver_flow(run_id: str, flow: str, word: str = "nightly") -> dict[str, Any]:
    """Deliver and reconcile the feeds of a flow that have this schedule word; returns `{flow, feeds}`.

    A nightly run brings those of the flow that were never accepted as well, whatever their word.

    Raises:
        HubError: the first that failed, after all were tried.
    """
    return _raise_first(deliver_part(run_id, flow, word))


def deliver_part(run_id: str, flow: str, word: str = "nightly") -> PartResult:
    """Deliver and reconcile the feeds of a flow; facts `{flow, feeds}`.

    Raises:
        ContractError: HUB104 when there is no such flow.
    """
    from pipeline.delivery import due
    from runs import stages

    here, outcome = resume_run(run_id), RunResult(run_id)
    known = sorted({feed.flow for feed in here.catalog.feeds.values()})
    if flow not in known:
        raise ContractError("HUB104", flow, kind="flow with feeds", known=format_known_names(flow, known))
    mine = [feed for feed in here.catalog.feeds.values() if feed.flow == flow]
    feeds = due.list_due_feeds(here.ledger, mine, here.run.as_of, word)
    stages.deliver_all(here, outcome, feeds)
    stages.deliver_late(here, outcome, mine if word == "nightly" else [])
    failed = {problem.where for problem in outcome.problems}
    count = len([feed for feed in feeds if feed.id not in failed])
    return PartResult({"flow": flow, "feeds": count}, outcome.problems, part_result.describe_delivered(here, flow))


def close_run(run_id: str) -> dict[str, Any]:
    """Audit the checks, write the run's report and close it; returns `{state}`.

    Raises:
        Fault: HUB810, after the run was closed.
    """
    from pipeline.delivery.grant_notices import write_notices
    from pipeline.transform.audit import audit_run
    from reporting.figures import find_night
    from reporting.report import write_report

    here, outcome = resume_run(run_id), RunResult(run_id)
    outcome.guard(lambda: audit_run(here))
    if here.run.kind == "night":
        outcome.guard(lambda: write_notices(here))
    write_report(here)
    if whole := find_night(here.ledger, here.run):
        outcome.guard(lambda: write_report(resume_run(whole)))
    return _raise_first(PartResult({"state": here.ledger.close_run(run_id)}, outcome.problems, []))


def verify_edge(edge: str, as_of: date, sign_by: str | None = None) -> list[dict[str, Any]]:
    """Compare an edge (`E18`) or one feed (`E18.student_basic`) with its receiver, and sign it off when a name is given.

    Raises:
        Denied: HUB707, HUB708. ContractError: HUB104 when there is no such edge.
    """
    from pipeline.delivery import verify

    ledger = open_ledger()
    run = ledger.open_run("verify", as_of, [edge])
    here = RunContext(run, ledger, load_catalog())
    feeds = [feed for feed in here.catalog.feeds.values() if edge in (feed.edge, feed.id)] or [here.catalog.feed(edge)]
    try:
        found = [verify.verify_feed(here, feed) for feed in feeds]
        return [
            verify.sign_delivery(here, feed, sign_by, row) if sign_by else row for feed, row in zip(feeds, found, strict=True)
        ]
    finally:
        ledger.close_run(run.id)


def _raise_first(done: PartResult) -> dict[str, Any]:
    if done.problems:
        raise done.problems[0]
    return done.facts
