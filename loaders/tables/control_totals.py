"""Control totals and the text of a key: said once here, compiled into the SQL of every engine that holds a copy.

A receipt is only worth something when both sides compute the same thing on their own rows. So the recipe (which column
is counted, what is summed, how a key becomes text) is engine-free, and an engine only gives its phrases. Counts and sums
say roughly where a difference is; whether there is one is said by the digest over all columns of all rows, to which values
exchanged between two rows are different rows.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.contract import Column, FeedDataset
from core.dialects import LogicalType, quote_identifier, spell_sql_type
from core.engine import open_engine, quote_literal
from core.errors import FeedFailed
from core.settings import get_settings
from loaders.base import ApplyResult, ControlTotals, Delivery

ColumnValue = Callable[[Column], str]
"""The SQL expression of a column's value in the place that is read."""
_SEPARATOR, _NULL = 31, 30
_BITS = 60
"""Bits of a digest that take part in the xor: 15 hex digits."""
TEXT = ("string", "time")
NUMBERS = ("integer", "number")


class Phrases(Protocol):
    """What differs between engines. Every method gives an SQL expression; `%` signs come out as the engine's driver
    wants them in a statement with bound parameters."""

    @property
    def engine(self) -> str:
        """The name that `core.dialects` knows."""

    def spell_character(self, code: int) -> str:
        """The character with this code point."""

    def join_texts(self, parts: Sequence[str]) -> str:
        """Texts joined with the separator into one, comparable byte by byte."""

    def format_value(self, kind: LogicalType, value: str) -> str:
        """A value as text: dates ISO, integers plain, decimals with fixed scale, booleans 0 or 1, timestamps with six
        digits."""

    def measure_value(self, kind: LogicalType, value: str) -> str:
        """The number that is summed for a value (never asked for a timestamp)."""

    def hash_text(self, text: str) -> str:
        """32 hex characters of the text in UTF-8."""

    def xor_hashes(self, digest: str) -> str:
        """Xor over all rows of the integer of the first 15 hex digits."""


class DuckPhrases:
    """DuckDB, over Parquet."""

    engine = "duckdb"

    def spell_character(self, code: int) -> str:
        return f"chr({code})"

    def join_texts(self, parts: Sequence[str]) -> str:
        return f"concat_ws({self.spell_character(_SEPARATOR)}, {', '.join(parts)})"

    def format_value(self, kind: LogicalType, value: str) -> str:
        if kind.name == "boolean":
            return f"cast(cast({value} as integer) as varchar)"
        if kind.name == "timestamp":
            return f"strftime({value}, '%Y-%m-%d %H:%M:%S.%f')"
        return f"cast({value} as varchar)"

    def measure_value(self, kind: LogicalType, value: str) -> str:
        if kind.name in TEXT:
            return f"length({value})"
        if kind.name == "date":
            return f"({value} - date '1970-01-01')"
        return f"cast({value} as integer)" if kind.name == "boolean" else value

    def hash_text(self, text: str) -> str:
        return f"md5({text})"

    def xor_hashes(self, digest: str) -> str:
        return f"bit_xor(cast('0x' || substr({digest}, 1, 15) as bigint))"


DUCK = DuckPhrases()


def key_columns(feed: FeedDataset) -> list[Column]:
    """The key columns in key order."""
    by_name = {column.name: column for column in feed.columns}
    return [by_name[name] for name in feed.key]


def key_text(feed: FeedDataset, phrases: Phrases, value: ColumnValue) -> str:
    """The key of a row as one text."""
    return phrases.join_texts([phrases.format_value(column.type, value(column)) for column in key_columns(feed)])


def content_hash(feed: FeedDataset, phrases: Phrases, value: ColumnValue) -> str:
    """The md5 of all contract columns of a row, equal on every engine for equal content."""
    null = phrases.spell_character(_NULL)
    parts = [f"coalesce({phrases.format_value(column.type, value(column))}, {null})" for column in feed.columns]
    return phrases.hash_text(phrases.join_texts(parts))


