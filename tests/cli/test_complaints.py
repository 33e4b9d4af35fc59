"""An error on standard error: its place in codes and names, wrapped on a terminal, one line where a program takes it."""

from __future__ import annotations

import io
import re
import sys
from typing import cast

import pytest
from rich.cells import cell_len

from cli.output import print_error, print_parts
from contracts.catalog import load_catalog
from core.errors import Braked, HubError, Refused, Unavailable
from reporting import display_names

DOWN = Unavailable(
    "HUB202",
    "research.fund, research.project",
    reason="找不到主机",
    connection="src_research",
    owner="科研处",
)


class Terminal(io.StringIO):
    """What takes text and says that a person reads it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_terminal_of_80_columns_shows_an_error_within_them(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stderr", Terminal())
    line = display_names.format_error(load_catalog(), DOWN, language)
    monkeypatch.setattr("reporting.display_names.format_error_safely", lambda error: line)
    print_error(DOWN, "  core/x.py:1 in y")
    lines = re.sub(r"\x1b\[[\d;]*m", "", cast(Terminal, sys.stderr).getvalue()).splitlines()
    assert len(lines) > 2 and max(map(cell_len, lines)) <= 80
    assert all(part.startswith("  ") for part in lines[1:])
    assert re.sub(r"\s", "", "".join(lines[:-1])) == re.sub(r"\s", "", line)


def test_a_program_gets_one_line_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(DOWN)
    assert capsys.readouterr().err == display_names.format_error(load_catalog(), DOWN) + "\n"


@pytest.mark.parametrize(
    ("error", "zh", "en"),
    [
        (
            DOWN,
            "HUB202 research.fund（科研系统 项目到账经费）, research.project（科研系统 科研项目）:",
            "HUB202 research.fund (Research management system fund), research.project (Research management system project):",
        ),
        (
            Braked("HUB501", "staff", systems="hr", before=163),
            "HUB501 staff（教职工）: hr（人事系统） 给出 0 行",
            "HUB501 staff: hr (HR system) ",
        ),
        (
            HubError("HUB811", "src_finance_upload"),
            "HUB811 src_finance_upload（财务系统）:",
            "HUB811 src_finance_upload (Finance system):",
        ),
        (
            HubError("HUB811", "E01.staff_basic (+3)"),
            "HUB811 E01.staff_basic（教职工基本信息） (+3):",
            "HUB811 E01.staff_basic (staff basic) (+3):",
        ),
        (HubError("HUB811", "schemas/x.yaml"), "HUB811 schemas/x.yaml:", "HUB811 schemas/x.yaml:"),
    ],
)
def test_codes_stand_with_their_names(error: HubError, zh: str, en: str) -> None:
    assert display_names.format_error(load_catalog(), error, "zh").startswith(zh)
    assert display_names.format_error(load_catalog(), error, "en").startswith(en)


def test_an_entity_called_like_a_system_is_the_entity_and_a_unit_has_an_english_name() -> None:
    assert display_names.get_subject_name(load_catalog(), "registration", "en") == "registration"
    assert display_names.get_system_name(load_catalog(), "registration", "en") == "Check-in and registration system"
    facts = {"count": 1, "columns": "xm", "owner": "人事处", "version": "2.0.0"}
    told = display_names.format_error(load_catalog(), Refused("HUB301", "hr.staff_record", **facts), "en")
    assert "Personnel office" in told and "人事处" not in told


def test_what_a_person_types_next_keeps_its_codes() -> None:
    facts = {"damaged": 1, "rules": "staff.key.unique", "waiting": 2}
    line = display_names.format_error(load_catalog(), HubError("HUB403", "staff", system="hr", **facts), "zh")
    assert "hr（人事系统）" in line and "hub held --system hr " in line


def test_the_path_of_a_file_stays_whole_whatever_it_is_called(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    path = "/srv/数据中心/一个相当长的路径名称里面全是汉字/var/uploads/fixes.xlsx"
    print_parts(f"修改清单：{path}。请改好后整份重新上传，已收/已发的不受影响。")
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "/srv" in line] == [f"{path}。"]
    assert len(lines) == 4
