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
from core.settings import settings
from core.store import reach
from core.store.address import Connection
from extractors.base import SourceColumn, kind_of
from extractors.databases.cursor import Block, Cell, Seen, Session, Tabular, rows

_SECONDS_LOCKED = 20
"""How long to wait for a writer that is just committing."""
_TABLES = (
    "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite~_%' escape '~' order by name"
)
_COLUMNS = 'select name, type, "notnull" from pragma_table_xinfo(?) where hidden <> 1 order by cid'
_KEY = "select name from pragma_table_xinfo(?) where pk > 0 order by pk"
_DAMAGED = {"SQLITE_NOTADB", "SQLITE_CORRUPT"}


class SQLite(Tabular):
    """Family `sqlite`. The URL's path is the file: `sqlite:////srv/office/office.db`."""

    family: ClassVar[str] = "sqlite"

    @contextlib.contextmanager
    def snapshot(self, where: str, owner: str) -> Iterator[Session]:
        with contextlib.closing(_open(self.connection, where, owner)) as link:
            session = _Session(link, where, owner)
            session.begin()
            yield session

    def tables(self) -> list[str]:
        with self.opened() as session:
            return [name for (name,) in rows(session, _TABLES)]

    def primary_key(self, physical: str) -> list[str]:
        with self.opened() as session:
            return [name for (name,) in rows(session, _KEY, [physical])]

    def describe(self, session: Session, physical: str) -> list[Seen]:
        return [
            Seen(SourceColumn(name, kind, _kind(kind), not required))
            for name, kind, required in rows(session, _COLUMNS, [physical])
        ]

    def cell(self, column: Column, seen: Seen, encoding: str | None) -> Cell:
        name, kind = self.name(column.physical), seen.column.kind
        text = f"cast({name} as text)"
        if kind in {"integer", "boolean"}:
            return Cell(column.physical, name, text, pa.int64(), unfit=f"typeof({name}) not in ('integer', 'null')")
        if kind == "bytes" and not encoding:
            return Cell(column.physical, f"lower(hex({name}))", text, pa.string())
        if encoding and kind in {"bytes", "string", "any"}:
            return Cell(column.physical, f"cast({name} as blob)", text, pa.string(), encoding=encoding)
        return Cell(column.physical, text, text, pa.string())

    def mark(self, place: int) -> str:
        return "?"

    def among(self, names: Sequence[str], rows: int) -> str:
        row = f"({', '.join('?' * len(names))})"
        return f"({', '.join(names)}) in (values {', '.join([row] * rows)})"

    def table(self, physical: str) -> str:
        return self.name(physical)


class _Session:
    """One open file inside its read transaction; every text comes as the bytes that are stored."""

    def __init__(self, link: sqlite3.Connection, where: str, owner: str) -> None:
        self._link, self._where, self._owner = link, where, owner

    def begin(self) -> None:
        with self._spoken():
            self._link.execute("begin")
            self._link.execute("select 1 from sqlite_master").close()  # the snapshot begins with the first read

    def digest(self, texts: Sequence[str]) -> None:
        """SQLite has no function for it."""

    def blocks(self, sql: str, bounds: Sequence[object] = ()) -> Generator[Block, None, None]:
        with self._spoken(), contextlib.closing(self._link.cursor()) as cursor:
            cursor.execute(sql, bounds)
            while block := cursor.fetchmany(settings().batch_rows):
                yield list(zip(*block, strict=True))

    @contextlib.contextmanager
    def _spoken(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            reason = _reason(error)
            if reason in _DAMAGED:
                raise Refused(
                    "HUB308", self._where, file="SQLite", problem_key="damage.sqlite", reason=reason, owner=self._owner
                ) from None
            raise Unavailable("HUB203", self._where, **reach.broken([reason])) from None


def _open(address: Connection, where: str, owner: str) -> sqlite3.Connection:
    path = "/" + address.path.lstrip("/")
    try:
        link = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, isolation_level=None, timeout=_SECONDS_LOCKED)
    except sqlite3.Error as error:
        facts = reach.unreached([_reason(error)], reach.Way())
        raise Unavailable("HUB202", where, **facts, connection=address.id, owner=owner) from None
    link.text_factory = bytes
    return link


def _kind(declared: str) -> str:
    """The family of a declared type; a column without one is as good as any."""
    return kind_of(declared) if declared else "any"


def _reason(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", None) or type(error).__name__
