"""A small university that lives a school year, and the book of what was seen of it on every day."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
from year_days import FIRST, LAST, LATE_PAYROLL, NIGHTS, PAYROLL_CAME, between

from campus import servers
from campus.rehearsal import Rehearsal
from campus.world import day_of
from core import ledger as ledger_module
from core import postgres
from core.calendar import ZONE
from core.connections import connection
from core.ledger import Ledger, ledger
from core.settings import settings
from pipeline import obligations, schedule, verify
from pipeline.context import Night
from pipeline.night import Outcome, deliver_all, night
from schemas.catalog import Catalog, catalog
from schemas.contract import FeedDataset

PERSONS = 300
DORMITORIES, PAYROLL = "宿舍分配*.csv", "工资202612.xlsx"
BEDS_KNOWN = date(2026, 8, 20)
"""The list of beds is that of this day, before the new students, until the watch for it is over."""
BEDS_COME = date(2026, 10, 5)
CONFIRMED = {
    date(2026, 9, 5): ("DL08", "现场已验收,晚一天确认"),
    date(2027, 7, 9): ("DL01", "各栏目已审阅"),
}
"""What a person confirms, and when: the network of the welcome a day and more too late, the welcome site in time."""


@dataclass
class Lived:
    """What was seen: problems and states by date, deliveries by date, rows that receivers had on the days that ask for it."""

    problems: dict[date, list[str]] = field(default_factory=dict)
    due: dict[date, set[str]] = field(default_factory=dict)
    """Day -> the schedule words, `nightly` apart, of the feeds that were due."""
    delivered: dict[date, set[str]] = field(default_factory=dict)
    """Business date -> feeds that accepted a delivery of that date."""
    states: dict[tuple[str, str], list[tuple[date, str]]] = field(default_factory=dict)
    """Deadline and occasion -> every state in order, with the day on which it began."""
    held: dict[date, int] = field(default_factory=dict)
    brakes: list[tuple[str, str]] = field(default_factory=list)
    receivers: dict[date, dict[str, Any]] = field(default_factory=dict)
    verified: list[dict[str, Any]] = field(default_factory=list)


class Clock:
    """A clock that stands at the hour it was last put to."""

    def __init__(self) -> None:
        self.moment = datetime.combine(FIRST, time(2), ZONE)

    def __call__(self) -> datetime:
        return self.moment.astimezone(UTC)

    def put(self, day: date, at: time) -> None:
        self.moment = datetime.combine(day, at, ZONE)


@dataclass
class Campus:
    """The rehearsal, the hub's book on a clock of its own, and what two offices do not hand over in time."""

    rehearsal: Rehearsal
    clock: Clock
    book: Ledger
    beds: bytes = b""

    @property
    def catalog(self) -> Catalog:
        return catalog()

    def bring(self, day: date) -> None:
        """The sources at the close of a day; beds and December's pay as their offices let them out of hand."""
        self.rehearsal.load(day_of(day))
        (beds,) = _folder("src_logistics").glob(DORMITORIES)
        if day <= BEDS_KNOWN:
            self.beds = beds.read_bytes()
        elif day < BEDS_COME:
            beds.write_bytes(self.beds)
        if LATE_PAYROLL <= day < PAYROLL_CAME:
            (_folder("src_finance_upload") / PAYROLL).unlink()

    def evening(self, day: date) -> Outcome | None:
        """Deliver what is due at a day without a whole night."""
        words = self.due(day)
        if not words:
            return None
        run = self.book.open_run("feed", day, sorted(words))
        here, outcome = Night(run, self.book, self.catalog), Outcome(run.id)
        deliver_all(here, outcome, [feed for feed in self.catalog.feeds.values() if feed.schedule in words])
        outcome.state = self.book.close_run(run.id)
        return outcome

    def due(self, day: date) -> set[str]:
        """The schedule words, `nightly` apart, of the feeds that the night of a day would deliver."""
        return {feed.schedule for feed in schedule.due(self.book, self.catalog.feeds.values(), day)} - {"nightly"}


def live(campus: Campus) -> Lived:
    """Every day from the first to the last."""
    seen = Lived()
    for day in between(FIRST, LAST):
        campus.clock.put(day, time(2))
        if day != FIRST:  # that night every feed is loaded for the first time, whatever its word
            seen.due[day] = campus.due(day)
        if day in NIGHTS:
            campus.bring(day)
            outcome: Outcome | None = night(day, book=campus.book)
        else:
            campus.clock.put(day, time(20))
            outcome = campus.evening(day)
            obligations.watch(campus.book, campus.catalog, day)
        if outcome is not None:
            seen.problems[day] = [f"{error.code} {error.where}" for error in outcome.problems]
        if day in CONFIRMED:
            deadline, note = CONFIRMED[day]
            obligations.confirm(campus.book, campus.catalog, deadline, {"by": "张工", "note": note}, day)
        if day in NIGHTS:
            seen.held[day] = _held(campus.book)
            seen.receivers[day] = receivers(campus)
    seen.states = _states(campus.book)
    seen.delivered = _delivered(campus.book)
    rows = campus.book.rows("select subject, reason_code from ops.brake order by 1, 2")
    seen.brakes = [(row["subject"], row["reason_code"]) for row in rows]
    seen.verified = _verified(campus, LAST)
    return seen


