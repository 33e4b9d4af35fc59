"""What is particular to files: the manifest, equal bytes, damage, and what an encoding or a workbook cannot hold."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from python_calamine import CalamineWorkbook
from receivers import Edge, build_person, edge, line_without_values

from core.errors import FeedFailed
from loaders.formats import escape_formulas


def folder(here: Edge) -> Path:
    return Path(here.connection.path)


def make(tmp_path: Path, **changes: Any) -> Edge:
    return edge(f"file://{tmp_path / 'out'}", tmp_path, **changes)


def names(here: Edge) -> list[str]:
    return sorted(path.name for path in folder(here).iterdir())


def test_a_csv_delivery_is_a_file_and_a_manifest(tmp_path: Path) -> None:
    here = make(tmp_path, file_format="csv")
    here.send([build_person(1, full_name=None, opens=""), build_person(2, is_teacher=True)], mode="full")
    here.send([build_person(2, full_name="改")], deletes=[build_person(1)])
    stem = here.feed.physical
    assert names(here) == [f"{stem}.{n - 1}-{n}.csv{end}" for n in (1, 2) for end in ("", ".manifest.json")]
    first, second = [(folder(here) / f"{stem}.{n - 1}-{n}.csv").read_text("utf-8").splitlines() for n in (1, 2)]
    assert first[0] == "GH,LB,XM,YJ,SFJS,CSRQ,BGSJ,KGSJ"
    assert first[1] == '000001,1,,0.25,0,1970-02-01,2026-08-31 23:59:58.000001,""'
    assert [line.split(",")[:4] for line in second] == [
        ["_op", "GH", "LB", "XM"],
        ["U", "000002", "1", "改"],
        ["D", "000001", "1", ""],
    ]
    manifest = json.loads((folder(here) / f"{stem}.1-2.csv.manifest.json").read_text("utf-8"))
    assert manifest["mode"] == "delta" and (manifest["from_version"], manifest["to_version"]) == (1, 2)
    assert (manifest["rows_upsert"], manifest["rows_delete"], manifest["control_totals"]["rows"]) == (1, 1, 1)
    assert manifest["columns"][2] == {"name": "XM", "title": "姓名", "type": "string", "key": False}


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_a_lost_delivery_is_written_again_byte_for_byte(tmp_path: Path, kind: str) -> None:
    here = make(tmp_path, file_format=kind)
    delivery = here.prepared([build_person(n) for n in range(300)], mode="full")
    here.apply(delivery)
    before = {path: path.read_bytes() for path in folder(here).iterdir()}
    for path in before:
        path.unlink()
    here.apply(delivery)
    assert {path: path.read_bytes() for path in folder(here).iterdir()} == before


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_a_damaged_file_is_noticed_and_mended(tmp_path: Path, kind: str) -> None:
    here = make(tmp_path, file_format=kind)
    delivery = here.prepared([build_person(n) for n in range(3)])
    here.apply(delivery)
    path = folder(here) / f"{here.feed.physical}.0-1.{kind}"
    path.write_bytes(path.read_bytes()[:-9])
    target = here.target()
    with pytest.raises(FeedFailed, match=r"HUB614.*改过"):
        target.read_receipt(delivery)
    assert not target.apply(delivery).already
    here.check(delivery)


def test_a_file_without_manifest_does_not_exist(tmp_path: Path) -> None:
    here = make(tmp_path, file_format="csv")
    delivery = here.prepared([build_person(1)])
    here.apply(delivery)
    (folder(here) / f"{here.feed.physical}.0-1.csv.manifest.json").unlink()
    with pytest.raises(FeedFailed, match="HUB614"):
        here.target().read_receipt(delivery)
    assert not here.apply(delivery).already


def test_a_gap_between_the_files_is_noticed(tmp_path: Path) -> None:
    here = make(tmp_path, file_format="csv")
    for n in range(3):
        here.send([build_person(n)])
    (folder(here) / f"{here.feed.physical}.1-2.csv").unlink()
    with pytest.raises(FeedFailed, match="HUB615"):
        here.target().read_totals(here.feed)
    here.send([build_person(9)], mode="full")


def test_a_character_that_the_encoding_lacks_names_the_column(tmp_path: Path) -> None:
    here = make(tmp_path, file_format="csv", encoding="gbk")
    here.send([build_person(1)])
    with pytest.raises(FeedFailed, match=r"HUB612.*XM") as caught:
        here.apply(here.prepared([build_person(2, full_name="𠮷机密")]))
    line_without_values(caught.value, "𠮷", "机密")
    assert len(names(here)) == 2


@pytest.mark.parametrize("value", ["x" * 32_768, "a\x01b", "a\rb"])
def test_what_a_workbook_cannot_hold_names_the_column(tmp_path: Path, value: str) -> None:
    here = make(tmp_path, file_format="xlsx")
    with pytest.raises(FeedFailed, match=r"HUB612.*XM"):
        here.apply(here.prepared([build_person(1, full_name=value)]))
    assert names(here) == []


def test_a_workbook_keeps_what_excel_would_round(tmp_path: Path) -> None:
    here = make(tmp_path, file_format="xlsx")
    here.send([build_person(1, kind_code=9007199254740993, deposit=Decimal("0.10"), full_name="=1+1")], mode="full")
    book = CalamineWorkbook.from_path(folder(here) / f"{here.feed.physical}.0-1.xlsx")
    row = book.get_sheet_by_name("数据").to_python()[1]
    assert row[:4] == ["000001", "9007199254740993", "=1+1", 0.1]
    assert book.get_sheet_by_name("字段说明").to_python()[1] == ["GH", "工号", "string", "是"]


def test_a_folder_that_cannot_be_written_refuses(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    here = make(tmp_path, file_format="csv")
    with pytest.raises(FeedFailed, match="HUB601") as refused:
        here.apply(here.prepared([build_person(1)]))
    assert refused.value.facts["reason_key"] in ("reach.folder", "reach.named")
    assert "（E" in refused.value.line("zh") and "Error" not in refused.value.line("zh")


def test_an_unknown_encoding_is_refused(tmp_path: Path) -> None:
    here = make(tmp_path, file_format="csv", encoding="gb9999")
    with pytest.raises(FeedFailed, match=r"HUB612.*gb9999"):
        here.apply(here.prepared([build_person(1)]))


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    here = make(tmp_path, file_format="dbf")
    with pytest.raises(FeedFailed, match=r"HUB612.*dbf"):
        here.apply(here.prepared([build_person(1)]))


@pytest.mark.parametrize("text", ["=1+1", "+86", "-x", "@SUM(A1)", "\t=1", "＝１", "'=1", "''-"])
def test_no_text_is_a_formula_for_people_and_every_text_is_itself_for_machines(tmp_path: Path, text: str) -> None:
    for guard in (True, False):
        (tmp_path / str(guard)).mkdir()
        here = make(tmp_path / str(guard), file_format="csv", guard_formulas=guard)
        here.send([build_person(1, full_name=text), build_person(2, full_name="它's =1")], mode="full")
        [path] = folder(here).glob("*.csv")
        with path.open(encoding="utf-8", newline="") as file:
            _, first, second = csv.reader(file)
        assert first[2] == ("'" + text if guard else text)
        assert second[2] == "它's =1"
    rows = pa.table({"name": [text, "它's =1", None], "rows": [-1, 2, 3]})
    assert escape_formulas(rows).to_pydict() == {"name": ["'" + text, "它's =1", None], "rows": [-1, 2, 3]}
