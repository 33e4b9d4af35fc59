"""DBF files as FoxPro systems leave them, written by an independent library and read by ours."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dbf
import pytest
from conformance import KINDS, dataset, read

from contracts.contract import Column
from core.dialects import LogicalType
from core.errors import Refused
from core.store.address import parse_url
from extractors.base import Extractor, detect_drift, open_extractor

STRUCTURE = "gh C(8); xm C(20); je N(12,2); rq D; zz L; bz M; n I; y Y; sj T; f F(10,3); b B"
NAMES = [name.split()[0] for name in STRUCTURE.split("; ")]
ROW = (
    "001",
    "阿卜·",
    Decimal("-12.30"),
    date(2024, 2, 29),
    True,
    "备注\n长" * 500,
    -7,
    Decimal("1.25"),
    datetime(2025, 9, 1, 8, 0, 1),
    1.5,
    2.5,
)
READ = ["001", "阿卜·", "-12.30", "2024-02-29", "true", "备注\n长" * 500, "-7", "1.2500", "2025-09-01 08:00:01", "1.500", "2.5"]


def write(folder: Path, rows: list[tuple[Any, ...]], structure: str = STRUCTURE, kind: str = "vfp") -> None:
    sheet = dbf.Table(str(folder / "t.dbf"), structure, dbf_type=kind, codepage="cp936")
    sheet.open(dbf.READ_WRITE)
    for row in rows:
        sheet.append(row)
    sheet.close()


@pytest.fixture
def extractor(tmp_path: Path) -> Extractor:
    return open_extractor(parse_url("src_cw", f"file://{tmp_path}"))


def wanted(names: list[str], **facts: Any) -> Any:
    columns = tuple(
        Column(name.lower(), name.upper(), name, LogicalType("string"), physical_type=TYPES.get(name)) for name in names
    )
    return dataset("t.dbf", columns, key=("gh",), **facts)


TYPES = {
    "je": "numeric(12,2)",
    "rq": "date",
    "zz": "logical",
    "n": "integer",
    "y": "currency",
    "sj": "datetime",
    "f": "numeric(10,3)",
    "b": "double",
}


def test_every_type_lands_exactly(tmp_path: Path, extractor: Extractor) -> None:
    write(tmp_path, [ROW, ("002", "", None, None, None, "", 0, Decimal(0), None, None, 0.0)])
    found = read(extractor, wanted(NAMES, encoding="gb18030"))
    first, second = (list(row.values()) for row in found.to_pylist())
    assert first == READ
    assert second == ["002", None, None, None, None, None, "0", "0.0000", None, None, "0"]


@pytest.mark.parametrize("kind", ["db3", "fp", "vfp"])
def test_the_older_dialects_are_read(tmp_path: Path, extractor: Extractor, kind: str) -> None:
    write(tmp_path, [ROW[:5]], "; ".join(STRUCTURE.split("; ")[:5]), kind)
    assert list(read(extractor, wanted(NAMES[:5], encoding="cp936")).to_pylist()[0].values()) == READ[:5]


def test_memos_of_foxpro_2_are_read(tmp_path: Path, extractor: Extractor) -> None:
    write(tmp_path, [("001", "备注"), ("002", "")], "gh C(8); bz M", "fp")
    assert read(extractor, wanted(["gh", "bz"]))["BZ"].to_pylist() == ["备注", None]


def test_a_missing_memo_file_is_refused(tmp_path: Path, extractor: Extractor) -> None:
    write(tmp_path, [("001", "备注")], "gh C(8); bz M")
    (tmp_path / "t.fpt").unlink()
    with pytest.raises(Refused) as error:
        read(extractor, wanted(["gh", "bz"]))
    assert error.value.code == "HUB308"


def test_nullable_columns_of_visual_foxpro(tmp_path: Path, extractor: Extractor) -> None:
    write(tmp_path, [("001", None, dbf.Null), ("002", dbf.Null, 5)], "gh C(8); xm C(20) null; n I null")
    found = read(extractor, wanted(["gh", "xm", "n"]))
    assert found.to_pylist() == [{"GH": "001", "XM": None, "N": None}, {"GH": "002", "XM": None, "N": "5"}]


def test_deleted_records_are_passed_over(tmp_path: Path, extractor: Extractor) -> None:
    write(tmp_path, [("001",), ("002",), ("003",)], "gh C(8)")
    sheet = dbf.Table(str(tmp_path / "t.dbf"), codepage="cp936")
    sheet.open(dbf.READ_WRITE)
    dbf.delete(sheet[1])
    sheet.close()
    assert read(extractor, wanted(["gh"]))["GH"].to_pylist() == ["001", "003"]


def test_an_empty_table_has_its_columns(tmp_path: Path, extractor: Extractor) -> None:
    write(tmp_path, [])
    assert read(extractor, wanted(NAMES)).num_rows == 0


def test_numbers_that_overflowed_stay_to_be_seen(tmp_path: Path, extractor: Extractor) -> None:
    write(tmp_path, [("001", Decimal("1.5"))], "gh C(8); je N(6,2)")
    path = tmp_path / "t.dbf"
    path.write_bytes(path.read_bytes().replace(b"  1.50", b"******"))
    assert read(extractor, wanted(["gh", "je"]))["JE"].to_pylist() == ["******"]


@pytest.mark.parametrize(
    ("inside", "encoding", "rows"),
    [
        ("张三".encode() + "李四".encode(), "gb18030", 1),  # another program wrote UTF-8 into the file
        ("中国".encode("gb18030")[:3], "gb18030", 1),  # a character cut in half
        ("镕".encode("gb18030"), "gb2312", 1),  # outside the smaller set
    ],
)
def test_text_in_another_encoding_is_refused(
    tmp_path: Path, extractor: Extractor, inside: bytes, encoding: str, rows: int
) -> None:
    write(tmp_path, [("001", "x" * 20, "y"), ("002", "z", "y")], "gh C(8); xm C(20); bm C(4)")
    path = tmp_path / "t.dbf"
    path.write_bytes(path.read_bytes().replace(b"x" * 20, inside.ljust(20)))
    with pytest.raises(Refused) as error:
        read(extractor, wanted(["gh", "xm"], encoding=encoding))
    assert (error.value.code, error.value.facts["columns"], error.value.facts["rows"]) == ("HUB304", "XM", rows)


def test_a_file_cut_short_is_refused(tmp_path: Path, extractor: Extractor) -> None:
    write(tmp_path, [("001",), ("002",)], "gh C(8)")
    path = tmp_path / "t.dbf"
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(Refused) as error:
        read(extractor, wanted(["gh"]))
    assert error.value.code == "HUB308"


def test_a_retyped_column_is_refused(tmp_path: Path, extractor: Extractor) -> None:
    write(tmp_path, [], "gh C(8); je C(12); xm C(20)")
    columns = (Column("gh", "GH", "工号", KINDS["text"]), Column("je", "JE", "金额", KINDS["number"]))
    contract = dataset("t.dbf", columns, key=("gh",))
    with pytest.raises(Refused) as error:
        detect_drift(contract, extractor.read_columns("t.dbf", contract))
    assert (error.value.code, error.value.facts["found"]) == ("HUB302", "character(12)")
