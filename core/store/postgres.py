"""The hub's PostgreSQL: the embedded one by default, any by URL, and rows in bulk in both directions.

The embedded server (`core.store.embedded`) starts with the first command and ends when the last process that used it ends.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import selectors
import socket
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, cast

import pgpq
import psycopg
import pyarrow as pa
import pyarrow.csv as pacsv
from psycopg import sql
from psycopg.conninfo import make_conninfo

from core.errors import Denied, Unavailable
from core.settings import get_settings
from core.store import embedded as server
from core.store import reach
from core.store.address import TLS_OPTIONS
from core.store.address import ConnectionAddress as Address

Connection = psycopg.Connection[tuple[object, ...]]
_CHUNK_BYTES = 1 << 20
_ENCODED_ROWS = 1000
"""Rows encoded at once. The encoder holds Python's lock meanwhile, and nothing is sent to the server as long as it does."""
_SEND_BUFFER_BYTES = 4 << 20
_BROKEN_OFF_CODE = "08006"
"""The code for a connection that failed, which the driver does not give when nothing came from the server any more."""
_QUOTED_NAMES = re.compile(r'"[^"]*"')
_SERVER_PHRASES = {
    "28P01": "(?i)password authentication failed|no password supplied|role  does not exist|认证失败|角色  不存在",
    "28000": r"(?i)pg_hba\.conf|peer authentication failed|not permitted to log in",
    "3D000": "(?i)database  does not exist|数据库  不存在",
    "42501": "(?i)permission denied for database|权限不够",
    "53300": "(?i)too many|connection slots|太多",
    "57P03": "(?i)starting up|shutting down|recovery|启动|关闭|恢复",
    "tls": "(?i)ssl|certificate|tls",
}
"""Code -> what a server says that lets nobody in, without the names."""
_STORE_TABLE = re.compile(r'"hub(?:_current|_at)?\.(\w+)"')
"""How the server names a table or view of the store, in whatever language it speaks."""


@functools.cache
def start_embedded(folder: Path) -> str:
    """Start the embedded server on `folder` unless it runs, hold it until this process ends, and return its URL (database
    `postgres`)."""
    return server.start_held_server(folder)


def get_hub_url() -> str:
    """The hub's own database: `HUB_URL`, or the embedded server's database `hub`, made on first use."""
    if get_settings().url:
        return get_settings().url
    return ensure_database(start_embedded(get_settings().var / "hub" / "postgres"), "hub")


@functools.cache
def ensure_database(at: str, name: str) -> str:
    """The URL of database `name` on the server of the given URL; the database is made if it is not there."""
    with psycopg.connect(at, autocommit=True) as connection:
        if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is None:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    head, _, tail = at.partition("?")
    return head.rsplit("/", 1)[0] + f"/{name}" + (f"?{tail}" if tail else "")


def build_conninfo(address: Address, **settled: Any) -> str:
    """What the driver needs for a connection of this family; `settled` are settings that the URL may override.

    Raises:
        Fault: HUB807 when the URL's encryption is not understood, or the file of the authority is not there.
    """
    parts = {
        "host": address.host or None,
        "port": address.port,
        "user": address.user or None,
        "password": address.password or None,
        "dbname": address.database or None,
    }
    options = {name: value for name, value in address.options.items() if name not in TLS_OPTIONS}
    tls = address.tls
    if tls:
        tls.context(address.id)  # the driver would take a missing file for a server that cannot be reached
        mode = "require" if tls.ca is None else "verify-full" if tls.identity else "verify-ca"
        options |= {"sslmode": mode} | ({"sslrootcert": tls.ca} if tls.ca else {})
    return make_conninfo(**{**parts, **settled, **options})


def explain_failure(error: psycopg.Error, address: Address | None = None) -> dict[str, str]:
    """The facts of an error whose connection did not come about (`address`: whereto) or broke off.

    A server that lets nobody in says so in its own language only, and the driver keeps no code of it: names, which stand in
    quotes, are taken out, and what is left is looked for in the two languages that servers here speak.
    """
    said = _QUOTED_NAMES.sub("", str(error))
    guessed = [] if error.sqlstate else [code for code, form in _SERVER_PHRASES.items() if re.search(form, said)]
    codes = [*([error.sqlstate] if error.sqlstate else guessed), type(error).__name__]
    return (
        reach.explain_unreached(codes, _find_route(address))
        if address
        else reach.explain_broken([*codes[:-1], _BROKEN_OFF_CODE])
    )


def _find_route(address: Address) -> reach.Route:
    host, port = address.options.get("host", address.host), int(address.options.get("port", address.port or 5432))
    return reach.Route(door=f"{host}/.s.PGSQL.{port}") if host.startswith("/") else reach.Route(host, port)


@contextlib.contextmanager
def connect(url: str | None = None) -> Iterator[Connection]:
    """A connection in one transaction: committed at the end, rolled back on an error. Default: the hub's database.

    Raises:
        Unavailable: HUB201 when the server cannot be reached or breaks off.
    """
    with translate_server_errors(), psycopg.connect(url or get_hub_url()) as connection:
        yield connection


def open_connection(url: str) -> Connection:
    """A connection that commits after every statement unless a transaction is opened on it; the caller closes it.

    The planner is told that the store lies in memory or on a solid-state disk: else it reads a table of a million rows for the
    ten thousand that changed.
    """
    connection = psycopg.connect(url, autocommit=True)
    connection.execute("set random_page_cost = 1.1")
    return connection


