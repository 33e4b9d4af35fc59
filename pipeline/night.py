"""The cycle: the eight verbs in order, for a whole night or for the part that an orchestrator's task asks for.

What goes wrong with one dataset, entity or receiver is written down and the rest goes on; the caller gets the list.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from core.calendar import calendar
from core.errors import ContractError, Gated, HubError, merged
from core.ids import digest
from core.ledger import Ledger, Output, ledger
from core.settings import settings
from loaders import hub
from loaders.landing import Landed, landed
from pipeline import change, check, conform, deliver, extract, reconcile, verify
from pipeline.context import Night, Progress, resume
from pipeline.derive import derive
from pipeline.notices import notices
from pipeline.publish import publish as publish_changes
from pipeline.report import report
from schemas.catalog import catalog, nearest
from schemas.contract import FeedDataset

T = TypeVar("T")
KEEP_WORK_DAYS, KEEP_LANDING_DAYS = 3, 30


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
        publish_all(here, outcome, list(here.catalog.entities))
        deliver_all(here, outcome, due(here, here.catalog.feeds.values()))
        outcome.guard(lambda: notices(here))
        outcome.guard(lambda: report(here))
        outcome.state = book.close_run(run.id)
    outcome.version = book.version()
    outcome.problems = merged(outcome.problems)
    return outcome


def extract_all(here: Night, outcome: Outcome, datasets: Sequence[str]) -> None:
    """Land the datasets, several side by side."""
    _each(lambda id: outcome.guard(lambda: extract.extract(here, id).__dict__), datasets)


def publish_all(here: Night, outcome: Outcome, names: Sequence[str]) -> Output | None:
    """Conform or derive, check, brake and publish the entities. One that is stopped keeps its version; its children wait."""
    hub.prepare(here.ledger, list(here.catalog.entities.values()))
    with here.ledger.alone():
        changes = _changes(here, outcome, names)
        return outcome.guard(lambda: publish_changes(here, changes))


def _changes(here: Night, outcome: Outcome, names: Sequence[str]) -> dict[str, Output]:
    """What would change, entity by entity, parents first."""
    landings = {id: landed(output) for id, output in here.ledger.latest("extract").items() if id in here.catalog.sources}
    mapped = _map(here, outcome, names, landings)
    known = {name: _standing(here, name, mapped.get(name)) for name in here.catalog.entities}
    changes: dict[str, Output] = {}
    stopped: set[str] = set()
    for name in here.catalog.entities:
        if name in names and here.catalog.is_derived(name):
            derived = outcome.guard(lambda name=name: derive(here, name, known))  # type: ignore[misc]
            if derived is not None:
                mapped[name] = derived
        if name not in mapped:
            continue
        blocked = here.catalog.entity(name).parents & stopped
        if blocked:
            outcome.problems.append(_waits(here, name, blocked))
            stopped.add(name)
            known[name] = _standing(here, name, None)
            continue
        found = outcome.guard(lambda name=name: _judge(here, name, mapped[name], known))  # type: ignore[misc]
        if found is None:
            if outcome.problems[-1].recovery == "stop":
                stopped.add(name)
            known[name] = _standing(here, name, None)
        else:
            changes[name] = found
            known[name] = (Path(found["known"]), found["known_hash"])
    return changes


def deliver_all(here: Night, outcome: Outcome, feeds: Iterable[FeedDataset]) -> None:
    """Bring every feed to the published version and take its receipt, several side by side."""
    _each(lambda feed: outcome.guard(lambda: _feed(here, feed)), feeds)


def due(here: Night, feeds: Iterable[FeedDataset]) -> list[FeedDataset]:
    """The feeds whose schedule says this business date: nightly ones, and those of the payday on the payday."""
    today = here.run.as_of
    payday = calendar().payday(today.year, today.month) == today
    return [feed for feed in feeds if feed.schedule == "nightly" or (feed.schedule == "payday" and payday)]


def _each(work: Callable[[T], object], items: Iterable[T]) -> None:
    """Do the work for every item, as many side by side as the settings allow."""
    if settings().workers == 1:
        for item in items:
            work(item)
        return
    with ThreadPoolExecutor(settings().workers) as pool:
        list(pool.map(work, items))


def _feed(here: Night, feed: FeedDataset) -> Output:
    for row in deliver.unsettled(here, feed):
        deliver.send(here, row)
        reconcile.settle(here, row)
    sent = deliver.deliver(here, feed.id)
    return reconcile.reconcile(here, feed.id, sent["delivery"])


def _map(here: Night, outcome: Outcome, names: Sequence[str], landings: dict[str, Landed]) -> dict[str, Output]:
    mapped: dict[str, Output] = {}
    for name in [name for name in names if not here.catalog.is_derived(name)]:
        found = outcome.guard(lambda name=name: conform.conform(here, name, landings))  # type: ignore[misc]
        if found is not None and found["systems"]:
            mapped[name] = found
    return mapped


def _judge(here: Night, name: str, mapped: Output, known: dict[str, tuple[Path, str]]) -> Output:
    checked = check.check(here, name, mapped, known)
    return change.change(here, name, mapped, checked)


def _waits(here: Night, name: str, blocked: frozenset[str] | set[str]) -> HubError:
    error = Gated("HUB402", name, parents=", ".join(sorted(blocked)))
    step = here.ledger.begin(here.run.id, "check", name, digest("waits", sorted(blocked)))
    here.ledger.stop(step, error, "waiting")
    return error


def _standing(here: Night, name: str, mapped: Output | None) -> tuple[Path, str]:
    """An entity's rows as far as this run knows them before it is judged: what was just mapped, else what the hub has."""
    if mapped is not None:
        return Path(mapped["file"]), mapped["file"]
    version = here.ledger.version()
    path = here.folder("standing") / f"{name}.{version}.parquet"
    if not path.is_file():
        entity = here.catalog.entity(name)
        columns = ", ".join(column.name for column in entity.columns)
        schema = hub.schema_of(entity, {"source_system": pa.string(), "source_key": pa.string()})
        query = f"select {columns}, source_system, source_key from hub.{name} where to_version is null"
        with here.ledger.transaction() as connection:
            hub.write_rows(connection, query, schema, path)
    return path, f"{name}@{here.ledger.version_of(name)}"


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


