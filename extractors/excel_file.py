"""XLSX and XLS: every cell as the text that a person reads in it, so that 001 stays 001 and 3.0 becomes 3.

A workbook has no NULL: an empty cell is one. Rows without any content are no rows; of formulas the last calculated
value counts. A value that was lost lands as its sign behind `UNREADABLE`, so that the row is held and not read as empty: an
error cell (#N/A), a formula that was never calculated, a number of more digits than a cell can hold.
"""

from __future__ import annotations

import contextlib
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from xml.etree import ElementTree

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum

from core.dialects import UNREADABLE
from extractors.files import compound, excel_xls, excel_xlsx, file_kind, workbook_kind
from extractors.files.excel_formats import format_number, is_too_long
from extractors.files.excel_xlsx import CellPlace
from extractors.files.file_layout import FileLayout

CellValue = int | float | str | bool | time | date | datetime | timedelta
_DAMAGE_ERRORS = (
    struct.error,
    LookupError,
    EOFError,
    zlib.error,
    zipfile.BadZipFile,
    ElementTree.ParseError,
    ValueError,
    RuntimeError,
)
"""What reading the parts of a damaged file by hand ends in."""


def parse_workbook(data: bytes, layout: FileLayout) -> pa.Table:
    """Every named column of the contract's sheet (or the first) as text; title rows above the header are passed over.

    Raises:
        Refused: HUB305 (no header in its row), HUB308 (damaged, protected by a password, or without that sheet).
    """
    rows = _read_sheet(data, layout)
    header = rows[layout.header_row - 1] if len(rows) >= layout.header_row else []
    names = [(_format_cell(cell) or "").strip() for cell in header]
    places = [place for place, name in enumerate(names) if name]
    if not places:
        raise layout.build_refusal("HUB305")
    body = [row for row in rows[layout.header_row :] if _has_content(row)]
    columns = [pa.array([_format_cell(row[place]) for row in body], pa.string()) for place in places]
    return pa.Table.from_arrays(columns, names=[names[place] for place in places])


def find_row_numbers(data: bytes, layout: FileLayout) -> list[int]:
    """The sheet's own number (from 1) of every row that `parse` gives, in the same order."""
    rows = _read_sheet(data, layout)[layout.header_row :]
    return [number for number, row in enumerate(rows, layout.header_row + 1) if _has_content(row)]


def list_sheets(data: bytes, layout: FileLayout) -> list[str]:
    """The sheets of a workbook that hold cells, in its order.

    Raises:
        Refused: as `parse`.
    """
    with _translate_errors(data, layout):
        book = _open_workbook(data, layout)
        sheets = [sheet.name for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    return sheets


def read_grid(data: bytes, layout: FileLayout) -> list[list[str | None]]:
    """Every cell of the contract's sheet as `parse` reads it, its header and its title rows too.

    Raises:
        Refused: as `parse`.
    """
    return [[_format_cell(cell) for cell in row] for row in _read_sheet(data, layout)]


def _has_content(row: list[CellValue]) -> bool:
    return any(cell != "" for cell in row)


def _read_sheet(data: bytes, layout: FileLayout) -> list[list[CellValue]]:
    with _translate_errors(data, layout):
        book = _open_workbook(data, layout)
        name = layout.sheet or book.sheet_names[0]
        if name not in book.sheet_names:
            raise layout.build_refusal("HUB308", problem_key="damage.sheet", sheet=name, sheets=", ".join(book.sheet_names))
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        _correct_cells(rows, find_misread_cells(data, book.sheet_names.index(name), layout.encoding))
        return rows


def _open_workbook(data: bytes, layout: FileLayout) -> CalamineWorkbook:
    if not data:
        raise layout.build_refusal("HUB305")
    if kind := file_kind.detect_other_kind(data, "workbook"):
        raise layout.build_refusal("HUB331", kind=kind)
    if code := workbook_kind.find_refusal_code(data):
        raise layout.build_refusal(code)
    return CalamineWorkbook.from_filelike(
        io.BytesIO(excel_xls.repair_workbook(data) if data.startswith(compound.SIGNATURE) else data)
    )


@contextlib.contextmanager
def _translate_errors(data: bytes, layout: FileLayout) -> Iterator[None]:
    """What the library and the reading by hand end in, in the house's words."""
    try:
        yield
    except PasswordError:
        raise layout.build_refusal("HUB324") from None
    except (CalamineError, *_DAMAGE_ERRORS):
        word, facts = workbook_kind.diagnose_damage(data)
        raise layout.build_refusal("HUB308", problem_key=f"damage.{word}", **facts) from None


def find_misread_cells(data: bytes, sheet: int, encoding: str | None = None) -> dict[CellPlace, str]:
    """The cells of the sheet at this position (from 0) that the library gives as something else than they are, and their text.

    Raises:
        one of `_TORN`: the file's parts do not fit together.
    """
    if data.startswith(compound.SIGNATURE):
        return dict(excel_xls.find_misread_cells(data, sheet, encoding))
    return dict(excel_xlsx.find_misread_cells(data, sheet))


def _correct_cells(rows: list[list[CellValue]], texts: dict[CellPlace, str]) -> None:
    """Put texts where they belong; the library leaves off rows and columns at the end that are empty to it."""
    if not texts:
        return
    height = max(row for row, _ in texts) + 1
    width = max([*(column + 1 for _, column in texts), *map(len, rows[:1])])
    rows += [[] for _ in range(height - len(rows))]
    for row in rows:
        row += [""] * (width - len(row))
    for (line, column), text in texts.items():
        rows[line][column] = text


def _format_cell(cell: CellValue) -> str | None:
    if isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return (UNREADABLE if is_too_long(cell) else "") + format_number(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, timedelta):
        minutes, seconds = divmod(int(cell.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return cell.isoformat()
