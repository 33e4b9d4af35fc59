"""DuckDB for one task: in memory, bounded, spilling to a folder of the process, offline."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import duckdb
import pyarrow as pa

from core.errors import Fault
from core.settings import settings


@contextlib.contextmanager
def engine(task: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty in-memory database for one task; limits come from the settings and hold for the whole process.

    Opening an instance costs 20 ms and a night asks for hundreds of databases, so a process keeps one instance, and every
    task gets a database of its own in it, attached for as long as it works.

    Raises:
        Fault: HUB802 when memory and spill space are used up (`Crowded` when others had their share of it), HUB803 when the
            disk is full; `task` says where.
    """
    name = f"task_{next(_NUMBERS)}"
    turns = _turns()
    with turns.beside_others():
        with turns.opening:  # or two threads would each make the first
            instance = _instance(os.getpid(), settings().work / "spill")
        connection = instance.cursor()
        with _closed(instance, connection, name), _told(task):
            connection.execute(f"attach ':memory:' as {name}")
            connection.execute(f"use {name}")
            yield connection


class Crowded(Fault):
    """Memory was used up beside other tasks; alone there may be enough."""


def alone() -> contextlib.AbstractContextManager[None]:
    """For a task that ran out of memory beside others: wait until no other thread has a database, and then let none open one
    until this thread is done."""
    return _turns().alone()


def one_at_a_time() -> contextlib.AbstractContextManager[object]:
    """For a task that takes all the memory there is: no other of its kind works meanwhile. To be entered before the task opens
    a database, never after, so that who waits here keeps nobody waiting."""
    return _turns().one_at_a_time()


@contextlib.contextmanager
def _told(task: str) -> Iterator[None]:
    """The engine's errors in the house's words."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        kind = Crowded if _turns().met_others() else Fault
        raise kind("HUB802", task, limit=settings().duckdb_memory) from error
    except duckdb.IOException as error:
        if "No space left" in str(error):
            raise Fault("HUB803", task) from error
        raise
    except RuntimeError as error:
        if "interrupted" in str(error):  # Ctrl-C while a query ran, in the engine's own words
            raise KeyboardInterrupt from error
        raise


@contextlib.contextmanager
def _closed(instance: duckdb.DuckDBPyConnection, connection: duckdb.DuckDBPyConnection, name: str) -> Iterator[None]:
    try:
        yield
    finally:
        connection.close()
        with contextlib.closing(instance.cursor()) as cleaner:
            cleaner.execute(f"detach {name}")


class _Turns:
    """Which threads have a database of the instance open, and whether one of them has it for itself."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open: Counter[int] = Counter()
        self._met: set[int] = set()
        self._alone: int | None = None
        self._large = threading.Lock()
        self.opening = threading.Lock()

    @contextlib.contextmanager
    def beside_others(self) -> Iterator[None]:
        me = threading.get_ident()
        with self._changed:
            self._changed.wait_for(lambda: self._alone in (None, me))
            self._open[me] += 1
            if self._others():
                self._met |= self._open.keys()
        try:
            yield
        finally:
            with self._changed:
                self._open[me] -= 1
                if not self._open[me]:
                    del self._open[me]
                    self._met.discard(me)
                self._changed.notify_all()

    def met_others(self) -> bool:
        """Whether another thread had a database at any time since this one has one: memory it held may have been missing."""
        return threading.get_ident() in self._met

    def one_at_a_time(self) -> contextlib.AbstractContextManager[object]:
        # Who is alone must not wait: the lock may be held by one that waits until it is done.
        return contextlib.nullcontext() if self._alone == threading.get_ident() else self._large

    def _others(self) -> bool:
        return bool(self._open.keys() - {threading.get_ident()})

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        me = threading.get_ident()
        with self._changed:
            # Not before nobody has one: who has one may need another to come to its end.
            self._changed.wait_for(lambda: self._alone is None and not self._others())
            self._alone = me
        try:
            yield
        finally:
            with self._changed:
                self._alone = None
                self._changed.notify_all()


_TURNS: dict[int, _Turns] = {}


def _turns() -> _Turns:
    """Those of this process: a child has none of its parent's threads."""
    process = os.getpid()
    return _TURNS.get(process) or _TURNS.setdefault(process, _Turns())  # of two threads that come first, one is kept


_NUMBERS = itertools.count()


@functools.cache
def _instance(process: int, spill: Path) -> duckdb.DuckDBPyConnection:
    """The instance of this process. Threads do not survive a fork, so a child begins its own and leaves the parent's where
    it is: closing that one would wait for threads that are not there."""
    limits = settings()
    spill.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": limits.duckdb_memory,
            "threads": limits.duckdb_threads,
            "temp_directory": str(spill / str(process)),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    connection.execute("set TimeZone = 'UTC'")  # not in the options above: its extension is not loaded yet at that moment
    return connection


def write(db: duckdb.DuckDBPyConnection, query: str, path: Path, order: str = "") -> None:
    """Write the rows of a query to a Parquet file, in an order if one is given (as after `order by`). Without one they are
    written as they come, from as many threads as there are, and who reads them in an order asks for it."""
    kept = f"select * from ({query}) order by {order}" if order else query
    db.execute(f"copy ({kept}) to {literal(path)} ({_WORKING}, preserve_order {'true' if order else 'false'})")


_WORKING = "format parquet, compression lz4_raw, dictionary_size_limit 2000"
"""Working files are read in the same night and then thrown away: speed counts more than size."""


def arrow(db: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    """The whole result of a query as an Arrow table, for results known to be small."""
    return cast("pa.Table", db.sql(query).to_arrow_table())


def literal(path: Path | str) -> str:
    """A path or text as an SQL literal, for the few places where DuckDB takes no bound parameter."""
    return "'" + str(path).replace("'", "''") + "'"