def build_query(feed: FeedDataset, phrases: Phrases, value: ColumnValue, source: str) -> str:
    """The SELECT whose one row `read` takes: rows, xor of keys, xor of whole rows, then count and sum of every column.

    Both digests are made once a row, in a subquery: some engines have no xor and ask for the digest once a bit.

    Args:
        source: what stands behind FROM, with its conditions.
    """
    inner = [f"{phrases.hash_text(key_text(feed, phrases, value))} as k", f"{content_hash(feed, phrases, value)} as h"]
    outer = ["count(*)", phrases.xor_hashes("k"), phrases.xor_hashes("h")]
    for place, column in enumerate(feed.columns):
        inner.append(f"{value(column)} as c{place}")
        outer.append(f"count(c{place})")
        outer.append("null" if column.type.name == "timestamp" else f"sum({phrases.measure_value(column.type, f'c{place}')})")
    return f"select {', '.join(outer)} from (select {', '.join(inner)} from {source}) x"


def parse_totals(feed: FeedDataset, row: Sequence[Any], deleted: int) -> ControlTotals:
    """The totals in the one row that `query` gave."""
    columns = {
        column.name: (int(row[3 + 2 * place]), "" if column.type.name == "timestamp" else format_sum(row[4 + 2 * place]))
        for place, column in enumerate(feed.columns)
    }
    return ControlTotals(rows=int(row[0]), keys=int(row[1] or 0), content=int(row[2] or 0), columns=columns, deleted=deleted)


def format_sum(number: Any) -> str:
    """A sum as the text in which it is compared: no exponent, no zeros that say nothing. No rows sum up to 0."""
    text = format(Decimal(str(number or 0)), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"", "-0"} else text


def compute_totals(rows: Path, feed: FeedDataset, deleted: int = 0, refused: Collection[str] = ()) -> ControlTotals:
    """What the receiver must show: the totals of a Parquet file with the feed's columns (canonical names).

    Args:
        deleted: how many keys must be gone.
        refused: key texts of rows that the receiver refused; they are left out.
    """
    if pq.read_metadata(rows).num_rows == 0:
        return empty_totals(feed, deleted)
    with open_workspace(feed.id) as (db, _):
        source = f"read_parquet({quote_literal(rows)})"
        condition = "true"
        if refused:
            db.register("refused", pa.table({"row_key": pa.array(sorted(refused), pa.string())}))
            condition = f"{key_text(feed, DUCK, cast_column)} not in (select row_key from refused)"
        [row] = db.execute(build_query(feed, DUCK, pick_cast(feed), f"{source} where {condition}")).fetchall()
        return parse_totals(feed, row, deleted)


def empty_totals(feed: FeedDataset, deleted: int = 0) -> ControlTotals:
    """The totals of no rows."""
    return ControlTotals(0, 0, 0, {c.name: (0, "" if c.type.name == "timestamp" else "0") for c in feed.columns}, deleted)


def expect_receipt(delivery: Delivery, applied: ApplyResult) -> ControlTotals:
    """What the receipt of a delivery must show, leaving out the rows that the receiver refused one by one."""
    feed = delivery.feed
    with open_workspace(feed.id) as (db, _):
        db.register("refused", pa.table({"row_key": pa.array(sorted(applied.refused), pa.string())}))
        key = key_text(feed, DUCK, cast_column)
        [(deletes,)] = db.execute(
            f"select count(*) from read_parquet({quote_literal(delivery.deletes)}) "
            f"where {key} not in (select row_key from refused)"
        ).fetchall()
    return compute_totals(delivery.upserts, feed, int(deletes) if delivery.mode == "delta" else 0, applied.refused)


