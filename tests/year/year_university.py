"""A small university that lives a school year, and the book of what was seen of it on every day."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import ldap3
import psycopg
import pymysql
import pytest
from python_calamine import CalamineWorkbook
from year_days import (
    BEDS_COME,
    FIRST,
    LAST,
    LATE_PAYROLL,
    LEAVING,
    LEAVING_OPENS,
    NIGHTS,
    PAYROLL_CAME,
    REGISTERED,
    REGISTERED_AGAIN,
    TAKEN,
    TERM_ENDS,
    TERM_OVER,
    between,
)

from campus.rehearsal import Rehearsal
from campus.servers import processes
from campus.simulate.world import day_of
from contracts.catalog import Catalog, load_catalog, read_catalog
from contracts.contract import FeedDataset
from core.calendar import ZONE
from core.settings import get_settings
from core.store import ledger as ledger_module
from core.store import postgres
from core.store.connections import get_connection
from core.store.ledger import Ledger, open_ledger
from pipeline.context import RunContext
from pipeline.delivery import due as schedule
from pipeline.delivery import verify
from pipeline.result import RunResult
from reporting import daily, obligations
from runs.nightly import extract_all, run_night
from runs.stages import deliver_all, publish_all

PERSONS = 300
BEFORE_NIGHT, MORNING, EVENING = time(2), time(7), time(20)
DORMITORIES, PAYROLL = "宿舍分配*.csv", "工资202612.xlsx"
CONFIRMED = {
    date(2026, 9, 5): ("DL08", "现场已验收,晚一天确认"),
    date(2026, 9, 28): ("DL12", "制卡数据已交卡务中心"),
    date(2027, 7, 9): ("DL01", "各栏目已审阅"),
}
"""What a person confirms, and when: the network of the welcome a day and more too late, card data and the
welcome site in time."""
ASKED = {REGISTERED, REGISTERED_AGAIN, LEAVING_OPENS, LEAVING}
"""The dates after which receivers are asked whom they have."""
TABLES = {
    "portal": ("E25.student_basic", "E35.grad_student_basic", "in_school"),
    "mobile_campus": ("E24.student_status", "E34.grad_student_basic", "in_school"),
    "library": ("E20.student_status", "E32.grad_student_basic", "is_active and state_code <> '07'"),
    "student_affairs": ("E19.student_status", "is_active and in_school"),
    "info_publish": ("E29.student_basic", "E40.grad_student_basic", "true"),
    "info_site": ("E30.student_basic", "E41.grad_student_basic", "true"),
}
"""Receiver -> its feeds of students in a database, and which rows it takes for people who are here."""
FILES = {
    "card_centre": ("E28.student_basic", "E39.grad_student_basic"),
    "volunteer": ("E26.student_basic", "E36.grad_student_basic"),
}
"""The same for receivers that read files."""


@dataclass
class Lived:
    """What was seen: problems and states by date, deliveries by date, rows that receivers had on the days that ask for it."""

    problems: dict[date, list[str]] = field(default_factory=dict)
    """Date -> problems of its night, or of its evening."""
    due: dict[date, set[str]] = field(default_factory=dict)
    """Day -> the schedule words, `nightly` apart, of the feeds that were due."""
    delivered: dict[date, set[str]] = field(default_factory=dict)
    """Business date -> feeds that accepted a delivery of that date."""
    late: set[tuple[str, date, date]] = field(default_factory=set)
    """Feed, the day on which it was due, the day on which the data came."""
    states: dict[tuple[str, str], list[tuple[date, str]]] = field(default_factory=dict)
    """Deadline and occasion -> every state in order, with the day on which it began."""
    due_on: dict[tuple[str, str], date] = field(default_factory=dict)
    told: dict[tuple[str, str], set[date]] = field(default_factory=dict)
    """Deadline and occasion -> the mornings on which the departments are told of it."""
    held: dict[date, list[tuple[str, str]]] = field(default_factory=dict)
    """Date of a whole night -> entity and rule of every row that it left held."""
    brakes: list[tuple[str, str]] = field(default_factory=list)
    green: dict[date, tuple[set[str], set[str]]] = field(default_factory=dict)
    """Date -> who is registered for the autumn through the green channel, and whose registration of these is valid."""
    receivers: dict[date, dict[str, Any]] = field(default_factory=dict)
    verified: list[dict[str, Any]] = field(default_factory=list)


class StandingClock:
    """A clock that stands at the hour it was last put to."""

    def __init__(self) -> None:
        self.moment = datetime.combine(FIRST, BEFORE_NIGHT, ZONE)

    def __call__(self) -> datetime:
        return self.moment.astimezone(UTC)

    def put(self, day: date, at: time) -> None:
        self.moment = datetime.combine(day, at, ZONE)


@dataclass
class Campus:
    """The rehearsal, the hub's book on a clock of its own, and what two offices do not hand over in time."""

    rehearsal: Rehearsal
    clock: StandingClock
    book: Ledger
    old_beds: bytes = b""
    new_beds: bytes = b""

    @property
    def catalog(self) -> Catalog:
        return load_catalog()

    def bring(self, day: date) -> None:
        """The sources at the close of a day; beds and December's pay as their offices let them out of hand."""
        self.rehearsal.load(day_of(day))
        (beds,) = _folder("src_logistics").glob(DORMITORIES)
        if day == FIRST:
            self.old_beds = beds.read_bytes()
        if beds.read_bytes() != self.old_beds:
            self.new_beds = beds.read_bytes()
        if day <= BEDS_COME:
            beds.write_bytes(self.new_beds if day == BEDS_COME else self.old_beds)
        if LATE_PAYROLL <= day < PAYROLL_CAME:
            (_folder("src_finance_upload") / PAYROLL).unlink()

    def whole_night(self, day: date) -> list[str]:
        """Everything, from the sources at the close of the date to the report."""
        self.clock.put(day, BEFORE_NIGHT)
        self.bring(day)
        return _told(run_night(day, ledger=self.book))

    def evening(self, day: date) -> list[str]:
        """Take what is handed over on that day, and deliver what is due at it."""
        self.clock.put(day, EVENING)
        problems = self._take(day, TAKEN[day]) if day in TAKEN else []
        words = self.due(day)
        if words:
            here, outcome = self._begin("feed", day, words)
            deliver_all(here, outcome, [feed for feed in self.catalog.feeds.values() if feed.schedule in words])
            self.book.close_run(outcome.run_id)
            problems += _told(outcome)
        return problems

    def _take(self, day: date, systems: Iterable[str]) -> list[str]:
        self.bring(day)
        here, outcome = self._begin("ingest", day, systems)
        extract_all(here, outcome, [id for id, dataset in self.catalog.sources.items() if dataset.system in systems])
        wanted = {entity for system in systems for entity in self.catalog.entities_of(system)}
        publish_all(here, outcome, self.catalog.add_derived(wanted))
        self.book.close_run(outcome.run_id)
        return _told(outcome)

    def _begin(self, kind: str, day: date, scope: Iterable[str]) -> tuple[RunContext, RunResult]:
        run = self.book.open_run(kind, day, sorted(scope))
        return RunContext(run, self.book, self.catalog), RunResult(run.id)

    def due(self, day: date) -> set[str]:
        """The schedule words, `nightly` apart, of the feeds that the night of a day would deliver."""
        return {feed.schedule for feed in schedule.list_due_feeds(self.book, self.catalog.feeds.values(), day)} - {"nightly"}

    def verify(self, day: date) -> list[dict[str, Any]]:
        """Every receiver, compared row by row with the hub, after the feeds that wait for a window were brought up to date."""
        here, outcome = self._begin("verify", day, ())
        deliver_all(here, outcome, self.catalog.feeds.values())
        assert outcome.problems == []
        return [dict(verify.verify_feed(here, feed), feed=feed.id) for feed in self.catalog.feeds.values()]


