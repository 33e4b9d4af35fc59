"""Family file: the shared suite over CSV and XLSX, and what files alone can be wrong in."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from conformance import Conformance, cells, dataset, read, table

from core.errors import ContractError, Refused
from core.store.address import ConnectionAddress, parse_url
from extractors.base import Extractor, open_extractor
from extractors.file import FileExtractor
from extractors.files.file_layout import FileLayout


class CsvShelf:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection: ConnectionAddress = parse_url("src_hr", f"file://{folder}")

    def put(self, name: str, columns: dict[str, str], rows: Sequence[Sequence[Any]]) -> str:
        text = io.StringIO()
        csv.writer(text).writerow(columns)
        for row in rows:
            text.write(",".join("" if cell is None else '"' + str(cell).replace('"', '""') + '"' for cell in row) + "\r\n")
        return self.write(f"{name}.csv", text.getvalue().encode())

    def write(self, name: str, data: bytes) -> str:
        (self.folder / name).write_bytes(data)
        return name

    def unreachable(self) -> str:
        return f"file://{self.folder}/not_mounted"


class XlsxShelf(CsvShelf):
    def put(self, name: str, columns: dict[str, str], rows: Sequence[Sequence[Any]]) -> str:
        with xlsxwriter.Workbook(self.folder / f"{name}.xlsx", {"strings_to_formulas": False}) as book:
            sheet = book.add_worksheet("名单")
            sheet.write_row(0, 0, list(columns))
            for place, row in enumerate(rows, 1):
                for column, (cell, kind) in enumerate(zip(row, columns.values(), strict=True)):
                    self._write(book, sheet, (place, column), cell, kind)
        return f"{name}.xlsx"

    def _write(self, book: Any, sheet: Any, at: tuple[int, int], cell: Any, kind: str) -> None:
        if cell is None:
            return
        if kind in {"integer", "number"}:
            sheet.write_number(*at, float(cell))
        elif kind == "date":
            sheet.write_datetime(*at, date.fromisoformat(cell), book.add_format({"num_format": "yyyy-mm-dd"}))
        elif kind == "timestamp":
            sheet.write_datetime(*at, datetime.fromisoformat(cell), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}))
        else:
            sheet.write_string(*at, cell)


class TestCsv(Conformance):
    @pytest.fixture
    def shelf(self, tmp_path: Path) -> CsvShelf:
        return CsvShelf(tmp_path)


class TestXlsx(Conformance):
    longest = 32_767
    keeps_empty_text = False
    keeps_microseconds = False

    @pytest.fixture
    def shelf(self, tmp_path: Path) -> XlsxShelf:
        return XlsxShelf(tmp_path)


@pytest.fixture
def shelf(tmp_path: Path) -> CsvShelf:
    return CsvShelf(tmp_path)


@pytest.fixture
def extractor(shelf: CsvShelf) -> Extractor:
    return open_extractor(shelf.connection)


KV = {"k": "text", "v": "text"}


def refusal(extractor: Extractor, physical: str, columns: dict[str, str] | None = None, **facts: Any) -> Refused:
    with pytest.raises(Refused) as error:
        read(extractor, dataset(physical, columns or KV, **facts))
    for language in ("zh", "en"):
        assert error.value.code in error.value.line(language)
    return error.value


def test_csv_takes_a_byte_order_mark_blanks_around_names_and_title_lines(shelf: CsvShelf, extractor: Extractor) -> None:
    shelf.write("t.csv", "\ufeff名单,,\r\n\r\n k , v ,x\r\n1, a ,\r\n".encode())
    assert read(extractor, dataset("t.csv", KV, header_row=3)).to_pylist() == [{"k": "1", "v": " a "}]


def test_csv_in_the_contracts_encoding(shelf: CsvShelf, extractor: Extractor) -> None:
    shelf.write("t.csv", "k,姓名\n1,阿卜·\n2,𠮷\n".encode("gb18030"))
    found = read(extractor, dataset("t.csv", {"k": "text", "姓名": "text"}, encoding="gb18030"))
    assert found["姓名"].to_pylist() == ["阿卜·", "𠮷"]


@pytest.mark.parametrize(
    ("data", "encoding", "columns", "rows"),
    [
        ("k,v\n1,中文\n2,x\n3,国\n".encode("gb18030"), None, "v", 2),
        ("k,v\n1,中文\n2,x\n3,国\n".encode(), "gb18030", "v", 2),
        ("\ufeffk,v\n1,中文\n".encode(), "gbk", "v", 1),
        ("k,v\n1,𠮷野\n".encode("gb18030"), "gb2312", "v", 1),
        ("k,v\n1,中\n".encode("utf-16"), "utf-8", "#1", 0),
    ],
)
def test_csv_in_another_encoding_is_refused(
    shelf: CsvShelf, extractor: Extractor, data: bytes, encoding: str | None, columns: str, rows: int
) -> None:
    error = refusal(extractor, shelf.write("t.csv", data), encoding=encoding)
    assert (error.code, error.facts["columns"], error.facts["rows"]) == ("HUB304", columns, rows)
    assert "中" not in error.line("zh") + repr(error)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("k,v\n1,a\n2\n3,c\n", 3),
        ('k,v\n1,"a\nb"\n\n2,b,c\n', 5),
        ('k,v\n1,a\n2,"b\n3,c\n', 3),
        ('k,v\n1,"a\nb"\n2,b"\n3,"c\n', 4),
        ('k,v\n1,"a\n2,b\n3,c"x\n', 2),
        ('k,v\n1,"他说"你好""\n', 2),
    ],
)
def test_csv_with_a_row_that_does_not_fit_is_refused(shelf: CsvShelf, extractor: Extractor, text: str, line: int) -> None:
    error = refusal(extractor, shelf.write("t.csv", text.encode()))
    assert (error.code, error.facts["line"], error.facts["expected"]) == ("HUB306", line, 2)


def test_csv_quotes_that_are_well_formed_are_read(shelf: CsvShelf, extractor: Extractor) -> None:
    shelf.write("t.csv", b'k,v\n"1","a"",""b"\n2,""\n"3","""x"""\n4,')
    assert cells(extractor, dataset("t.csv", KV)) == {"1": 'a","b', "2": "", "3": '"x"', "4": None}


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx", "t.dbf"])
def test_an_empty_file_is_refused(shelf: CsvShelf, extractor: Extractor, name: str) -> None:
    assert refusal(extractor, shelf.write(name, b"")).code == "HUB305"


@pytest.mark.parametrize("name", ["t.xlsx", "t.xls", "t.dbf", "t.pdf"])
def test_a_damaged_or_unknown_file_is_refused(shelf: CsvShelf, extractor: Extractor, name: str) -> None:
    assert refusal(extractor, shelf.write(name, b"PK\x03\x04 cut short")).code == "HUB308"


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/passwd", "../*.csv", "inside/../../secret.csv", "link.csv"])
def test_a_file_outside_the_folder_is_not_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.csv").write_text("k,v\n1,2\n", "utf-8")
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    outside = open_extractor(parse_url("src_hr", f"file://{folder}"))
    with pytest.raises(ContractError, match="HUB163"):
        read(outside, dataset(name, KV))


def test_a_name_that_stands_twice_is_refused(shelf: CsvShelf, extractor: Extractor) -> None:
    assert refusal(extractor, shelf.write("t.csv", b"k,v,v\n1,2,3\n")).code == "HUB308"


def test_the_newest_finished_file_counts(shelf: CsvShelf, extractor: Extractor) -> None:
    for place, name in enumerate(["gz_1.csv", "gz_3.csv", "gz_2.csv"]):
        shelf.write(name, f"k,v\n{name},x\n".encode())
        os.utime(shelf.folder / name, (place, place))
    for name in ("~$gz_9.csv", ".gz_9.csv", "gz_9.csv.part"):
        shelf.write(name, b"")
    assert read(extractor, dataset("gz_*", KV, mode="upload"))["k"].to_pylist() == ["gz_2.csv"]
    assert extractor.list_tables() == ["gz_1.csv", "gz_2.csv", "gz_3.csv"]


class Growing(type(Path())):  # type: ignore[misc]
    """A file to which somebody adds a row while it is read."""

    def read_bytes(self) -> bytes:
        data: bytes = super().read_bytes()
        with self.open("ab") as file:
            file.write(b"2,y\n")
        return data


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = Growing(tmp_path / "t.csv")
    path.write_bytes(b"k,v\n1,x\n")
    with pytest.raises(Refused) as error:
        FileLayout(path, "hr.t", "人事处").read()
    assert error.value.code == "HUB307"


def test_xlsx_cells_land_as_a_person_reads_them(shelf: CsvShelf, extractor: Extractor) -> None:
    with xlsxwriter.Workbook(shelf.folder / "t.xlsx") as book:
        book.add_worksheet("说明").write(0, 0, "x")
        sheet = book.add_worksheet("名单")
        day, clock = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "hh:mm:ss"})
        hours = book.add_format({"num_format": "[h]:mm:ss"})
        sheet.write(0, 0, "2025 年名单")
        sheet.write_row(2, 1, [" 工号 ", "数", "小数", "极小", "日", "时", "时长", "公式", "是"])
        sheet.write_row(3, 1, ["007", 3, 0.1, 1e-7])
        sheet.write_datetime(3, 5, date(2025, 9, 1), day)
        sheet.write_datetime(3, 6, time(8, 5), clock)
        sheet.write_number(3, 7, 1.25, hours)
        sheet.write_formula(3, 8, "=1+1", None, 2)
        sheet.write_boolean(3, 9, True)
        sheet.write(5, 1, "008")
        sheet.write_blank(9, 1, None, day)
    names = ["工号", "数", "小数", "极小", "日", "时", "时长", "公式", "是"]
    found = read(extractor, dataset("t.xlsx", dict.fromkeys(names, "text"), key=("工号",), sheet="名单", header_row=3))
    first = ["007", "3", "0.1", "0.0000001", "2025-09-01", "08:05:00", "30:00:00", "2", "true"]
    assert found.to_pylist() == [dict(zip(names, first, strict=True)), dict.fromkeys(names) | {"工号": "008"}]


def test_xlsx_without_its_sheet_or_header_is_refused(shelf: CsvShelf, extractor: Extractor) -> None:
    with xlsxwriter.Workbook(shelf.folder / "t.xlsx") as book:
        book.add_worksheet("名单").write_row(0, 0, ["k", "v"])
    assert refusal(extractor, "t.xlsx", sheet="教师").code == "HUB308"
    assert refusal(extractor, "t.xlsx", header_row=4).code == "HUB305"
    assert read(extractor, dataset("t.xlsx", KV)).num_rows == 0


def test_draft_sees_a_file_without_a_contract(shelf: CsvShelf, extractor: Extractor) -> None:
    shelf.write("t.csv", b"k,v\n1,2\n")
    assert [column.name for column in extractor.read_columns("t.csv")] == ["k", "v"]
    assert extractor.read_primary_key("t.csv") == []
    assert isinstance(extractor, FileExtractor)


def test_csv_rows_keep_the_order_of_the_file(shelf: CsvShelf, extractor: Extractor) -> None:
    shelf.write("t.csv", b"k,v\n2,b\n1,a\n")
    with extractor.read(dataset("t.csv", KV)) as reading:
        assert table(reading)["k"].to_pylist() == ["2", "1"]
    assert cells(extractor, dataset("t.csv", KV)) == {"2": "b", "1": "a"}
