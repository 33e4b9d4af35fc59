"""XLSX and XLS: every cell as the text that a person reads in it, so that 001 stays 001 and 3.0 becomes 3.

A workbook has no NULL: an empty cell is one. Rows without any content are no rows; of formulas the last calculated
value counts. An error cell (#N/A) is a value that was lost: it lands as its sign behind `UNREADABLE`, so that the row is
held and not read as empty.
"""

from __future__ import annotations

import io
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from core.dialects import UNREADABLE
from extractors.excel_errors import error_cells
from extractors.file_layout import FileLayout

Cell = int | float | str | bool | time | date | datetime | timedelta


def parse(data: bytes, layout: FileLayout) -> pa.Table:
    """Every named column of the contract's sheet (or the first) as text; title rows above the header are passed over.

    Raises:
        Refused: HUB305 (no header in its row), HUB308 (damaged, protected by a password, or without that sheet).
    """
    rows = _sheet(data, layout)
    header = rows[layout.header_row - 1] if len(rows) >= layout.header_row else []
    names = [(_text(cell) or "").strip() for cell in header]
    places = [place for place, name in enumerate(names) if name]
    if not places:
        raise layout.refused("HUB305")
    body = [row for row in rows[layout.header_row :] if _holds(row)]
    columns = [pa.array([_text(row[place]) for row in body], pa.string()) for place in places]
    return pa.Table.from_arrays(columns, names=[names[place] for place in places])


def row_numbers(data: bytes, layout: FileLayout) -> list[int]:
    """The sheet's own number (from 1) of every row that `parse` gives, in the same order."""
    rows = _sheet(data, layout)[layout.header_row :]
    return [number for number, row in enumerate(rows, layout.header_row + 1) if _holds(row)]


def _holds(row: list[Cell]) -> bool:
    return any(cell != "" for cell in row)


def _sheet(data: bytes, layout: FileLayout) -> list[list[Cell]]:
    if not data:
        raise layout.refused("HUB305")
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        name = layout.sheet or book.sheet_names[0]
        if name not in book.sheet_names:
            raise layout.refused("HUB308", problem=f"{name} / {', '.join(book.sheet_names)}")
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        for (row, column), sign in error_cells(data, book.sheet_names.index(name)).items():
            rows[row][column] = UNREADABLE + sign
        return rows
    except (CalamineError, LookupError, ValueError) as error:
        raise layout.refused("HUB308", problem=type(error).__name__) from None


def _text(cell: Cell) -> str | None:
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        number = Decimal(repr(cell))
        return str(int(number)) if cell.is_integer() else f"{number:f}"
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, timedelta):
        minutes, seconds = divmod(int(cell.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)