def live(campus: Campus) -> Lived:
    """Every day from the first to the last: the night where one is run, what people confirm early, the morning, the evening."""
    seen = Lived()
    for day in between(FIRST, LAST):
        if day != FIRST:  # that night every feed is loaded for the first time, whatever its word
            seen.due[day] = campus.due(day)
        if day in NIGHTS:
            seen.problems[day] = campus.whole_night(day)
            seen.held[day] = _held(campus.book)
        if day in CONFIRMED:
            deadline, note = CONFIRMED[day]
            obligations.confirm_deadline(campus.book, campus.catalog, deadline, {"by": "张工", "note": note}, day)
        _morning(campus, seen, day)
        if day not in NIGHTS and (problems := campus.evening(day)):
            seen.problems[day] = problems
        if day in (TERM_ENDS, TERM_OVER):
            seen.green[day] = _green(campus.book)
        if day in ASKED:
            seen.receivers[day] = receivers(campus)
    _read(campus.book, seen)
    seen.verified = campus.verify(LAST)
    return seen


def _morning(campus: Campus, seen: Lived, day: date) -> None:
    """The look at the deadlines, and what the departments' digests would say of them."""
    campus.clock.put(day, MORNING)
    found = daily.list_obligations(day, campus.book)
    for item in obligations.select_pressing(found, campus.catalog.reminders["days_before"]):
        seen.told.setdefault((item["deadline"], item["occasion"]), set()).add(day)


def _read(book: Ledger, seen: Lived) -> None:
    """What the book has of the whole year; of a deadline's history the lines in which only a count changed are left out."""
    for row in book.rows("select deadline, occasion, as_of, due_on, state from ops.obligation order by obligation_id"):
        key = (row["deadline"], row["occasion"])
        seen.due_on[key], history = row["due_on"], seen.states.setdefault(key, [])
        if not history or history[-1][1] != row["state"]:
            history.append((row["as_of"], row["state"]))
    for row in book.rows("select distinct as_of, edge, dataset from ops.delivery where state = 'accepted'"):
        seen.delivered.setdefault(row["as_of"], set()).add(f"{row['edge']}.{row['dataset']}")
    rows = book.rows("select * from ops.late")
    seen.late = {(f"{row['edge']}.{row['dataset']}", row["due_on"], row["delivered_on"]) for row in rows}
    rows = book.rows("select subject, reason_code from ops.brake order by 1, 2")
    seen.brakes = [(row["subject"], row["reason_code"]) for row in rows]


