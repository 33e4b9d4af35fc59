"""Files that departments hand in: judged before they are taken, taken whole or not at all, replaced with a history."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from handed_in import taken
from python_calamine import CalamineWorkbook
from signing import have

from contracts.catalog import load_catalog
from core.errors import Denied
from core.settings import ROOT
from desk import upload as desk
from desk.template import write_template
from extractors.files import confined
from runs.nightly import close_run, extract_part, open_run
from runs.retention import remove_expired

HEADER = ("工号", "姓名", "月份", "项目代码", "项目名称", "金额")
GOOD = (("T0001", "张三", "202609", "A01", "岗位工资", "5,120.00"), ("T0002", "李四", "202609", "A01", "岗位工资", "4980.50"))
BAD = (*GOOD, ("T9999", "王五", "202609", "A01", "岗位工资", "5000"), ("T0003", "赵六", "202609", "A01", "岗位工资", "八百"))
PARTS = (
    "schemas/sources/finance/payroll.odcs.yaml",
    "schemas/hub/payroll_item.odcs.yaml",
    "sql/conform/payroll_item/finance.sql",
    "sql/checks/payroll_item__incomplete.sql",
)
AS_OF = date(2026, 9, 8)


@pytest.fixture
def desk_folder(university: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The small university after its first night, with the payroll contracts of the real one and a folder for uploads."""
    for part in PARTS:
        (university.home / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / part, university.home / part)
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setenv("AIRFLOW_CONN_SRC_FINANCE_UPLOAD", f"file://{folder}")
    university.forget()
    university.night(1)
    yield folder


