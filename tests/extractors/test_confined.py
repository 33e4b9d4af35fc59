"""Files of people are opened in a child with limits: what one file does to its reader is a coded problem of that file."""

from __future__ import annotations

import os
import signal
import struct
import threading
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from core.errors import Refused
from core.settings import get_settings
from extractors.files import confined
from extractors.files.confined import MEGABYTE, Limits, ReadJob, read_confined
from extractors.files.file_layout import FileLayout

PACKED = "xl/media/image1.bin"


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HUB_VAR", str(tmp_path / "var"))
    get_settings.cache_clear()
    return tmp_path


def job(path: Path, *, numbers: bool = False) -> ReadJob:
    return ReadJob(path.suffix.lstrip("."), FileLayout(path, "finance.payroll", "财务处"), numbers)


def workbook(path: Path, last: tuple[int, int] = (1, 0)) -> Path:
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_string(0, 0, "a")
        sheet.write_string(*last, "1")
    return path


def refusal(path: Path, limits: Limits | None = None) -> Refused:
    with pytest.raises(Refused) as refused:
        read_confined(job(path), limits)
    assert refused.value.where == "finance.payroll"
    assert "财务处" in refused.value.line("zh")
    assert path.name in refused.value.line("zh")
    assert refused.value.line("zh") != refused.value.line("en")
    return refused.value


def test_an_ordinary_file_is_read_and_leaves_nothing(room: Path) -> None:
    assert read_confined(job(workbook(room / "t.xlsx"))).to_pydict() == {"a": ["1"]}
    assert read_confined(job(room / "t.xlsx", numbers=True)).to_pydict() == {"row": [2]}
    (room / "t.csv").write_text("a,a,b\n1,,3\n", encoding="utf-8")
    assert [column.to_pylist() for column in read_confined(job(room / "t.csv")).columns] == [["1"], [None], ["3"]]
    assert list(get_settings().work.iterdir()) == []


def test_one_child_reads_one_file_after_another(room: Path) -> None:
    workbook(room / "t.xlsx")
    confined.end_idle_readers()
    read_confined(job(room / "t.xlsx"))
    (child,) = confined._IDLE
    read_confined(job(room / "t.xlsx"))
    assert [child] == confined._IDLE


@pytest.mark.parametrize("says", ["the truth", "less"])
def test_a_packed_file_that_grows_too_large_is_refused_unread(room: Path, says: str) -> None:
    with zipfile.ZipFile(workbook(room / "t.xlsx"), "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(PACKED, bytes(8 * MEGABYTE))
    if says == "less":
        content = bytearray((room / "t.xlsx").read_bytes())
        entry = content.rindex(PACKED.encode()) - 46  # its record in the directory
        assert content[entry : entry + 4] == b"PK\x01\x02"
        struct.pack_into("<I", content, entry + 24, 100)
        (room / "t.xlsx").write_bytes(content)
    assert read_confined(job(room / "t.xlsx"), Limits(unpacked=9 * MEGABYTE)).to_pydict() == {"a": ["1"]}
    assert refusal(room / "t.xlsx", Limits(unpacked=7 * MEGABYTE)).code == "HUB311"


def test_a_directory_that_points_outside_its_file_is_damage(room: Path) -> None:
    content = bytearray(workbook(room / "t.xlsx").read_bytes())
    entry = content.rindex(b"xl/worksheets/sheet1.xml") - 46  # its record in the directory
    assert content[entry : entry + 4] == b"PK\x01\x02"
    struct.pack_into("<I", content, entry + 42, len(content) - 10)
    (room / "t.xlsx").write_bytes(content)
    assert refusal(room / "t.xlsx").code == "HUB308"


def test_one_cell_at_the_far_corner_of_a_sheet_takes_no_more_memory_than_there_may_be(room: Path) -> None:
    workbook(room / "t.xlsx", (1_048_575, 16_383))
    assert refusal(room / "t.xlsx").code == "HUB314"
    assert read_confined(job(workbook(room / "u.xlsx"))).num_rows == 1


def test_a_file_that_takes_too_long_is_refused(room: Path) -> None:
    (room / "t.csv").write_text("a,b\n" + '"1","2"\n' * 2_000_000, encoding="utf-8")
    assert refusal(room / "t.csv", Limits(seconds=0)).code == "HUB313"


@pytest.mark.parametrize(("sign", "code"), [("SIGKILL", "HUB312"), ("SIGSEGV", "HUB312"), ("SIGXCPU", "HUB313")])
def test_a_reader_that_is_ended_is_a_problem_of_its_file(room: Path, sign: str, code: str) -> None:
    workbook(room / "u.xlsx")
    read_confined(job(room / "u.xlsx"))
    (child,) = confined._IDLE
    os.mkfifo(room / "t.csv")

    def end() -> None:
        with (room / "t.csv").open("wb"):  # which waits until somebody reads
            os.kill(child.pid, signal.Signals[sign])

    ending = threading.Thread(target=end)
    ending.start()
    found = refusal(room / "t.csv")
    ending.join()
    assert found.code == code
    assert found.facts.get("how", sign) == sign
    assert confined._IDLE == []
    assert read_confined(job(room / "u.xlsx")).num_rows == 1


def test_an_error_that_no_parser_foresaw_keeps_its_trace_and_no_value(room: Path) -> None:
    (room / "t.csv").write_text("a\n1\n", encoding="utf-8")
    strange = ReadJob("csv", FileLayout(room / "t.csv", "finance.payroll", "财务处", header_row="x"))  # type: ignore[arg-type]
    with pytest.raises(Refused, match="HUB315") as refused:
        read_confined(strange)
    assert refused.value.trace[-1] == "TypeError"
    assert any(line.startswith("extractors/csv_file.py:") for line in refused.value.trace)