def receivers(campus: Campus) -> dict[str, Any]:
    """Whom hub and receivers take for what today: student numbers, and of those who may choose courses the term as well."""
    book = campus.book
    hub = {
        "graduated": "select student_no from hub_current.student_status where state_code = '07'",
        "in_school": "select student_no from hub_current.student_status where in_school",
        "valid_cards": "select holder_no from hub_current.card where state = '1'",
        "green": "select student_no from hub_current.registration where basis = '2' and school_year = '2026-2027'"
        " and term_code = '1'",
    }
    found: dict[str, Any] = {name: {str(next(iter(row.values()))) for row in book.rows(query)} for name, query in hub.items()}
    lists = {
        "portal": ("E25.student_basic", "E35.grad_student_basic", "in_school"),
        "library": ("E20.student_status", "E32.grad_student_basic", "is_active and state_code <> '07'"),
        "info_site": ("E30.student_basic", "E41.grad_student_basic", "true"),
    }
    for name, (*feeds, condition) in lists.items():
        rows = [row for id in feeds for row in _ask(campus.catalog.feed(id), "student_no", condition)]
        found[name] = {str(number) for (number,) in rows}
    found["card_centre"] = {number for edge in ("E28", "E39") for number in _in_files(campus, edge)}
    found["selectable"] = set(_ask(campus.catalog.feed("E61.registration_status"), "term_code, student_no", "is_selectable"))
    return found


def _in_files(campus: Campus, edge: str) -> set[str]:
    """The students in school that a receiver has who reads every file it is given, oldest first."""
    feed = next(feed for feed in campus.catalog.feeds.values() if feed.edge == edge and feed.dataset.endswith("student_basic"))
    folder, there = Path(connection(feed.connection).path), dict[str, bool]()
    manifests = [json.loads(path.read_text("utf-8")) for path in folder.glob("*.manifest.json")]
    mine = [row for row in manifests if (row["edge"], row["dataset"]) == (feed.edge, feed.dataset)]
    for manifest in sorted(mine, key=lambda row: (row["to_version"], row["from_version"])):
        with (folder / manifest["file"]).open(encoding=manifest["encoding"], newline="") as file:
            for row in csv.DictReader(file):
                there[row["student_no"]] = row.get("_op", "U") == "U" and row["in_school"] in ("1", "true")
    return {number for number, here in there.items() if here}


def _ask(feed: FeedDataset, columns: str, condition: str) -> list[tuple[Any, ...]]:
    """Columns of the rows under a condition in a receiver's table."""
    query, at = f"select {columns} from {feed.physical} where {condition}", connection(feed.connection)
    if at.family == "mysql":
        door = at.options["unix_socket"]
        with pymysql.connect(user="root", database=at.database, unix_socket=door) as db, db.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())
    with psycopg.connect(at.url) as db:
        return db.execute(query.encode()).fetchall()


def _held(book: Ledger) -> int:
    return int(book.single("select count(*) as n from ops.held where state = 'open' and severity = 'error'")["n"])


def _states(book: Ledger) -> dict[tuple[str, str], list[tuple[date, str]]]:
    """The history of every occasion without the lines in which only a count changed."""
    found: dict[tuple[str, str], list[tuple[date, str]]] = {}
    for row in book.rows("select deadline, occasion, as_of, state from ops.obligation order by obligation_id"):
        history = found.setdefault((row["deadline"], row["occasion"]), [])
        if not history or history[-1][1] != row["state"]:
            history.append((row["as_of"], row["state"]))
    return found


def _delivered(book: Ledger) -> dict[date, set[str]]:
    found: dict[date, set[str]] = {}
    for row in book.rows("select distinct as_of, edge, dataset from ops.delivery where state = 'accepted'"):
        found.setdefault(row["as_of"], set()).add(f"{row['edge']}.{row['dataset']}")
    return found


def _verified(campus: Campus, day: date) -> list[dict[str, Any]]:
    """Every receiver, compared row by row with the hub, after the feeds that wait for a window were brought up to date."""
    run = campus.book.open_run("verify", day)
    here, outcome = Night(run, campus.book, campus.catalog), Outcome(run.id)
    deliver_all(here, outcome, campus.catalog.feeds.values())
    assert outcome.problems == []
    return [dict(verify.verify(here, feed), feed=feed.id) for feed in campus.catalog.feeds.values()]


def _folder(connection_id: str) -> Path:
    return Path(connection(connection_id).path)


@contextlib.contextmanager
def small_campus(folder: Path) -> Iterator[Campus]:
    """A university and its hub under a folder; servers are stopped and the process is as it was afterwards."""
    rehearsal = Rehearsal(folder / "campus", PERSONS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_VAR", str(folder / "var"))
        patch.setenv("HUB_AUDITED", "0")  # the check of the checker has tests of its own and costs as much as the night
        patch.setenv("HUB_DUCKDB_THREADS", "1")  # tables of a few hundred rows: a second thread only waits for the first
        patch.delenv("HUB_HOME", raising=False)
        patch.delenv("HUB_URL", raising=False)
        forget()
        try:
            rehearsal.start()
            patch.setenv("HUB_URL", postgres.database(servers.postgres(folder / "campus" / "postgres"), "hub"))
            forget()
            clock = Clock()
            book = ledger(clock)
            yield Campus(rehearsal, clock, book)
            book.close()
        finally:
            rehearsal.stop()
            forget()


def forget() -> None:
    """Drop what this process has read of settings, catalogue and databases."""
    for cached in (settings, catalog, ledger_module.migrated, ledger_module._ledger, postgres.database):
        cached.cache_clear()