def workbook(path: Path, rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER) -> Path:
    """A payroll workbook with its two title rows, and an empty row before the last one."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("工资明细")
        sheet.write_string(0, 0, "工资表")
        for number, row in enumerate([header, *rows[:-1], (), *rows[-1:]], 2):
            for place, value in enumerate(row):
                sheet.write_string(number, place, value)
    return path


def hand_in(university: Any, file: Path, **other: Any) -> dict[str, Any]:
    as_of = other.pop("as_of", AS_OF)
    return taken(university.ledger, desk.UploadRequest("finance.payroll", file, "周会计", as_of, **other))


def lines_of(path: str) -> list[list[Any]]:
    return CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()[1:]


def test_a_sound_file_is_taken_and_the_night_reads_it(university: Any, desk_folder: Path, tmp_path: Path) -> None:
    steps = university.ledger.single("select count(*) as n from ops.step")["n"]
    found = hand_in(university, workbook(tmp_path / "九月.xlsx", GOOD))
    assert (found["receipt"], found["state"], found["rows"], found["faulty"]) == ("UP000001", "taken", 2, 0)
    assert [path.name for path in desk_folder.iterdir()] == ["工资_20260908_UP000001.xlsx"]
    assert university.ledger.single("select count(*) as n from ops.step")["n"] == steps
    assert university.ledger.version() == 1
    assert university.night(2).problems == []
    assert len(university.hub("payroll_item")) == 2


def test_a_payroll_of_fewer_persons_than_last_month_is_refused_whole(
    university: Any, desk_folder: Path, tmp_path: Path
) -> None:
    hand_in(university, workbook(tmp_path / "九月.xlsx", GOOD))
    university.night(2)
    before = sorted(university.hub("payroll_item"))
    october = [tuple("202610" if cell == "202609" else cell for cell in row) for row in GOOD]
    found = hand_in(university, workbook(tmp_path / "十月.xlsx", ((), *october[:1])))
    assert (found["state"], found["rows"], found["faulty"]) == ("refused", 1, 1)
    assert hand_in(university, tmp_path / "十月.xlsx", accept_held=True, reason="急")["state"] == "taken"
    university.night(3)
    assert sorted(university.hub("payroll_item")) == before
    assert {rule for entity, _, rule in university.held() if entity == "payroll_item"} == {"payroll_item.incomplete"}
    assert hand_in(university, workbook(tmp_path / "全.xlsx", october))["state"] == "taken"
    university.night(4)
    assert len(university.hub("payroll_item")) == 2 * len(before)


def test_a_faulty_file_is_refused_with_a_list_of_what_to_mend(university: Any, desk_folder: Path, tmp_path: Path) -> None:
    found = hand_in(university, workbook(tmp_path / "bad.xlsx", BAD))
    assert (found["state"], found["rows"], found["faulty"], found["stored"]) == ("refused", 4, 2, None)
    assert list(desk_folder.iterdir()) == []
    lines = lines_of(found["fixes"])
    assert {(line[0], line[1]) for line in lines} == {("6", "工号"), ("8", "金额")}
    assert "八百" not in str(lines)
    assert all(line[4] and line[5] for line in lines)
    assert university.ledger.single("select count(*) as n from ops.held")["n"] == 0


def test_faulty_rows_are_held_when_a_named_person_takes_them_with_a_reason(
    university: Any, desk_folder: Path, tmp_path: Path
) -> None:
    file = workbook(tmp_path / "bad.xlsx", BAD)
    with pytest.raises(Denied, match="HUB743"):
        hand_in(university, file, accept_held=True)
    assert hand_in(university, file, accept_held=True, reason="发薪在即")["state"] == "taken"
    university.night(2)
    assert {row[0] for row in university.hub("payroll_item")} == {"T0001", "T0002"}
    assert {key for entity, key, _ in university.held() if entity == "payroll_item"} == {"T9999|202609|A01", "T0003|202609|A01"}


def test_a_faulty_file_is_taken_by_two_persons_and_for_what_was_asked(
    university: Any, desk_folder: Path, tmp_path: Path
) -> None:
    file, book = workbook(tmp_path / "bad.xlsx", BAD), university.ledger
    for name in ("周会计", "财务处长"):
        have(name, "department", systems=("finance",))
    asked = desk.upload_file(
        book, load_catalog(), desk.UploadRequest("finance.payroll", file, "周会计", AS_OF, True, "发薪在即")
    )
    assert (asked["state"], asked["waits"], asked["stored"]) == ("refused", True, None)
    assert list(desk_folder.iterdir()) == []
    with pytest.raises(Denied, match="HUB704"):
        desk.approve_held(book, load_catalog(), asked["receipt"], "周会计")
    with pytest.raises(Denied, match="HUB792"):
        desk.approve_held(book, load_catalog(), "UP000099", "财务处长")
    kept = next((university.var / "uploads").glob("*/*/waiting/bad.xlsx"))
    whole = kept.read_bytes()
    shutil.copyfile(workbook(tmp_path / "other.xlsx", (*BAD, ("T0004", "丁", "202609", "A01", "基本工资", "1"))), kept)
    with pytest.raises(Denied, match="HUB793"):
        desk.approve_held(book, load_catalog(), asked["receipt"], "财务处长")
    assert list(desk_folder.iterdir()) == []
    kept.write_bytes(whole)
    done = desk.approve_held(book, load_catalog(), asked["receipt"], "财务处长")
    assert (done["state"], done["given_by"], done["sha256"]) == ("taken", "周会计", asked["sha256"])
    row = book.single("select * from ops.request where kind = 'waiver'")
    assert (row["requested_by"], row["approved_by"], row["reason"]) == ("周会计", "财务处长", "发薪在即")
    assert not kept.exists()


def test_a_file_of_another_shape_is_refused_as_a_whole(university: Any, desk_folder: Path, tmp_path: Path) -> None:
    lost = workbook(tmp_path / "lost.xlsx", GOOD, (*HEADER[:-1], "数额"))
    text = tmp_path / "text.xlsx"
    text.write_text("工号,姓名", "utf-8")
    empty = workbook(tmp_path / "empty.xlsx", [()])
    codes = [hand_in(university, file, accept_held=True, reason="急")["error_code"] for file in (lost, text, empty)]
    assert codes == ["HUB301", "HUB322", "HUB742"]
    assert list(desk_folder.iterdir()) == []


def test_a_later_file_replaces_the_earlier_one_and_the_history_stays(
    university: Any, desk_folder: Path, tmp_path: Path
) -> None:
    first = hand_in(university, workbook(tmp_path / "1.xlsx", GOOD))
    assert hand_in(university, tmp_path / "1.xlsx")["receipt"] == first["receipt"]
    mended = (*GOOD[:1], (*GOOD[1][:-1], "5000.00"))
    hand_in(university, workbook(tmp_path / "2.xlsx", mended))
    history = desk.list_receipts(university.ledger, load_catalog().source("finance.payroll"))
    assert [(row["receipt"], row["replaced_by"]) for row in history] == [("UP000002", None), ("UP000001", "UP000002")]
    university.night(2)
    assert sorted(str(row[4]) for row in university.hub("payroll_item")) == ["5000.00", "5120.00"]


@pytest.mark.parametrize("later", [False, True])
def test_a_file_of_another_day_is_refused_until_the_one_before_has_been_read(
    university: Any, desk_folder: Path, tmp_path: Path, later: bool
) -> None:
    other = AS_OF + timedelta(days=23 if later else -7)
    assert hand_in(university, workbook(tmp_path / "九月.xlsx", GOOD))["state"] == "taken"
    october = [tuple("202610" if cell == "202609" else cell for cell in row) for row in GOOD]
    file = workbook(tmp_path / "十月.xlsx", october)
    with pytest.raises(Denied, match=r"HUB340.*2026-09-08.*UP000001"):
        hand_in(university, file, as_of=other)
    mended = (*GOOD[:1], (*GOOD[1][:-1], "5000.00"))
    assert hand_in(university, workbook(tmp_path / "改.xlsx", mended))["state"] == "taken"
    university.night(2)
    assert hand_in(university, file, as_of=other)["state"] == "taken"
    university.night(3)
    assert len(university.hub("payroll_item")) == 4
    history = desk.list_receipts(university.ledger, load_catalog().source("finance.payroll"))
    assert [(row["as_of"], row["replaced_by"]) for row in history] == [(other, None), (AS_OF, None), (AS_OF, "UP000002")]


@pytest.mark.parametrize("stopped", [False, True])
def test_a_file_that_was_read_and_whose_rows_are_not_in_the_hub_is_not_passed_over(
    university: Any, desk_folder: Path, tmp_path: Path, stopped: bool
) -> None:
    october = [tuple("202610" if cell == "202609" else cell for cell in row) for row in GOOD]
    file, other = workbook(tmp_path / "十月.xlsx", october), AS_OF + timedelta(days=23)
    hand_in(university, workbook(tmp_path / "九月.xlsx", GOOD))
    select = university.home / "sql/conform/payroll_item/finance.sql"
    sound = select.read_text("utf-8")
    if stopped:
        select.write_text("select 1 as one from finance.payroll", "utf-8")
        assert "HUB107" in {problem.code for problem in university.night(2).problems}
        select.write_text(sound, "utf-8")
    else:
        run = open_run("extract", AS_OF, ["finance"])
        extract_part(run, "finance")
        close_run(run)
    with pytest.raises(Denied, match=r"HUB340.*hub refresh finance"):
        hand_in(university, file, as_of=other)
    university.night(3)
    assert hand_in(university, file, as_of=other)["state"] == "taken"
    university.night(4)
    assert len(university.hub("payroll_item")) == 4


def test_rows_held_of_one_file_wait_for_one_of_their_own_day(university: Any, desk_folder: Path, tmp_path: Path) -> None:
    def waiting() -> set[str]:
        return {key for entity, key, _ in university.held() if entity == "payroll_item"}

    october = [tuple("202610" if cell == "202609" else cell for cell in row) for row in GOOD]
    hand_in(university, workbook(tmp_path / "九月.xlsx", BAD), accept_held=True, reason="发薪在即")
    university.night(2)
    both = {"T9999|202609|A01", "T0003|202609|A01"}
    assert waiting() == both
    hand_in(university, workbook(tmp_path / "十月.xlsx", october), as_of=AS_OF + timedelta(days=23))
    university.night(3)
    assert (waiting(), len(university.hub("payroll_item"))) == (both, 4)
    late = [*october, ("T0003", "赵六", "202609", "A01", "岗位工资", "5000")]
    hand_in(university, workbook(tmp_path / "补.xlsx", late), as_of=AS_OF + timedelta(days=53), accept_held=True, reason="补")
    university.night(4)
    assert waiting() & both == {"T9999|202609|A01"}
    assert hand_in(university, workbook(tmp_path / "改.xlsx", GOOD))["state"] == "taken"
    university.night(5)
    assert waiting() & both == set()


def test_of_two_days_of_a_whole_list_the_later_one_replaces_the_earlier(
    university: Any, desk_folder: Path, tmp_path: Path
) -> None:
    path = university.home / "schemas/hub/payroll_item.odcs.yaml"
    content = path.read_text("utf-8")
    assert "{property: gone, value: never}" in content
    path.write_text(content.replace("{property: gone, value: never}", "{property: gone, value: absent_once}"), "utf-8")
    university.forget()
    hand_in(university, workbook(tmp_path / "1.xlsx", GOOD))
    file = workbook(tmp_path / "2.xlsx", (*GOOD[:1], (*GOOD[1][:-1], "5000.00")))
    hand_in(university, file, as_of=AS_OF + timedelta(days=1))
    history = desk.list_receipts(university.ledger, load_catalog().source("finance.payroll"))
    assert [(row["receipt"], row["replaced_by"]) for row in history] == [("UP000002", None), ("UP000001", "UP000002")]


def test_a_text_file_in_the_old_encoding_is_taken(university: Any, desk_folder: Path, tmp_path: Path) -> None:
    contract = university.home / PARTS[0]
    words = (
        contract.read_text("utf-8")
        .replace("工资*.xlsx", "工资*.csv")
        .replace("fileFormat, value: xlsx", "fileFormat, value: csv")
    )
    words = words.replace("{property: sheet, value: 工资明细}", "{property: encoding, value: gb18030}").replace(
        "headerRow, value: 3", "headerRow, value: 1"
    )
    contract.write_text(words, "utf-8")
    university.forget()
    file = write_template(load_catalog(), load_catalog().source("finance.payroll"), tmp_path / "t.csv")
    header = file.read_bytes()
    rows = "T0001,张三,202609,A01,岗位工资,51\n\nT0002,李四,202613,A01,岗位工资,52\n"
    file.write_bytes(header + rows.encode("gb18030"))
    refused = hand_in(university, file)
    assert {(line[0], line[1]) for line in lines_of(refused["fixes"])} == {("4", "月份")}
    file.write_bytes(header + rows.replace("202613", "202609").encode("gb18030"))
    assert hand_in(university, file)["state"] == "taken"
    file.write_bytes((header.decode("gb18030") + rows).encode("utf-8"))
    assert hand_in(university, file)["error_code"] == "HUB304"


def test_the_template_has_the_shape_that_is_taken(university: Any, desk_folder: Path, tmp_path: Path) -> None:
    dataset = load_catalog().source("finance.payroll")
    file = write_template(load_catalog(), dataset, tmp_path / "t.xlsx")
    book = CalamineWorkbook.from_path(str(file))
    assert tuple(book.get_sheet_by_name("工资明细").to_python()[2]) == HEADER
    words = book.get_sheet_by_name("填写说明").to_python()
    assert any("月份" in str(line) and "格式" in str(line) for line in words)
    assert hand_in(university, file)["error_code"] == "HUB742"
    with pytest.raises(Denied, match="HUB747"):
        write_template(load_catalog(), dataset, tmp_path / "t.csv")


def test_a_dataset_that_is_read_from_a_database_is_not_handed_in(university: Any, desk_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Denied, match=r"finance\.payroll"):
        desk.upload_file(university.ledger, load_catalog(), desk.UploadRequest("hr.person", tmp_path / "x", "周会计", AS_OF))
    with pytest.raises(Denied, match="HUB741"):
        hand_in(university, tmp_path / "nothing.xlsx")


def test_originals_are_kept_as_long_as_their_contract_says_and_receipts_for_good(
    university: Any, desk_folder: Path, tmp_path: Path
) -> None:
    hand_in(university, workbook(tmp_path / "1.xlsx", GOOD))
    hand_in(university, workbook(tmp_path / "2.xlsx", GOOD[:1]))
    hand_in(university, workbook(tmp_path / "3.xlsx", BAD))
    kept = university.var / "uploads" / "finance.payroll"
    assert sorted(folder.name for folder in kept.iterdir()) == ["UP000001", "UP000002", "UP000003"]
    for folder in kept.iterdir():
        long_ago = datetime(2026, 8, 1).timestamp()
        os.utime(folder, (long_ago, long_ago))
    remove_expired(AS_OF)
    assert [folder.name for folder in kept.iterdir()] == ["UP000002"]
    assert len(desk.list_receipts(university.ledger, load_catalog().source("finance.payroll"))) == 3


def bomb(path: Path) -> Path:
    """A sound payroll workbook with a part that unpacks to two megabytes."""
    with zipfile.ZipFile(workbook(path, GOOD), "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.bin", bytes(2 << 20))
    return path


def torn(path: Path) -> Path:
    """The first two thirds of a workbook."""
    content = workbook(path, GOOD).read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    return path


def far(path: Path) -> Path:
    """A workbook with a cell at the far corner of its sheet, which its reader takes for a table as large as that."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("工资明细")
        sheet.write_string(0, 0, "工号")
        sheet.write_string(1_048_575, 16_383, "1")
    return path


