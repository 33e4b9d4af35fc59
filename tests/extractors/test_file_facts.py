"""What a file says of itself is used where it holds and refused where it does not; what nobody asked for refuses nothing."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from conformance import dataset, read

from core.errors import Refused
from core.store.address import parse_url
from extractors.base import Extractor, open_extractor
from extractors.files.file_layout import FileLayout

KV = {"k": "text", "v": "text"}
FIELDS = [(b"k", b"C", 8), (b"v", b"C", 20)]
ROWS = [(b"1", b"a"), (b"2", b"b"), (b"3", b"c")]


@pytest.fixture
def extractor(tmp_path: Path) -> Extractor:
    return open_extractor(parse_url("src_cw", f"file://{tmp_path}"))


def table(
    fields: list[tuple[bytes, bytes, int]],
    rows: list[tuple[bytes, ...]],
    *,
    version: int = 3,
    language: int = 0,
    count: int = -1,
) -> bytes:
    """A DBF; a field longer than 255 bytes keeps the rest of its length where decimals stand."""
    width = 1 + sum(length for _, _, length in fields)
    head = bytes([version, 124, 9, 1]) + struct.pack("<IHH", len(rows) if count < 0 else count, 33 + 32 * len(fields), width)
    head += bytes(17) + bytes([language]) + bytes(2)
    for name, kind, length in fields:
        head += name.ljust(11, b"\0") + kind + bytes(4) + struct.pack("<H", length) + bytes(14)
    body = b"".join(
        b" " + b"".join(cell.ljust(length) for cell, (_, _, length) in zip(row, fields, strict=True)) for row in rows
    )
    return head + b"\r" + body + b"\x1a"


def found(extractor: Extractor, folder: Path, content: bytes, name: str = "t.dbf", **facts: Any) -> list[Any]:
    (folder / name).write_bytes(content)
    return list(read(extractor, dataset(name, KV, key=("k",), **facts))["v"].to_pylist())


def code(extractor: Extractor, folder: Path, content: bytes, name: str = "t.dbf", **facts: Any) -> str:
    with pytest.raises(Refused) as refused:
        found(extractor, folder, content, name, **facts)
    assert refused.value.line("zh") != refused.value.line("en")
    return refused.value.code


def test_a_name_that_stands_twice_refuses_its_file_where_it_is_asked_for(tmp_path: Path, extractor: Extractor) -> None:
    rows = [(b"1", b"a", b"b", b"c")]
    assert code(extractor, tmp_path, table([*FIELDS, (b"v", b"C", 1), (b"w", b"C", 1)], rows)) == "HUB308"
    assert found(extractor, tmp_path, table([*FIELDS, (b"w", b"C", 1), (b"w", b"C", 1)], rows)) == ["a"]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_more_records_than_the_header_counts_are_not_passed_over(tmp_path: Path, extractor: Extractor, count: int) -> None:
    assert code(extractor, tmp_path, table(FIELDS, ROWS, count=count)) == "HUB326"


def test_what_stands_behind_the_end_mark_is_no_record(tmp_path: Path, extractor: Extractor) -> None:
    assert found(extractor, tmp_path, table(FIELDS, ROWS) + b" " * 60) == ["a", "b", "c"]
    assert found(extractor, tmp_path, table(FIELDS, ROWS)[:-1] + bytes(60)) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("language", "text", "encoding", "answer"),
    [
        (0x78, "臺灣大學", "big5", "臺灣大學"),
        (0x7B, "東京", "cp932", "東京"),
        (0xC9, "Москва", "cp1251", "Москва"),
        (0x03, "Pérez", "cp1252", "Pérez"),
        (0x03, "张三", "gbk", "张三"),
        (0x00, "张三", "gbk", "张三"),
    ],
)
def test_the_language_byte_counts_where_it_holds(
    tmp_path: Path, extractor: Extractor, language: int, text: str, encoding: str, answer: str
) -> None:
    assert found(extractor, tmp_path, table(FIELDS, [(b"1", text.encode(encoding))], language=language)) == [answer]


def test_a_language_byte_against_the_contract_refuses(tmp_path: Path, extractor: Extractor) -> None:
    content = table(FIELDS, ROWS, language=0x78)
    assert code(extractor, tmp_path, content, encoding="gbk") == "HUB327"
    assert found(extractor, tmp_path, content, encoding="big5") == ["a", "b", "c"]
    assert found(extractor, tmp_path, table(FIELDS, ROWS, language=0x7A), encoding="gb2312") == ["a", "b", "c"]


def test_text_of_another_code_page_is_held_or_refused(tmp_path: Path, extractor: Extractor) -> None:
    western = found(extractor, tmp_path, table(FIELDS, [(b"1", "Müller".encode("latin-1")), (b"2", "A座".encode("gbk"))]))
    assert western == ["M\ufffdFC6Cler", "A座"]
    assert code(extractor, tmp_path, table(FIELDS, [(b"1", "臺灣大學圖書館".encode("big5"))])) == "HUB304"
    csv = "k,v\n1,{}\n".format
    assert found(extractor, tmp_path, table(FIELDS, [(b"1", "años".encode())])) == ["a\ufffdC3B1os"]
    assert found(extractor, tmp_path, csv("Pérez").encode("latin-1"), "t.csv", encoding="gbk") == ["P\ufffdE972ez"]
    assert code(extractor, tmp_path, csv("臺灣大學圖書館").encode("big5"), "t.csv", encoding="gbk") == "HUB304"
    assert found(extractor, tmp_path, csv("臺灣大學圖書館").encode("gbk"), "t.csv", encoding="gbk") == ["臺灣大學圖書館"]


@pytest.mark.parametrize(
    ("version", "memo"),
    [
        (0x83, bytes(512) + "备注".encode("gbk") + b"\x1a\x1a"),
        (0x8B, bytes(20) + b"\0\x02" + bytes(490) + b"\xff\xff\x08\0" + struct.pack("<I", 12) + "备注".encode("gbk")),
    ],
)
def test_memos_of_dbase_are_read_whole(tmp_path: Path, extractor: Extractor, version: int, memo: bytes) -> None:
    content = table([FIELDS[0], (b"v", b"M", 10)], [(b"1", b"         1"), (b"2", b"")], version=version)
    (tmp_path / "t.DBT").write_bytes(memo)
    kinds = (tmp_path, content, "t.dbf")
    assert found(extractor, *kinds) == ["备注", None]
    (tmp_path / "t.DBT").write_bytes(memo[:515] if version == 0x8B else memo[:512])
    assert code(extractor, *kinds) == "HUB308"


def test_columns_that_nobody_asked_for_refuse_nothing(tmp_path: Path, extractor: Extractor) -> None:
    rows = [(b"1", b"a", b"         1", b"\xff\xfe\x81")]
    content = table([*FIELDS, (b"bz", b"M", 10), (b"pwd", b"C", 8)], rows, version=0xF5)
    assert found(extractor, tmp_path, content) == ["a"]
    assert found(extractor, tmp_path, b"k,v,pwd\n1,a,\xff\xfe\n", "t.csv") == ["a"]
    assert found(extractor, tmp_path, b"k,v,w,w\n1,a,b,c\n", "t.csv") == ["a"]
    assert code(extractor, tmp_path, b"k,v,pwd\n1,\xff\xfe,a\n", "t.csv") == "HUB304"


def test_a_long_field_and_a_header_without_its_end_are_read_and_dbase_7_is_named(tmp_path: Path, extractor: Extractor) -> None:
    assert found(extractor, tmp_path, table([FIELDS[0], (b"v", b"C", 700)], [(b"1", b"x" * 600)])) == ["x" * 600]
    content = table(FIELDS, ROWS).replace(b"\r", b"", 1)
    content = content[:8] + struct.pack("<H", 96) + content[10:]
    assert found(extractor, tmp_path, content) == ["a", "b", "c"]
    assert code(extractor, tmp_path, table(FIELDS, ROWS, version=4)) == "HUB325"
    assert found(extractor, tmp_path, table(FIELDS, ROWS, version=2)) == ["a", "b", "c"]
    second = b"\x02" + struct.pack("<H3BH", 1, 1, 1, 83, 29) + b"k".ljust(11, b"\0") + b"C\x08\0\0\0"
    assert code(extractor, tmp_path, second.ljust(520, b"\0") + b"\r" + b" 1".ljust(29) + b"\x1a") == "HUB325"


def test_a_header_that_leads_beside_the_records_is_refused(tmp_path: Path, extractor: Extractor) -> None:
    content = table(FIELDS, ROWS, version=0x30)
    start = 33 + 32 * len(FIELDS)
    linked = content[:8] + struct.pack("<H", start + 263) + content[10:start] + bytes(263) + content[start:]
    assert found(extractor, tmp_path, linked) == ["a", "b", "c"]
    assert code(extractor, tmp_path, linked[:8] + struct.pack("<H", start) + linked[10:]) == "HUB308"


def test_commas_of_cells_once_touched_are_neither_columns_nor_rows(tmp_path: Path, extractor: Extractor) -> None:
    text = b'k,v,,\n1,x,,\n,,,\n"",,,\n2,y,,z\n'
    assert found(extractor, tmp_path, text, "t.csv") == ["x", "y"]
    wanted = dataset("t.csv", KV, key=("k",))
    assert extractor.find_row_numbers(wanted) == [2, 5]  # type: ignore[attr-defined]


def test_a_long_cell_hides_no_fault_and_a_mark_in_the_encodings_name_is_one(tmp_path: Path, extractor: Extractor) -> None:
    text = b"k,v\n1," + b"x" * 200_000 + b"\n2,y,z\n"
    (tmp_path / "t.csv").write_bytes(text)
    with pytest.raises(Refused) as refused:
        read(extractor, dataset("t.csv", KV, key=("k",)))
    assert (refused.value.code, refused.value.facts["line"]) == ("HUB306", 3)
    signed = "\ufeffk,v\n1,张三李四\n".encode()
    assert found(extractor, tmp_path, signed, "t.csv", encoding="utf-8-sig") == ["张三李四"]
    for encoding in ("utf-16-le", "utf-16-be", "gb18030", "utf-16", "UTF8", "cp936", "gb2312"):
        unsigned = encoding in ("utf-16", "cp936", "gb2312")
        content = ("k,v\n1,张三\n" if unsigned else "\ufeffk,v\n1,张三\n").encode(encoding)
        assert found(extractor, tmp_path, content, "t.csv", encoding=encoding) == ["张三"]
    assert FileLayout(tmp_path / "t.csv", "s.t", "o").needs_column("anything")
