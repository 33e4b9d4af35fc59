"""A connection to SQL Server with the best snapshot open that the database gives.

Where the database allows snapshot isolation, everything is of one moment. Elsewhere the read is `read committed`: each
statement sees committed rows only, and rows that move while they are read show up in the count, which is asked first
and which the landing must meet. Stricter levels would lock the department's own work out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from typing import Any, cast

import pymssql
from pymssql import _mssql

from core.errors import Refused, Unavailable
from core.settings import get_settings
from core.store import reach
from core.store.address import ConnectionAddress
from extractors.databases.cursor import ColumnBlock

PLACEHOLDER = "\0"
"""Stands for a bound value; no name can hold it."""
_SECONDS_SILENT = 600
"""How long the server may say nothing before the read counts as broken."""
_SECONDS_LOGIN = 15
_ALLOWS_SNAPSHOT = "select snapshot_isolation_state from sys.databases where database_id = db_id()"
_HASH_PROBE = "select convert(varchar(32), hashbytes('MD5', replicate(convert(nvarchar(max), N'x'), 9000)), 2)"
"""Servers before 2016 fail on it: their HASHBYTES takes 8,000 bytes."""
_NO_PERMISSION = {229, 230, 262, 297, 300}


@contextlib.contextmanager
def open_snapshot(address: ConnectionAddress, where: str, owner: str) -> Iterator[MssqlSession]:
    """A session inside its own read-only transaction; `where` and `owner` are named in errors.

    Raises:
        Unavailable: HUB202 when the server cannot be reached or refuses the account, HUB203 when it breaks off.
    """
    try:
        link = pymssql.connect(
            server=address.host,
            port=str(address.port or 1433),
            user=address.user,
            password=address.password,
            database=address.database,
            timeout=_SECONDS_SILENT,
            login_timeout=_SECONDS_LOGIN,
            charset="UTF-8",
            appname="campus-hub",
            tds_version=address.options.get("tds_version", "7.4"),
            autocommit=True,  # the transaction is begun below, at the level that the database allows
        )
    except (pymssql.Error, OSError) as error:
        facts = reach.explain_unreached(list_error_codes(error), reach.Route(address.host, address.port or 1433))
        raise Unavailable("HUB202", where, **facts, connection=address.id, owner=owner) from None
    try:
        session = MssqlSession(link, where, owner)
        session.begin()
        yield session
    finally:
        with contextlib.suppress(pymssql.Error, OSError):
            link.close()


class MssqlSession:
    """One open connection inside its transaction. `where` names the read in errors."""

    def __init__(self, link: pymssql.Connection, where: str, owner: str) -> None:
        self._link, self._where, self._owner = link, where, owner
        self._hashes = False

    def begin(self) -> None:
        self._hashes = self._can_hash()
        with self._translate_errors(), self._link.cursor() as cursor:
            cursor.execute(_ALLOWS_SNAPSHOT)
            found = cursor.fetchone()
            level = "snapshot" if found and found[0] == 1 else "read committed"
            for statement in (
                "set dateformat ymd",
                "set lock_timeout 60000",
                f"set transaction isolation level {level}",
                "begin transaction",
            ):
                cursor.execute(statement)

    def build_row_hash(self, texts: Sequence[str]) -> str | None:
        """MD5 over every cell as text; NULL and the space between cells are control characters."""
        return build_row_hash(texts) if self._hashes else None

    def read_blocks(self, sql: str, bounds: Sequence[object] = ()) -> Generator[ColumnBlock, None, None]:
        """The rows of a query as the server sends them."""
        with self._translate_errors(), self._link.cursor() as cursor:
            cursor.execute(bind_literals(sql, bounds))
            while block := cursor.fetchmany(get_settings().batch_rows):
                yield list(zip(*block, strict=True))

    def _can_hash(self) -> bool:
        try:
            with self._link.cursor() as cursor:
                cursor.execute(_HASH_PROBE)
                return len(cursor.fetchall()) == 1
        except pymssql.Error:
            return False

    @contextlib.contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """The driver's errors in the house's words. Their texts may quote values, so only class and number are kept."""
        try:
            yield
        except (pymssql.Error, OSError) as error:
            if _find_error_number(error) in _NO_PERMISSION:
                raise Refused("HUB309", self._where, table=self._where, owner=self._owner) from None
            raise Unavailable("HUB203", self._where, **reach.explain_broken(list_error_codes(error))) from None


def bind_literals(sql: str, values: Sequence[object]) -> str:
    """The statement with a literal for every mark. The driver would also take signs of per cent in names for marks, so it
    is asked for one literal at a time."""
    first, *rest = sql.split(PLACEHOLDER)
    literals = [cast(Any, _mssql).substitute_params("%s", (value,)).decode() for value in values]
    return first + "".join(literal + piece for literal, piece in zip(literals, rest, strict=True))


def build_row_hash(texts: Sequence[str]) -> str:
    """The row hash as an expression; the first piece makes the whole text one of any length."""
    joined = " + nchar(31) + ".join(f"coalesce({text}, nchar(30))" for text in texts)
    return f"lower(convert(varchar(32), hashbytes('MD5', convert(nvarchar(max), N'') + {joined}), 2))"


def list_error_codes(error: Exception) -> list[str]:
    """Number and class of a driver's error."""
    number = _find_error_number(error)
    return [*([str(number)] if number else []), type(error).__name__]


def _find_error_number(error: Exception) -> int | None:
    first = error.args[0] if error.args else None
    if isinstance(first, tuple) and first:
        first = first[0]
    return first if isinstance(first, int) else None
