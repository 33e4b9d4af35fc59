"""Reads the public test suites of other programs and compares every cell with a second reader.

    python scripts/read_public_suites.py [--list] FOLDER...

Each folder is a suite that the developer fetched (docs/how-to/read-public-suites.md). Workbooks are compared with openpyxl and
xlrd, tables with dbfread, CSV with the standard library or the JSON beside it. A file is read in a process of its own, so that
one that crashes or never ends is counted and does not end the script. Exit code 1 when a file differs or crashes.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import io
import json
import multiprocessing
import re
import resource
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import Any

from core.dialects import UNREADABLE
from core.errors import HubError
from extractors import csv_file, dbf_file, excel_file
from extractors.files import dbf_language
from extractors.files.excel_formats import format_number
from extractors.files.file_layout import FileLayout

SECONDS = 60
MEMORY = 4 << 30
"""Bytes of addresses that one file may take."""
KINDS = (".csv", ".dbf", ".xls", ".xlsm", ".xlsx")
Grid = list[list[str | None]]
Verdict = tuple[str, str]
"""`equal`, `alone` (no second reading), `differ`, `crash` or the code of a refusal; and what is to be said of it."""
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    asked.add_argument("--list", action="store_true", help="name every file that is not equal")
    given = asked.parse_args()
    bad = 0
    for folder in given.folders:
        counts = Counter[str]()
        for path in sorted(one for one in folder.rglob("*") if one.suffix.lower() in KINDS and one.is_file()):
            verdict, said = compare_in_child(path)
            counts[verdict] += 1
            if given.list and verdict != "equal":
                print(f"  {verdict:8} {path.relative_to(folder)}  {said}", flush=True)
        bad += counts["differ"] + counts["crash"]
        told = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
        print(f"{folder.name}: {counts.total()} files: {told}", flush=True)
    return 1 if bad else 0


def compare_in_child(path: Path) -> Verdict:
    """The verdict of a file, found in a process of its own."""
    here, there = multiprocessing.Pipe(duplex=False)
    reader = multiprocessing.get_context("fork").Process(target=_send_verdicts, args=(path, there))
    reader.start()
    there.close()
    known: Verdict | None = None
    try:
        while here.poll(SECONDS):
            known = here.recv()
        return known or ("crash", f"more than {SECONDS} s")
    except EOFError:
        reader.join()
        return known or ("crash", f"exit {reader.exitcode}")
    finally:
        reader.kill()
        reader.join()


def _send_verdicts(path: Path, answer: Any) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        for verdict in compare_file(path):
            answer.send(verdict)
    except BaseException as error:  # what a library raises that no caller could catch is the very thing looked for
        answer.send(("crash", f"{type(error).__name__}: {error}"[:200]))


def compare_file(path: Path) -> Iterator[Verdict]:
    """Read a file, then read it again with a second reader and compare: the last verdict counts."""
    data = path.read_bytes()
    kind = path.suffix.lower()
    mine, second = {".csv": (_read_csv, _reread_csv), ".dbf": (_read_dbf, _reread_dbf)}.get(
        kind, (_read_workbook, _reread_workbook)
    )
    try:
        first = mine(path, data)
    except HubError as error:
        yield error.code, str(error.facts.get("problem", error.facts.get("kind", "")))
        return
    yield "alone", "the second reader did not end"
    try:
        other = second(path, data)
    except Exception as error:
        yield "alone", type(error).__name__
        return
    found = ((name, _find_difference(first[name], grid)) for name, grid in other.items() if name in first)
    yield next((("differ", f"{name} {place}") for name, place in found if place), ("equal", ""))


def _find_difference(first: Grid, other: Grid) -> str:
    """The first place (row and column from 1) at which two readings say something else."""
    for row in range(max(len(first), len(other))):
        one, two = (grid[row] if row < len(grid) else [] for grid in (first, other))
        for column in range(max(len(one), len(two))):
            mine, theirs = (cells[column] if column < len(cells) else None for cells in (one, two))
            if not _is_same(mine, theirs):
                return f"({row + 1}, {column + 1}) {mine!r} {theirs!r}"[:160]
    return ""


def _is_same(mine: str | None, theirs: str | None) -> bool:
    """Whether two cells agree. What is held as lost agrees with anything. Known faults of the second readers are none of ours:
    they keep blanks that Excel drops and leave `_x000D_` as it is; nor are the zeros and hyphens of a number format."""
    if (mine or "").startswith(UNREADABLE):
        return True
    written = re.sub("_x([0-9a-fA-F]{4})_", lambda found: chr(int(found[1], 16)), theirs or "")
    one, two = (cell.replace("\r\n", "\n").removesuffix(" 00:00:00") for cell in (mine or "", written))
    if one.strip() == two.strip() or (two.isdigit() and re.sub("[^0-9]", "", one).lstrip("0") == two.lstrip("0")):
        return True
    with suppress(ValueError):
        return abs(float(one) - float(two)) <= 1e-12 * abs(float(two))
    with suppress(ValueError):
        return abs(datetime.fromisoformat(one) - datetime.fromisoformat(two)) <= timedelta(seconds=1)
    return False


def _build_layout(path: Path, sheet: str | None = None) -> FileLayout:
    return FileLayout(path, path.name, "-", sheet=sheet)


def _read_workbook(path: Path, data: bytes) -> dict[str, Grid]:
    first = excel_file.list_sheets(data, _build_layout(path))
    return {name: excel_file.read_grid(data, _build_layout(path, name)) for name in first}


def _reread_workbook(path: Path, data: bytes) -> dict[str, Grid]:
    return dict(_read_xlrd(data) if data.startswith(b"\xd0\xcf") else _read_openpyxl(data))


def _read_openpyxl(data: bytes) -> Iterator[tuple[str, Grid]]:
    book = importlib.import_module("openpyxl").load_workbook(io.BytesIO(data), data_only=True)
    for sheet in book.worksheets:
        yield (
            sheet.title,
            [[_format_value(cell.value, error=cell.data_type == "e") for cell in row] for row in sheet.iter_rows()],
        )


def _read_xlrd(data: bytes) -> Iterator[tuple[str, Grid]]:
    xlrd = importlib.import_module("xlrd")
    book = xlrd.open_workbook(file_contents=data, formatting_info=False, logfile=io.StringIO())

    def spelled(cell: Any) -> str | None:
        if cell.ctype == xlrd.XL_CELL_DATE:
            return _format_value(_parse_serial(cell.value, book.datemode))
        if cell.ctype == xlrd.XL_CELL_ERROR:
            return UNREADABLE + _ERRORS.get(cell.value, "#N/A")
        return _format_value(bool(cell.value) if cell.ctype == xlrd.XL_CELL_BOOLEAN else cell.value)

    for sheet in book.sheets():
        yield sheet.name, [[spelled(sheet.cell(row, place)) for place in range(sheet.ncols)] for row in range(sheet.nrows)]


def _parse_serial(serial: float, mode: int) -> Any:
    """A serial number of days as its moment, or as the time of day that it is below 1."""
    if 0 <= serial < 1:
        return (datetime(1900, 1, 1) + timedelta(seconds=round(serial * 86400))).time()
    first = datetime(1904, 1, 1) if mode else datetime(1899, 12, 31 if serial < 60 else 30)
    return first + timedelta(days=int(serial), seconds=round(serial % 1 * 86400))


def _format_value(value: Any, *, error: bool = False) -> str | None:
    """A value of a second reader in the spelling of this one."""
    if value is None or value == "":
        return None
    if error:
        return UNREADABLE + str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return format_number(value)
    if isinstance(value, datetime):
        return (value + timedelta(microseconds=500_000)).replace(microsecond=0).isoformat(sep=" ")
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return value.isoformat() if isinstance(value, date | clock) else str(value)


def _read_dbf(path: Path, data: bytes) -> dict[str, Grid]:
    return {"": _list_rows(dbf_file.parse_dbf(data, _build_layout(path)))}


def _list_rows(table: Any) -> Grid:
    columns = [[None if cell is None else _format_value(cell) for cell in column.to_pylist()] for column in table.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def _reread_dbf(path: Path, data: bytes) -> dict[str, Grid]:
    dbfread = importlib.import_module("dbfread")

    def digits(_parser: Any, _field: Any, cell: bytes) -> str:
        return cell.decode("latin-1").strip(" \0")

    parsed = {f"parse{kind}": digits for kind in "NFD"} | {
        "parseC": lambda parser, _, cell: parser.decode_text(cell.rstrip(b" \0"))
    }
    parser: Any = type("Plain", (dbfread.FieldParser,), parsed)
    encoding = dbf_language.choose_encoding(data[29], None, data)
    table = dbfread.DBF(str(path), encoding=encoding, parserclass=parser, ignore_missing_memofile=True)
    shown = [field for field in table.fields if field.type in "CVNFDTLIBYM"]
    dates = {field.name for field in shown if field.type == "D"}

    def spelled(name: str, value: Any) -> str | None:
        text = _format_value(value)
        if name in dates and text and len(text) == 8 and text.isdigit():
            return f"{text[:4]}-{text[4:6]}-{text[6:]}"
        return text.rstrip(" \0") or None if text else None

    return {"": [[spelled(field.name, record[field.name]) for field in shown] for record in table]}


def _read_csv(path: Path, data: bytes) -> dict[str, Grid]:
    return {"": _list_rows(csv_file.parse_csv(data, _build_layout(path)))}


def _reread_csv(path: Path, data: bytes) -> dict[str, Grid]:
    beside = path.parent.parent / "json" / f"{path.stem}.json"
    if beside.exists():
        return {"": [[_format_value(cell) for cell in row.values()] for row in json.loads(beside.read_text("utf-8"))]}
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    named = [place for place, name in enumerate(rows[0]) if name.strip()]
    return {"": [[row[place] or None for place in named] for row in rows[1:] if any(row)]}


if __name__ == "__main__":
    sys.exit(main())
