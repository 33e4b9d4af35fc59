"""One delivery handed over to a receiver's table inside one transaction, in SQL that every table family shares.

Which rows are ours is what `_hub_sent` says, never what the table looks like: a key that is not in it belongs to the
receiver. Rows go through temporary tables, so that every step is one statement over a set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from contracts import ddl
from contracts.contract import Column, FeedDataset
from core.dialects import quote_identifier
from core.engine import quote_literal
from loaders.base import ApplyResult, ControlTotals, Delivery
from loaders.tables import alike
from loaders.tables import control_totals as totals
from loaders.tables.alike import ALIKE
from loaders.tables.control_totals import DUCK, Phrases

TWINS = "_hub_twins"
SENT, DELIVERIES = "_hub_sent", "_hub_delivery"
UPSERTS, GONE = "_hub_upserts", "_hub_gone"
KEY, HASH = "_hub_key", "_hub_hash"
YES, NO = "'1'", "'0'"
"""Truth as a literal that every engine takes for its own kind of boolean."""
OWN_ROW = "own_row"
"""Reason code: the receiver has a row of its own with this key, and other content."""
_SENT_BY = "coalesce(s.delivery_id, '') = %s"
"""Written so that a planner takes no guess from statistics: of a delivery made a moment ago they know nothing, and one row
expected where ten thousand come turns a join into a loop within a loop."""
_OURS = f"s.edge = %s and s.dataset = %s and s.row_key = u.{KEY}"


class MergeDatabase(Protocol):
    """What the steps need of a family. A table is given as `name alias`; `t` is the target, `u` a temporary table, `s` the
    sent keys."""

    @property
    def phrases(self) -> Phrases:
        """The engine's words."""

    @property
    def pads(self) -> bool:
        """Whether texts that differ by blanks at their end are equal here."""

    def folds(self, feed: FeedDataset) -> bool:
        """Whether keys of the feed's table that differ may be equal here."""

    def match_exactly(self, left: str, right: str) -> str:
        """The condition that two texts are the same, sign by sign."""

    def match_nullable(self, left: str, right: str) -> str:
        """The condition that two values are equal or both NULL."""

    def run(self, statement: str, *values: object) -> int:
        """Run one statement; returns the rows it changed."""

    def read_rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a small result."""

    def create_staging(self, name: str, table: str, columns: Sequence[str]) -> None:
        """Make an empty temporary table: key text (primary key), content hash, then columns with the types of `table`."""

    def load(self, file: Path, table: str, columns: Sequence[str]) -> None:
        """Append a CSV file as `pour` writes it."""

    def has(self, table: str, condition: str, *values: object) -> bool:
        """Whether a table has a row under a condition."""

    def record_sent(self, edge: str, dataset: str, delivery_id: str) -> None:
        """Write down every row of the upserts as sent by this delivery, in place of what was written down before."""

    def update(self, table: str, source: str, on: str, values: Mapping[str, str], *bound: object) -> int:
        """Set columns of `table` where a row of `source` meets `on`, unless they have these values already."""

    def delete(self, table: str, source: str, on: str, *bound: object) -> int:
        """Delete the rows of `table` for which a row of `source` meets `on`."""


@dataclass(frozen=True)
class FeedTable:
    """A feed's table in an engine's words: quoted names and the conditions made of them."""

    feed: FeedDataset
    phrases: Phrases

    @property
    def table(self) -> str:
        return ddl.quote_table_name(self.feed.physical, self.phrases.engine)

    @property
    def columns(self) -> list[str]:
        return self.quote_columns(self.feed.columns)

    @property
    def key(self) -> list[str]:
        return self.quote_columns(totals.key_columns(self.feed))

    @property
    def fresh(self) -> dict[str, str]:
        """The columns in which the receiver wants drops marked, and their values in a row that is there."""
        marks = {"delete": {}, "inactive": {"is_active": YES, "ended_on": "null"}, "end_date": {"ended_on": "null"}}
        return marks[self.feed.drop]

    @property
    def present_condition(self) -> str:
        """The condition under which a row of the target is not dropped."""
        return {"delete": "1 = 1", "inactive": f"t.is_active = {YES}", "end_date": "t.ended_on is null"}[self.feed.drop]

    @property
    def stands(self) -> str:
        """The condition under which the receiver itself takes a row that was sent for one that is there."""
        return "s.dropped_on is null" if self.feed.drop == "delete" else self.present_condition

    @property
    def same_key(self) -> str:
        return " and ".join(f"t.{name} = u.{name}" for name in self.key)

    @property
    def key_text(self) -> str:
        return totals.key_text(self.feed, self.phrases, self.quote_column)

    @property
    def sent(self) -> str:
        """The target with its sent keys; binds edge and dataset."""
        return f"{self.table} t join {SENT} s on s.edge = %s and s.dataset = %s and s.row_key = {self.key_text}"

    def select_totals(self, source: str) -> str:
        """The SELECT of the control totals of the target's rows in `source`."""
        return totals.build_query(self.feed, self.phrases, self.quote_column, source)

    def quote_column(self, column: Column) -> str:
        return f"t.{quote_identifier(column.physical, self.phrases.engine)}"

    def quote_columns(self, columns: Sequence[Column]) -> list[str]:
        return [quote_identifier(column.physical, self.phrases.engine) for column in columns]