def old(path: Path) -> Path:
    """What begins like an old workbook and goes on as nothing."""
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(range(256)) * 40)
    return path


@pytest.mark.parametrize(("spoil", "code"), [(bomb, "HUB311"), (torn, "HUB308"), (far, "HUB314"), (old, "HUB308")])
def test_a_file_that_its_reader_cannot_take_is_one_problem_at_the_desk_and_at_night(
    university: Any, desk_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Any, code: str
) -> None:
    monkeypatch.setattr(confined, "LIMITS", confined.Limits(unpacked=1 << 20))
    refused = hand_in(university, spoil(tmp_path / "九月.xlsx"))
    assert (refused["state"], refused["error_code"], refused["stored"]) == ("refused", code, None)
    spoil(desk_folder / "工资_1.xlsx")  # by whatever way it got there
    university.department("update dw set dwmc = '新名' where dwh = 'U1'")
    outcome = university.night(2)
    assert [(problem.code, problem.where) for problem in outcome.problems] == [(code, "finance.payroll")]
    assert ("U1", "新名") in {row[:2] for row in university.hub("org_unit")}
    workbook(desk_folder / "工资_1.xlsx", GOOD)
    mended = university.night(2)
    assert (mended.problems, mended.state, len(university.hub("payroll_item"))) == ([], "done", 2)
