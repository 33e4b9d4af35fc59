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

from contracts.catalog import Catalog, catalog, nearest
from contracts.sql.files import tables_of
from core import faults
from core.errors import Denied, FeedFailed, HubError, merged
from core.hashing import digest
from core.store.ledger import Ledger, ledger
from loaders.landing import Landed, landed
from pipeline.context import Night
from pipeline.delivery import latency
from pipeline.ingest import probe
from pipeline.result import Outcome
from runs import stages


@dataclass
class Refreshed:
    """What a refresh came to. `changed` are datasets, `delivered` feed ids; `busy` when another one was at work."""

    system: str
    run_id: str = ""
    changed: list[str] = field(default_factory=list)
    version: int = 0
    delivered: list[str] = field(default_factory=list)
    seconds: float = 0.0
    busy: bool = False
    problems: list[HubError] = field(default_factory=list)


def refresh(system: str, as_of: date, book: Ledger | None = None) -> Refreshed:
    """Look at a real-time source, publish and deliver what changed.

    Raises:
        Denied: HUB738 when the flow document does not ask for this system in real time.
    """
    book, known = book or ledger(), catalog()
    if system not in known.refreshed_systems():
        raise Denied("HUB738", system, system=system, known=nearest(system, known.refreshed_systems()))
    found, began = Refreshed(system), time.perf_counter()
    try:
        with book.sole(f"refresh {system}"):
            _refresh(Work(book, known, system, as_of), found)
    except Denied as error:
        if error.code != "HUB712":
            raise
        found.busy = True
        return found
    found.seconds = round(time.perf_counter() - began, 3)
    found.version = book.version()
    found.problems = merged(found.problems)
    _count(book, found, as_of)
    return found


@dataclass
class Work:
    """A refresh under way. Its run is opened with the first thing that there is to write down."""

    book: Ledger
    catalog: Catalog
    system: str
    as_of: date
    here: Night | None = None

    def night(self) -> Night:
        if self.here is None:
            self.here = Night(self.book.open_run("refresh", self.as_of, [self.system]), self.book, self.catalog)
        return self.here


def _refresh(work: Work, found: Refreshed) -> None:
    book, looked_at = work.book, work.book.clock()
    broken = _left_over(work)
    changes = _take(work, found)
    found.changed = [change.dataset.id for change in changes]
    names = set(work.catalog.entities_of(work.system))
    outcome = Outcome("")
    if changes or broken:
        touched = names if broken else _entities_reading(work.catalog, work.system, set(found.changed))
        stages.publish_all(work.night(), outcome, [name for name in work.catalog.entities if name in touched])
    waiting = {item.feed.id: item for item in latency.behind(book, work.catalog, names, work.as_of)}
    if waiting:
        stages.deliver_all(work.night(), outcome, [item.feed for item in waiting.values()])
        changed_at = min((change.changed_at for change in changes if change.changed_at), default=None)
        latency.record(book, work.night().run.id, work.system, waiting, (changed_at, looked_at))
    still = latency.behind(book, work.catalog, names, work.as_of) if waiting else []
    found.delivered = sorted(waiting.keys() - {item.feed.id for item in still})
    found.problems += outcome.problems
    allowed = latency.limit(work.catalog)
    if late := latency.late(still, book.clock(), allowed):
        facts = {"count": len(late), "minutes": round(allowed.total_seconds() / 60)}
        found.problems.append(FeedFailed("HUB730", work.system, **facts, feeds=", ".join(item.feed.id for item in late)))
    if work.here is not None:
        found.run_id = work.here.run.id
        book.close_run(found.run_id)


def _left_over(work: Work) -> bool:
    """Whether an earlier refresh of this system was killed half-way: what it landed may not be published. It is closed; its
    landings stay and are taken up now."""
    rows = work.book.rows(
        "select run_id from ops.run where kind = 'refresh' and scope = %s and state = 'running'", [[work.system]]
    )
    for row in rows:
        work.book.close_run(row["run_id"])
    return bool(rows)


def _take(work: Work, found: Refreshed) -> list[probe.Change]:
    """Look at every dataset that is worth it and land what changed; what fails is written down and the rest goes on."""
    last = work.book.latest("extract")
    changes = []
    for id, dataset in work.catalog.sources.items():
        if dataset.system != work.system:
            continue
        try:
            if not probe.worth_a_look(dataset, _landing(last, id)):
                continue
            with work.book.turn(f"dataset {id}"):
                before = _landing(work.book.latest("extract"), id)
                change = probe.look(work.book, dataset, before) if before else None
                if change is not None:
                    probe.land(work.night(), change)
                    changes.append(change)
        except BaseException as error:
            if faults.ends(error):
                raise
            found.problems.append(_noted(work, id, error))
    return changes


def _noted(work: Work, id: str, error: BaseException) -> HubError:
    """The error of a look as one about the dataset; one that nobody foresaw is written down as that of a failed step."""
    if isinstance(error, HubError):
        return error
    told = faults.coded(error, "extract", id)
    run = work.night().run.id
    work.book.stop(work.book.begin(run, "extract", id, digest("fault", list(told.trace))), told)
    return told


def _landing(last: dict[str, dict[str, object]], id: str) -> Landed | None:
    return landed(last[id]) if id in last else None


def _entities_reading(known: Catalog, system: str, datasets: set[str]) -> set[str]:
    """The entities to which this system gives rows out of one of these datasets."""

    def reads(path: Path) -> set[str]:
        return {f"{schema}.{table}" for schema, table in tables_of(path.read_text("utf-8"))}

    return {name for name in known.entities_of(system) if reads(known.conform_file(name, system)) & datasets}


def _count(book: Ledger, found: Refreshed, as_of: date) -> None:
    """One row a system and day, so that a year of looking every five minutes stays small."""
    now: datetime = book.clock()
    error = found.problems[0].code if found.problems else None
    book.execute(
        "insert into ops.refresh as r values (%s, %s, 1, %s, %s, %s, %s, %s) on conflict (system, as_of) do update set"
        " looked = r.looked + 1, changed = r.changed + excluded.changed, failed = r.failed + excluded.failed,"
        " seconds = r.seconds + excluded.seconds, last_at = excluded.last_at, last_error = excluded.last_error",
        [found.system, as_of, int(bool(found.changed)), int(error is not None), found.seconds, now, error],
    )
