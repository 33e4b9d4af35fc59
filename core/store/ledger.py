"""The run ledger (PostgreSQL schema `ops`): what was begun, what was finished, with which input and which result.

A step is looked up before it is done: a finished one with the same input is not done again. A step that changes the hub
finishes in the same transaction as the change, so that a crash leaves both or neither.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from core import faults
from core.errors import Denied, HubError, MachineFault
from core.hashing import Clock, system_clock
from core.process.memory_gate import MemoryCrowded, wait_until_alone
from core.settings import get_product_folder, get_settings
from core.store import postgres

Output = dict[str, Any]
Row = dict[str, Any]
LOCK_PUBLISH, LOCK_RUNS, LOCK_CYCLE, LOCK_TURN = 7_201_906, 7_201_907, 7_201_908, 7_201_909


@dataclass(frozen=True)
class Step:
    """A step that has begun. `id` is its row in `ops.step`."""

    id: int
    run_id: str
    verb: str
    subject: str
    input_hash: str


@dataclass(frozen=True)
class Run:
    """A run: its id, its kind (`night`, `feed`, ...), its business date and what it is restricted to (empty: everything)."""

    id: str
    kind: str
    as_of: date
    scope: tuple[str, ...]


class Ledger:
    """Everything that is written to and asked of `ops`. Each method is one transaction unless a connection is given."""

    def __init__(self, url: str, clock: Clock = system_clock) -> None:
        self.url = url
        self.clock = clock
        self._idle: list[postgres.Connection] = []
        self._process = os.getpid()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[postgres.Connection]:
        """One transaction on the hub's database, on a connection that is kept for the next.

        Raises:
            Unavailable: HUB201 when the server cannot be reached or breaks off.
        """
        with self._lend_connection() as connection, connection.transaction():
            yield connection

    @contextlib.contextmanager
    def hold_exclusive(self) -> Iterator[None]:
        """Wait until no other process is between conform and publish, and keep others out until the end."""
        with postgres.translate_server_errors():
            connection = self._take()
            try:
                connection.execute("select pg_advisory_lock(%s)", [LOCK_CYCLE])
                yield
            finally:
                self._unlock(connection)

    @contextlib.contextmanager
    def claim_run(self, run_id: str) -> Iterator[None]:
        """Be the only process at work on a run; the claim ends with the process, however it ends.

        Raises:
            Denied: HUB712 when another process is at work on it.
        """
        with postgres.translate_server_errors():
            connection = self._take()
            try:
                connection.execute("set lock_timeout = '5s'")  # the server needs a moment to notice a killed process
                try:
                    connection.execute("select pg_advisory_lock(%s, hashtext(%s))", [LOCK_RUNS, run_id])
                except psycopg.errors.LockNotAvailable:
                    raise Denied("HUB712", run_id) from None
                yield
            finally:
                connection.close()

    @contextlib.contextmanager
    def hold_lock(self, name: str) -> Iterator[None]:
        """Wait for one's turn at a named thing (a dataset, a feed): one process or thread works on it at a time."""
        with postgres.translate_server_errors():
            connection = self._take()
            try:
                connection.execute("select pg_advisory_lock(%s, hashtext(%s))", [LOCK_TURN, name])
                yield
            finally:
                self._unlock(connection)

    def _unlock(self, connection: postgres.Connection) -> None:
        """Give the locks of a connection back and keep it; one that cannot is closed, which gives them back as well."""
        try:
            connection.execute("select pg_advisory_unlock_all()")
        except BaseException:
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)

    @contextlib.contextmanager
    def _lend_connection(self) -> Iterator[postgres.Connection]:
        """A kept connection, on which every statement is a transaction of its own."""
        with postgres.translate_server_errors():
            connection = self._take()
            try:
                yield connection
            finally:
                if connection.closed:
                    connection.close()
                else:
                    with self._lock:
                        self._idle.append(connection)

    def _take(self) -> postgres.Connection:
        """An idle connection that still answers, else a new one. Those of a parent process are left to it.

        A server that ended a connection has said so on it: only one that has something to read is asked whether it lives.
        """
        with self._lock:
            if self._process != os.getpid():
                self._idle, self._process = [], os.getpid()
            connection = self._idle.pop() if self._idle else None
        if connection is not None:
            try:
                if postgres.has_server_message(connection):
                    connection.execute("select 1")
                return connection
            except psycopg.OperationalError:
                connection.close()
        return postgres.open_connection(self.url)

    def close(self) -> None:
        """Give every kept connection back."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def rows(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        """The rows of a query, as dictionaries."""
        with self._lend_connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.encode(), parameters).fetchall()

    def fetch_row(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        found = self.rows(query, parameters)
        return found[0] if found else None

    def single(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> Row:
        """The first row of a query that always has one.

        Raises:
            LookupError: it had none, which means that the ledger was changed from outside.
        """
        found = self.fetch_row(query, parameters)
        if found is None:
            raise LookupError("a row of the ledger is gone")
        return found

    def execute(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> None:
        """A statement in a transaction of its own."""
        with self._lend_connection() as connection:
            connection.execute(query.encode(), parameters)

    def open_run(self, kind: str, as_of: date, scope: Sequence[str] = ()) -> Run:
        """The unfinished run of this kind, date and scope, to be gone on with; else a new one."""
        wanted = sorted(scope)
        with self.transaction() as connection:
            connection.execute("select pg_advisory_xact_lock(%s)", [LOCK_RUNS])
            found = connection.execute(
                "select run_id from ops.run where kind = %s and as_of = %s and scope = %s and state = 'running'"
                " order by started_at desc",
                [kind, as_of, wanted],
            ).fetchone()
            if found:
                return Run(str(found[0]), kind, as_of, tuple(wanted))
            count = connection.execute("select count(*) from ops.run where kind = %s and as_of = %s", [kind, as_of]).fetchone()
            number = int(str(count[0])) + 1 if count else 1
            run_id = f"{kind}-{as_of:%Y%m%d}-{number:02d}"
            connection.execute(
                "insert into ops.run values (%s, %s, %s, %s, 'running', %s, null)", [run_id, kind, as_of, wanted, self.clock()]
            )
        return Run(run_id, kind, as_of, tuple(wanted))

    def run(self, run_id: str) -> Run:
        """The run with this id.

        Raises:
            Denied: HUB701 when there is none.
        """
        found = self.fetch_row("select run_id, kind, as_of, scope from ops.run where run_id = %s", [run_id])
        if found is None:
            raise Denied("HUB701", run_id)
        return Run(found["run_id"], found["kind"], found["as_of"], tuple(found["scope"]))

    def close_run(self, run_id: str) -> str:
        """Mark a run as ended: `failed` when the last attempt of any of its steps failed, else `done`."""
        failed = self.fetch_row(
            "select 1 from (select distinct on (verb, subject) state from ops.step where run_id = %s"
            " order by verb, subject, step_id desc) last where state = 'failed'",
            [run_id],
        )
        state = "failed" if failed else "done"
        self.execute("update ops.run set state = %s, ended_at = %s where run_id = %s", [state, self.clock(), run_id])
        return state

    def find_finished_output(self, verb: str, subject: str, input_hash: str, run_id: str | None = None) -> Output | None:
        """The output of the newest finished step with this input, in this run or in any."""
        found = self.fetch_row(
            "select output from ops.step where verb = %s and subject = %s and input_hash = %s and state = 'done'"
            " and (%s::text is null or run_id = %s) order by step_id desc limit 1",
            [verb, subject, input_hash, run_id, run_id],
        )
        return found["output"] if found else None

    def find_newest_output(self, verb: str, subject: str, input_hash: str) -> Output | None:
        """The output of a subject's newest step, if that was finished with this input: then what it wrote still stands.

        An older one with this input will not do, since another step has written since. One that waited wrote nothing.
        """
        found = self.fetch_row(
            "select input_hash, state, output from ops.step where verb = %s and subject = %s and state <> 'waiting'"
            " order by step_id desc limit 1",
            [verb, subject],
        )
        same = found is not None and found["state"] == "done" and found["input_hash"] == input_hash
        return found["output"] if found and same else None

    def latest(self, verb: str, subject: str | None = None) -> dict[str, Output]:
        """For every subject of a verb, or for one, the output of its newest finished step."""
        chosen, parameters = ("", [verb]) if subject is None else (" and subject = %s", [verb, subject])
        found = self.rows(
            f"select distinct on (subject) subject, output from ops.step where verb = %s{chosen} and state = 'done'"
            " order by subject, step_id desc",
            parameters,
        )
        return {row["subject"]: row["output"] for row in found}

    def begin(self, run_id: str, verb: str, subject: str, input_hash: str) -> Step:
        """Write down that a step begins."""
        with self.transaction() as connection:
            found = connection.execute(
                "insert into ops.step (run_id, verb, subject, attempt, state, input_hash, started_at)"
                " select %s, %s, %s, 1 + count(*), 'running', %s, %s from ops.step"
                " where run_id = %s and verb = %s and subject = %s returning step_id",
                [run_id, verb, subject, input_hash, self.clock(), run_id, verb, subject],
            ).fetchone()
        return Step(int(str(found[0])) if found else 0, run_id, verb, subject, input_hash)

    def finish(self, step: Step, output: Output, connection: postgres.Connection | None = None) -> None:
        """Write down that a step is done, in the caller's transaction when one is given."""
        parameters = [Jsonb(output), self.clock(), step.id]
        statement = "update ops.step set state = 'done', output = %s, ended_at = %s where step_id = %s"
        if connection is None:
            self.execute(statement, parameters)
        else:
            connection.execute(statement, parameters)

    def stop(self, step: Step, error: HubError, state: str = "failed") -> None:
        """Write down why a step did not finish: `failed`, `stopped` (brake, gate) or `waiting` (for a parent)."""
        kept = {
            "where": error.where,
            "facts": _plain_facts(error.facts),
            **({"trace": list(error.trace)} if error.trace else {}),
        }
        self.execute(
            "update ops.step set state = %s, error_code = %s, error = %s, ended_at = %s where step_id = %s",
            [state, error.code, Jsonb(kept), self.clock(), step.id],
        )

    def run_step(self, run_id: str, verb: str, subject: str, input_hash: str, work: Callable[[Step], Output]) -> Output:
        """Do a step unless this run has finished it with the same input; its error is written down and raised again.

        `work` gets the step and returns its output, small and without personal values. Work that ran out of memory beside
        other work is done once more without it.

        Raises:
            HubError: whatever the work raised; what is no error of the house becomes one (`faults.coded`).
        """
        before = self.find_finished_output(verb, subject, input_hash, run_id)
        if before is not None:
            return before
        try:
            return self._do(run_id, verb, subject, input_hash, work)
        except MemoryCrowded:
            with wait_until_alone():
                return self._do(run_id, verb, subject, input_hash, work)

    def _do(self, run_id: str, verb: str, subject: str, input_hash: str, work: Callable[[Step], Output]) -> Output:
        step = self.begin(run_id, verb, subject, input_hash)
        try:
            output = work(step)
        except BaseException as error:
            if faults.is_exit(error):
                raise
            found = faults.wrap_error(error, verb, subject)
            self.stop(step, found, "stopped" if found.recovery in {"stop", "hold"} else "failed")
            if found is error:
                raise
            raise found from None  # a driver's own text may quote a row
        if self.find_finished_output(verb, subject, input_hash, run_id) is None:
            self.finish(step, output)
        return output

    def reuse_step(self, run_id: str, verb: str, subject: str, input_hash: str, output: Output) -> Output:
        """Write down in this run that a step of an earlier one, with the same input, stands; returns its output."""
        if self.find_finished_output(verb, subject, input_hash, run_id) is None:
            self.finish(self.begin(run_id, verb, subject, input_hash), output)
        return output

    def version_of(self, entity: str) -> int:
        """The newest version that changed an entity, 0 before the first."""
        return int(self.single("select coalesce(max(version), 0) as v from ops.version where entities ? %s", [entity])["v"])

    def version(self) -> int:
        """The published version, 0 before the first."""
        found = self.fetch_row("select coalesce(max(version), 0) as version from ops.version")
        return int(found["version"]) if found else 0


