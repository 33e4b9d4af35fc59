"""Cells that a workbook's library gives as something else than they are, and files that only have a workbook's name."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter
import xlwt
from xlwt.CompoundDoc import XlsDoc

from core.dialects import UNREADABLE
from core.errors import Refused
from extractors import csv_file, dbf_file
from extractors.excel_file import parse_workbook
from extractors.files.excel_formats import format_number, format_padded, is_date
from extractors.files.file_layout import FileLayout


def column(path: Path) -> list[str | None]:
    """Column v of a workbook."""
    return parse_workbook(path.read_bytes(), FileLayout(path, "s.t", "某处"))["v"].to_pylist()


def formatted(path: Path, cells: list[tuple[float, str]]) -> Path:
    """Numbers, each in its format, in column v."""
    if path.suffix == ".xls":
        book = xlwt.Workbook()
        sheet = book.add_sheet("s")
        sheet.write(0, 0, "v")
        for line, (number, form) in enumerate(cells, 1):
            sheet.write(line, 0, number, xlwt.easyxf(num_format_str=form))
        book.save(str(path))
        return path
    with xlsxwriter.Workbook(path) as other:
        page = other.add_worksheet()
        page.write(0, 0, "v")
        for line, (number, form) in enumerate(cells, 1):
            page.write_number(line, 0, number, other.add_format({"num_format": form}))
    return path


def changed(path: Path, part: str, change: Callable[[bytes], bytes], name: Callable[[str], str] = str) -> Path:
    """The package with one part changed and every part under another name."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(path.with_name("changed.xlsx"), "w") as new:
        for one in old.namelist():
            entry = zipfile.ZipInfo("x")
            entry.filename = name(one)
            content = old.read(one)
            new.writestr(entry, change(content) if one == part else content)
    return path.with_name("changed.xlsx")


@pytest.mark.parametrize("name", ["t.xls", "t.xlsx"])
def test_zeros_of_a_format_belong_to_the_value_and_lost_digits_are_lost(tmp_path: Path, name: str) -> None:
    cells = [(123, "00000000"), (7, '"S"0000'), (1234567, "000-0000"), (3, "0.00"), (85, '0"元"'), (1234, "#,##0")]
    long = [(110101199003071234, "0"), (-6222021234567890123, "0"), (999999999999999, "0")]
    assert [(text or "")[:16] for text in column(formatted(tmp_path / name, [*cells, *long]))] == [
        "00000123",
        "S0007",
        "123-4567",
        "3",
        "85",
        "1234",
        f"{UNREADABLE}110101199003071",
        f"{UNREADABLE}-62220212345678",
        "999999999999999",
    ]