def deliver_flow(run_id: str, flow: str, schedule: str = "nightly") -> dict[str, Any]:
    """Deliver and reconcile the feeds of a flow that have this schedule; returns `{flow, feeds}`.

    Raises:
        HubError: the first that failed, after all were tried.
    """
    here, outcome = resume(run_id), Outcome(run_id)
    known = sorted({feed.flow for feed in here.catalog.feeds.values()})
    if flow not in known:
        raise ContractError("HUB104", flow, kind="flow with feeds", known=nearest(flow, known))
    feeds = [feed for feed in here.catalog.feeds.values() if feed.flow == flow and feed.schedule == schedule]
    deliver_all(here, outcome, feeds)
    return _raise_first(outcome, {"flow": flow, "feeds": len(feeds)})


def close_run(run_id: str) -> dict[str, Any]:
    """Write the run's report and close it; returns `{state}`."""
    here = resume(run_id)
    if here.run.kind == "night":
        notices(here)
    report(here)
    return {"state": here.ledger.close_run(run_id)}


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


def upkeep(as_of: date) -> dict[str, Any]:
    """Remove intermediate files after three days and landings after thirty; the newest landing of a dataset stays."""
    book = ledger()
    current = {output["folder"] for output in book.latest("extract").values()}
    removed = _expire(settings().work, as_of - timedelta(days=KEEP_WORK_DAYS), {"conformed", "checked"})
    for folder in settings().landing.glob("*/*/*"):
        if str(folder.relative_to(settings().landing)) not in current and _older(
            folder, as_of - timedelta(days=KEEP_LANDING_DAYS)
        ):
            shutil.rmtree(folder)
            removed += 1
    return {"removed": removed}


def _expire(root: Path, limit: date, keep: set[str]) -> int:
    old = [folder for folder in root.glob("*") if folder.name not in keep and _older(folder, limit)]
    for folder in old:
        shutil.rmtree(folder)
    return len(old)


def _older(folder: Path, limit: date) -> bool:
    return date.fromtimestamp(folder.stat().st_mtime) < limit


def _raise_first(outcome: Outcome, result: dict[str, Any]) -> dict[str, Any]:
    if outcome.problems:
        raise outcome.problems[0]
    return result
