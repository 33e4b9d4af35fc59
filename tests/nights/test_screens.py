"""Every command of `hub` as a person reads it on a terminal of 80 columns, in both languages, after a real night with faults.

No line is wider than the terminal; keys, receipts, hashes and numbers stand whole; Chinese has no field names of the program
in it, English no Chinese but the data's own; nobody reads `None` or a moment of another clock.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from night_university import forget
from rich.cells import cell_len
from typer.testing import CliRunner

from core.errors import HubError
from core.text import LANGUAGES
from pipeline.cli import app
from schemas.catalog import catalog

FAULTS = {"bad_id_checksum": 4, "payroll_unknown_person": 2, "teacher_renamed": 2, "staff_numbered_twice": 2, "fee_identity": 3}
READING = {
    "calendar": ("--days 40",),
    "confirm": ("DL08 --by 甲 --note 现场已验收",),
    "digest": ("",),
    "flows": ("", "SJGXLC10", "--audit", "--rules"),
    "grants": ("", "{staff}"),
    "held": ("", "--limit 3", "--system academic"),
    "latency": ("",),
    "lint": ("",),
    "number": ("--unit {unit} --name 王五 --kind 2 --by 甲", "--approve {number} --by 乙"),
    "obligations": ("",),
    "persons": ("", "--conflicts", "--provisional", "--number {staff}"),
    "pull": ("E01 --out {folder}/pulled",),
    "replay": ("--edge E01 --from 2026-09-07 --to 2026-09-08",),
    "rollback": ("1 --reason 演练 --approved-by 乙 --by 甲",),
    "selftest": ("src_hr",),
    "status": ("",),
    "template": ("finance.payroll --out {folder}/t.xlsx",),
    "unchecked": ("",),
    "upload": ("finance.payroll {folder}/t.xlsx --by 周会计",),
    "uploads": ("finance.payroll",),
    "verify": ("E18", "E01 --sign --by 核查员", "--chain"),
    "versions": ("",),
    "ack": ("E18", "E01 --version 1 --by 甲"),
    "adopt": ("E01 --by 甲 --yes",),
    "extract": ("hr",),
    "feed": ("SJGXLC01",),
    "refresh": ("hr",),
    "link": ("{staff} {other} --reason 核对 --by 甲",),
    "unlink": ("{other} --reason 核对 --by 甲",),
    "release": ("1 --reason 有据 --by 甲", "1 --approve --by 乙"),
    "night": ("",),
}
"""Every command with the ways in which people read it; those that change something come last."""
ELSEWHERE = {"demo", "draft", "oneroster"}
"""What is not done to a university that others use: a second one, files beside its contracts, a bundle of the platform's."""
QUOTED = ("flows",)
"""Commands that print the flow document, which is in Chinese."""
FIELD = re.compile(r"(?<![\w./=-])[a-z]+(?:_[a-z0-9]+)+(?![\w./=-])")
HAN = re.compile(r"[\u4e00-\u9fff]")
UTC = re.compile(r"\d{2}:\d{2}:\d{2}\.\d{3,}|\+00:00")