def compare_totals(wanted: Mapping[str, Any], found: ControlTotals) -> list[str]:
    """Names of the totals that are not what they should be: `rows`, `keys`, `content`, `deleted`, or columns.

    Args:
        wanted: the fields of the totals that should be there, as the ledger keeps them.
    """
    simple = ("rows", "keys", "content", "deleted")
    wrong = [name for name in simple if wanted[name] != getattr(found, name)]
    columns = {name: list(value) for name, value in found.columns.items()}
    return wrong + [name for name, value in wanted["columns"].items() if columns.get(name) != list(value)]


def count_differences(db: duckdb.DuckDBPyConnection, feed: FeedDataset, rows: Path, out: Path) -> tuple[int, int, int]:
    """How many keys of the table `found` (row_key, row_hash) are missing, extra and different against a Parquet file of rows.

    `out` becomes a Parquet file of `row_key` and `what` (one of the three words); it holds identifiers of persons.
    """
    db.execute(
        "create table differences as select coalesce(e.row_key, f.row_key) as row_key,"
        " case when f.row_key is null then 'missing' when e.row_key is null then 'extra' else 'different' end as what"
        f" from (select {key_text(feed, DUCK, cast_column)} as row_key, {content_hash(feed, DUCK, pick_cast(feed))} as row_hash"
        f" from read_parquet({quote_literal(rows)})) e"
        " full join found f on f.row_key = e.row_key where e.row_hash is distinct from f.row_hash order by 1"
    )
    db.execute(f"copy differences to {quote_literal(out)} (format parquet)")
    counts: dict[str, int] = dict(db.execute("select what, count(*) from differences group by what").fetchall())
    return counts.get("missing", 0), counts.get("extra", 0), counts.get("different", 0)


def find_rows(
    db: duckdb.DuckDBPyConnection, feed: FeedDataset, relation: str, keys: Sequence[str]
) -> dict[str, list[str | None]]:
    """The rows of a relation (canonical columns) with these key texts, as texts of all columns."""
    key, texts = (
        key_text(feed, DUCK, cast_column),
        ", ".join(DUCK.format_value(column.type, cast_column(column)) for column in feed.columns),
    )
    query = f"select {key}, {texts} from {relation} where {key} in (select unnest(?::varchar[]))"
    return group_by_key(db.execute(query, [list(keys)]).fetchall())


def group_by_key(rows: Sequence[Sequence[Any]]) -> dict[str, list[str | None]]:
    """Rows of a key text and the texts of columns, by key text."""
    return {str(row[0]): [None if cell is None else str(cell) for cell in row[1:]] for row in rows}


def cast_column(column: Column) -> str:
    """A column of a Parquet file, by canonical name, in the contract's type."""
    return f"cast({quote_identifier(column.name, DUCK.engine)} as {spell_sql_type(column.type, DUCK.engine)})"


def pick_cast(feed: FeedDataset) -> ColumnValue:
    """Like `typed`, as the receiver's format can hold it: workbook, directory and roster have no empty text, only nothing."""
    if feed.file_format not in ("xlsx", "ldap", "oneroster"):
        return cast_column
    return lambda column: f"nullif({cast_column(column)}, '')" if column.type.name in TEXT else cast_column(column)


def sum_parity(summed: Callable[[int], str]) -> str:
    """Xor over all rows for engines that have no such function: bit by bit, the sum of a bit is odd or even.

    Args:
        summed: for one bit of the first 60 (as its value 1, 2, 4, ...) the expression that is that value, or 0.
    """
    return "(" + " + ".join(f"coalesce({summed(1 << place)}, 0)" for place in range(_BITS)) + ")"


@contextlib.contextmanager
def open_workspace(where: str) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A DuckDB connection and a private folder; the folder holds rows in clear for a moment and is removed at the end.

    Raises:
        FeedFailed: HUB601 when rows do not have the contract's types; not chained, since such an error shows the value.
    """
    get_settings().work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="deliver-", dir=get_settings().work) as folder, open_engine(where) as db:
        try:
            yield db, Path(folder)
        except duckdb.DataError as error:
            raise FeedFailed("HUB601", where, reason=type(error).__name__) from None
