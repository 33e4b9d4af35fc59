"""Delivery into MySQL and MariaDB: rows by LOAD DATA LOCAL, or by bound batches where the server does not allow that.

LOAD DATA LOCAL only warns about a value that does not fit, so a warning counts as a refusal here. Temporary tables take
the types and collations of the receiver's own, so that joins find its indexes and keys are equal when it says so.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, cast

import pymysql
import pymysql.connections
from pymysql.cursors import SSCursor
from pymysql.protocol import LoadLocalPacketWrapper

from contracts.contract import FeedDataset
from core.dialects import LogicalType
from core.errors import FeedFailed, HubError, Unavailable
from core.settings import get_settings
from core.store import reach
from loaders.tables.control_totals import TEXT
from loaders.tables.dbapi_target import DbapiTarget
from loaders.tables.table import CONNECT_SECONDS, LOCK_SECONDS
from loaders.tables.table_merge import DELIVERIES, HASH, KEY, SENT, read_csv_batches

_NO_ENTRY = (1040, 1044, 1045, 1049, 1129, 1130, 2002, 2003)
_LOST = (0, 1053, 1152, 1158, 1159, 1160, 1161, 1317, 1927, 2006, 2013, 2055)
_LOCKED = (1205, 1213)
_TRANSIENT = frozenset(_NO_ENTRY + _LOST + _LOCKED)
"""Error numbers that are worth another try."""
_SESSION = (
    f"set session sql_mode = 'TRADITIONAL', innodb_lock_wait_timeout = {LOCK_SECONDS}, lock_wait_timeout = {LOCK_SECONDS}"
)
_OPTIONS = "engine=InnoDB default character set utf8mb4 collate utf8mb4_bin"
_WORD = "varchar(64) character set ascii collate ascii_bin not null"


class _OwnFilesOnly(LoadLocalPacketWrapper):
    """The protocol lets a server name any file of this machine when rows are loaded: it gets those of deliveries only."""

    def __init__(self, from_packet: Any) -> None:
        super().__init__(from_packet)
        if get_settings().work.resolve() not in Path(os.fsdecode(self.filename)).resolve().parents:
            raise FeedFailed("HUB601", "LOAD DATA LOCAL", reason="foreign file")


# The driver has no setting for this, and its stubs do not show the name.
pymysql.connections.LoadLocalPacketWrapper = _OwnFilesOnly  # type: ignore[attr-defined]


class MysqlPhrases:
    """MySQL 5.7 or MariaDB 10.2 and newer. Text is brought to UTF-8 and compared byte by byte, whatever the table says."""

    engine = "mysql"

    def spell_character(self, code: int) -> str:
        return f"char({code} using utf8mb4)"

    def join_texts(self, parts: Sequence[str]) -> str:
        return f"convert(concat_ws(char(31 using utf8mb4), {', '.join(parts)}) using utf8mb4) collate utf8mb4_bin"

    def format_value(self, kind: LogicalType, value: str) -> str:
        formats = {
            "boolean": "cast(cast({v} as signed) as char)",
            "date": "date_format({v}, '%%Y-%%m-%%d')",
            "timestamp": "date_format({v}, '%%Y-%%m-%%d %%H:%%i:%%s.%%f')",
            "number": "cast(cast({v} as decimal({p},{s})) as char)",
            "integer": "cast({v} as char)",
        }
        return formats.get(kind.name, "convert({v} using utf8mb4)").format(v=value, p=kind.precision, s=kind.scale)

    def measure_value(self, kind: LogicalType, value: str) -> str:
        if kind.name in TEXT:
            return f"char_length({value})"
        if kind.name == "date":
            return f"datediff({value}, '1970-01-01')"
        if kind.name == "boolean":
            return f"({value} <> 0)"
        # A column of binary fractions is summed with spare digits, so that its error shows and its noise does not.
        return value if kind.name == "integer" else f"cast({value} as decimal(65,{min(kind.scale + 4, 30)}))"

    def hash_text(self, text: str) -> str:
        return f"md5({text})"

    def xor_hashes(self, digest: str) -> str:
        return f"bit_xor(cast(conv(left({digest}, 15), 16, 10) as unsigned))"


class MysqlTarget(DbapiTarget):
    """A MySQL or MariaDB database. Option `unix_socket` of the connection names a socket."""

    family: ClassVar[str] = "mysql"
    failures: ClassVar[tuple[type[Exception], ...]] = (pymysql.Error,)
    phrases = MysqlPhrases()
    marks: ClassVar[Mapping[str, str]] = {"is_active": "tinyint(1) not null default 1", "ended_on": "date"}
    here = "database()"
    pads = True
    unless_there = "on duplicate key update delivery_id = delivery_id"
    overwrite = "on duplicate key update row_hash = values(row_hash), delivery_id = values(delivery_id), dropped_on = null"
    bookkeeping: ClassVar[Mapping[str, str]] = {
        SENT: f"create table if not exists {SENT} (edge {_WORD}, dataset {_WORD}, row_key varchar(512) not null,"
        f" row_hash char(32) character set ascii not null, delivery_id varchar(200) not null, dropped_on date,"
        f" primary key (edge, dataset, row_key)) {_OPTIONS}",
        DELIVERIES: f"create table if not exists {DELIVERIES} (delivery_id varchar(200) primary key,"
        f" edge {_WORD}, dataset {_WORD},"
        " from_version bigint not null, to_version bigint not null, mode varchar(10) not null, rows_upsert bigint not null,"
        f" rows_delete bigint not null, applied_at datetime not null default current_timestamp) {_OPTIONS}",
    }

    def begin(self, link: Any) -> None:
        link.begin()

    def execute_statement(self, cursor: Any, statement: str, values: Sequence[object]) -> None:
        cursor.execute(statement, values)

    def open_unbuffered(self) -> contextlib.AbstractContextManager[Any]:
        cursor: contextlib.AbstractContextManager[Any] = self._ensure_connected().cursor(SSCursor)
        return cursor

    def translate_error(self, error: Exception, where: str) -> HubError:
        at = self.connection
        way = reach.Route(at.host or "localhost", at.port or 3306, at.options.get("unix_socket", ""))
        return _translate_error(error, where, None if self.is_open else way)

    def match_exactly(self, left: str, right: str) -> str:
        return f"cast({left} as binary) = cast({right} as binary)"

    def match_nullable(self, left: str, right: str) -> str:
        return f"{left} <=> {right}"

    def create_staging(self, name: str, table: str, columns: Sequence[str]) -> None:
        self.run(f"drop temporary table if exists {name}")
        self.run(
            f"create temporary table {name}"
            f" ({KEY} varchar(512) character set utf8mb4 collate utf8mb4_bin not null default '' primary key,"
            f" {HASH} char(32) character set ascii) engine=InnoDB as select {', '.join(columns)} from {table} limit 0"
        )

    def load(self, file: Path, table: str, columns: Sequence[str]) -> None:
        names = ", ".join(columns)
        [(allowed,)] = self.read_rows("select @@local_infile")
        if not allowed:
            self._insert_batches(file, f"insert into {table} ({names}) values ({', '.join(['%s'] * len(columns))})")
            return
        self.run(
            f"load data local infile %s into table {table} character set utf8mb4"
            f" fields terminated by ',' enclosed by '\"' escaped by '' lines terminated by '\\n' ({names})",
            str(file),
        )
        warnings = self.read_rows("show warnings")
        if warnings:
            raise pymysql.DataError(warnings[0][1], "")

    def update(self, table: str, source: str, on: str, values: Mapping[str, str], *bound: object) -> int:
        alias = table.split()[-1]
        changes = ", ".join(f"{alias}.{name} = {value}" for name, value in values.items())
        return self.run(f"update {table} join {source} on {on} set {changes}", *bound)

    def delete(self, table: str, source: str, on: str, *bound: object) -> int:
        return self.run(f"delete {table.split()[-1]} from {table} join {source} on {on}", *bound)

    def create_table(self, feed: FeedDataset, statement: str) -> None:
        self.run(f"{statement.replace('%', '%%')} {_OPTIONS} comment %s", feed.title)

    def refuse_unsafe_table(self, feed: FeedDataset) -> None:
        schema, _, name = feed.physical.rpartition(".")
        [(found,)] = self.read_rows(
            "select coalesce((select e.transactions from information_schema.tables t"
            " join information_schema.engines e on e.engine = t.engine"
            " where t.table_schema = coalesce(%s, database()) and t.table_name = %s), 'YES')",
            *(schema or None, name),
        )
        if found != "YES":
            raise FeedFailed("HUB611", feed.id, table=feed.physical, found=found)

    def _insert_batches(self, file: Path, statement: str) -> None:
        """Bound batches; the driver folds each into statements of many rows."""
        with self._ensure_connected().cursor() as cursor:
            for rows in read_csv_batches(file, statement.count("%s")):
                cursor.executemany(statement, rows)

    def connect(self) -> pymysql.Connection[Any]:
        given = self.connection
        tls = given.tls
        link = pymysql.connect(
            host=given.host or "localhost",
            port=given.port or 3306,
            user=given.user,
            password=given.password,
            database=given.database or None,
            unix_socket=given.options.get("unix_socket"),
            charset="utf8mb4",
            local_infile=True,
            connect_timeout=CONNECT_SECONDS,
            read_timeout=CONNECT_SECONDS,  # for the greeting: there are servers that take a connection and say nothing
            init_command=_SESSION,
            ssl=tls.context(given.id) if tls else None,
            ssl_disabled=not tls and "unix_socket" in given.options,  # a socket needs none, and a context costs 40 ms
        )
        cast(Any, link)._read_timeout = None  # statements take as long as they take
        return link


def _translate_error(error: Exception, where: str, way: reach.Route | None) -> HubError:
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    reason = f"{type(error).__name__} {number}"
    if number in _TRANSIENT:
        codes = [str(number), type(error).__name__] if number else [type(error).__name__]
        return Unavailable("HUB204", where, **(reach.explain_unreached(codes, way) if way else reach.explain_broken(codes)))
    return FeedFailed("HUB601", where, **reach.explain_refusal(reason, str(number)))
