"""Delivery into SQL Server 2019 and newer: rows as literals of many at a time, everything else one statement over a set.

2019 is the first that can hash text as UTF-8, on which receipts rest. Comparisons of content are made byte by byte,
since a receiver's collation may take different letters, or trailing spaces, for the same.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, cast

import pymssql
from pymssql import _mssql

from contracts.contract import FeedDataset
from core.dialects import LogicalType
from core.errors import FeedFailed, HubError, Unavailable
from core.store import reach
from loaders.base import Delivery
from loaders.tables.control_totals import TEXT, sum_parity
from loaders.tables.dbapi_target import DbapiTarget
from loaders.tables.table import CONNECT_SECONDS, LOCK_SECONDS
from loaders.tables.table_merge import DELIVERIES, GONE, HASH, KEY, SENT, TWINS, UPSERTS, read_csv_batches

_ROWS_AT_ONCE = 500
"""Rows of one INSERT; the server takes at most 1,000."""
_SILENT_SECONDS = 600
_LOST = range(20000, 20100)
"""Numbers of the driver's own errors: no connection, or a broken one."""
_TRANSIENT = frozenset((1205, 1222, 4060, 18456, 10928, 10929, 40197, 40501, 40613))
_UTF8 = "collate Latin1_General_100_BIN2_UTF8"
_BYTES = "collate Latin1_General_BIN2"
_SESSION = ("set xact_abort on", "set dateformat ymd", f"set lock_timeout {LOCK_SECONDS * 1000}")
_STAGED = re.compile(rf"\b({UPSERTS}|{GONE}|{TWINS})\b")
_WORD = f"varchar(64) {_BYTES} not null"


class MssqlPhrases:
    """SQL Server 2019 or newer."""

    engine = "mssql"

    def spell_character(self, code: int) -> str:
        return f"nchar({code})"

    def join_texts(self, parts: Sequence[str]) -> str:
        return f"(convert(nvarchar(max), {' + nchar(31) + '.join(parts)}) {_BYTES})"

    def format_value(self, kind: LogicalType, value: str) -> str:
        formats = {
            "boolean": "convert(nvarchar(1), convert(int, {v}))",
            "date": "convert(nvarchar(10), convert(date, {v}), 23)",
            "timestamp": "convert(nvarchar(26), convert(datetime2(6), {v}), 121)",
            "number": "convert(nvarchar(50), convert(decimal({p},{s}), {v}))",
            "integer": "convert(nvarchar(20), convert(bigint, {v}))",
        }
        return formats.get(kind.name, "convert(nvarchar(max), {v})").format(v=value, p=kind.precision, s=kind.scale)

    def measure_value(self, kind: LogicalType, value: str) -> str:
        if kind.name in TEXT:  # a character beyond the basic plane is one; LEN itself would drop spaces at the end
            return f"convert(bigint, len((convert(nvarchar(max), {value}) + N'x') collate Latin1_General_100_CI_AS_SC) - 1)"
        if kind.name == "date":
            return f"convert(bigint, datediff(day, '1970-01-01', {value}))"
        return f"convert(decimal(38,{kind.scale if kind.name == 'number' else 0}), {value})"

    def hash_text(self, text: str) -> str:
        return f"lower(convert(varchar(32), hashbytes('MD5', convert(varchar(max), {text} {_UTF8})), 2))"

    def xor_hashes(self, digest: str) -> str:
        number = f"convert(bigint, convert(varbinary(8), '0' + left({digest}, 15), 2))"
        return sum_parity(lambda bit: f"sum({number} / convert(bigint, {bit}) % 2) % 2 * convert(bigint, {bit})")


