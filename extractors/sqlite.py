"""SQLite: one read transaction on the department's own file, opened read-only.

A column's declared type binds nobody here: any cell may hold anything. So each column is asked what it really holds in
the same snapshot: one text among the integers makes the column land as text, and the conform step names the row whose cell
cannot be read. Numbers land as the text in which SQLite shows them (15 digits), dates as they were written. While a reader
has its snapshot, a writer of a file without write-ahead log waits with its commit.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from typing import ClassVar
from urllib.parse import quote

import pyarrow as pa

from contracts.contract import Column
from core.errors import Refused, Unavailable
from core.settings import get_settings
from core.store import reach
from core.store.address import ConnectionAddress
from extractors.base import SourceColumn, classify_type
from extractors.databases.cursor import ColumnBlock, ColumnInfo, ColumnSelect, CursorExtractor, Session, read_rows

_SECONDS_LOCKED = 20
"""How long to wait for a writer that is just committing."""
_TABLES = (
    "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite~_%' escape '~' order by name"
)
_COLUMNS = 'select name, type, "notnull" from pragma_table_xinfo(?) where hidden <> 1 order by cid'
_KEY = "select name from pragma_table_xinfo(?) where pk > 0 order by pk"
_DAMAGED = {"SQLITE_NOTADB", "SQLITE_CORRUPT"}


class SqliteExtractor(CursorExtractor):
    """Family `sqlite`. The URL's path is the file: `sqlite:////srv/office/office.db`."""

    family: ClassVar[str] = "sqlite"

    @contextlib.contextmanager
    def open_snapshot(self, where: str, owner: str) -> Iterator[Session]:
        with contextlib.closing(_open_file(self.connection, where, owner)) as link:
            session = _SqliteSession(link, where, owner)
            session.begin()
            yield session

    def list_tables(self) -> list[str]:
        with self.open_session() as session:
            return [name for (name,) in read_rows(session, _TABLES)]

    def read_primary_key(self, physical: str) -> list[str]:
        with self.open_session() as session:
            return [name for (name,) in read_rows(session, _KEY, [physical])]

    def describe_table(self, session: Session, physical: str) -> list[ColumnInfo]:
        return [
            ColumnInfo(SourceColumn(name, kind, _classify_type(kind), not required))
            for name, kind, required in read_rows(session, _COLUMNS, [physical])
        ]

    def select_column(self, column: Column, seen: ColumnInfo, encoding: str | None) -> ColumnSelect:
        name, kind = self.quote_name(column.physical), seen.column.kind
        text = f"cast({name} as text)"
        if kind in {"integer", "boolean"}:
            return ColumnSelect(column.physical, name, text, pa.int64(), unfit=f"typeof({name}) not in ('integer', 'null')")
        if kind == "bytes" and not encoding:
            return ColumnSelect(column.physical, f"lower(hex({name}))", text, pa.string())
        if encoding and kind in {"bytes", "string", "any"}:
            return ColumnSelect(column.physical, f"cast({name} as blob)", text, pa.string(), encoding=encoding)
        return ColumnSelect(column.physical, text, text, pa.string())

    def write_placeholder(self, place: int) -> str:
        return "?"

    def build_key_condition(self, names: Sequence[str], rows: int) -> str:
        row = f"({', '.join('?' * len(names))})"
        return f"({', '.join(names)}) in (values {', '.join([row] * rows)})"

    def quote_table(self, physical: str) -> str:
        return self.quote_name(physical)


class _SqliteSession:
    """One open file inside its read transaction; every text comes as the bytes that are stored."""

    def __init__(self, link: sqlite3.Connection, where: str, owner: str) -> None:
        self._link, self._where, self._owner = link, where, owner

    def begin(self) -> None:
        with self._translate_errors():
            self._link.execute("begin")
            self._link.execute("select 1 from sqlite_master").close()  # the snapshot begins with the first read

    def build_row_hash(self, texts: Sequence[str]) -> None:
        """SQLite has no function for it."""

    def read_blocks(self, sql: str, bounds: Sequence[object] = ()) -> Generator[ColumnBlock, None, None]:
        with self._translate_errors(), contextlib.closing(self._link.cursor()) as cursor:
            cursor.execute(sql, bounds)
            while block := cursor.fetchmany(get_settings().batch_rows):
                yield list(zip(*block, strict=True))

    @contextlib.contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            reason = _find_reason(error)
            if reason in _DAMAGED:
                raise Refused(
                    "HUB308", self._where, file="SQLite", problem_key="damage.sqlite", reason=reason, owner=self._owner
                ) from None
            raise Unavailable("HUB203", self._where, **reach.explain_broken([reason])) from None


def _open_file(address: ConnectionAddress, where: str, owner: str) -> sqlite3.Connection:
    path = "/" + address.path.lstrip("/")
    try:
        link = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, isolation_level=None, timeout=_SECONDS_LOCKED)
    except sqlite3.Error as error:
        facts = reach.explain_unreached([_find_reason(error)], reach.Route())
        raise Unavailable("HUB202", where, **facts, connection=address.id, owner=owner) from None
    link.text_factory = bytes
    return link


def _classify_type(declared: str) -> str:
    """The family of a declared type; a column without one is as good as any."""
    return classify_type(declared) if declared else "any"


def _find_reason(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", None) or type(error).__name__
