"""Delivery into PostgreSQL: rows by COPY, values bound by the client so that one statement text serves every server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pyarrow as pa
from psycopg import ClientCursor

from contracts import ddl
from contracts.contract import FeedDataset
from core.dialects import LogicalType
from core.errors import FeedFailed, HubError, Unavailable
from core.store import postgres, reach
from core.store.address import ConnectionAddress
from loaders.tables import control_totals
from loaders.tables.control_totals import TEXT
from loaders.tables.table import CONNECT_SECONDS, LOCK_SECONDS, TableTarget
from loaders.tables.table_merge import DELIVERIES, HASH, KEY, SENT

_CHUNK = 1 << 20
_TRANSIENT = ("08", "40", "55", "57")
"""SQLSTATE classes: connection, rollback by the server (deadlock), object in use (lock), operator's intervention."""
_LOCK_CREATE = 4_827_104_431
"""Advisory lock under which tables are made: two edges may use one database for the first time at once."""
_FOLDS = """
    select exists (
        select 1 from pg_attribute a join pg_type t on t.oid = a.atttypid left join pg_collation c on c.oid = a.attcollation
        where a.attrelid = to_regclass(%s) and a.attname = any(%s)
          and (t.typname in ('citext', 'bpchar') or not c.collisdeterministic)
    )
"""
_TERSE = "set_config('log_error_verbosity', 'terse', false)"
"""The server's log then has an error without the row that it speaks of; only some accounts may ask for that."""
_MAY_BE_TERSE = "has_parameter_privilege('log_error_verbosity', 'set')"
_PLANNING = "-c random_page_cost=1.1 -c default_statistics_target=10"
"""How this session plans: a delivery's few rows are looked up and not found by reading the receiver's whole table, and a rough
look at them is enough to know that they are few."""


class PostgresPhrases:
    """PostgreSQL 14 or newer (`bit_xor`). Casts keep the recipe working on a receiver's own, slightly other types."""

    engine = "postgresql"

    def spell_character(self, code: int) -> str:
        return f"chr({code})"

    def join_texts(self, parts: Sequence[str]) -> str:
        return f"concat_ws(chr(31), {', '.join(parts)})"

    def format_value(self, kind: LogicalType, value: str) -> str:
        formats = {
            "boolean": "cast(cast({v} as integer) as text)",
            "date": "to_char({v}, 'YYYY-MM-DD')",
            "timestamp": "to_char({v}, 'YYYY-MM-DD HH24:MI:SS.US')",
            "number": "cast(cast({v} as numeric({p},{s})) as text)",
        }
        return formats.get(kind.name, "cast({v} as text)").format(v=value, p=kind.precision, s=kind.scale)

    def measure_value(self, kind: LogicalType, value: str) -> str:
        if kind.name in TEXT:
            return f"length({value})"
        if kind.name == "date":
            return f"(cast({value} as date) - date '1970-01-01')"
        return f"cast({value} as {'integer' if kind.name == 'boolean' else 'numeric'})"

    def hash_text(self, text: str) -> str:
        return f"md5(convert_to({text}, 'UTF8'))"

    def xor_hashes(self, digest: str) -> str:
        return f"coalesce(bit_xor(cast(cast('x' || substr({digest}, 1, 15) as bit(60)) as bigint)), 0)"


