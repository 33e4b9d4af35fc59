"""What differs between two states of a source table, so that a day touches only the rows that it changed."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from campus.simulate.world import date_of
from contracts.contract import SourceDataset
from core.dialects import quote_identifier
from core.engine import open_engine


@dataclass(frozen=True)
class Difference:
    """Keys (columns by physical name) whose rows are not the same, and all rows that those keys have now."""

    keys: pa.Table
    rows: pa.Table


def find_differences(dataset: SourceDataset, before: pa.Table, after: pa.Table) -> Difference:
    """Compare two states, keys that repeat and keys that are NULL included."""
    keys = ", ".join(_quote_keys(dataset))
    same = " and ".join(f"a.{key} is not distinct from k.{key}" for key in _quote_keys(dataset))
    columns = ", ".join(quote_identifier(name, "duckdb") for name in after.column_names)
    with open_engine(dataset.id) as db:
        db.register("before_rows", before)
        db.register("after_rows", after)
        db.execute(
            f"create table changed as select distinct {keys} from (select {columns} from"
            " (select *, 1 as weight_ from before_rows union all select *, -1 from after_rows)"
            " group by all having sum(weight_) <> 0)"
        )
        return Difference(
            keys=db.sql(f"select {keys} from changed").to_arrow_table(),
            rows=db.sql(f"select a.* from after_rows a semi join changed k on {same}").to_arrow_table().cast(after.schema),
        )


def restamp_rows(dataset: SourceDataset, before: pa.Table, after: pa.Table, day: int) -> pa.Table:
    """`after` in which every row that differs from `before` has a watermark of `day` or later, as its system would write.

    Rows that equal their last state but for the watermark keep the one that they were given then.
    """
    watermark = next(column.physical for column in dataset.columns if column.name == dataset.watermark)
    mark = quote_identifier(watermark, "duckdb")
    rest = [quote_identifier(name, "duckdb") for name in after.column_names if name != watermark]
    others, names = ", ".join(rest), ", ".join(f"a.{name}" for name in rest)
    columns = ", ".join(quote_identifier(name, "duckdb") for name in after.column_names)
    today = date_of(day).isoformat()
    late = f"case when a.{mark} < timestamp '{today}' then timestamp '{today} 18:00:00' else a.{mark} end"
    with open_engine(dataset.id) as db:
        db.register("before_rows", before)
        db.register("after_rows", after)
        db.execute(f"create table last as select {others}, max({mark}) as last_mark from before_rows group by all")
        same = " and ".join(f"a.{name} is not distinct from l.{name}" for name in rest)
        stamped = (
            f"select {names}, coalesce(l.last_mark, {late}) as {mark}, rowid_ from"
            f" (select *, row_number() over () as rowid_ from after_rows) a left join last l on {same}"
        )
        stamps: pa.Table = db.sql(f"select {columns} from ({stamped}) order by rowid_").to_arrow_table()
        return stamps.cast(after.schema)


def _quote_keys(dataset: SourceDataset) -> list[str]:
    physical = {column.name: column.physical for column in dataset.columns}
    return [quote_identifier(physical[name], "duckdb") for name in dataset.key]