class MssqlTarget(DbapiTarget):
    """A SQL Server database. Option `tds_version` of the connection (7.4 unless said)."""

    family: ClassVar[str] = "mssql"
    failures: ClassVar[tuple[type[Exception], ...]] = (pymssql.Error, OSError)
    phrases = MssqlPhrases()
    here = "schema_name()"
    pads = True
    marks: ClassVar[Mapping[str, str]] = {"is_active": "bit not null default 1", "ended_on": "date"}
    bookkeeping: ClassVar[Mapping[str, str]] = {
        SENT: f"create table {SENT} (edge {_WORD}, dataset {_WORD}, row_key nvarchar(380) {_BYTES} not null,"
        f" row_hash char(32) not null, delivery_id varchar(200) not null, dropped_on date,"
        " primary key (edge, dataset, row_key))",
        DELIVERIES: f"create table {DELIVERIES} (delivery_id varchar(200) {_BYTES} primary key, edge {_WORD}, dataset {_WORD},"
        " from_version bigint not null, to_version bigint not null, mode varchar(10) not null, rows_upsert bigint not null,"
        " rows_delete bigint not null, applied_at datetime2(0) not null default sysdatetime())",
    }

    def execute_statement(self, cursor: Any, statement: str, values: Sequence[object]) -> None:
        cursor.execute(rewrite_statement(statement, values))

    def translate_error(self, error: Exception, where: str) -> HubError:
        at = self.connection
        return _translate_error(error, where, None if self.is_open else reach.Route(at.host, at.port or 1433))

    def match_exactly(self, left: str, right: str) -> str:
        one, other = (f"convert(varbinary(max), convert(nvarchar(max), {text}))" for text in (left, right))
        return f"{one} = {other}"

    def match_nullable(self, left: str, right: str) -> str:
        return f"exists (select convert(varbinary(max), {left}) intersect select convert(varbinary(max), {right}))"

    def has(self, table: str, condition: str, *values: object) -> bool:
        return bool(self.read_rows(f"select top 1 1 from {table} where {condition}", *values))

    def record_sent(self, edge: str, dataset: str, delivery_id: str) -> None:
        ours = f"s.edge = %s and s.dataset = %s and s.row_key = u.{KEY}"
        self.run(
            f"update s set row_hash = u.{HASH}, delivery_id = %s, dropped_on = null from {SENT} s join {UPSERTS} u on {ours}",
            *(delivery_id, edge, dataset),
        )
        self.run(
            f"insert into {SENT} (edge, dataset, row_key, row_hash, delivery_id)"
            f" select %s, %s, u.{KEY}, u.{HASH}, %s from {UPSERTS} u where not exists (select 1 from {SENT} s where {ours})",
            *(edge, dataset, delivery_id, edge, dataset),
        )

    def create_staging(self, name: str, table: str, columns: Sequence[str]) -> None:
        self.run(f"if object_id('tempdb..#{name}') is not null drop table {name}")
        self.run(
            f"select top 0 cast(null as nvarchar(380)) {_BYTES} as {KEY}, cast(null as char(32)) as {HASH},"
            f" {', '.join(columns)}"
            f" into {name} from {table}"
        )
        self.run(f"create clustered index {name}_key on {name} ({KEY})")

    def load(self, file: Path, table: str, columns: Sequence[str]) -> None:
        for rows in read_csv_batches(file, len(columns)):
            for start in range(0, len(rows), _ROWS_AT_ONCE):
                some = rows[start : start + _ROWS_AT_ONCE]
                marks = ", ".join([f"({', '.join(['%s'] * len(columns))})"] * len(some))
                self.run(
                    f"insert into {table} ({', '.join(columns)}) values {marks}", *(value for row in some for value in row)
                )

    def update(self, table: str, source: str, on: str, values: Mapping[str, str], *bound: object) -> int:
        alias = table.split()[-1]
        changes = ", ".join(f"{name} = {value}" for name, value in values.items())
        other = " or ".join(f"not {self.match_nullable(f'{alias}.{name}', value)}" for name, value in values.items())
        return self.run(f"update {alias} set {changes} from {table} join {source} on {on} where {other}", *bound)

    def delete(self, table: str, source: str, on: str, *bound: object) -> int:
        return self.run(f"delete {table.split()[-1]} from {table} join {source} on {on}", *bound)

    def create_table(self, feed: FeedDataset, statement: str) -> None:
        self.run(statement)

    def refuse_unsafe_table(self, feed: FeedDataset) -> None:
        """Every table has transactions."""

    def _claim_delivery(self, delivery: Delivery) -> bool:
        feed = delivery.feed
        facts = (delivery.id, feed.edge, feed.dataset, delivery.from_version, delivery.to_version, delivery.mode)
        return bool(
            self.run(
                f"insert into {DELIVERIES}"
                " (delivery_id, edge, dataset, from_version, to_version, mode, rows_upsert, rows_delete)"
                " select %s, %s, %s, %s, %s, %s, 0, 0"
                f" where not exists (select 1 from {DELIVERIES} with (updlock, holdlock) where delivery_id = %s)",
                *(*facts, delivery.id),
            )
        )

    def connect(self) -> pymssql.Connection:
        given = self.connection
        link = pymssql.connect(
            server=given.host,
            port=str(given.port or 1433),
            user=given.user,
            password=given.password,
            database=given.database,
            timeout=_SILENT_SECONDS,
            login_timeout=CONNECT_SECONDS,
            charset="UTF-8",
            appname="campus-hub",
            tds_version=given.options.get("tds_version", "7.4"),
        )
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(link.close)
            with link.cursor() as cursor:
                for statement in _SESSION:
                    cursor.execute(statement)
            on_failure.pop_all()
        return link


def rewrite_statement(statement: str, values: Sequence[object]) -> str:
    """The statement as this server takes it: temporary tables by their own names, a literal for every mark. The driver would
    take signs of per cent in names for marks, so it is asked for one literal at a time."""
    first, *rest = _STAGED.sub(r"#\1", statement.replace("tempdb..#", "tempdb..")).split("%s")
    literals = [cast(Any, _mssql).substitute_params("%s", (value,)).decode() for value in values]
    return first + "".join(literal + piece for literal, piece in zip(literals, rest, strict=True))


def _translate_error(error: Exception, where: str, way: reach.Route | None) -> HubError:
    number = error.args[0] if error.args else 0
    number = number[0] if isinstance(number, tuple) and number else number
    reason = f"{type(error).__name__} {number if isinstance(number, int) else ''}".strip()
    if isinstance(error, OSError) or number in _TRANSIENT or number in _LOST:
        codes = [*([str(number)] if isinstance(number, int) and number else []), type(error).__name__]
        return Unavailable("HUB204", where, **(reach.explain_unreached(codes, way) if way else reach.explain_broken(codes)))
    return FeedFailed("HUB601", where, **reach.explain_refusal(reason, str(number)))