def _green(book: Ledger) -> tuple[set[str], set[str]]:
    rows = book.rows(
        "select student_no, is_valid from hub_current.registration"
        " where basis = '2' and school_year = '2026-2027' and term_code = '1'"
    )
    return {row["student_no"] for row in rows}, {row["student_no"] for row in rows if row["is_valid"]}


def receivers(campus: Campus) -> dict[str, Any]:
    """Whom hub and receivers take for what today: student numbers, and of those who may choose courses the term as well."""
    hub = {
        "graduated": "select student_no as no from hub_current.student_status where state_code = '07'",
        "in_school": "select student_no as no from hub_current.student_status where in_school",
        "valid_cards": "select holder_no as no from hub_current.card where state = '1'",
    }
    found: dict[str, Any] = {name: {row["no"] for row in campus.book.rows(query)} for name, query in hub.items()}
    for name, (*ids, condition) in TABLES.items():
        rows = [row for id in ids for row in _ask(campus.catalog.feed(id), "student_no", condition)]
        found[name] = {str(number) for (number,) in rows}
    for name, pair in FILES.items():
        found[name] = {number for id in pair for number in _in_files(campus.catalog.feed(id))}
    found["directory"] = _in_directory()
    found["selectable"] = set(_ask(campus.catalog.feed("E61.registration_status"), "term_code, student_no", "is_selectable"))
    return found


def _in_files(feed: FeedDataset) -> set[str]:
    """The students in school that a receiver has who reads every file it is given, oldest first."""
    folder, there = Path(get_connection(feed.connection).path), dict[str, bool]()
    manifests = [json.loads(path.read_text("utf-8")) for path in folder.glob("*.manifest.json")]
    mine = [row for row in manifests if (row["edge"], row["dataset"]) == (feed.edge, feed.dataset)]
    for manifest in sorted(mine, key=lambda row: (row["to_version"], row["from_version"])):
        if manifest["mode"] == "full":
            there.clear()
        for row in _rows(folder / manifest["file"], manifest["encoding"]):
            here = row.get("in_school", "1") in ("1", "true")
            there[row["student_no"]] = here and row.get("_op", "U") == "U"
    return {number for number, here in there.items() if here}


def _rows(path: Path, encoding: str) -> list[dict[str, str]]:
    """The rows of a file that was delivered, as text."""
    if path.suffix == ".xlsx":
        head, *rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
        return [dict(zip(map(str, head), map(str, row), strict=True)) for row in rows]
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def _in_directory() -> set[str]:
    """The login names of the people's branch."""
    at = get_connection("dst_directory")
    link = ldap3.Connection(ldap3.Server(at.host, at.port, get_info=ldap3.NONE), at.user, at.password, auto_bind=True)
    try:
        link.search(at.database, "(objectClass=inetOrgPerson)", attributes=["uid"])
        return {str(uid) for entry in link.response for uid in entry["attributes"]["uid"]}
    finally:
        link.unbind()


def _ask(feed: FeedDataset, columns: str, condition: str) -> list[tuple[Any, ...]]:
    """Columns of the rows under a condition in a receiver's table."""
    query, at = f"select {columns} from {feed.physical} where {condition}", get_connection(feed.connection)
    if at.family == "mysql":
        door = at.options["unix_socket"]
        with pymysql.connect(user="root", database=at.database, unix_socket=door) as db, db.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())
    with psycopg.connect(at.url) as other:
        return other.execute(query.encode()).fetchall()


def _held(book: Ledger) -> list[tuple[str, str]]:
    rows = book.rows("select entity, rule_id from ops.held where state = 'open' and severity = 'error' order by 1, 2")
    return [(row["entity"], row["rule_id"]) for row in rows]


def _told(outcome: RunResult) -> list[str]:
    return [f"{error.code} {error.where}" for error in outcome.problems]


def _folder(connection_id: str) -> Path:
    return Path(get_connection(connection_id).path)


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
            patch.setenv("HUB_URL", postgres.ensure_database(processes.start_postgres(folder / "campus" / "postgres"), "hub"))
            forget()
            clock = StandingClock()
            book = open_ledger(clock)
            yield Campus(rehearsal, clock, book)
            book.close()
        finally:
            rehearsal.stop()
            forget()


def forget() -> None:
    """Drop what this process has read of settings, catalogue and databases."""
    for cached in (
        get_settings,
        read_catalog,
        ledger_module.migrate_ledger,
        ledger_module._get_ledger,
        postgres.ensure_database,
    ):
        cached.cache_clear()
