"""Delivery into a database table: what every family of servers shares, around the SQL of `loaders.tables.table_merge`.

A family gives a connection, its phrases and seven short methods. The delivery's id is claimed as the first statement of
the transaction that changes the rows: whoever comes second, also at the same time, finds it there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from contracts import ddl
from contracts.contract import FeedDataset
from core.errors import FeedFailed
from core.store.address import ConnectionAddress
from loaders.base import ApplyResult, ControlTotals, Delivery
from loaders.tables import alike, control_totals, fitting
from loaders.tables.control_totals import Phrases, open_workspace
from loaders.tables.fitting import ColumnLimit
from loaders.tables.table_merge import DELIVERIES, HASH, KEY, SENT, UPSERTS, FeedTable, TableMerge

LOCK_SECONDS = 30
"""How long a delivery waits for a lock that the receiver's own work holds."""
CONNECT_SECONDS = 10
SCRATCH = "_hub_selftest_"
"""How the tables are called that a selftest makes and drops."""
_ROW = pa.schema({"row_key": pa.string(), "row_hash": pa.string()})


class TableTarget(ABC):
    """A server whose tables we fill. Opened on first use, one connection, given back by `close`."""

    phrases: ClassVar[Phrases]
    here: ClassVar[str]
    """The expression for the schema in which a name without one is looked for."""
    overwrite: ClassVar[str] = ""
    """The end of an INSERT into the sent keys that lets a new row replace an older one, where the engine has such."""
    unless_there: ClassVar[str] = ""
    """The end of an INSERT that changes nothing, and counts no row, when the primary key is there."""
    bookkeeping: ClassVar[Mapping[str, str]]
    """Table name -> CREATE TABLE of the two tables that we keep beside the receiver's own."""
    marks: ClassVar[Mapping[str, str]]
    """Types of the columns in which drops are marked."""
    pads: ClassVar[bool] = False
    """Whether texts that differ by blanks at their end are equal here."""
    keeps_empty_text: ClassVar[bool] = True
    """Whether an empty text is something else than NULL here."""

    def __init__(self, connection: ConnectionAddress) -> None:
        self.connection = connection

    def apply(self, delivery: Delivery) -> ApplyResult:
        """Apply all of the delivery or nothing of it.

        The receiver's table is made on first use, and the two bookkeeping tables with it.

        Raises:
            Unavailable: HUB204, no connection, a deadlock or a lock held too long.
            FeedFailed: HUB601, the server refused it; HUB602, HUB611, HUB616, the table does not fit. Nothing was applied.
        """
        feed = delivery.feed
        with self.transaction(feed.id):
            self._prepare_tables(feed)
        if delivery.is_empty:
            with self.transaction(feed.id):
                return ApplyResult(0, 0, already=not self._claim_delivery(delivery))
        with open_workspace(feed.id) as (db, folder), self.transaction(feed.id):
            handover = TableMerge(self, delivery, db, folder)
            if not self._claim_delivery(delivery):
                return handover.read_applied()
            fitting.refuse_unfit_rows(db, feed, delivery.upserts, self.read_limits(feed.physical))
            return handover.apply()

    def read_receipt(self, delivery: Delivery) -> ControlTotals:
        """Totals of what this delivery sent, read back in a new transaction; in full mode of everything sent."""
        if delivery.is_empty:
            return control_totals.empty_totals(delivery.feed)
        with open_workspace(delivery.feed.id) as (db, folder), self.transaction(delivery.feed.id):
            return TableMerge(self, delivery, db, folder).read_receipt()

    def read_totals(self, feed: FeedDataset) -> ControlTotals:
        """Totals of everything sent and not dropped, as the target has it now."""
        shape = FeedTable(feed, self.phrases)
        with self.transaction(feed.id):
            [row] = self.read_rows(shape.select_totals(f"{shape.sent} where {shape.stands}"), feed.edge, feed.dataset)
        return control_totals.parse_totals(feed, row, 0)

    def compare_rows(self, feed: FeedDataset, expected: Path, out: Path) -> tuple[int, int, int]:
        """Compare the target row by row with a Parquet file of all rows that it should have (canonical columns).

        Returns:
            How many keys are missing, extra and different. `out` is a Parquet file of `row_key` and `what` (one of the
            three words); it holds identifiers of persons and is for the hub's own eyes.
        """
        shape = FeedTable(feed, self.phrases)
        content = control_totals.content_hash(feed, self.phrases, shape.quote_column)
        query = f"select {shape.key_text} as row_key, {content} as row_hash from {shape.sent} where {shape.stands}"
        with open_workspace(feed.id) as (db, folder):
            with self.transaction(feed.id), self.stream_rows(query, _ROW, folder, feed.edge, feed.dataset) as batches:
                db.register("batches", batches)
                db.execute("create table found as select * from batches")
            return control_totals.count_differences(db, feed, expected, out)

    def find_rows(self, feed: FeedDataset, keys: Sequence[str]) -> dict[str, list[str | None]]:
        """The rows with these key texts, as texts of all columns."""
        shape = FeedTable(feed, self.phrases)
        texts = ", ".join(self.phrases.format_value(column.type, shape.quote_column(column)) for column in feed.columns)
        among = f"s.row_key in ({', '.join(['%s'] * len(keys))})"
        query = f"select s.row_key, {texts} from {shape.sent} where {shape.stands} and {among}"
        with self.transaction(feed.id):
            return control_totals.group_by_key(self.read_rows(query, feed.edge, feed.dataset, *keys))

    def adopt_rows(self, delivery: Delivery) -> int:
        """Take as ours, without changing them, the rows with a key among the upserts (key columns only); returns how many.

        Raises:
            Unavailable: HUB204. FeedFailed: HUB601, HUB602, HUB611.
        """
        with self.transaction(delivery.feed.id):
            self._prepare_tables(delivery.feed)
        with open_workspace(delivery.feed.id) as (db, folder), self.transaction(delivery.feed.id):
            return TableMerge(self, delivery, db, folder).adopt_rows()

    def drop_scratch(self, feed: FeedDataset) -> None:
        """Drop the scratch table of a selftest and what was written down about it.

        Raises:
            ValueError: the feed's table is not a scratch table.
        """
        if not feed.physical.startswith(SCRATCH):
            raise ValueError(feed.physical)
        with self.transaction(feed.id):
            if self.list_columns(feed.physical):
                self.run(f"drop table {FeedTable(feed, self.phrases).table}")
            for table in (SENT, DELIVERIES):
                if self.list_columns(table):
                    self.run(f"delete from {table} where edge = %s", feed.edge)

    def close(self) -> None:
        """Give the connection back."""
        self.disconnect()

    @abstractmethod
    def transaction(self, where: str) -> AbstractContextManager[None]:
        """One transaction, with the driver's errors turned into ours; none of them carries a value."""

    @abstractmethod
    def disconnect(self) -> None: ...

    def folds(self, feed: FeedDataset) -> bool:
        """Whether keys of the feed's table that differ may be equal here."""
        return self.pads and alike.has_text_key(feed)

    def match_exactly(self, left: str, right: str) -> str:
        """The condition that two texts are the same, sign by sign."""
        return f"{left} = {right}"

    @abstractmethod
    def match_nullable(self, left: str, right: str) -> str: ...

    @abstractmethod
    def run(self, statement: str, *values: object) -> int: ...

    @abstractmethod
    def read_rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]: ...

    @abstractmethod
    def stream_rows(
        self, query: str, schema: pa.Schema, folder: Path, *values: object
    ) -> AbstractContextManager[pa.RecordBatchReader]:
        """A large result as Arrow batches."""

    @abstractmethod
    def create_staging(self, name: str, table: str, columns: Sequence[str]) -> None: ...

    @abstractmethod
    def load(self, file: Path, table: str, columns: Sequence[str]) -> None: ...

    @abstractmethod
    def update(self, table: str, source: str, on: str, values: Mapping[str, str], *bound: object) -> int: ...

    @abstractmethod
    def delete(self, table: str, source: str, on: str, *bound: object) -> int: ...

    @abstractmethod
    def create_table(self, feed: FeedDataset, statement: str) -> None:
        """Run a CREATE TABLE for a feed with what the engine needs besides, such as titles."""

    @abstractmethod
    def refuse_unsafe_table(self, feed: FeedDataset) -> None:
        """Refuse a table on which this engine cannot keep its promises."""

    def has(self, table: str, condition: str, *values: object) -> bool:
        """Whether a table has a row under a condition."""
        return bool(self.read_rows(f"select 1 from {table} where {condition} limit 1", *values))

    def record_sent(self, edge: str, dataset: str, delivery_id: str) -> None:
        """Write down every row of the upserts as sent by this delivery, in place of what was written down before."""
        self.run(
            f"insert into {SENT} (edge, dataset, row_key, row_hash, delivery_id, dropped_on)"
            f" select %s, %s, u.{KEY}, u.{HASH}, %s, null from {UPSERTS} u where true {self.overwrite}",
            *(edge, dataset, delivery_id),
        )

    def list_columns(self, table: str) -> list[str]:
        """The columns of a table (`name` or `schema.name`), empty when there is none."""
        schema, _, name = table.rpartition(".")
        place = f"table_schema = coalesce(%s, {self.here}) and table_name = %s"
        found = self.read_rows(f"select column_name from information_schema.columns where {place}", schema or None, name)
        return [str(column) for (column,) in found]

    def read_limits(self, table: str) -> list[ColumnLimit]:
        """What each column of a table holds, as far as the catalogue tells."""
        schema, _, name = table.rpartition(".")
        place = f"table_schema = coalesce(%s, {self.here}) and table_name = %s"
        return fitting.read_limits(
            self.read_rows(
                f"select {fitting.CATALOG_COLUMNS} from information_schema.columns where {place}", schema or None, name
            )
        )

    def _prepare_tables(self, feed: FeedDataset) -> None:
        shape = FeedTable(feed, self.phrases)
        for table, statement in self.bookkeeping.items():
            if not self.list_columns(table):
                self.run(statement)
        extra = {name: self.marks[name] for name in shape.fresh}
        seen = self.list_columns(feed.physical)
        if not seen:
            self.create_table(feed, ddl.compile_create_table(feed.physical, feed.columns, feed.key, self.phrases.engine, extra))
            return
        lost = [name for name in [*(column.physical for column in feed.columns), *extra] if name not in seen]
        if lost:
            raise FeedFailed("HUB602", feed.id, table=feed.physical, columns=", ".join(lost))
        self.refuse_unsafe_table(feed)

    def _claim_delivery(self, delivery: Delivery) -> bool:
        feed = delivery.feed
        return bool(
            self.run(
                f"insert into {DELIVERIES}"
                " (delivery_id, edge, dataset, from_version, to_version, mode, rows_upsert, rows_delete)"
                f" values (%s, %s, %s, %s, %s, %s, 0, 0) {self.unless_there}",
                *(delivery.id, feed.edge, feed.dataset, delivery.from_version, delivery.to_version, delivery.mode),
            )
        )
