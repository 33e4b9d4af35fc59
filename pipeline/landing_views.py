"""Landing rows as the contract says they are: named, typed, with the cells that cannot be read named beside each row.

A cell that holds text which does not parse is NULL in the view and its column stands in `unreadable`; the check step
holds that row. So it is with a value that the source lost (`UNREADABLE`), unless the contract lists its sign (#N/A) in
`nullValues`. Nothing is rounded: a number with more decimals than the contract allows is unreadable too.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from core.dialects import UNREADABLE, spelling
from core.engine import literal
from loaders.landing import ROW
from schemas.contract import Column, SourceDataset

_DATES = "['%Y-%m-%d', '%Y%m%d', '%Y/%m/%d', '%Y.%m.%d', '%Y-%m-%d %H:%M:%S']"
_TIMES = "['%Y-%m-%d %H:%M:%S', '%Y-%m-%d %H:%M:%S.%f', '%Y%m%d%H%M%S', '%Y-%m-%dT%H:%M:%S', '%Y-%m-%d', '%Y/%m/%d %H:%M:%S']"
_TRUE = "('1', 't', 'true', 'y', 'yes', '是')"
_FALSE = "('0', 'f', 'false', 'n', 'no', '否')"
_LOST = f"chr({ord(UNREADABLE)})"


def create_view(db: duckdb.DuckDBPyConnection, dataset: SourceDataset, rows: Path) -> None:
    """Create the view `<system>.<dataset>`: the contract's columns, then `source_row` and `unreadable`."""
    landed = pq.read_schema(rows)
    cells = [(column, _raw(column), landed.field(column.physical).type) for column in dataset.columns]
    typed = [f"{_typed(column, raw, kind)} as {column.name}" for column, raw, kind in cells]
    faults = [
        f"case when {_present(raw)} and {_typed(column, raw, kind)} is null then '{column.name}' end"
        for column, raw, kind in cells
    ]
    db.execute(f"create schema if not exists {dataset.system}")
    db.execute(
        f"create view {dataset.system}.{dataset.name} as select {', '.join(typed)}, {ROW},"
        f" nullif(concat_ws(',', {', '.join(faults)}), '') as unreadable from read_parquet({literal(rows)})"
    )


def _raw(column: Column) -> str:
    raw = f'"{column.physical}"'
    if not column.null_values:
        return raw
    values = ", ".join(literal(value) for value in column.null_values)
    return f"(case when ltrim(trim(cast({raw} as varchar)), {_LOST}) in ({values}) then null else {raw} end)"


def _present(raw: str) -> str:
    return f"trim(cast({raw} as varchar)) <> ''"


def _typed(column: Column, raw: str, kind: pa.DataType) -> str:
    target = spelling(column.type, "duckdb")
    word = f"trim(cast({raw} as varchar))"
    name = column.type.name
    if name in {"string", "time"}:
        text = f"cast({raw} as varchar)"
        return f"(case when starts_with({text}, {_LOST}) then null else {text} end)" if pa.types.is_string(kind) else text
    if name == "date":
        return f"cast({raw} as date)" if pa.types.is_date(kind) else f"cast(try_strptime({word}, {_DATES}) as date)"
    if name == "timestamp":
        return f"cast({raw} as timestamp)" if pa.types.is_timestamp(kind) else f"try_strptime({word}, {_TIMES})"
    if name == "boolean":
        return f"(case when lower({word}) in {_TRUE} then true when lower({word}) in {_FALSE} then false end)"
    exact = f"try_cast(replace({word}, ',', '') as decimal(38, 10))"
    if name == "integer":
        return f"(case when {exact} = floor({exact}) then try_cast({exact} as bigint) end)"
    return f"(case when {exact} = try_cast({exact} as {target}) then try_cast({exact} as {target}) end)"