def has_server_message(connection: Connection) -> bool:
    """Whether the server has sent something that nobody asked for, such as the end of the connection."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(connection.fileno(), selectors.EVENT_READ)
        return bool(waiting.select(0))


@contextlib.contextmanager
def translate_server_errors() -> Iterator[None]:
    """Turn the driver's word for an unreachable or broken server, or for a table of the store that no night has made yet,
    into the house's."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise Unavailable("HUB201", "hub", **explain_failure(error)) from error
    except psycopg.errors.UndefinedTable as error:
        missing = _STORE_TABLE.search(error.diag.message_primary or "")
        if missing is None:
            raise
        raise Denied("HUB876", "hub", entity=missing[1]) from None


def copy_out(connection: Connection, query: str, schema: pa.Schema, scratch: Path) -> pa.RecordBatchReader:
    """The rows of a query as Arrow batches of `schema`, streamed through a file so that memory stays bounded.

    Columns must come in the order of the schema. Empty text and NULL stay apart.
    """
    scratch.parent.mkdir(parents=True, exist_ok=True)
    statement = f"copy ({query}) to stdout (format csv)".encode()
    longest = 0
    with scratch.open("wb") as file, connection.cursor() as cursor, cursor.copy(statement) as rows:
        for row in rows:
            if len(row) > longest:
                longest = len(row)
            file.write(row)
    return _read_csv(scratch, schema, longest)


def _read_csv(path: Path, schema: pa.Schema, longest: int) -> pa.RecordBatchReader:
    """A headless CSV file as PostgreSQL writes it, as Arrow batches of `schema`. The reader takes in dozens of blocks before it
    gives the first, so they are small, but `longest`, the bytes of the longest row, must fit."""
    if path.stat().st_size == 0:
        return pa.RecordBatchReader.from_batches(schema, [])
    blocks = pacsv.open_csv(
        path,
        read_options=pacsv.ReadOptions(column_names=schema.names, block_size=max(_CHUNK_BYTES // 2, 2 * longest)),
        parse_options=pacsv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=pacsv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )
    return pa.RecordBatchReader.from_batches(schema, _merge_batches(blocks))


def _merge_batches(blocks: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Small batches put together, up to the size of a batch: what is written a batch at a time is read again faster in large
    ones."""
    held: list[pa.RecordBatch] = []
    with blocks:
        for block in blocks:
            if held and sum(batch.num_rows for batch in held) + block.num_rows > get_settings().batch_rows:
                yield from pa.Table.from_batches(held).combine_chunks().to_batches()
                held = []
            held.append(block)
    if held:
        yield from pa.Table.from_batches(held).combine_chunks().to_batches()


def copy_in(connection: Connection, table: sql.Composable, columns: Sequence[str], rows: pa.RecordBatchReader) -> int:
    """Append Arrow rows to a table by COPY and return how many. The columns are named in the order of the batches, and have
    the types as which `core.dialects` spells theirs: the binary form takes no other for them. Batches are encoded ahead."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(table, names)
    encoder = pgpq.ArrowToPostgresBinaryEncoder(rows.schema)
    count = 0

    def encoded() -> Iterator[bytes]:
        nonlocal count
        for batch in rows:
            count += batch.num_rows
            for start in range(0, batch.num_rows, _ENCODED_ROWS):
                yield encoder.write_batch(batch.slice(start, _ENCODED_ROWS))

    _widen_send_buffer(connection)
    with (
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
        contextlib.closing(_prefetch_items(encoded())) as batches,
    ):
        copy.write(encoder.write_header())
        for data in batches:  # one is encoded while the server takes in the one before
            copy.write(data)
        copy.write(encoder.finish())
    return count


def _prefetch_items(items: Iterator[bytes]) -> Generator[bytes, None, None]:
    """The items, each made in a thread while the one before is worked on. Who stops early waits for the one being made."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item


def _widen_send_buffer(connection: Connection) -> None:
    """A wider way to a server on the same machine, so that it has something to do while this process holds Python's lock; what
    the system does not grant is not had. Over a network the system knows better."""
    with socket.socket(fileno=os.dup(connection.fileno())) as way:
        if way.family == socket.AF_UNIX:
            way.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)


def copy_csv(connection: Connection, table: sql.Composable, columns: Sequence[str], rows: pa.RecordBatchReader) -> int:
    """As `copy_in`, into a table of any types: the server reads each value from its text."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("copy {} ({}) from stdin (format csv)").format(table, names)
    count = 0
    options = pacsv.WriteOptions(include_header=False, quoting_style="needed")
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        sink = cast("IO[bytes]", _CopyFile(copy))
        for batch in rows:
            count += batch.num_rows
            pacsv.write_csv(pa.Table.from_batches([batch]), sink, options)
    return count


class _CopyFile:
    """The write half of a file over psycopg's COPY, which pyarrow's CSV writer needs."""

    closed = False

    def __init__(self, copy: psycopg.Copy) -> None:
        self._copy = copy

    def write(self, data: bytes) -> int:
        self._copy.write(bytes(data))
        return len(data)

    def flush(self) -> None:
        return None

    def close(self) -> None:
        return None
