"""A connection to Oracle with a read-only transaction open, which gives rows as Arrow columns straight from the driver.

A read-only transaction sees the database as of its begin, needs no grant and locks nobody; a very long one may lose its
undo (ORA-01555), which counts as broken off. The driver is thin unless `mode=thick` asks for Oracle's own client, which
databases before 12.1 need.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import oracledb
import pyarrow as pa

from core.errors import HubError, MachineFault, Refused, Unavailable
from core.settings import get_settings
from core.store import reach
from core.store.address import ConnectionAddress
from extractors.databases.cursor import ColumnBlock

_SECONDS_SILENT = 600
"""How long the server may say nothing before the read counts as broken."""
_SECONDS_LOGIN = 15
_SESSION = (
    "alter session set time_zone = '+00:00'",
    "alter session set nls_numeric_characters = '.,'",
    "alter session set nls_date_format = 'YYYY-MM-DD HH24:MI:SS'",
    "alter session set nls_timestamp_format = 'YYYY-MM-DD HH24:MI:SS.FF6'",
    "alter session set nls_sort = 'BINARY'",
    "set transaction read only",
)
_CHARSET = "select value from nls_database_parameters where parameter = 'NLS_CHARACTERSET'"
_ERROR_CODE = re.compile(r"\b(?:ORA|DPY|DPI)-\d+")
_MEANINGS = {
    "HUB822": ("DPI-1047", "DPI-1072"),
    "HUB824": ("DPY-3010", "DPY-3015", "ORA-28040"),
    "HUB823": ("ORA-01017", "ORA-01005", "ORA-28000", "ORA-28001", "ORA-01045"),
    "HUB821": ("DPY-6001", "DPY-6003", "ORA-12514", "ORA-12505", "ORA-12154"),
    "HUB820": ("DPY-6005", "DPY-4005", "DPY-4024", "ORA-12541", "ORA-12170", "ORA-12543", "ORA-12545"),
}
"""Our code -> what the driver says. A refused connection wraps the listener's own answer, so the answers come first."""
_NO_PERMISSION = {"ORA-00942", "ORA-01031"}
_HASHES_IN_ONE = 100
"""Hashes joined into one text before it is hashed again: 3,200 of the 4,000 bytes that a text may have."""


@contextlib.contextmanager
def open_snapshot(address: ConnectionAddress, where: str, owner: str) -> Iterator[OracleSession]:
    """A session inside its own read-only transaction; `where` and `owner` are named in errors.

    Raises:
        Unavailable: HUB820 no answer on the port, HUB202 any other failure to connect, HUB203 when it breaks off.
        Fault: HUB821 to HUB824 when the connection's settings have to be mended first.
    """
    try:
        link = connect(address)
    except (oracledb.Error, OSError) as error:
        raise build_connect_error(error, where, address, owner) from None
    try:
        session = OracleSession(link, where, owner)
        session.begin()
        yield session
    finally:
        with contextlib.suppress(oracledb.Error, OSError):
            link.close()


def connect(address: ConnectionAddress) -> oracledb.Connection:
    """A connection by service name (the URL's path), `?sid=`, or a whole descriptor `?dsn=` (clusters, standby sites)."""
    options = address.options
    if options.get("mode") == "thick":
        _load_client(options.get("lib_dir"))
    params = oracledb.ConnectParams(
        host=address.host,
        port=address.port or 1521,
        service_name=None if "sid" in options else address.database,
        sid=options.get("sid"),
        protocol=options.get("protocol", "tcp"),
        tcp_connect_timeout=_SECONDS_LOGIN,
        retry_count=0,
    )
    given = {"user": address.user, "password": address.password, "dsn": options.get("dsn"), "params": params}
    link: oracledb.Connection = reach.connect_within(2 * _SECONDS_LOGIN, lambda: oracledb.connect(**given))
    link.call_timeout = _SECONDS_SILENT * 1000
    return link


class OracleSession:
    """One open connection inside its transaction. `where` names the read in errors."""

    def __init__(self, link: oracledb.Connection, where: str, owner: str) -> None:
        self._link, self._where, self._owner = link, where, owner
        self.charset = ""
        """The database's own character set, by Oracle's name."""

    def begin(self) -> None:
        with self._translate_errors(), self._link.cursor() as cursor:
            for statement in _SESSION:
                cursor.execute(statement)
            cursor.execute(_CHARSET)
            found = cursor.fetchone()
            self.charset = str(found[0]) if found else ""

    def build_row_hash(self, texts: Sequence[str]) -> str | None:
        """The server's MD5 from 12.1 on: before, only a package that needs a grant has one."""
        return build_row_hash(texts) if tuple(map(int, self._link.version.split(".")[:2])) >= (12, 1) else None

    def read_blocks(self, sql: str, bounds: Sequence[object] = ()) -> Generator[ColumnBlock, None, None]:
        """The rows of a query as Arrow columns, a round trip a block."""
        with self._translate_errors():
            frames = self._link.fetch_df_batches(sql, list(bounds), size=get_settings().batch_rows, fetch_decimals=True)
            for frame in frames:
                found: pa.Table = pa.table(frame)
                if found.num_rows:
                    yield combine_columns(found)

    @contextlib.contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """The driver's errors in the house's words. Their texts may quote values, so only the code is kept."""
        try:
            yield
        except (oracledb.Error, OSError) as error:
            code = list_error_codes(error)[0]
            if code in _NO_PERMISSION:
                raise Refused("HUB309", self._where, table=self._where, owner=self._owner) from None
            raise Unavailable("HUB203", self._where, **reach.explain_broken([code])) from None


def combine_columns(table: pa.Table) -> list[Any]:
    """Each column as one array."""
    return [
        found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
        for found in (column.combine_chunks() for column in table.columns)
    ]


def build_row_hash(texts: Sequence[str]) -> str:
    """MD5 over the MD5 of every cell, since a text in Oracle ends at 4,000 bytes; NULL is a control character."""
    hashes = [f"standard_hash(nvl({text}, chr(30)), 'MD5')" for text in texts]
    while len(hashes) > 1:
        groups = [hashes[start : start + _HASHES_IN_ONE] for start in range(0, len(hashes), _HASHES_IN_ONE)]
        hashes = [f"standard_hash({' || '.join(f'rawtohex({one})' for one in group)}, 'MD5')" for group in groups]
    return f"lower(rawtohex({hashes[0]}))"


def build_connect_error(error: Exception, where: str, address: ConnectionAddress, owner: str) -> HubError:
    """What a failure to connect means, and what to do about it."""
    found = list_error_codes(error)
    facts = {"reason": found[0], "connection": address.id, "owner": owner}
    way = reach.Route("" if "dsn" in address.options else address.host, address.port or 1521)
    for code, meant in _MEANINGS.items():
        if met := [one for one in found if one in meant]:
            if code == "HUB820":
                return Unavailable(code, where, **facts | reach.explain_unreached(met, way))
            return MachineFault(code, where, **{**facts, "reason": met[0]})
    return Unavailable("HUB202", where, **facts | reach.explain_unreached(found, way))


def list_error_codes(error: Exception) -> list[str]:
    """The codes in a driver's error, the outermost first; its class when it has none."""
    return _ERROR_CODE.findall(str(error)) or [type(error).__name__]


@functools.cache
def _load_client(folder: str | None) -> None:
    """Load Oracle's client, once for the process."""
    oracledb.init_oracle_client(lib_dir=folder)
