"""Text becomes a value only in the form that a contract allows; whatever else a cell holds is named as unreadable."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.contract import Column, SourceDataset
from core.dialects import LogicalType
from loaders import landing
from pipeline.transform.typed_views import create_view

INTEGER, DATE, TIMESTAMP, TEXT = (LogicalType(name) for name in ("integer", "date", "timestamp", "string"))
AMOUNT, MARK = LogicalType("number", precision=12, scale=2), LogicalType("number", precision=5, scale=1)


def seen(folder: Path, kind: LogicalType, cells: pa.Array[Any], **facts: Any) -> list[tuple[Any, str | None]]:
    """The value and the unreadable columns of every cell, landed in a column of the type: as the landing writes it, which says
    which columns are plain, and in a file that says nothing."""
    column = replace(Column("v", "V", "值", kind), **{name: value for name, value in facts.items() if name != "key"})
    dataset = SourceDataset("s", "t", "T", "表", "某处", "1.0.0", "src_s", (column,), facts.get("key", ()))
    table, rows = pa.table({"V": cells}), folder / "untold.parquet"
    pq.write_table(table.append_column(landing.SOURCE_ROW, pa.array(range(len(cells)), pa.int64())), rows)
    pieces = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=2))
    landing.write_landing(folder / "landed", pieces)
    found = []
    for file in (rows, folder / "landed" / "rows.parquet"):
        with duckdb.connect() as db:
            create_view(db, dataset, file)
            found.append(db.execute(f"select {column.name}, unreadable from s.t order by source_row").fetchall())
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (INTEGER, "1,234,567", 1234567),
        (INTEGER, " -3.00 ", -3),
        (AMOUNT, "1,234.50", Decimal("1234.50")),
        (AMOUNT, "12.5000", Decimal("12.50")),
        (AMOUNT, ".5", Decimal("0.50")),
        (AMOUNT, "1.2E+4", Decimal("12000.00")),
        (AMOUNT, "5e-2", Decimal("0.05")),
        (DATE, "2026/9/7", date(2026, 9, 7)),
        (DATE, "20260907", date(2026, 9, 7)),
        (DATE, "2026.09.07", date(2026, 9, 7)),
        (DATE, "2026-09-07 00:00:00", date(2026, 9, 7)),
        (TIMESTAMP, "2026-09-07", datetime(2026, 9, 7)),
        (TIMESTAMP, "2026-09-07T08:05:09", datetime(2026, 9, 7, 8, 5, 9)),
        (TIMESTAMP, "20260907080509", datetime(2026, 9, 7, 8, 5, 9)),
        (TIMESTAMP, "2026-09-07 08:05:09.25", datetime(2026, 9, 7, 8, 5, 9, 250000)),
        (TEXT, "阿依古丽·买买提\t一\r\n二", "阿依古丽·买买提\t一\r\n二"),
        (TEXT, "𠮷👨‍👩‍👧❤️", "𠮷👨‍👩‍👧❤️"),
    ],
)
def test_what_is_plainly_a_value_is_read(tmp_path: Path, kind: LogicalType, text: str, value: Any) -> None:
    assert seen(tmp_path, kind, pa.array([text])) == [(value, None)]


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (INTEGER, ["12,34", "1,2,3", "1,23456", ",123", "1.23457E+11", "1e3", "1_000", "3.00000000001", "９", "0x10"]),
        (
            AMOUNT,
            ["4321,5", "12,34", "1.234,50", "0.005", "0.00000000001", "12,345678", "1e-3", "1.234e0", "1_0", "NaN", "inf"],
        ),
        (AMOUNT, ["12345678901.00", "1e99", "￥5", "--5", "5-", "1 000", "1,000,00", "."]),
        (MARK, ["88.30000305175781", "88.25"]),
        (
            DATE,
            ["infinity", "-infinity", "epoch", "now", "today", "26-9-7", "226-09-07", "0000-01-01", "2026-02-30"],
        ),
        (DATE, ["9/7/2026", "2026-09-07 08:00:00", "2026-09-07T00:00", "2026-9", "2026-09-07 (BC)", "12026-09-07", "46272"]),
        (
            TIMESTAMP,
            ["infinity", "epoch", "26-9-7 08:00:00", "2026-09-07 24:00:00", "2026-09-07 08:00:61", "0000-01-01 00:00:00"],
        ),
        (TIMESTAMP, ["2026-09-07 08:00:00.1234567", "2026-09-07 08:00:00+08", "0000-01-01 00:00:00"]),
        (TEXT, ["\x1a#N/A", "\x1a2.5"]),
    ],
)
def test_what_is_not_is_unreadable(tmp_path: Path, kind: LogicalType, texts: list[str]) -> None:
    found = seen(tmp_path, kind, pa.array(texts))
    assert {text: cell for text, cell in zip(texts, found, strict=True) if cell != (None, "v")} == {}


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("3\x0003", "U+0000"),
        ("a\x1eb", "U+001E"),
        ("\x1f7", "U+001F"),
        ("a\x7f", "U+007F"),
        ("a\x85b", "U+0085"),
        ("a\xadb", "U+00AD"),
        ("\u202eabc", "U+202E"),
        ("\u2066a", "U+2066"),
        ("a\u200f", "U+200F"),
        ("张\u200b三", "U+200B"),
        ("张\ufeff三", "U+FEFF"),
        ("\ue123", "U+E123"),
        ("\U000f0001", "U+F0001"),
        ("\ufffdEDA080", "U+FFFD"),
    ],
)
def test_a_character_that_nobody_writes_is_named(tmp_path: Path, text: str, character: str) -> None:
    for facts in ({}, {"key": ("v",)}):
        assert seen(tmp_path, TEXT, pa.array([text, "x"]), **facts) == [(None, f"v:character:{character}"), ("x", None)]


@pytest.mark.parametrize(
    "facts",
    [
        {"key": ("v",)},
        {"unique": True},
        {"pattern": "^x"},
        {"code_list": "sex"},
        {"references": ("unit", "unit_code")},
        {"name": "archive_no"},
        {"name": "unit_name"},
        {"name": "title"},
        {"type": LogicalType("string", length=40)},
        {"physical_type": "character varying(20)"},
    ],
)
def test_line_ends_and_tabs_are_for_remarks_and_never_in_keys_or_names(tmp_path: Path, facts: dict[str, Any]) -> None:
    texts = ["a\tb", "a\r\nb", "a\u2028b", "张\u200d三"]
    name = facts.get("name", "v")
    wrong = [f"{name}:character:{one}" for one in ("U+0009", "U+000D", "U+2028", "U+200D")]
    assert seen(tmp_path, TEXT, pa.array(texts), **facts) == [(None, one) for one in wrong]
    shortened = ["1.10101E+17", "6E+18"]
    found = seen(tmp_path, TEXT, pa.array([*shortened, "1E5", "2E+5"]), **facts)
    assert found == [*((text, f"{name}:digits") for text in shortened), ("1E5", None), ("2E+5", None)]
    assert seen(tmp_path, TEXT, pa.array(shortened)) == [(text, None) for text in shortened]
    for free in ({}, {"physical_type": "varchar(200)"}, {"type": LogicalType("string", length=500)}):
        assert seen(tmp_path, TEXT, pa.array(texts), **free) == [(text, None) for text in texts]
    assert seen(tmp_path, TEXT, pa.array(["20260003\t", "\t7\r\n", "\u30008\xa0"]), **facts) == [
        (text, None) for text in ("20260003", "7", "8")
    ]


def test_text_that_was_read_in_another_encoding_is_told(tmp_path: Path) -> None:
    chinese = ["张三", "王伟", "陈冰", "人事处"]
    misread = [
        *(text.encode("gbk").decode("latin-1") for text in chinese),
        *(text.encode().decode("cp1252", "replace") for text in ("张三丰", "臺灣大學")),
        "José".encode().decode("latin-1"),
        "\ufffd\ufffd".encode().decode("gbk"),
        *(text.encode().decode("gbk", "replace") for text in ("李明", "张伟", "北京", "王小明", "计算机学院")),
    ]
    found = seen(tmp_path, TEXT, pa.array(misread))
    assert [cell for cell, _ in found] == [None] * len(misread)
    assert {reason for _, reason in found} <= {"v:encoding", "v:character:U+FFFD"}
    assert found[0] == (None, "v:encoding")
    right = ["José——", "é……”", "××公司××××", "Müller", "Zoë", "São Paulo", "ÀÉ", "20°C", "±½", "阿·卜", "Ångström"]
    right += ["王婧", "浠水县", "瑜璐", "姝娅", "洵涵", "涓涓版", "娉婷伴", "陈玥喆", "曌堃", "寮步镇", "鏉"]
    assert seen(tmp_path, TEXT, pa.array(right)) == [(text, None) for text in right]


def test_a_number_of_another_width_is_not_rounded(tmp_path: Path) -> None:
    cells = pa.array([Decimal("1.250"), Decimal("1.255"), None], pa.decimal128(20, 3))
    assert seen(tmp_path, AMOUNT, cells) == [(Decimal("1.25"), None), (None, "v"), (None, None)]
    assert seen(tmp_path, INTEGER, cells) == [(None, "v"), (None, "v"), (None, None)]
    assert seen(tmp_path, AMOUNT, pa.array([12345678901, 5])) == [(None, "v"), (Decimal("5.00"), None)]
