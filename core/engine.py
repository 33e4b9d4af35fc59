"""DuckDB for one task: in memory, bounded, spilling to the task's own folder, offline."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import duckdb
import pyarrow as pa

from core.errors import Fault
from core.settings import settings


@contextlib.contextmanager
def engine(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory connection whose spill files go to `scratch`; limits come from the settings.

    Raises:
        Fault: HUB802 when memory and spill space are used up, HUB803 when the disk is full.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    limits = settings()
    with duckdb.connect(
        ":memory:",
        config={
            "memory_limit": limits.duckdb_memory,
            "threads": limits.duckdb_threads,
            "temp_directory": str(scratch / "spill"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    ) as connection:
        connection.execute("set TimeZone = 'UTC'")  # not in the options above: its extension is not loaded yet at that moment
        try:
            yield connection
        except duckdb.OutOfMemoryException as error:
            raise Fault("HUB802", scratch.name, limit=limits.duckdb_memory) from error
        except duckdb.IOException as error:
            if "No space left" in str(error):
                raise Fault("HUB803", str(scratch)) from error
            raise


def arrow(db: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    """The whole result of a query as an Arrow table, for results known to be small."""
    return cast("pa.Table", db.sql(query).to_arrow_table())


def literal(path: Path | str) -> str:
    """A path or text as an SQL literal, for the few places where DuckDB takes no bound parameter."""
    return "'" + str(path).replace("'", "''") + "'"
