"""Who may do what, at the commands themselves: no command takes a name, and each act is that of who has signed in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import typer.main
from accounts_house import PASSWORD, House, Hub, code

from cli.main import app
from core.messages import LANGUAGES, load_messages
from core.settings import ROOT

CHANGES = (
    "verify E18 --sign",
    "verify --flow SJGXLC01 --yes",
    "release 1 --reason 有据",
    "release 1 --approve",
    "rollback 1 --approve",
    "number --unit 20010306 --name 王五 --kind 2 --reason 返聘",
    "number --approve 0306001",
    "link S0001 B0001 --reason 核对",
    "unlink B0001 --reason 核对",
    "pull E18 --out nowhere",
    "ack E18 --version 1",
    "adopt E18 --yes",
    "grants S0001 --confirm",
    "upload finance.payroll none.xlsx",
    "confirm DL08 --note 已验收",
    "digest --send",
    "extract hr",
    "feed SJGXLC01",
    "night --as-of 2026-09-07",
    "refresh hr",
    "replay --edge E01 --from 2026-09-01 --to 2026-09-02",
    "selftest src_hr --write",
)
MACHINE = ("digest", "extract", "feed", "night", "refresh", "replay", "selftest")
"""Commands that a timetable runs with nobody signed in."""
PERSONAL = (
    "held",
    "persons --conflicts",
    "persons --number S0001",
    "grants S0001",
    "verify E18",
    "uploads finance.payroll",
)
OPEN = ("status", "versions", "flows", "flows SJGXLC01", "calendar --days 3", "obligations", "unchecked", "digest", "latency")


def test_no_command_takes_the_name_of_who_acts() -> None:
    for command in typer.main.get_group(app).commands.values():
        options = {option for one in command.params for option in one.opts}
        assert not options & {"--by", "--approved-by"}, command.name
    for language in LANGUAGES:
        assert not [key for key, told in load_messages(language).items() if "--by" in told or "--approved-by" in told]


def test_an_auditor_changes_nothing(hub: Hub) -> None:
    assert {line: code(hub(line, by="审计员")) for line in CHANGES} == dict.fromkeys(CHANGES, "HUB781")


def test_nobody_acts_without_signing_in(hub: Hub) -> None:
    lines = [line for line in CHANGES if line.split()[0] not in MACHINE]
    assert {line: code(hub(line)) for line in lines} == dict.fromkeys(lines, "HUB780")


def test_an_administrator_sees_and_changes_no_data(hub: Hub) -> None:
    assert {line: code(hub(line, by="主管")) for line in CHANGES} == dict.fromkeys(CHANGES, "HUB781")


def test_what_shows_persons_needs_a_login(hub: Hub) -> None:
    for line in PERSONAL:
        assert (line, code(hub(line)), code(hub(line, by="主管"))) == (line, "HUB780", "HUB781")
        assert code(hub(line, by="审计员")) not in ("HUB780", "HUB781"), line


def test_what_shows_no_person_needs_none(hub: Hub) -> None:
    for line in OPEN:
        assert code(hub(line)) not in ("HUB780", "HUB781", "HUB785"), line


def test_a_department_is_held_to_its_own_systems(hub: Hub) -> None:
    lines = (
        "held --system hr",
        "confirm DL08 --note 已验收",
        "pull E01 --out nowhere",
        "ack E01 --version 1",
        "verify E01",
        "upload logistics.dorm_allocation none.xlsx",
    )
    assert {line: code(hub(line, by="周会计")) for line in lines} == dict.fromkeys(lines, "HUB790")


def test_a_department_does_what_is_its_own(hub: Hub) -> None:
    assert code(hub("upload finance.payroll none.xlsx", by="周会计")) == "HUB741"
    assert hub("held", by="周会计").exit_code == 0
    assert hub("held --system finance", by="周会计").exit_code == 0
    for line in ("persons --conflicts", "link S0001 B0001 --reason 核对", "rollback 1 --approve", "grants S0001"):
        assert code(hub(line, by="周会计")) == "HUB781"


def test_a_person_sees_and_confirms_the_own_grants_only(hub: Hub) -> None:
    for line in ("grants S0002", "grants S0002 --confirm", "grants S0002 --wrong 不对 --system welcome"):
        assert code(hub(line, by="S0001")) == "HUB791"
    for line in ("grants S0001", "grants S0001 --confirm"):
        assert code(hub(line, by="S0001")) in ("HUB874", "HUB876")
    assert code(hub("grants S0001 --confirm", by="王工")) == "HUB781"
    assert code(hub("held", by="S0001")) == "HUB781"


def test_two_names_in_one_shell_are_not_two_persons(house: House, hub: Hub) -> None:
    house.book.execute("insert into ops.run values ('r', 'night', '2026-09-07', '{}', 'done', now(), now())")
    house.book.execute(
        "insert into ops.brake (run_id, subject, reason_code, proposed, content_hash, state, tripped_on)"
        " values ('r', 'staff', 'HUB502', '{\"count\": 9, \"percent\": 9, \"limit\": 5}', 'x', 'tripped', '2026-09-07')"
    )
    assert hub("release 1 --reason 已核实 --as-of 2026-09-07 --json", by="王工").exit_code == 0
    assert code(hub("release 1 --approve --as-of 2026-09-07", by="王工")) == "HUB704"
    assert code(hub("release 1 --approve --as-of 2026-09-07")) == "HUB780"
    assert hub("release 1 --approve --as-of 2026-09-07 --json", by="李工").exit_code == 0
    row = house.book.single("select * from ops.brake")
    assert (row["requested_by"], row["approved_by"], row["reason"], row["state"]) == ("王工", "李工", "已核实", "released")
    assert row["requested_at"] <= row["approved_at"]


def test_the_tables_refuse_one_person_for_both_parts(house: House) -> None:
    house.book.execute(
        "insert into ops.request (kind, subject, asked, content_hash, reason, requested_by, requested_at)"
        " values ('rollback', 'v1', '{}', 'x', '误发', '王工', now())"
    )
    for change in (
        "set state = 'approved', approved_by = '王工', approved_at = now()",
        "set state = 'approved', approved_by = '李工'",
        "set approved_by = '李工', approved_at = now()",
    ):
        with pytest.raises(psycopg.errors.CheckViolation):
            house.book.execute(f"update ops.request {change}")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        house.book.execute("update ops.request set state = 'approved', approved_by = '无此人', approved_at = now()")
    house.book.execute("update ops.request set state = 'approved', approved_by = '李工', approved_at = now()")


def test_a_password_is_in_no_list_of_processes_and_in_no_output(house: House, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cli.main", "login", "王工", "--password-stdin"]
    asked = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert asked.stdin is not None
    seen = "".join(Path(f"/proc/{asked.pid}/{name}").read_bytes().decode(errors="replace") for name in ("cmdline", "environ"))
    said, _ = asked.communicate(f"{PASSWORD}\n")
    assert asked.returncode == 0, said
    token = next((house.var / "tokens").glob("*.token")).read_text("utf-8")
    assert PASSWORD not in seen + said and token not in said
    wrong = subprocess.run(command, cwd=ROOT, input="a wrong password\n", capture_output=True, text=True, env=os.environ)
    assert wrong.returncode == 1 and "HUB782" in wrong.stderr and "a wrong password" not in wrong.stdout + wrong.stderr
