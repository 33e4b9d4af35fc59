"""DuckDB for one task: in memory, bounded, spilling to a folder of the process, offline, and shut in.

A contract's or a department's text may end up in a statement, so the engine itself reads and writes landings, working files and
deliveries only, loads nothing, sees no variable of this program, and lets no statement change that (ADR 0029).
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import duckdb
import pyarrow as pa

from core.errors import MachineFault
from core.process.memory_gate import MemoryCrowded, get_memory_gate
from core.settings import get_settings


@contextlib.contextmanager
def open_engine(task: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty in-memory database for one task; limits come from the settings and hold for the whole process.

    Opening an instance costs 20 ms and a night asks for hundreds of databases, so a process keeps one instance, and every
    task gets a database of its own in it, attached for as long as it works.

    Raises:
        Fault: HUB802 when memory and spill space are used up (`Crowded` when others had their share of it), HUB803 when the
            disk is full; `task` says where.
    """
    name = f"task_{next(_DATABASE_NUMBERS)}"
    taken = get_memory_gate()
    with taken.enter_beside_others():
        with taken.opening:  # or two threads would each make the first
            instance = _get_instance(os.getpid(), get_settings().var)
        connection = instance.cursor()
        with _close_database(instance, connection, name), _translate_errors(task):
            connection.execute(f"attach ':memory:' as {name}")
            connection.execute(f"use {name}")
            yield connection


@contextlib.contextmanager
def _translate_errors(task: str) -> Iterator[None]:
    """The engine's errors in the house's words."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        kind = MemoryCrowded if get_memory_gate().has_met_others() else MachineFault
        raise kind("HUB802", task, limit=get_settings().duckdb_memory) from error
    except duckdb.IOException as error:
        if "No space left" in str(error):
            raise MachineFault("HUB803", task) from error
        raise
    except RuntimeError as error:
        if "interrupted" in str(error):  # Ctrl-C while a query ran, in the engine's own words
            raise KeyboardInterrupt from error
        raise


@contextlib.contextmanager
def _close_database(instance: duckdb.DuckDBPyConnection, connection: duckdb.DuckDBPyConnection, name: str) -> Iterator[None]:
    try:
        yield
    finally:
        connection.close()
        with contextlib.closing(instance.cursor()) as cleaner:
            cleaner.execute(f"detach {name}")


_DATABASE_NUMBERS = itertools.count()


@functools.cache
def _get_instance(process: int, var: Path) -> duckdb.DuckDBPyConnection:
    """The instance of this process. Threads do not survive a fork, so a child begins its own and leaves the parent's where
    it is: closing that one would wait for threads that are not there."""
    limits = get_settings()
    spill = limits.work / "spill"
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
    places = ", ".join(quote_literal(var.absolute() / place) for place in _ALLOWED_FOLDERS)
    connection.execute(f"set allowed_directories = [{places}]")
    for setting in _LOCKDOWN_STATEMENTS:
        connection.execute(setting)
    return connection


_ALLOWED_FOLDERS = ("landing", "work", "deliveries")
"""The folders under `var` whose files take part in queries; secrets, databases and uploads are not among them."""
_LOCKDOWN_STATEMENTS = (
    "set enable_external_access = false",
    "set python_enable_replacements = false",
    "set lock_configuration = true",
)
"""What shuts an instance in, in this order: the last one ends every change."""


def write_parquet(db: duckdb.DuckDBPyConnection, query: str, path: Path, order: str = "") -> None:
    """Write the rows of a query to a Parquet file, in an order if one is given (as after `order by`). Without one they are
    written as they come, from as many threads as there are, and who reads them in an order asks for it."""
    kept = f"select * from ({query}) order by {order}" if order else query
    db.execute(f"copy ({kept}) to {quote_literal(path)} ({_WORKING_FORMAT}, preserve_order {'true' if order else 'false'})")


_WORKING_FORMAT = "format parquet, compression lz4_raw, dictionary_size_limit 2000"
"""Working files are read in the same night and then thrown away: speed counts more than size."""


def fetch_arrow_table(db: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    """The whole result of a query as an Arrow table, for results known to be small."""
    return cast("pa.Table", db.sql(query).to_arrow_table())


def quote_literal(path: Path | str) -> str:
    """A path or text as an SQL literal, for the few places where DuckDB takes no bound parameter."""
    return "'" + str(path).replace("'", "''") + "'"