class PostgresTarget(TableTarget):
    """A PostgreSQL database. The connection's options go to the driver as they are (`sslmode`, `host` of a socket)."""

    family: ClassVar[str] = "postgresql"
    phrases = PostgresPhrases()
    marks: ClassVar[Mapping[str, str]] = {"is_active": "boolean not null default true", "ended_on": "date"}
    here = "current_schema()"
    unless_there = "on conflict (delivery_id) do nothing"
    overwrite = (
        "on conflict (edge, dataset, row_key) do update"
        " set row_hash = excluded.row_hash, delivery_id = excluded.delivery_id, dropped_on = null"
    )
    bookkeeping: ClassVar[Mapping[str, str]] = {
        SENT: f"create table {SENT} (edge text, dataset text, row_key text, row_hash text not null, delivery_id text not null,"
        " dropped_on date, primary key (edge, dataset, row_key))",
        DELIVERIES: f"create table {DELIVERIES} (delivery_id text primary key, edge text not null, dataset text not null,"
        " from_version bigint not null, to_version bigint not null, mode text not null, rows_upsert bigint not null,"
        " rows_delete bigint not null, applied_at timestamptz not null default now())",
    }

    def __init__(self, connection: ConnectionAddress) -> None:
        super().__init__(connection)
        self._link: postgres.Connection | None = None
        self._folding: dict[str, bool] = {}

    @contextlib.contextmanager
    def transaction(self, where: str) -> Iterator[None]:
        link = self._ensure_connected(where)
        try:
            with link.transaction():
                yield
        except psycopg.Error as error:
            # Not chained: the driver's message shows values of the row.
            raise _translate_error(error, where) from None

    def disconnect(self) -> None:
        if self._link:
            self._link.close()
            self._link = None

    def folds(self, feed: FeedDataset) -> bool:
        """Texts are equal as their signs are, but for texts without case, fixed widths, and collations that say otherwise."""
        if feed.id not in self._folding:
            names = [column.physical for column in control_totals.key_columns(feed)]
            table = ddl.quote_table_name(feed.physical, self.phrases.engine)
            [(found,)] = self.read_rows(_FOLDS, table, names)
            self._folding[feed.id] = bool(found)
        return self._folding[feed.id]

    def match_exactly(self, left: str, right: str) -> str:
        return f'({left}) collate "C" = {right}'

    def match_nullable(self, left: str, right: str) -> str:
        return f"{left} is not distinct from {right}"

    def run(self, statement: str, *values: object) -> int:
        return self._ensure_connected().execute(statement.encode(), values).rowcount

    def read_rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return self._ensure_connected().execute(statement.encode(), values).fetchall()

    @contextlib.contextmanager
    def stream_rows(self, query: str, schema: pa.Schema, folder: Path, *values: object) -> Iterator[pa.RecordBatchReader]:
        text = ClientCursor(self._ensure_connected()).mogrify(query.encode(), values)
        yield postgres.copy_out(self._ensure_connected(), text, schema, folder / "found.csv")

    def create_staging(self, name: str, table: str, columns: Sequence[str]) -> None:
        self.run(f"drop table if exists pg_temp.{name}")
        self.run(
            f"create temporary table {name} on commit drop as"
            f" select cast(null as text) as {KEY}, cast(null as text) as {HASH}, {', '.join(columns)} from {table} with no data"
        )

    def load(self, file: Path, table: str, columns: Sequence[str]) -> None:
        statement = f"copy {table} ({', '.join(columns)}) from stdin (format csv, null 'NULL')".encode()
        with file.open("rb") as source, self._ensure_connected().cursor() as cursor, cursor.copy(statement) as sink:
            while chunk := source.read(_CHUNK):
                sink.write(chunk)
        self.run(f"analyze {table}")

    def update(self, table: str, source: str, on: str, values: Mapping[str, str], *bound: object) -> int:
        alias = table.split()[-1]
        changes = ", ".join(f"{name} = {value}" for name, value in values.items())
        other = " or ".join(f"{alias}.{name} is distinct from {value}" for name, value in values.items())
        return self.run(f"update {table} set {changes} from {source} where {on} and ({other})", *bound)

    def delete(self, table: str, source: str, on: str, *bound: object) -> int:
        return self.run(f"delete from {table} using {source} where {on}", *bound)

    def create_table(self, feed: FeedDataset, statement: str) -> None:
        for part in [statement, *ddl.compile_comments(feed.physical, feed.title, feed.columns, self.phrases.engine)]:
            self._ensure_connected().execute(part.encode())

    def refuse_unsafe_table(self, feed: FeedDataset) -> None:
        """Every table has transactions."""

    def _prepare_tables(self, feed: FeedDataset) -> None:
        self.read_rows("select pg_advisory_xact_lock(%s)", _LOCK_CREATE)
        super()._prepare_tables(feed)

    def _ensure_connected(self, where: str = "") -> postgres.Connection:
        if self._link is None or self._link.closed:
            given = self.connection
            settled = {
                "connect_timeout": CONNECT_SECONDS,
                "client_encoding": "UTF8",
                "options": f"-c lock_timeout={LOCK_SECONDS}s {_PLANNING}",
            }
            address = postgres.build_conninfo(given, **settled)
            try:
                self._link = psycopg.connect(address, autocommit=True, cursor_factory=ClientCursor)
            except psycopg.Error as error:
                raise Unavailable("HUB204", where or given.id, **postgres.explain_failure(error, given)) from None
            allowed = _MAY_BE_TERSE if self._link.info.server_version >= 150_000 else "current_setting('is_superuser') = 'on'"
            self._link.execute(f"select case when {allowed} then {_TERSE} end".encode())
        return self._link


def _translate_error(error: psycopg.Error, where: str) -> HubError:
    reason = f"{type(error).__name__} {error.sqlstate or ''}".strip()
    if isinstance(error, psycopg.OperationalError) and (error.sqlstate is None or error.sqlstate.startswith(_TRANSIENT)):
        return Unavailable("HUB204", where, **postgres.explain_failure(error))
    return FeedFailed("HUB601", where, **reach.explain_refusal(reason, error.sqlstate or ""))
