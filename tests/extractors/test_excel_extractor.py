"""XLS through the shared suite, and in both kinds of workbook what only a workbook can be: merged, titled, full of errors."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter
import xlwt
from conformance import Conformance, dataset, read
from test_file_extractor import KV, CsvShelf, refusal

from core.dialects import UNREADABLE
from extractors.base import Extractor, open_extractor
from extractors.excel_file import find_misread_cells
from pipeline.ingest.landing_writer import land_reading
from pipeline.transform.typed_views import create_view

DAY, MOMENT, CLOCK = (xlwt.easyxf(num_format_str=form) for form in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "hh:mm:ss"))
SIGNS = {"#NULL!": 0, "#DIV/0!": 7, "#VALUE!": 15, "#REF!": 23, "#NAME?": 29, "#NUM!": 36, "#N/A": 42}


class XlsShelf(CsvShelf):
    def put(self, name: str, columns: dict[str, str], rows: Sequence[Sequence[Any]]) -> str:
        book = xlwt.Workbook(encoding="utf-8")
        sheet = book.add_sheet("名单")
        for place, title in enumerate(columns):
            sheet.write(0, place, title)
        for line, row in enumerate(rows, 1):
            for place, (cell, kind) in enumerate(zip(row, columns.values(), strict=True)):
                self._write(sheet, (line, place), cell, kind)
        book.save(str(self.folder / f"{name}.xls"))
        return f"{name}.xls"

    def _write(self, sheet: Any, at: tuple[int, int], cell: Any, kind: str) -> None:
        if cell is None:
            return
        if kind in {"integer", "number"}:
            sheet.write(*at, float(cell))
        elif kind == "date":
            sheet.write(*at, date.fromisoformat(cell), DAY)
        elif kind == "timestamp":
            sheet.write(*at, datetime.fromisoformat(cell), MOMENT)
        else:
            sheet.write(*at, cell)


class TestXls(Conformance):
    longest = 32_767
    keeps_empty_text = False
    keeps_microseconds = False

    @pytest.fixture
    def shelf(self, tmp_path: Path) -> XlsShelf:
        return XlsShelf(tmp_path)


@pytest.fixture
def shelf(tmp_path: Path) -> CsvShelf:
    return CsvShelf(tmp_path)


@pytest.fixture
def extractor(shelf: CsvShelf) -> Extractor:
    return open_extractor(shelf.connection)


def test_xls_cells_land_as_a_person_reads_them(shelf: CsvShelf, extractor: Extractor) -> None:
    book = xlwt.Workbook(encoding="utf-8")
    book.add_sheet("说明").write(0, 0, "x")
    sheet = book.add_sheet("名单")
    sheet.write_merge(0, 0, 0, 8, "2025 年名单")
    names = ["工号", "数", "小数", "极小", "日", "时", "刻", "是", "空"]
    for place, name in enumerate(names):
        sheet.write(2, place + 1, f" {name} ")
    cells = ["007", 3, 0.1, 1e-7, date(2025, 9, 1), time(8, 5), datetime(2025, 9, 1, 8, 0, 1), True]
    forms = {4: DAY, 5: CLOCK, 6: MOMENT}
    for place, cell in enumerate(cells):
        sheet.write(3, place + 1, cell, forms.get(place, xlwt.Style.default_style))
    sheet.write(3, 9, None, DAY)
    sheet.write(5, 1, "008")
    book.save(str(shelf.folder / "t.xls"))
    found = read(extractor, dataset("t.xls", dict.fromkeys(names, "text"), key=("工号",), sheet="名单", header_row=3))
    first = ["007", "3", "0.1", "0.0000001", "2025-09-01", "08:05:00", "2025-09-01 08:00:01", "true", None]
    assert found.to_pylist() == [dict(zip(names, first, strict=True)), dict.fromkeys(names) | {"工号": "008"}]


def test_xls_without_its_sheet_or_header_is_refused(tmp_path: Path, extractor: Extractor) -> None:
    XlsShelf(tmp_path).put("t", KV, [])
    assert refusal(extractor, "t.xls", sheet="教师").code == "HUB308"
    assert refusal(extractor, "t.xls", header_row=4).code == "HUB305"
    assert read(extractor, dataset("t.xls", KV)).num_rows == 0


def xls(path: Path, rows: int) -> None:
    """Errors in column v, from the third row of the sheet on, after `rows` sound rows; the first sheet has its own."""
    book = xlwt.Workbook(encoding="utf-8")
    other, sheet = book.add_sheet("说明"), book.add_sheet("名单")
    other.row(1).set_cell_error(1, SIGNS["#REF!"])
    for place, name in enumerate(KV):
        sheet.write(1, place, name)
    for line in range(rows):
        sheet.write(2 + line, 0, f"s{line}")
        sheet.write(2 + line, 1, "x" * 200 + str(line))
    for line, (sign, code) in enumerate(SIGNS.items(), 2 + rows):
        sheet.write(line, 0, sign)
        sheet.row(line).set_cell_error(1, code)
    sheet.write(2 + rows + len(SIGNS), 0, "text")
    sheet.write(2 + rows + len(SIGNS), 1, "#N/A")
    book.save(str(path))


def xlsx(path: Path, rows: int) -> None:
    """The same."""
    with xlsxwriter.Workbook(path) as book:
        other, sheet = book.add_worksheet("说明"), book.add_worksheet("名单")
        other.write_formula(1, 1, "=1/0", None, "#REF!")
        sheet.write_row(1, 0, list(KV))
        for line in range(rows):
            sheet.write_row(2 + line, 0, [f"s{line}", "x" * 200 + str(line)])
        for line, sign in enumerate(SIGNS, 2 + rows):
            sheet.write_string(line, 0, sign)
            sheet.write_formula(line, 1, "=NA()", None, sign)
        sheet.write_string(2 + rows + len(SIGNS), 0, "text")
        sheet.write_string(2 + rows + len(SIGNS), 1, "#N/A")


WRITERS = {"t.xls": xls, "t.xlsx": xlsx}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("rows", [0, 30_000], ids=["small", "large"])  # a small XLS lies in the mini stream
def test_error_cells_are_found_where_they_are(tmp_path: Path, name: str, rows: int) -> None:
    WRITERS[name](tmp_path / name, rows)
    data = (tmp_path / name).read_bytes()
    assert find_misread_cells(data, 1) == {(2 + rows + place, 1): UNREADABLE + sign for place, sign in enumerate(SIGNS)}
    assert find_misread_cells(data, 0) == {(1, 1): UNREADABLE + "#REF!"}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("kind", ["text", "number", "date", "timestamp", "integer"])
def test_an_error_cell_is_unreadable_and_not_empty(
    shelf: CsvShelf, extractor: Extractor, tmp_path: Path, name: str, kind: str
) -> None:
    WRITERS[name](shelf.folder / name, 0)
    wanted = dataset(name, {"k": "text", "v": kind}, sheet="名单", header_row=2)
    view = landed_view(extractor, wanted, tmp_path / "landed")
    lost = {key: unreadable for key, value, unreadable in view if value is None}
    assert {key: lost[key] for key in SIGNS} == dict.fromkeys(SIGNS, "v")
    assert ("text" in lost) is (kind != "text")  # what somebody typed is judged by its type


def test_a_contract_may_say_that_an_error_means_empty(shelf: CsvShelf, extractor: Extractor, tmp_path: Path) -> None:
    xlsx(shelf.folder / "t.xlsx", 0)
    wanted = dataset("t.xlsx", KV, sheet="名单", header_row=2)
    key, value = wanted.columns
    wanted = dataset("t.xlsx", (key, type(value)(**{**value.__dict__, "null_values": ("#N/A",)})), sheet="名单", header_row=2)
    faults = {key: unreadable for key, _, unreadable in landed_view(extractor, wanted, tmp_path / "landed")}
    assert faults == {**dict.fromkeys(SIGNS, "v"), "#N/A": None, "text": None}


def landed_view(extractor: Extractor, wanted: Any, folder: Path) -> list[tuple[str, Any, str | None]]:
    with extractor.read(wanted) as reading:
        land_reading(folder, reading)
    with duckdb.connect() as db:
        create_view(db, wanted, folder / "rows.parquet")
        return db.execute(f"select k, v, unreadable from {wanted.id} order by source_row").fetchall()


def test_sheets_are_found_however_the_parts_are_written(tmp_path: Path) -> None:
    rewritten(tmp_path, lambda text: text.replace(b' r="2"', b"").replace(b' r="B2"', b"").replace(b' r="A2"', b""))
    assert find_misread_cells((tmp_path / "u.xlsx").read_bytes(), 0) == {(1, 1): UNREADABLE + "#DIV/0!"}
    rewritten(tmp_path, lambda text: text.replace(b'Target="worksheets/', b'Target="/xl/worksheets/'))
    assert find_misread_cells((tmp_path / "u.xlsx").read_bytes(), 0) == {(1, 1): UNREADABLE + "#DIV/0!"}


def rewritten(folder: Path, change: Callable[[bytes], bytes]) -> None:
    with xlsxwriter.Workbook(folder / "t.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["k", "v"])
        sheet.write_string(1, 0, "1")
        sheet.write_formula(1, 1, "=1/0", None, "#DIV/0!")
    with zipfile.ZipFile(folder / "t.xlsx") as old, zipfile.ZipFile(folder / "u.xlsx", "w") as new:
        for part in old.namelist():
            new.writestr(part, change(old.read(part)))


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_cut_anywhere_is_refused_or_read_but_never_misread(shelf: CsvShelf, extractor: Extractor, name: str) -> None:
    WRITERS[name](shelf.folder / name, 20)
    data = (shelf.folder / name).read_bytes()
    for share in range(1, 10):
        try:
            found = find_misread_cells(data[: len(data) * share // 10], 1).values()
        except (struct.error, LookupError, ValueError, zipfile.BadZipFile):
            continue
        assert set(found) <= {UNREADABLE + sign for sign in SIGNS}
