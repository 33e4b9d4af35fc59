"""Landing rows as the contract says they are: named, typed, with the cells that cannot be read named beside each row.

A cell that holds text which does not parse is NULL in the view and its column stands in `unreadable`; the check step
holds that row. So it is with a value that the source lost (`UNREADABLE`), unless the contract lists its sign (#N/A) in
`nullValues`, and with text of which a character was lost (`transform.typed_text`); behind its column's name stands which
(`remark:character:U+202E`). Tabs and line ends are damage only within keys, names, codes and other short texts
(`is_one_line`). Texts of columns that the landing knows to be plain (`loaders.plain`) are taken as they are. Nothing is rounded
or cut.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.contract import Column, SourceDataset
from core.dialects import UNREADABLE, arrow_type, quote_identifier
from core.engine import quote_literal
from loaders.landing import SOURCE_ROW
from loaders.plain import plain
from pipeline.transform.typed_text import (
    build_clean_text,
    build_converted_number,
    build_damage_note,
    build_doubt_condition,
    build_shortened_condition,
    build_value,
)

_LOST = f"chr({ord(UNREADABLE)})"
TEXT_TYPES = ("string", "time")
NUMBER_TYPES = ("integer", "number")


_DOUBT = '"in doubt"'
"""Within the view: whether a text of the row may be damaged."""
_SHORT_TEXT = 40
"""A text of at most so many characters is no remark."""
_SHORT_TEXT_WORDS = frozenset({"name", "title", "no", "code", "number", "id", "phone", "mobile", "email"})
"""The last word of a column that is a name, a number or an address, however long its contract lets it be."""
_SIZE = re.compile(r"char[a-z0-9 ]*\((\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class _Cell:
    """A column as it landed: its type there, whether its texts have one line, and whether they were all found plain."""

    column: Column
    kind: pa.DataType
    one_line: bool
    plain: bool

    @property
    def is_text(self) -> bool:
        """Whether it is a text in which something may be damaged."""
        return self.column.type.name in TEXT_TYPES and pa.types.is_string(self.kind) and not self.plain

    @property
    def raw(self) -> str:
        return _build_raw_cell(self.column)

    @property
    def given(self) -> str:
        """The name, within the view, of the column as it landed."""
        return f'"given {self.column.name}"'


def create_view(db: duckdb.DuckDBPyConnection, dataset: SourceDataset, rows: Path) -> None:
    """Create the view `<system>.<dataset>`: the contract's columns, then `source_row` and `unreadable`."""
    landed, sound = pq.read_schema(rows), plain(rows)
    cells = [
        _Cell(one, landed.field(one.physical).type, is_one_line(dataset, one), one.physical in sound) for one in dataset.columns
    ]
    names = ", ".join(f'"{column.name}"' for column in dataset.columns)
    # SELECTs within each other, so that a cell is read once and not again to find out whether it could be read.
    inner = [f'{cell.raw} as {cell.given}, {_build_typed_cell(cell)} as "{cell.column.name}"' for cell in cells]
    db.execute(f"create schema if not exists {dataset.system}")
    looked = f"select *, {_build_row_doubt(cells)} as {_DOUBT} from read_parquet({quote_literal(rows)})"
    db.execute(
        f"create view {dataset.system}.{dataset.name} as select {names}, {SOURCE_ROW}, {_build_unreadable(cells)} as unreadable"
        f" from (select {', '.join(inner)}, {SOURCE_ROW}, {_DOUBT} from ({looked}))"
    )


def _build_row_doubt(cells: Sequence[_Cell]) -> str:
    """Whether a text of the row may be damaged. One look at all of them together is several times as fast as one at each."""
    of = [(_quote_physical(cell.column), cell.one_line) for cell in cells if cell.is_text]
    kinds = [([text for text, short in of if short is one_line], one_line) for one_line in (True, False)]
    return " or ".join(build_doubt_condition(texts, one_line=one_line) for texts, one_line in kinds if texts) or "false"


def _quote_physical(column: Column) -> str:
    return quote_identifier(column.physical, "duckdb")


def is_one_line(dataset: SourceDataset, column: Column) -> bool:
    """Whether a text may have no tab or line end within: keys, names, codes, and what is too short for a remark."""
    bound = column.unique or column.pattern or column.code_list or column.references
    if bound or column.name in dataset.key or column.name.rpartition("_")[2] in _SHORT_TEXT_WORDS:
        return True
    sized = _SIZE.search(column.physical_type or "")
    length = column.type.length or (int(sized[1]) if sized else None)
    return length is not None and length <= _SHORT_TEXT


def _build_unreadable(cells: Sequence[_Cell]) -> str:
    """The names of a row's unreadable cells; they are put together only for a row that has one."""
    found = {cell.column.name: _build_fault_condition(cell) for cell in cells}
    faults = {name: condition for name, condition in found.items() if condition}
    if not faults:
        return "cast(null as varchar)"
    texts = {cell.column.name: cell for cell in cells if cell.is_text}
    doubtful_ones = " or ".join(f"({faults[name]})" for name in texts)
    others = " or ".join(f"({condition})" for name, condition in faults.items() if name not in texts) or "false"
    any_fault = f"{others} or case when {_DOUBT} then {doubtful_ones} else false end" if texts else others
    signs = {name: f" || {build_damage_note(cell.given, one_line=cell.one_line)}" for name, cell in texts.items()}
    named = ", ".join(f"case when {condition} then '{name}'{signs.get(name, '')} end" for name, condition in faults.items())
    return f"case when {any_fault} then concat_ws(',', {named}) end"


def _build_fault_condition(cell: _Cell) -> str | None:
    """The condition that a cell holds something that cannot be read; None where every landed value can."""
    lost = f'"{cell.column.name}" is null and {cell.given} is not null'
    if cell.is_text:
        return f"({lost}) or {build_shortened_condition(cell.given)}" if cell.one_line else lost
    if cell.column.type.name in TEXT_TYPES or _is_exact(cell.column, cell.kind):
        return None
    return f"{lost} and trim(cast({cell.given} as varchar)) <> ''"


def _is_exact(column: Column, kind: pa.DataType) -> bool:
    """Whether the landed type is the contract's own, so that there is nothing to read."""
    return kind.equals(arrow_type(column.type))


def _build_raw_cell(column: Column) -> str:
    raw = _quote_physical(column)
    if not column.null_values:
        return raw
    values = ", ".join(quote_literal(value) for value in column.null_values)
    return f"(case when ltrim(trim(cast({raw} as varchar)), {_LOST}) in ({values}) then null else {raw} end)"


def _build_typed_cell(cell: _Cell) -> str:
    column, raw, kind = cell.column, cell.raw, cell.kind
    text = f"cast({raw} as varchar)"
    name = column.type.name
    if name in TEXT_TYPES:
        return (
            f"(case when {_DOUBT} then {build_clean_text(text, one_line=cell.one_line)} else {text} end)"
            if cell.is_text
            else text
        )
    if _is_exact(column, kind) or (name == "date" and pa.types.is_date(kind)):
        return raw
    if name == "timestamp" and pa.types.is_timestamp(kind):
        return f"cast({raw} as timestamp)"
    if name in NUMBER_TYPES and (pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        return build_converted_number(column.type, raw)
    return build_value(column.type, text)
