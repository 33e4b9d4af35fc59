"""Delivery into Oracle 12.1 and newer: rows in bound batches, everything else one statement over a set.

Oracle ends a transaction at every CREATE. So the staging tables are global temporary tables, made beforehand through a
second connection and kept: their definition is shared, their rows are each session's own and gone with its transaction.
Empty text is NULL here and cannot be delivered as something else: such a delivery is refused with the column's name.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import oracledb

from contracts import ddl
from contracts.contract import FeedDataset
from core.dialects import LogicalType
from core.errors import FeedFailed, HubError, Unavailable
from core.store import reach
from core.store.address import ConnectionAddress
from loaders.base import Delivery
from loaders.tables.control_totals import TEXT, sum_parity
from loaders.tables.dbapi_target import DbapiTarget
from loaders.tables.fitting import ColumnLimit
from loaders.tables.table import CONNECT_SECONDS
from loaders.tables.table_merge import DELIVERIES, GONE, HASH, KEY, SENT, UPSERTS, read_csv_batches

_SILENT_SECONDS = 600
_SESSION = (
    "alter session set nls_numeric_characters = '.,'",
    "alter session set nls_date_format = 'YYYY-MM-DD'",
    "alter session set nls_timestamp_format = 'YYYY-MM-DD HH24:MI:SS.FF6'",
    "alter session set nls_comp = 'BINARY'",
)
_CODE = re.compile(r"\b(?:ORA|DPY|DPI)-\d+")
_THERE, _EXISTS = "ORA-00001", "ORA-00955"
_TRANSIENT = {
    "ORA-00054",
    "ORA-00060",
    "ORA-00028",
    "ORA-01012",
    "ORA-01033",
    "ORA-01089",
    "ORA-03113",
    "ORA-03114",
    "ORA-03135",
}
_NO_ENTRY = {"ORA-01017", "ORA-28000", "ORA-28001", "ORA-12514", "ORA-12505", "ORA-12541", "ORA-12170"}
_OWN_NAME = re.compile(r'(?<!["\w])(_hub_\w+|is_active|ended_on)\b')
_STAGES = (UPSERTS, GONE)
_STAGE = "_hub_stage_"


class OraclePhrases:
    """Oracle 12.1 or newer, of any character set: text is hashed as its bytes in UTF-8."""

    engine = "oracle"

    def spell_character(self, code: int) -> str:
        return f"chr({code})"

    def join_texts(self, parts: Sequence[str]) -> str:
        return f"({' || chr(31) || '.join(parts)})"

    def format_value(self, kind: LogicalType, value: str) -> str:
        nines = "9" * max(kind.precision - kind.scale - 1, 0)
        formats = {
            "boolean": "to_char({v}, 'TM9')",
            "integer": "to_char({v}, 'TM9')",
            "date": "to_char({v}, 'YYYY-MM-DD')",
            "timestamp": "to_char(cast({v} as timestamp(6)), 'YYYY-MM-DD HH24:MI:SS.FF6')",
            "number": "to_char({v}, 'FM{nines}0" + (".{zeros}" if kind.scale else "") + "')",
        }
        return formats.get(kind.name, "to_char({v})").format(v=value, nines=nines, zeros="0" * kind.scale)

    def measure_value(self, kind: LogicalType, value: str) -> str:
        if kind.name in TEXT:
            return f"length({value})"
        return f"(trunc({value}) - date '1970-01-01')" if kind.name == "date" else value

    def hash_text(self, text: str) -> str:
        return f"lower(rawtohex(standard_hash(utl_i18n.string_to_raw({text}, 'AL32UTF8'), 'MD5')))"

    def xor_hashes(self, digest: str) -> str:
        number = f"to_number(substr({digest}, 1, 15), 'XXXXXXXXXXXXXXX')"
        return sum_parity(lambda bit: f"mod(sum(mod(trunc({number} / {bit}), 2)), 2) * {bit}")


class OracleTarget(DbapiTarget):
    """An Oracle schema. The URL's path is the service name; options `sid`, `dsn` and `protocol` as for sources."""

    family: ClassVar[str] = "oracle"
    failures: ClassVar[tuple[type[Exception], ...]] = (oracledb.Error, OSError)
    phrases = OraclePhrases()
    here = "sys_context('USERENV', 'CURRENT_SCHEMA')"
    keeps_empty_text = False
    marks: ClassVar[Mapping[str, str]] = {"is_active": "number(1) default 1 not null", "ended_on": "date"}
    bookkeeping: ClassVar[Mapping[str, str]] = {
        SENT: f"create table {SENT} (edge varchar2(64) not null, dataset varchar2(64) not null,"
        " row_key varchar2(512 char) not null, row_hash varchar2(32) not null, delivery_id varchar2(200) not null,"
        " dropped_on date, primary key (edge, dataset, row_key))",
        DELIVERIES: f"create table {DELIVERIES} (delivery_id varchar2(200) primary key, edge varchar2(64) not null,"
        " dataset varchar2(64) not null, from_version number(19) not null, to_version number(19) not null,"
        ' "MODE" varchar2(10) not null, rows_upsert number(19) not null, rows_delete number(19) not null,'
        " applied_at timestamp default systimestamp not null)",
    }

    def __init__(self, connection: ConnectionAddress) -> None:
        super().__init__(connection)
        self._stages: dict[str, str] = {}

    def execute_statement(self, cursor: Any, statement: str, values: Sequence[object]) -> None:
        cursor.execute(self.rewrite_statement(statement), list(values))

    def translate_error(self, error: Exception, where: str) -> HubError:
        at = self.connection
        return _translate_error(error, where, None if self.is_open else reach.Route(at.host, at.port or 1521))

    def match_nullable(self, left: str, right: str) -> str:
        return f"decode({left}, {right}, 1, 0) = 1"

    def has(self, table: str, condition: str, *values: object) -> bool:
        return bool(self.read_rows(f"select 1 from {table} where {condition} and rownum = 1", *values))

    def record_sent(self, edge: str, dataset: str, delivery_id: str) -> None:
        self.run(
            f"merge into {SENT} s using {UPSERTS} u on (s.edge = %s and s.dataset = %s and s.row_key = u.{KEY})"
            f" when matched then update set row_hash = u.{HASH}, delivery_id = %s, dropped_on = null"
            " when not matched then insert (edge, dataset, row_key, row_hash, delivery_id)"
            f" values (%s, %s, u.{KEY}, u.{HASH}, %s)",
            *(edge, dataset, delivery_id, edge, dataset, delivery_id),
        )

    def list_columns(self, table: str) -> list[str]:
        schema, _, name = table.rpartition(".")
        query = f"select column_name from all_tab_columns where owner = coalesce(%s, {self.here}) and table_name = %s"
        return [str(column) for (column,) in self.read_rows(query, schema or None, name)]

    def read_limits(self, table: str) -> list[ColumnLimit]:
        """Nothing: this server's own refusal shows no value."""
        return []

    def create_staging(self, name: str, table: str, columns: Sequence[str]) -> None:
        """The kept temporary table for these columns, empty in this transaction."""
        selected = (
            f"select cast(null as varchar2(512 char)) as {KEY}, cast(null as varchar2(32)) as {HASH}, {', '.join(columns)}"
            f" from {table} where 1 = 0"
        )
        mark = hashlib.md5(f"{name} {selected}".encode(), usedforsecurity=False).hexdigest()[:12]
        self._stages[name] = f"{_STAGE}{mark}"
        self._run_definition(f"create global temporary table {name} on commit delete rows as {selected}")
        self.run(f"delete from {name}")

    def load(self, file: Path, table: str, columns: Sequence[str]) -> None:
        marks = ", ".join(["%s"] * len(columns))
        statement = self.rewrite_statement(f"insert into {table} ({', '.join(columns)}) values ({marks})")
        with self._ensure_connected().cursor() as cursor:
            for rows in read_csv_batches(file, len(columns)):
                refuse_empty_text(table, columns, rows)
                cursor.executemany(statement, rows)

    def update(self, table: str, source: str, on: str, values: Mapping[str, str], *bound: object) -> int:
        alias = table.split()[-1]
        changes = ", ".join(f"{alias}.{name} = {value}" for name, value in values.items())
        other = " or ".join(f"not ({self.match_nullable(f'{alias}.{name}', value)})" for name, value in values.items())
        return self.run(
            f"merge into {table} using {source} on ({on}) when matched then update set {changes} where {other}", *bound
        )

    def delete(self, table: str, source: str, on: str, *bound: object) -> int:
        return self.run(f"delete from {table} where exists (select 1 from {source} where {on})", *bound)

    def create_table(self, feed: FeedDataset, statement: str) -> None:
        for part in [statement, *ddl.compile_comments(feed.physical, feed.title, feed.columns, self.phrases.engine)]:
            self.run(part)

    def refuse_unsafe_table(self, feed: FeedDataset) -> None:
        """Every table has transactions."""

    def drop_scratch(self, feed: FeedDataset) -> None:
        super().drop_scratch(feed)
        stages, self._stages = self._stages, {}
        for stage in stages.values():
            with contextlib.suppress(oracledb.Error):
                self._run_definition(f"drop table {stage}")

    def rewrite_statement(self, statement: str) -> str:
        """The statement as this server takes it: our own names quoted, staging tables by the names that they have, marks
        numbered."""
        for name in _STAGES:
            if name in self._stages:
                statement = re.sub(rf"\b{name}\b", self._stages[name], statement)
        first, *rest = _OWN_NAME.sub(r'"\1"', statement.replace(" mode,", ' "MODE",')).split("%s")
        return first + "".join(f":b{place}{piece}" for place, piece in enumerate(rest, start=1))

    def _run_definition(self, statement: str) -> None:
        """A statement that would end the transaction, in a session of its own."""
        with contextlib.closing(self.connect()) as link, link.cursor() as cursor:
            try:
                cursor.execute(self.rewrite_statement(statement))
            except oracledb.Error as error:
                if _find_error_code(error) != _EXISTS:
                    raise

    def _claim_delivery(self, delivery: Delivery) -> bool:
        """Whoever comes second waits for the first and then finds the key there."""
        try:
            return super()._claim_delivery(delivery)
        except oracledb.IntegrityError as error:
            if _find_error_code(error) != _THERE:
                raise
            return False

    def connect(self) -> oracledb.Connection:
        given = self.connection
        params = oracledb.ConnectParams(
            host=given.host,
            port=given.port or 1521,
            service_name=None if "sid" in given.options else given.database,
            sid=given.options.get("sid"),
            protocol=given.options.get("protocol", "tcp"),
            tcp_connect_timeout=CONNECT_SECONDS,
            retry_count=0,
        )
        named = {"user": given.user, "password": given.password, "dsn": given.options.get("dsn"), "params": params}
        link: oracledb.Connection = reach.connect_within(2 * CONNECT_SECONDS, lambda: oracledb.connect(**named))
        link.call_timeout = _SILENT_SECONDS * 1000
        link.outputtypehandler = _convert_number
        with link.cursor() as cursor:
            for statement in _SESSION:
                cursor.execute(statement)
        return link


def refuse_empty_text(table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Refuse rows that hold a text which Oracle would make NULL of.

    Raises:
        FeedFailed: HUB826 with the columns.
    """
    blank = [name for name, values in zip(columns, zip(*rows, strict=True), strict=True) if "" in values]
    if blank:
        raise FeedFailed("HUB826", table, columns=", ".join(blank))


def _convert_number(cursor: oracledb.Cursor, column: Any) -> Any:
    """Numbers as decimals: the driver's floats would not hold a sum of money."""
    return cursor.var(Decimal, arraysize=cursor.arraysize) if column.type_code is oracledb.DB_TYPE_NUMBER else None


def _find_error_code(error: Exception) -> str:
    found = _CODE.search(str(error))
    return found[0] if found else type(error).__name__


def _translate_error(error: Exception, where: str, way: reach.Route | None) -> HubError:
    code = _find_error_code(error)
    if isinstance(error, OSError) or code.startswith("DPY-") or code in _TRANSIENT | _NO_ENTRY:
        return Unavailable("HUB204", where, **(reach.explain_unreached([code], way) if way else reach.explain_broken([code])))
    return FeedFailed("HUB601", where, **reach.explain_refusal(code, code))