@pytest.fixture(scope="module")
def facts(university: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The university after a night with faults, and the keys that the commands ask for."""
    university.load(FAULTS, later=1)
    university.night()
    book = university.ledger
    staff = [row["staff_no"] for row in book.rows("select staff_no from hub_current.staff order by 1 limit 2")]
    unit = book.single("select unit_code from hub_current.org_unit where is_active order by 1 desc limit 1")["unit_code"]
    folder = str(tmp_path_factory.mktemp("screens"))
    return {"staff": staff[0], "other": staff[1], "unit": unit, "folder": folder, "number": f"{unit[-4:]}001"}


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest, university: Any) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_LANG", str(request.param))
        forget()
        yield str(request.param)
    forget()


def said(line: str) -> str:
    """What a command answers on a terminal of 80 columns; a refusal is one coded line, which has no table."""
    found = CliRunner().invoke(app, line.split(), env={"COLUMNS": "80"})
    if isinstance(found.exception, HubError):
        assert "\n" not in found.exception.line()
        return found.stdout
    assert found.exception is None or isinstance(found.exception, SystemExit), f"{line}: {found.exception!r}"
    return found.stdout


def test_every_command_is_read() -> None:
    assert READING.keys() | ELSEWHERE == set(typer.main.get_group(app).commands)


def test_a_person_can_read_every_command(university: Any, facts: dict[str, str], language: str) -> None:
    known = catalog()
    codes = {*known.systems, *known.entities, *(source.name for source in known.sources.values())}
    for command, ways in READING.items():
        for way in ways:
            line = f"{command} {way.format(**facts)}".strip()
            shown = said(line)
            wide = [row for row in shown.splitlines() if cell_len(row) > 80 and " " in row.strip()]
            assert not wide, (line, wide[:2])
            assert not re.search(r"\bNone\b|\bTrue\b|\bFalse\b", shown), line
            assert not UTC.search(shown), (line, UTC.findall(shown)[:2])
            if language == "zh":
                fields = {name for name in FIELD.findall(shown) if name not in codes}
                assert not fields or command in ("lint", "selftest", *QUOTED), (line, sorted(fields)[:6])
            elif command not in QUOTED:
                _only_data_is_chinese(university, line, shown)


def _only_data_is_chinese(university: Any, line: str, shown: str) -> None:
    """Chinese words of an English page are names of persons, masked, of units and of what was typed."""
    typed = set("王五甲乙现场已验收演练有据核对周会计员查")
    names = {row["name"] for row in university.ledger.rows("select name from hub_current.org_unit")}
    allowed = typed.union(*names)
    for row in shown.splitlines():
        if "*" in row or "hub " in row[:60] or "theirs" in row:
            continue
        assert not set(HAN.findall(row)) - allowed, (line, row)


def test_no_key_and_no_number_is_cut(university: Any, facts: dict[str, str], language: str) -> None:
    """What `--json` says stands in the page on one line each."""
    for line, names in (
        ("held --limit 2000", ("source_key",)),
        ("unchecked", ("edge", "rows", "version")),
        ("versions", ("run_id", "rows_in", "rows_closed")),
        ("persons --conflicts", ("number", "other_number", "person_id")),
        ("uploads finance.payroll", ("receipt", "sha256")),
        ("verify E18", ("expected", "found")),
        ("obligations", ("deadline", "needed", "found")),
    ):
        shown = said(line)
        rows: list[dict[str, Any]] = json.loads(said(f"{line} --json"))
        assert rows or line.startswith("uploads"), line
        for row in rows:
            for name in names:
                value = row[name]
                if value is None:
                    continue
                text = f"{value:,}" if isinstance(value, int) and name != "version" else str(value).replace("\x1f", "|")
                assert re.search(rf"(?<![\w,]){re.escape(text)}(?![\w,])", shown), (line, name, text)


def test_held_rows_stand_by_reason_and_say_how_many_there_are(university: Any, facts: dict[str, str], language: str) -> None:
    total = university.ledger.single("select count(*) as n from ops.held where state = 'open'")["n"]
    head, *_ = said("held --limit 3").splitlines()
    assert {"3", str(total)} <= set(re.findall(r"\d+", head)), head
    shown = said("held --limit 2000")
    reasons = {(row["entity"], row["source_system"], row["rule_id"]) for row in json.loads(said("held --limit 2000 --json"))}
    assert shown.count("●") == len(reasons)


def test_a_report_repeats_its_heads_on_paper_and_is_english_in_english(university: Any, facts: dict[str, str]) -> None:
    run = university.ledger.single("select run_id from ops.run where kind = 'night' order by started_at desc limit 1")["run_id"]
    folder: Path = university.var / "reports" / run
    for lang in LANGUAGES:
        page = (folder / f"report.{lang}.html").read_text("utf-8")
        assert page.count("<thead>") == page.count("<table>") > 3
        assert "break-after: avoid" in page
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    allowed = set().union(*(row["name"] for row in university.ledger.rows("select name from hub_current.org_unit")))
    assert not set(HAN.findall(re.sub(r"<td[^>]*class=\"soft\".*?</td>", "", body))) - allowed
