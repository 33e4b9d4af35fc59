"""The story of the three users at 80 columns, after good nights and bad ones: what each asks is answered whole.

No line is wider than the terminal, and no key and no number is ever cut. That is measured against the same command on a
terminal without an edge: every word that carries a digit or a Latin letter stands at 80 columns just so.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from rich.cells import cell_len
from signing import signed_in
from typer.testing import CliRunner

from campus.simulate.world import date_of
from cli.demo import FAULTS
from cli.main import app
from core.errors import Denied

WIDTH = 80
WORD = re.compile(r"[0-9A-Za-z_.:|/+*-]*[0-9A-Za-z][0-9A-Za-z_.:|/+*-]*")
STRANGE = re.compile(r"\bNone\b|\bnull\b|Traceback|\+00:00|\.\d{6}\b")
"""What no screen for people shows: the inside of programs, moments of another zone or with six decimals."""

TECHNICIAN = (
    "status",
    "held",
    "held --system academic",
    "held --limit 1000",
    "versions",
    "unchecked",
    "flows",
    "flows SJGXLC10",
    "flows --audit",
    "flows --rules",
    "calendar --days 14",
    "obligations",
    "latency",
    "selftest src_hr",
    "replay --edge E01 --from 2026-09-01 --to 2026-09-30",
    "lint",
)
DEPARTMENT = (
    "digest",
    "uploads finance.payroll",
    "persons",
    "persons --conflicts",
    "persons --provisional",
    "grants",
    "ack E18",
)
AUDITOR = ("verify E01", "verify E18", "verify --chain")


PEOPLE: dict[str, dict[str, Any]] = {
    "王工": {},
    "李工": {},
    "审计员": {"role": "auditor"},
    "周会计": {"role": "department", "systems": ("finance",)},
}
TOKENS: dict[str, str] = {}


def run(line: str, width: int = WIDTH, language: str = "zh", by: str = "王工") -> Result:
    """A command of somebody who has signed in, as a terminal of that width shows it."""
    env = {"COLUMNS": str(width), "HUB_LANG": language, "TERM": "dumb", "HUB_TOKEN": TOKENS[by]}
    return CliRunner().invoke(app, line.split(), env=env)


def words(text: str) -> Counter[str]:
    """The words with a digit or a Latin letter."""
    return Counter(WORD.findall(text))


def assert_whole(line: str, language: str = "zh", by: str = "王工") -> str:
    """What the command says at 80 columns: nothing wider, nothing cut, nothing strange."""
    narrow, wide = (run(line, width, language, by) for width in (WIDTH, 4000))
    assert narrow.exception is None or isinstance(narrow.exception, SystemExit), f"{line}: {narrow.exception!r}"
    text: str = narrow.output
    over = [row for row in text.splitlines() if cell_len(row.rstrip()) > WIDTH and " " in row.strip()]
    assert over == [], f"{line}: wider than the terminal"
    assert "…" not in text, line
    lost = words(wide.output) - words(text)
    assert not lost, f"{line}: not whole at 80 columns: {dict(lost)}"
    assert not STRANGE.findall(text), f"{line}: {STRANGE.findall(text)}"
    return text


def data(line: str) -> Any:
    """What the command says to programs."""
    return json.loads(run(f"{line} --json").stdout)


@pytest.fixture(scope="module")
def story(university: Any) -> Any:
    """A night with faults, then one in which the table of the staff is empty."""
    TOKENS.update({name: signed_in(name, **facts) for name, facts in PEOPLE.items()})
    university.load(FAULTS, later=1)
    assert university.night().problems == []
    university.load({**FAULTS, "empty_table": 1, "dead_database": 1}, later=1)
    outcome = university.night()
    assert {error.code for error in outcome.problems} >= {"HUB501"}
    return university


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("line", [*TECHNICIAN, *DEPARTMENT, *AUDITOR])
def test_nothing_is_cut(story: Any, line: str, language: str) -> None:
    assert_whole(line, language, "审计员" if line in AUDITOR else "王工")


def report(university: Any) -> dict[str, Any]:
    """What the newest report says of its night."""
    newest = max((university.var / "reports").glob("night-*/report.json"), key=lambda path: path.stat().st_mtime)
    return dict(json.loads(newest.read_text("utf-8")))


def test_the_technician_reads_what_broke_and_what_to_do(story: Any) -> None:
    again = run(f"night --as-of {date_of(story.day)}")
    assert again.exit_code == 3, again.output
    text = assert_whole("status")
    head = text.splitlines()[:5]
    assert str(date_of(story.day)) in head[0] and "要人处理" in head[0]
    assert "问题 2 处，制动 1 处" in head[2]
    plain = "".join(text.split())
    assert "HUB501staff" in plain and "HUB202graduate." in plain
    assert "hubrelease1--reason" in plain and "hubrelease1--approve--until" in plain
    states = {row["flow"]: row["state"] for row in data("status")["flows"]}
    assert states["SJGXLC01"] == "stopped" and states["SJGXLC03"] == "failed" and states["SJGXLC02"] == "done"


def test_nobody_is_blamed_for_the_outage_of_another(story: Any) -> None:
    """Readers and cards of the staff whose table is empty stay as they are; one that is new waits, and says for whom."""
    held = [row for row in data("held --limit 100000") if row["entity"] in ("library_reader", "card", "payroll_item")]
    assert len(held) * 10 < len(story.hub("staff"))
    assert {row["entity"] for row in held if row["waits"] == ["staff"]} >= {"payroll_item"}
    assert "教职工 今夜停在上一版" in "".join(run("held --system finance").output.split("\n  "))


def test_there_is_one_number_of_held_rows(story: Any) -> None:
    told, held = data("status"), data("held --limit 100000")
    rows = {(row["entity"], row["source_key"]) for row in held if row["severity"] == "error"}
    assert told["held"] == report(story)["totals"]["held"] == len(rows) > 0
    assert f"暂留 {len(rows)} 行" in run("held").output
    assert f"共有 {len(rows)} 行数据被暂留" in "".join(run("digest").output.split("\n  ")).replace("\n", "")


def test_the_department_hands_in_its_payroll(story: Any, tmp_path: Path) -> None:
    cut = tmp_path / "工资.xlsx"
    cut.write_bytes(b"PK\x03\x04 cut")
    refused = run(f"upload finance.payroll {cut} --as-of {date_of(story.day)}", by="周会计")
    assert refused.exit_code == 1
    assert "HUB308" in refused.output and "工资.xlsx" in refused.output
    assert not STRANGE.findall(refused.output)
    shown = assert_whole("uploads finance.payroll", by="周会计")
    receipt = data("uploads finance.payroll")[0]
    assert receipt["given_by"] == "周会计"
    other = run("held --system hr", by="周会计").exception
    assert isinstance(other, Denied) and other.code == "HUB790"
    rows = json.loads(run("held --limit 100000 --json", by="周会计").stdout)
    assert rows and all("finance" in (row["source_system"], row["authority"]) for row in rows)
    assert receipt["receipt"] in shown and receipt["sha256"][:12] in shown


def test_a_brake_whose_cause_is_gone_says_so_and_waits_for_nobody(story: Any) -> None:
    story.load({}, later=1)
    assert story.night().problems == []
    told = assert_whole("status")
    assert "自行解除" in "".join(told.split())
    assert "hub release" not in run("digest").output


def test_the_auditor_asks_who_and_when_and_whether_it_is_whole(story: Any) -> None:
    target = story.ledger.version() - 1
    assert "什么都还没有改动" in "".join(assert_whole(f"rollback {target}").split())
    asked = run(f"rollback {target} --reason 误改")
    assert asked.exit_code == 0 and not STRANGE.findall(asked.output), asked.output
    alone = run(f"rollback {target} --approve")
    assert isinstance(alone.exception, Denied) and alone.exception.code == "HUB704"
    assert f"hubrollback{target}--approve" in "".join(run("status").output.split())
    refused = run("verify E18 --sign", by="审计员").exception
    assert isinstance(refused, Denied) and refused.code == "HUB781"
    signed = run("verify E18 --sign")
    assert signed.exit_code == 0, signed.output
    assert not [row for row in data("unchecked") if row["edge"] == "E18"]
    done = run(f"rollback {target} --approve", by="李工")
    assert done.exit_code == 0 and not STRANGE.findall(done.output), done.output
    shown = "".join(assert_whole("versions").split())
    assert [word for word in ("王工", "李工", "误改", "退回") if word not in shown] == []
    assert run("verify --chain").exit_code == 0