@dataclass(frozen=True)
class TableMerge:
    """One delivery on its way into one table: `claim` first, then `apply`; `again` when the claim finds it there."""

    database: MergeDatabase
    delivery: Delivery
    db: duckdb.DuckDBPyConnection
    folder: Path

    @property
    def feed(self) -> tuple[str, str]:
        """Edge and dataset, under which the sent keys stand."""
        return self.delivery.feed.edge, self.delivery.feed.dataset

    @property
    def shape(self) -> FeedTable:
        return FeedTable(self.delivery.feed, self.database.phrases)

    def apply(self) -> ApplyResult:
        """Apply the rows and write the counts down; returns them."""
        delivery, refused, dropped = self.delivery, dict[str, str](), 0
        upserts = _count_rows(delivery.upserts)
        may_be_alike = alike.may_be_alike(self.db, delivery.feed, delivery.upserts)
        if upserts and not may_be_alike and self._is_untouched():
            self._load_first()
        else:
            refused = dict.fromkeys(self._find_padded(delivery.upserts), ALIKE)
            self.stage_rows(UPSERTS, delivery.upserts, delivery.feed.columns)
            refused |= dict.fromkeys(self._remove_own_upserts(), OWN_ROW)
            own_gone, dropped = self._drop_rows()
            refused |= dict.fromkeys(self._remove_alike(among=may_be_alike), ALIKE)
            upserts -= len(refused)
            refused |= dict.fromkeys(own_gone, OWN_ROW)
            if upserts:
                self._upsert_rows()
        counted = f"update {DELIVERIES} set rows_upsert = %s, rows_delete = %s where delivery_id = %s"
        self.database.run(counted, upserts, dropped, self.delivery.id)
        return ApplyResult(upserts, dropped, refused=refused)

    def read_applied(self) -> ApplyResult:
        """What was applied under this delivery's id before; nothing is written."""
        [(upserts, deletes)] = self.database.read_rows(
            f"select rows_upsert, rows_delete from {DELIVERIES} where delivery_id = %s", self.delivery.id
        )
        refused = dict[str, str]()
        if upserts < _count_rows(self.delivery.upserts):
            self.stage_rows(UPSERTS, self.delivery.upserts, totals.key_columns(self.delivery.feed))
            missing = f"not exists (select 1 from {SENT} s where {_OURS} and {_SENT_BY})"
            found = self._find_keys(f"select {KEY} from {UPSERTS} u where {missing} order by 1", *self.feed, self.delivery.id)
            twins = {*self._remove_alike(among=True), *self._find_padded(self.delivery.upserts)}
            refused = {key: ALIKE if key in twins else OWN_ROW for key in dict.fromkeys([*found, *sorted(twins)])}
        if _count_rows(self.delivery.deletes):
            self.stage_rows(GONE, self.delivery.deletes, totals.key_columns(self.delivery.feed))
            refused |= dict.fromkeys(self._find_own_deletes(), OWN_ROW)
        return ApplyResult(upserts, deletes, already=True, refused=refused)

    def read_receipt(self) -> ControlTotals:
        """Totals of the rows of this delivery as the target has them now."""
        shape, delivery, deleted = self.shape, self.delivery, 0
        if delivery.mode == "full":
            [row] = self.database.read_rows(shape.select_totals(f"{shape.sent} where {shape.stands}"), *self.feed)
        elif delivery.from_version == 0:  # all that was ever sent, so that no keys need to be brought there to find it
            source = f"{shape.sent} where {_SENT_BY}"
            [row] = self.database.read_rows(shape.select_totals(f"{source} and {shape.stands}"), *self.feed, delivery.id)
        else:
            self.stage_rows(UPSERTS, delivery.upserts, totals.key_columns(delivery.feed))
            source = f"{UPSERTS} u join {shape.table} t on {self._same_key} join {SENT} s on {_OURS} and {_SENT_BY}"
            [row] = self.database.read_rows(shape.select_totals(f"{source} and {shape.stands}"), *self.feed, delivery.id)
        if _count_rows(delivery.deletes):
            self.stage_rows(GONE, delivery.deletes, totals.key_columns(delivery.feed))
            there = f"exists (select 1 from {shape.table} t where {self._same_key} and {shape.present_condition})"
            [(deleted,)] = self.database.read_rows(f"select count(*) from {GONE} u where not {there}")
        return totals.parse_totals(delivery.feed, row, int(deleted))

    def adopt_rows(self) -> int:
        """Write down as sent, or as dropped where marked so, the unknown rows with keys of the upserts; returns how many."""
        shape, taken = self.shape, 0
        self.stage_rows(UPSERTS, self.delivery.upserts, totals.key_columns(self.delivery.feed))
        unknown = f"not exists (select 1 from {SENT} s where {_OURS})"
        ended = f"cast('{self.delivery.as_of.isoformat()}' as date)"
        for there, dropped_on in ((shape.present_condition, "cast(null as date)"), (f"not ({shape.present_condition})", ended)):
            taken += self.database.run(
                f"insert into {SENT} (edge, dataset, row_key, row_hash, delivery_id, dropped_on)"
                f" select %s, %s, u.{KEY}, %s, %s, {dropped_on} from {UPSERTS} u join {shape.table} t on {self._same_key}"
                f" where {there} and {unknown}",
                *(*self.feed, "-", self.delivery.id, *self.feed),
            )
        return taken

    def stage_rows(self, name: str, rows: Path, columns: Sequence[Column]) -> None:
        """Bring rows of a Parquet file into a temporary table of the target, with key text and content hash."""
        feed, names = self.delivery.feed, self.shape.quote_columns(columns)
        whole = len(columns) == len(feed.columns)
        values = {
            KEY: totals.key_text(feed, DUCK, totals.cast_column),
            HASH: totals.content_hash(feed, DUCK, totals.cast_column) if whole else "null",
        }
        values |= dict(zip(names, map(_to_text, columns), strict=True))
        self.database.create_staging(name, self.shape.table, names)
        if _count_rows(rows):
            self._load_rows(rows, name, values, self._find_padded(rows))

    @property
    def _same_key(self) -> str:
        """That a row of the target has just the key of a row of ours, whatever the receiver takes for equal."""
        return self._match_exactly(self.shape.same_key, "") if self.database.folds(self.delivery.feed) else self.shape.same_key

    def _match_exactly(self, same_key: str, other: str) -> str:
        return f"{same_key} and {other}({self.database.match_exactly(self.shape.key_text, f'u.{KEY}')})"

    def _find_padded(self, rows: Path) -> Sequence[str]:
        """The keys that this receiver cannot even write down beside others that are the same but for blanks at the end."""
        return alike.find_padded_keys(self.db, self.delivery.feed, rows) if self.database.pads else ()

    def _remove_alike(self, *, among: bool) -> list[str]:
        """Take out rows whose key the receiver takes for that of another row: one that is there, or (`among`) one that comes
        with it. A row that is there under just this key is no question."""
        shape, database = self.shape, self.database
        if not database.folds(self.delivery.feed) or not alike.has_text_key(self.delivery.feed):
            return []
        there = f"exists (select 1 from {shape.table} t where {self._same_key})"
        other = f"exists (select 1 from {shape.table} t where {self._match_exactly(shape.same_key, 'not ')})"
        found = self._find_keys(f"select u.{KEY} from {UPSERTS} u where {other} and not {there} order by 1")
        if among:
            names = ", ".join(shape.key)
            self.database.create_staging(TWINS, shape.table, shape.key)
            twins = f"select min({KEY}), {names} from {UPSERTS} group by {names} having count(*) > 1"
            self.database.run(f"insert into {TWINS} ({KEY}, {names}) {twins}")
            joined = " and ".join(f"t.{name} = u.{name}" for name in shape.key)
            found += self._find_keys(f"select u.{KEY} from {UPSERTS} u join {TWINS} t on {joined} where not {there} order by 1")
        for key in (keys := list(dict.fromkeys(found))):
            database.run(f"delete from {UPSERTS} where {database.match_exactly(KEY, '%s')}", key)
        return keys

    def _is_untouched(self) -> bool:
        """Nothing was ever sent and the table is empty: rows can go straight in."""
        database = self.database
        return not database.has(SENT, "edge = %s and dataset = %s", *self.feed) and not database.has(self.shape.table, "1 = 1")

    def _load_first(self) -> None:
        feed, rows = self.delivery.feed, self.delivery.upserts
        marks = self.shape.fresh
        self._load_rows(rows, self.shape.table, dict(zip(self.shape.columns, map(_to_text, feed.columns), strict=True)) | marks)
        sent = {
            "edge": quote_literal(feed.edge),
            "dataset": quote_literal(feed.dataset),
            "row_key": totals.key_text(feed, DUCK, totals.cast_column),
            "row_hash": totals.content_hash(feed, DUCK, totals.cast_column),
            "delivery_id": quote_literal(self.delivery.id),
        }
        self._load_rows(rows, SENT, sent)

    def _remove_own_upserts(self) -> list[str]:
        """Take out rows whose key is the receiver's own with other content; with the same content they become ours."""
        shape = self.shape
        same = " and ".join(self.database.match_nullable(f"t.{name}", f"u.{name}") for name in shape.columns)
        on = f"{self._same_key} and not ({same}) and not exists (select 1 from {SENT} s where {_OURS})"
        found = self._find_keys(f"select u.{KEY} from {UPSERTS} u join {shape.table} t on {on} order by 1", *self.feed)
        if found:
            self.database.delete(f"{UPSERTS} u", f"{shape.table} t", on, *self.feed)
        return found

    def _find_own_deletes(self) -> list[str]:
        on = f"{self._same_key} and not exists (select 1 from {SENT} s where {_OURS})"
        return self._find_keys(f"select u.{KEY} from {GONE} u join {self.shape.table} t on {on} order by 1", *self.feed)

    def _drop_rows(self) -> tuple[list[str], int]:
        """Drop what is gone as the receiver chose; returns keys that are not ours to drop, and the count of drops."""
        database, shape, own, vanished = self.database, self.shape, list[str](), 0
        self.stage_rows(GONE, self.delivery.deletes, totals.key_columns(self.delivery.feed))
        if self.delivery.mode == "full":
            vanished = self._stage_unlisted()
        elif _count_rows(self.delivery.deletes):
            own = self._find_own_deletes()
            listed = f"select 1 from {SENT} s where s.edge = %s and s.dataset = %s and s.row_key = {GONE}.{KEY}"
            database.run(f"delete from {GONE} where not exists ({listed} and s.dropped_on is null)", *self.feed)
        [(dropped,)] = database.read_rows(f"select count(*) from {GONE}")
        if dropped and self.delivery.feed.drop == "delete":
            database.delete(f"{shape.table} t", f"{GONE} u", self._same_key)
            database.delete(f"{SENT} s", f"{GONE} u", _OURS, *self.feed)
        elif dropped:
            on = f"'{self.delivery.as_of.isoformat()}'"
            ended = {name: {"is_active": NO, "ended_on": on}[name] for name in shape.fresh}
            database.update(f"{shape.table} t", f"{GONE} u", self._same_key, ended)
            database.update(f"{SENT} s", f"{GONE} u", _OURS, {"dropped_on": on}, *self.feed)
        return own, vanished + int(dropped)

    def _stage_unlisted(self) -> int:
        """Full mode: what was sent and is not among the upserts is gone. Rows that the receiver itself deleted are only
        forgotten; returns how many."""
        shape = self.shape
        found = ", ".join(["s.row_key", *(f"t.{name}" for name in shape.key)])
        self.database.run(
            f"insert into {GONE} ({', '.join([KEY, *shape.key])}) select {found}"
            f" from {shape.sent} left join {UPSERTS} u on u.{KEY} = s.row_key"
            f" where (s.dropped_on is null or {shape.stands}) and u.{KEY} is null",
            *self.feed,
        )
        listed = " and ".join(f"not exists (select 1 from {name} u where u.{KEY} = {SENT}.row_key)" for name in (UPSERTS, GONE))
        return self.database.run(
            f"delete from {SENT} where edge = %s and dataset = %s and dropped_on is null and {listed}", *self.feed
        )

    def _upsert_rows(self) -> None:
        database, shape = self.database, self.shape
        values = {name: f"u.{name}" for name in shape.columns if name not in shape.key} | shape.fresh
        if values:
            database.update(f"{shape.table} t", f"{UPSERTS} u", self._same_key, values)
        insert = {name: f"u.{name}" for name in shape.columns} | shape.fresh
        database.run(
            f"insert into {shape.table} ({', '.join(insert)}) select {', '.join(insert.values())} from {UPSERTS} u"
            f" where not exists (select 1 from {shape.table} t where {self._same_key})"
        )
        database.record_sent(*self.feed, self.delivery.id)

    def _load_rows(self, rows: Path, table: str, values: Mapping[str, str], without: Sequence[str] = ()) -> None:
        """Rows of a Parquet file into a table: everything as quoted text, NULL as the bare word, so that one file suits
        every bulk loader and no value can be taken for another."""
        file = self.folder / "rows.csv"
        items = ", ".join(f"{value} as c{place}" for place, value in enumerate(values.values()))
        left_out = ", ".join(map(quote_literal, without))
        where = f" where {values[KEY]} not in ({left_out})" if without else ""
        self.db.execute(
            f"copy (select {items} from read_parquet({quote_literal(rows)}){where}) to {quote_literal(file)}"
            " (format csv, header false, nullstr 'NULL', force_quote *)"
        )
        self.database.load(file, table, list(values))

    def _find_keys(self, statement: str, *values: object) -> list[str]:
        return [str(key) for (key,) in self.database.read_rows(statement, *values)]


def _to_text(column: Column) -> str:
    return DUCK.format_value(column.type, totals.cast_column(column))


def _count_rows(rows: Path) -> int:
    return int(pq.read_metadata(rows).num_rows)


def read_csv_batches(file: Path, width: int) -> Iterator[list[tuple[Any, ...]]]:
    """Rows of a file that `pour` wrote, in batches of texts and NULLs, for engines without a loader of their own."""
    names = [str(place) for place in range(width)]
    options = pacsv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=["NULL"],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    reading = pacsv.ReadOptions(column_names=names)
    for batch in pacsv.open_csv(file, reading, pacsv.ParseOptions(newlines_in_values=True), options):
        yield list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