def _plain_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, int | float | bool) else str(value) for name, value in facts.items()}


def list_migrations() -> list[Path]:
    """The files that bring the ledger's tables up to date, in the order in which they are run."""
    return sorted((get_product_folder() / "sql" / "migrations").glob("*.sql"))


@functools.cache
def migrate_ledger(url: str) -> str:
    """Bring the ledger's tables up to date (`sql/migrations/*.sql`, in name order) and return the URL."""
    with postgres.connect(url) as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK_PUBLISH])
        connection.execute("create schema if not exists ops")
        connection.execute("create table if not exists ops.migration (name text primary key, applied_at timestamptz not null)")
        done = {row[0] for row in connection.execute("select name from ops.migration").fetchall()}
        for path in list_migrations():
            if path.name not in done:
                connection.execute(path.read_bytes())
                connection.execute("insert into ops.migration values (%s, %s)", [path.name, system_clock()])
    return url


def get_half_restored_mark() -> Path:
    """The mark (it names the backup) that store and files do not belong together yet."""
    return get_settings().var / ".restoring"


def open_ledger(clock: Clock = system_clock) -> Ledger:
    """The ledger of this hub, with its tables up to date; one object a database and clock.

    Raises:
        Fault: HUB855 when a restore was cut off after the store was replaced and before its files were.
    """
    if get_half_restored_mark().exists():
        raise MachineFault("HUB855", "hub", folder=get_half_restored_mark().read_text("utf-8").strip())
    return _get_ledger(migrate_ledger(postgres.get_hub_url()), clock)


@functools.cache
def _get_ledger(url: str, clock: Clock) -> Ledger:
    book = Ledger(url, clock)
    atexit.register(book.close)
    return book