def test_a_formula_that_was_never_calculated_is_lost_and_an_empty_text_is_empty(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "t.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["v", "w"])
        for line, value in enumerate([7, "x", "y"], 1):
            sheet.write_formula(line, 0, "=A9", None, value)
            sheet.write(line, 1, "w")
    for old, new in ((b"<v>7</v>", b"<v></v>"), (b"<v>7</v>", b""), (b"<v>7</v>", b"<v/>")):
        lost = changed(
            tmp_path / "t.xlsx", "xl/worksheets/sheet1.xml", lambda xml, old=old, new=new: _emptied(xml).replace(old, new)
        )
        assert column(lost) == [UNREADABLE + "=?", "x", None]


def test_an_xls_whose_writer_cannot_calculate_has_lost_its_formulas(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("s")
    sheet.write(0, 0, "v")
    sheet.write(1, 0, "x")
    sheet.write(2, 0, xlwt.Formula("1+1"))  # below and beside everything that the library counts as content
    book.save(str(tmp_path / "t.xls"))
    assert column(tmp_path / "t.xls") == ["x", UNREADABLE + "=?"]


@pytest.mark.parametrize("spelled", [lambda n: n.replace("/", "\\"), str.upper], ids=["slash", "case"])
def test_parts_are_found_however_they_are_named(tmp_path: Path, spelled: Callable[[str], str]) -> None:
    with xlsxwriter.Workbook(tmp_path / "t.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "v")
        sheet.write_formula(1, 0, "=NA()", None, "#N/A")
    assert column(changed(tmp_path / "t.xlsx", "", bytes, spelled)) == [UNREADABLE + "#N/A"]


def test_a_format_of_the_workbook_goes_before_the_usual_one_of_its_number(tmp_path: Path) -> None:
    path = formatted(tmp_path / "t.xlsx", [(1234.5, "0.0000"), (0.25, "yyyy-mm-dd"), (45658, "yyyy-mm-dd")])
    moved = changed(
        path,
        "xl/styles.xml",
        lambda xml: xml.replace(b'"164"', b'"14"').replace(b'"165"', b'"4"').replace(b'"0.0000"', b'"0.00"'),
    )
    assert column(moved)[::2] == ["1234.5", "2025-01-01"]
    numbers = [_record(0x203, struct.pack("<HHHd", row, 0, row - 1, value)) for row, value in ((1, 1234.5), (2, 17), (3, 0.25))]
    _handmade(tmp_path / "t.xls", numbers, {14: "#,##0.00", 15: "0", 20: "0.0"})
    assert column(tmp_path / "t.xls") == ["1234.5", "17", "0.25"]


def test_a_date_under_a_number_that_is_none_of_a_dates_is_held(tmp_path: Path) -> None:
    numbers = [_record(0x203, struct.pack("<HHHd", row, 0, row - 1, 38352)) for row in (1, 2)]
    _handmade(tmp_path / "t.xls", numbers, {59: "mmm d, yyyy", 60: "0"})
    assert column(tmp_path / "t.xls") == [f"{UNREADABLE}38352", "38352"]


def test_a_package_with_two_parts_of_one_name_is_refused(tmp_path: Path) -> None:
    path = formatted(tmp_path / "t.xlsx", [(7, "General")])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("XL/Worksheets/Sheet1.xml", b"<worksheet/>")
    with pytest.raises(Refused, match="HUB308"):
        column(path)


@pytest.mark.parametrize("name", ["t.xls", "t.xlsx"])
def test_letters_of_a_format_make_no_date(tmp_path: Path, name: str) -> None:
    forms = ["[Red][<-25]General;[Blue][>25]General", "[Red][>=50]0.0", '0.0"days"', "0.00E+00", "[$USD] 0.0"]
    path = formatted(tmp_path / name, [(50.5, form) for form in forms])
    assert column(path) == ["50.5"] * 5


def test_an_xls_formula_of_an_older_kind_or_a_text_that_goes_on_is_lost(tmp_path: Path) -> None:
    old = _record(0x406, struct.pack("<HHHdHI", 1, 0, 0, 5.0, 0, 0))
    text = _record(0x006, struct.pack("<HHH8sHI", 2, 0, 0, b"\0\0\0\0\0\0\xff\xff", 0, 0) + b"\0\0")
    first = _record(0x207, struct.pack("<HB", 12, 0) + b"abcdefgh")
    _handmade(tmp_path / "t.xls", [old, text, first, _record(0x3C, b"\0ijkl")], {})
    assert column(tmp_path / "t.xls") == [UNREADABLE + "=?", UNREADABLE + "…"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xef\xbb\xbf<html><body><table><tr><td>k</td></tr></table>", "HUB320"),
        ("<!DOCTYPE html>".encode("utf-16"), "HUB320"),
        (b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">', "HUB321"),
        ("学号\t姓名\r\n1\t张三\r\n".encode("gbk"), "HUB322"),
        (b"\x09\x04\x06\x00\x00\x04\x10\x00\x00\x00", "HUB323"),
        (b"PK\x03\x04 cut", "HUB308"),
        (bytes(600), "HUB308"),
    ],
)
def test_what_is_no_workbook_is_called_what_it_is(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "t.xls"
    path.write_bytes(content)
    with pytest.raises(Refused) as refused:
        column(path)
    assert refused.value.code == code
    assert {"t.xls", "某处"} <= {*refused.value.line("zh").replace("。", " ").replace("：", " ").split()}


def _unsound(whole: bytes, change: Callable[[str, bytes], bytes | None]) -> bytes:
    """A package with its parts changed; None leaves one out."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return made.getvalue()


def _bad_sum(whole: bytes) -> bytes:
    stored = _unsound(whole, lambda _, content: content)  # not compressed, so that one changed byte is one
    return stored.replace(b"<sheetData>", b"<sheetDatA>")


@pytest.mark.parametrize(
    ("spoil", "word", "said"),
    [
        (lambda whole: whole[: len(whole) // 2], "cut", "截断"),
        (lambda whole: whole[:-30], "cut", "截断"),
        (_bad_sum, "part", "sheet1.xml"),
        (lambda whole: _unsound(whole, lambda n, c: None if n.endswith("sheet1.xml") else c), "parts", "对不上"),
        (lambda whole: _unsound(whole, lambda n, c: c[:-9] if n.endswith("/workbook.xml") else c), "xml", "workbook.xml"),
        (lambda whole: _unsound(whole, lambda n, c: c.replace(b"<sheetData>", b"<") if "sheet1" in n else c), "xml", "第"),
        (lambda _: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "", "复合文档"),
        (lambda _: bytes(600), "unknown", "开头"),
    ],
)
def test_a_damaged_workbook_is_refused_with_what_is_wrong(
    tmp_path: Path, spoil: Callable[[bytes], bytes], word: str, said: str
) -> None:
    path = formatted(tmp_path / "t.xlsx", [(7, "General")])
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(Refused) as refused:
        column(path)
    assert refused.value.code == "HUB308"
    line = refused.value.line("zh")
    assert said in line and "Error" not in line + refused.value.line("en")
    assert not word or refused.value.facts["problem_key"] == f"damage.{word}"


def test_formats_say_what_a_number_is() -> None:
    dates = ["yyyy-mm-dd", "[$-804]yyyy年m月d日;@", "[h]:mm:ss", "h:mm AM/PM"]
    numbers = ["General", "[Red]0.00", '0"days"', r"0\d", "#,##0_);(#,##0)", "0.00E+00"]
    assert [is_date(form) for form in dates] == [True] * 4
    assert [is_date(form) for form in numbers] == [False] * 6
    assert [format_padded(form, 123) for form in numbers] == [None] * 6
    assert [format_padded("000;-0", 12345), format_padded("000", 1.5), format_padded("000", -5), format_padded("00 00", 7)] == [
        "12345",
        None,
        None,
        "00 07",
    ]


def _emptied(xml: bytes) -> bytes:
    """The sheet with the empty text as the result of its third formula, as Excel writes it."""
    return xml.replace(b"<v>y</v>", b"<v></v>")


def _record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _handmade(path: Path, cells: list[bytes], forms: dict[int, str], page: int = 0) -> None:
    """A workbook of Excel 97 with a header v and the given records; the styles are the formats, in order; `page` is its code
    page, if it says one."""
    start = _record(0x809, struct.pack("<HHHHII", 0x600, 5, 0x0DBB, 1996, 0, 0x0306))
    start += _record(0x42, struct.pack("<H", page)) if page else b""
    for id, form in forms.items():
        start += _record(0x41E, struct.pack("<HHB", id, len(form), 0) + form.encode())
    for id in forms or (0,):
        start += _record(0xE0, struct.pack("<HHH", 0, id, 0) + bytes(14))
    sheet = struct.pack("<BB", 1, 0) + b"s"
    start += _record(0x85, struct.pack("<IH", len(start) + 17, 0) + sheet) + _record(0x0A, b"")
    page_of = _record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0x0DBB, 1996, 0, 0x0306))
    page_of += _record(0x204, struct.pack("<HHHHB", 0, 0, 0, 1, 0) + b"v") + b"".join(cells) + _record(0x0A, b"")
    XlsDoc().save(str(path), (start + page_of).ljust(4096, b"\0"))


def _old(path: Path, cells: list[bytes], page: int) -> None:
    """A workbook of Excel 95 with a header v and the given records."""
    start = _record(0x809, struct.pack("<HHHH", 0x500, 5, 0x0DBB, 1996))
    start += _record(0x42, struct.pack("<H", page)) if page else b""
    start += _record(0xE0, struct.pack("<HHH", 0, 0, 0) + bytes(10))
    start += _record(0x85, struct.pack("<IH", len(start) + 16, 0) + b"\x01s") + _record(0x0A, b"")
    sheet = _record(0x809, struct.pack("<HHHH", 0x500, 0x10, 0x0DBB, 1996)) + _label(0, b"v")
    XlsDoc().save(str(path), (start + sheet + b"".join(cells) + _record(0x0A, b"")).ljust(4096, b"\0"))
    data = path.read_bytes().replace("Workbook".encode("utf-16-le"), "Book".encode("utf-16-le").ljust(16, b"\0"))
    at = data.index("Book".encode("utf-16-le"))
    path.write_bytes(data[: at + 64] + struct.pack("<H", 10) + data[at + 66 :])


def _label(row: int, text: bytes) -> bytes:
    return _record(0x204, struct.pack("<HHHH", row, 0, 0, len(text)) + text)


@pytest.mark.parametrize(
    ("page", "text", "contract", "answer"),
    [
        (936, "张三".encode("gbk"), None, "张三"),
        (10008, "张三".encode("gbk"), None, "张三"),
        (0, "张三".encode("gbk"), None, "张三"),
        (1252, "张三".encode("gbk"), "gbk", "张三"),
        (950, "張三".encode("big5"), "gbk", "張三"),
        (1252, b"P\xe9rez", None, "Pérez"),
        (936, b"P\xe9rez", None, "P\ufffdE972ez"),
        (936, b"\xff\xff", None, f"{UNREADABLE}\ufffdFF\ufffdFF"),
    ],
)
def test_texts_of_old_workbooks_are_in_the_code_page_that_they_state(
    tmp_path: Path, page: int, text: bytes, contract: str | None, answer: str
) -> None:
    formula = _record(0x006, struct.pack("<HHH8sHI", 2, 0, 0, b"\0\0\0\0\0\0\xff\xff", 0, 0) + b"\0\0")
    result = _record(0x207, struct.pack("<H", len(text)) + text)
    rich = _record(0x0D6, struct.pack("<HHHH", 3, 0, 0, len(text)) + text + b"\0")
    _old(tmp_path / "t.xls", [_label(1, text), formula, result, rich], page)
    found = parse_workbook((tmp_path / "t.xls").read_bytes(), FileLayout(tmp_path / "t.xls", "s.t", "某处", contract))[
        "v"
    ].to_pylist()
    assert found == [answer] * 3


@pytest.mark.parametrize("page", [936, 1252, 1200, 0])
def test_a_code_page_says_nothing_of_texts_that_are_unicode(tmp_path: Path, page: int) -> None:
    wide = _record(0x204, struct.pack("<HHHHB", 1, 0, 0, 2, 1) + "张三".encode("utf-16-le"))
    narrow = _record(0x204, struct.pack("<HHHHB", 2, 0, 0, 2, 0) + "zé".encode("latin-1"))
    _handmade(tmp_path / "t.xls", [wide, narrow], {}, page)
    assert column(tmp_path / "t.xls") == ["张三", "zé"]


def test_a_stream_is_found_in_any_capitals_and_a_password_is_called_one(tmp_path: Path) -> None:
    path = formatted(tmp_path / "t.xls", [(7, "General")])
    data = path.read_bytes()
    path.write_bytes(data.replace("Workbook".encode("utf-16-le"), "WorkBook".encode("utf-16-le")))
    assert column(path) == ["7"]
    _handmade(path, [_record(0x2F, bytes(6))], {})
    assert column(path) == []
    protected = bytearray(path.read_bytes())
    at = protected.index(struct.pack("<HH", 0xE0, 20))
    protected[at : at + 2] = struct.pack("<H", 0x2F)
    path.write_bytes(bytes(protected))
    with pytest.raises(Refused) as refused:
        column(path)
    assert refused.value.code == "HUB324"


def _zipped(part: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(part, b"x")
    return held.getvalue()


@pytest.mark.parametrize("name", ["t.xls", "t.csv", "t.dbf"])
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n" + bytes(99), "PDF"),
        (b"BM\xb6\x9c\x01\0\0\0" + bytes(99), "BMP"),
        (b"Rar!\x1a\x07\0" + bytes(99), "RAR"),
        (_zipped("a.csv"), "ZIP"),
        (_zipped("word/document.xml"), "Word (.docx)"),
    ],
)
def test_another_kind_of_file_is_called_what_it_is(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    parsers = {"t.xls": parse_workbook, "t.csv": csv_file.parse_csv, "t.dbf": dbf_file.parse_dbf}
    with pytest.raises(Refused) as refused:
        parsers[name](content, FileLayout(tmp_path / name, "s.t", "某处"))
    assert (refused.value.code, refused.value.facts["kind"]) == ("HUB331", kind)
    assert kind in refused.value.line("zh")


def test_a_workbook_under_another_name_is_called_one(tmp_path: Path) -> None:
    paths = [formatted(tmp_path / name, [(7, "General")]) for name in ("t.xls", "t.xlsx")]
    for path, kind in zip(paths, ("Excel (.xls)", "Excel (.xlsx)"), strict=True):
        for parser in (csv_file.parse_csv, dbf_file.parse_dbf):
            with pytest.raises(Refused) as refused:
                parser(path.read_bytes(), FileLayout(path, "s.t", "某处"))
            assert refused.value.facts["kind"] == kind
    assert csv_file.parse_csv(b"BM,v\n1,2\n", FileLayout(tmp_path / "t.csv", "s.t", "某处")).column_names == ["BM", "v"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (848.3000000000001, "848.3"),
        (4384.150000000001, "4384.15"),
        (0.1 + 0.2, "0.3"),
        (1e300, "1" + "0" * 300),
        (-1e28, "-10000000000000000000000000000"),
        (1234567.0, "1234567"),
        (1e-7, "0.0000001"),
    ],
)
def test_a_computed_number_has_the_digits_that_a_cell_keeps(number: float, text: str) -> None:
    assert format_number(number) == text
