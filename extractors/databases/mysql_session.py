"""A connection to MySQL or MariaDB with a consistent snapshot open, which gives rows as the bytes that the server sent.

The driver's conversions are off. What it does badly is put right here: it leaves a socket open when nobody
listens, and it cannot end an unbuffered read early.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Generator, Iterator, Sequence
from typing import Any, cast

import pymysql
from pymysql.converters import encoders
from pymysql.cursors import SSCursor

from core.errors import Refused, Unavailable
from core.settings import get_settings
from core.store import reach
from core.store.address import ConnectionAddress

_REFUSALS = {1044: "HUB309", 1142: "HUB309", 1143: "HUB309", 1356: "HUB330"}
"""Errors of the server that no second try mends: the account may not read the database, table or column; a view is broken."""
Row = tuple[bytes | None, ...]
_SECONDS_LOGIN = 15
_SECONDS_SILENT = 600
"""How long the server may say nothing before the read counts as broken."""
SNAPSHOT = (
    "set names utf8mb4",
    "set session transaction isolation level repeatable read",
    "set session sql_mode = ''",
    "set session time_zone = '+00:00'",
    "set session net_write_timeout = 3600",  # the landing may pause between batches longer than the default minute
    "set session lock_wait_timeout = 60",
    "start transaction with consistent snapshot, read only",
)


@contextlib.contextmanager
def open_snapshot(address: ConnectionAddress, where: str, owner: str) -> Iterator[MysqlSession]:
    """A session inside its own read-only snapshot transaction; `where` and `owner` are named in errors.

    Raises:
        Unavailable: HUB202 when the server cannot be reached, refuses the account or has not the certificate that the URL
            demands; HUB203 when it breaks off.
        Fault: HUB807 when the URL's encryption is not understood.
    """
    tls = address.tls
    link = pymysql.connect(
        host=address.host,
        port=address.port or 3306,
        user=address.user,
        password=address.password,
        database=address.database or None,
        charset="utf8mb4",
        use_unicode=False,
        conv=cast(Any, encoders),  # how to bind values, and nothing about how to read them
        cursorclass=SSCursor,
        read_timeout=_SECONDS_LOGIN,
        defer_connect=True,
        ssl=tls.context(address.id) if tls else None,
        ssl_disabled=not tls and "unix_socket" in address.options,  # a socket needs none, and a context costs 40 ms
    )
    try:
        _connect(link, address.options.get("unix_socket"))
        cast(Any, link)._read_timeout = _SECONDS_SILENT
    except (pymysql.MySQLError, OSError, RuntimeError) as error:  # RuntimeError: an account's login method needs a package
        door = address.options.get("unix_socket", "")
        facts = reach.explain_unreached(_list_error_codes(error), reach.Route(address.host, address.port or 3306, door))
        raise Unavailable("HUB202", where, **facts, connection=address.id, owner=owner) from None
    try:
        session = MysqlSession(link, where, owner)
        session.begin()
        yield session
    finally:
        with contextlib.suppress(pymysql.MySQLError, OSError):
            link.close()


class MysqlSession:
    """One open connection inside its snapshot. `where` and `owner` are named in errors."""

    def __init__(self, link: pymysql.Connection[SSCursor], where: str, owner: str) -> None:
        self._link = link
        self._where, self._owner = where, owner

    def begin(self) -> None:
        with self._translate_errors():
            for statement in SNAPSHOT:
                self._link.query(statement)

    def texts(self, sql: str, bounds: tuple[object, ...] = ()) -> list[list[Any]]:
        """The rows of a small query, every cell as text (None where NULL)."""
        rows = [row for block in self.read_blocks(sql, bounds) for row in block]
        return [[cell if cell is None else cell.decode() for cell in row] for row in rows]

    def read_blocks(self, sql: str, bounds: tuple[object, ...]) -> Generator[Sequence[Row], None, None]:
        """The rows of a query in blocks, as the server sends them."""
        cursor = self._link.cursor()
        try:
            with self._translate_errors():
                cursor.execute(sql, bounds)
                block = cursor.fetchmany(get_settings().batch_rows)
            while block:
                yield block
                with self._translate_errors():
                    block = cursor.fetchmany(get_settings().batch_rows)
        finally:
            _discard_cursor(cursor)

    @contextlib.contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """The driver's errors in the house's words. Their texts may quote values, so only class and number are kept."""
        try:
            yield
        except (pymysql.MySQLError, OSError) as error:
            number = error.args[0] if error.args else None
            if number in _REFUSALS:
                raise Refused(_REFUSALS[number], self._where, table=self._where, owner=self._owner) from None
            raise Unavailable("HUB203", self._where, **reach.explain_broken(_list_error_codes(error))) from None


def _discard_cursor(cursor: SSCursor) -> None:
    """End an unbuffered read at once: the driver would fetch the rest first, and fail over that when the server is gone."""
    driver = cast(Any, cursor)
    result = driver._result
    if result is not None:
        result.unbuffered_active = False
        result.connection = None
    driver.connection = None


def _connect(link: pymysql.Connection[SSCursor], door: str | None) -> None:
    """A unix socket is opened here, since the driver would leave it open when nobody listens."""
    if door is None:
        link.connect()
        return
    with contextlib.ExitStack() as on_failure:
        opened = on_failure.enter_context(socket.socket(socket.AF_UNIX))
        opened.connect(door)
        link.connect(opened)
        on_failure.pop_all()


def _list_error_codes(error: Exception) -> list[str]:
    """The server's number and the driver's class; a login that needs a package raises neither's error."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) and isinstance(error, pymysql.MySQLError) else 0
    return ["2059"] if isinstance(error, RuntimeError) else [*([str(number)] if number else []), type(error).__name__]
