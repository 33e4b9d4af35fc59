"""Refresh: a department's changes between two nights, from its database to its subscribers, in one go.

The flow document wants six departments' data in real time. A refresh looks at a department, publishes what changed,
delivers only the feeds that read it and takes their receipts; when nothing changed it leaves nothing but a count. What
it could not finish, the next refresh or the night takes up.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from contracts.catalog import Catalog, format_known_names, load_catalog
from contracts.sql.files import list_tables
from core import faults
from core.errors import Denied, FeedFailed, HubError, merge_errors
from core.hashing import hash_values
from core.store.ledger import Ledger, open_ledger
from loaders.landing import Landing, parse_landing
from pipeline.context import RunContext
from pipeline.delivery import latency
from pipeline.ingest import probe
from pipeline.result import RunResult
from runs import stages


@dataclass
class RefreshResult:
    """What a refresh came to. `changed` are datasets, `delivered` feed ids; `busy` when another one was at work."""

    system: str
    run_id: str = ""
    changed: list[str] = field(default_factory=list)
    version: int = 0
    delivered: list[str] = field(default_factory=list)
    seconds: float = 0.0
    busy: bool = False
    problems: list[HubError] = field(default_factory=list)


def refresh_system(system: str, as_of: date, ledger: Ledger | None = None) -> RefreshResult:
    """Look at a real-time source, publish and deliver what changed.

    Raises:
        Denied: HUB738 when the flow document does not ask for this system in real time.
    """
    ledger, known = ledger or open_ledger(), load_catalog()
    if system not in known.refreshed_systems():
        raise Denied("HUB738", system, system=system, known=format_known_names(system, known.refreshed_systems()))
    found, began = RefreshResult(system), time.perf_counter()
    try:
        with ledger.claim_run(f"refresh {system}"):
            _run_refresh(RefreshRun(ledger, known, system, as_of), found)
    except Denied as error:
        if error.code != "HUB712":
            raise
        found.busy = True
        return found
    found.seconds = round(time.perf_counter() - began, 3)
    found.version = ledger.version()
    found.problems = merge_errors(found.problems)
    _record_refresh(ledger, found, as_of)
    return found


@dataclass
class RefreshRun:
    """A refresh under way. Its run is opened with the first thing that there is to write down."""

    book: Ledger
    catalog: Catalog
    system: str
    as_of: date
    here: RunContext | None = None

    def night(self) -> RunContext:
        if self.here is None:
            self.here = RunContext(self.book.open_run("refresh", self.as_of, [self.system]), self.book, self.catalog)
        return self.here


def _run_refresh(work: RefreshRun, found: RefreshResult) -> None:
    book, looked_at = work.book, work.book.clock()
    broken = _close_broken_refreshes(work)
    changes = _land_changes(work, found)
    found.changed = [change.dataset.id for change in changes]
    names = set(work.catalog.entities_of(work.system))
    outcome = RunResult("")
    if changes or broken:
        touched = names if broken else _list_reading_entities(work.catalog, work.system, set(found.changed))
        stages.publish_all(work.night(), outcome, [name for name in work.catalog.entities if name in touched])
    waiting = {item.feed.id: item for item in latency.find_outdated_feeds(book, work.catalog, names, work.as_of)}
    if waiting:
        stages.deliver_all(work.night(), outcome, [item.feed for item in waiting.values()])
        changed_at = min((change.changed_at for change in changes if change.changed_at), default=None)
        latency.record_latency(book, work.night().run.id, work.system, waiting, (changed_at, looked_at))
    still = latency.find_outdated_feeds(book, work.catalog, names, work.as_of) if waiting else []
    found.delivered = sorted(waiting.keys() - {item.feed.id for item in still})
    found.problems += outcome.problems
    allowed = latency.get_realtime_limit(work.catalog)
    if late := latency.select_overdue(still, book.clock(), allowed):
        facts = {"count": len(late), "minutes": round(allowed.total_seconds() / 60)}
        found.problems.append(FeedFailed("HUB730", work.system, **facts, feeds=", ".join(item.feed.id for item in late)))
    if work.here is not None:
        found.run_id = work.here.run.id
        book.close_run(found.run_id)


def _close_broken_refreshes(work: RefreshRun) -> bool:
    """Whether an earlier refresh of this system was killed half-way: what it landed may not be published. It is closed; its
    landings stay and are taken up now."""
    rows = work.book.rows(
        "select run_id from ops.run where kind = 'refresh' and scope = %s and state = 'running'", [[work.system]]
    )
    for row in rows:
        work.book.close_run(row["run_id"])
    return bool(rows)


def _land_changes(work: RefreshRun, found: RefreshResult) -> list[probe.DetectedChange]:
    """Look at every dataset that is worth it and land what changed; what fails is written down and the rest goes on."""
    last = work.book.latest("extract")
    changes = []
    for id, dataset in work.catalog.sources.items():
        if dataset.system != work.system:
            continue
        try:
            if not probe.is_worth_probing(dataset, _find_landing(last, id)):
                continue
            with work.book.hold_lock(f"dataset {id}"):
                before = _find_landing(work.book.latest("extract"), id)
                change = probe.find_change(work.book, dataset, before) if before else None
                if change is not None:
                    probe.land_change(work.night(), change)
                    changes.append(change)
        except BaseException as error:
            if faults.is_exit(error):
                raise
            found.problems.append(_record_error(work, id, error))
    return changes


def _record_error(work: RefreshRun, id: str, error: BaseException) -> HubError:
    """The error of a look as one about the dataset; one that nobody foresaw is written down as that of a failed step."""
    if isinstance(error, HubError):
        return error
    told = faults.wrap_error(error, "extract", id)
    run = work.night().run.id
    work.book.stop(work.book.begin(run, "extract", id, hash_values("fault", list(told.trace))), told)
    return told


def _find_landing(last: dict[str, dict[str, object]], id: str) -> Landing | None:
    return parse_landing(last[id]) if id in last else None


def _list_reading_entities(catalog: Catalog, system: str, datasets: set[str]) -> set[str]:
    """The entities to which this system gives rows out of one of these datasets."""

    def reads(path: Path) -> set[str]:
        return {f"{schema}.{table}" for schema, table in list_tables(path.read_text("utf-8"))}

    return {name for name in catalog.entities_of(system) if reads(catalog.conform_file(name, system)) & datasets}


def _record_refresh(ledger: Ledger, found: RefreshResult, as_of: date) -> None:
    """One row a system and day, so that a year of looking every five minutes stays small."""
    now: datetime = ledger.clock()
    error = found.problems[0].code if found.problems else None
    ledger.execute(
        "insert into ops.refresh as r values (%s, %s, 1, %s, %s, %s, %s, %s) on conflict (system, as_of) do update set"
        " looked = r.looked + 1, changed = r.changed + excluded.changed, failed = r.failed + excluded.failed,"
        " seconds = r.seconds + excluded.seconds, last_at = excluded.last_at, last_error = excluded.last_error",
        [found.system, as_of, int(bool(found.changed)), int(error is not None), found.seconds, now, error],
    )
