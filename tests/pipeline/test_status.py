"""Every screen in every state that the ledger can hold, and whether tonight ran in the first five lines."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from typing import Any

import pytest
import typer
from psycopg.types.json import Jsonb
from rich.console import Console

from cli import app, main
from cli.tables import status as screen_status
from contracts.catalog import load_catalog
from core import hashing
from core.messages import LANGUAGES
from desk import brake_release
from pipeline.context import resume_run
from reporting import daily_digest, display_names, report, status

STEPS = ("running", "done", "failed", "stopped", "waiting")
BRAKES = ("tripped", "requested", "released", "used", "moot")
DELIVERIES = ("prepared", "sent", "accepted", "refused", "partly", "abandoned")
PROPOSED = {"HUB501": {"systems": "hr", "before": 40}, "HUB503": {"count": 9, "percent": "22.5", "limit": "5"}}


def page(university: Any, language: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """`hub status` as 80 columns show it, after the digest and the report were made as well."""
    monkeypatch.setenv("HUB_LANG", language)
    university.forget()
    book, known = university.ledger, load_catalog()
    daily_digest.build_digests(book, known, [], date(2026, 9, 8), language)
    for row in book.rows("select run_id from ops.run"):
        night = resume_run(row["run_id"])
        assert report.render_html(night, report.collect_report_facts(night), language)
    console = Console(width=80, record=True, file=None, force_terminal=False)
    with console.capture() as shown:
        console.print(screen_status.render_status(status.read_status(book, known)))
    return shown.get().splitlines()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", ["HUB202", None])
@pytest.mark.parametrize("run_state", ["running", "done", "failed"])
def test_every_state_of_the_ledger_has_its_page(
    university: Any, monkeypatch: pytest.MonkeyPatch, run_state: str, code: str | None, language: str
) -> None:
    university.night(1)
    book, run = university.ledger, "night-20260907-01"
    book.execute("update ops.run set state = %s, ended_at = null where run_id = %s", [run_state, run])
    subjects = ("hr.person", "staff", "hub", "E01.staff_basic")
    for verb in ("extract", "conform", "check", "brake", "publish", "deliver", "reconcile", "audit"):
        for subject, state in zip([*subjects, "x"], STEPS, strict=True):
            step = book.begin(run, verb, subject, "h")
            told = {"where": subject, "facts": {"reason": "-", "connection": "src_hr", "owner": "人事处"}} if code else None
            book.execute(
                "update ops.step set state = %s, error_code = %s, error = %s where step_id = %s",
                [state, code if state != "done" else None, Jsonb(told) if told else None, step.id],
            )
    for number, state in enumerate(BRAKES):
        for reason, facts in PROPOSED.items():
            book.execute(
                "insert into ops.brake (run_id, subject, reason_code, proposed, content_hash, state, tripped_on, closed_on,"
                " expires_on, closed_run) values (%s, 'staff', %s, %s, %s, %s, '2026-09-07', '2026-09-07', '2026-09-14', %s)",
                [run, reason, Jsonb(facts), f"{number}{reason}", state, run],
            )
    for state in DELIVERIES:
        book.execute("update ops.delivery set state = %s where edge = 'E05'", [state])
        lines = page(university, language, monkeypatch)
        assert run in lines[0]
        assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    for brake in book.rows("select brake_id from ops.brake where state = 'tripped'"):
        assert f"hub release {brake['brake_id']} --reason" in text


def test_the_first_five_lines_say_whether_tonight_ran(university: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    university.night(1)
    lines = page(university, "zh", monkeypatch)
    assert lines[0] == "night-20260907-01，业务日期 2026-09-07：全部完成"
    assert lines[1].startswith("开始 20") and "结束 20" in lines[1]
    assert lines[2] == "要处理：没有"
    assert lines[3].startswith("待签字：") and "行" in lines[3]
    assert lines[4].startswith("公共数据库第 1 版")


def test_a_stopped_entity_is_told_with_its_number_and_closes_itself_when_the_cause_is_gone(
    university: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    university.night(1)
    university.department("create table kept as select * from jzg")
    university.department("delete from jzg")
    university.night(2)
    lines = page(university, "zh", monkeypatch)
    number = university.ledger.single("select brake_id from ops.brake")["brake_id"]
    staff = display_names.get_entity_title(load_catalog(), "staff", "zh")
    assert "有事要人处理" in lines[0]
    assert "制动 1 处" in lines[2]
    assert any("HUB501" in line for line in lines)
    assert f"制动 {number}：{staff}" in "\n".join(lines)
    brake_release.request_release(university.ledger, number, "zhang", "误删")
    university.department("insert into jzg select * from kept")
    university.night(3)
    lines = page(university, "zh", monkeypatch)
    assert "全部完成" in lines[0]
    assert any(f"制动 {number}：{staff}" in line and "自行解除" in line for line in lines)
    university.night(4)
    assert "自行解除" not in "\n".join(page(university, "zh", monkeypatch))


def test_a_brake_whose_change_still_stands_is_not_closed(university: Any) -> None:
    university.night(1)
    university.department("delete from jzg")
    university.night(2)
    university.night(3)
    assert [row["state"] for row in university.ledger.rows("select state from ops.brake")] == ["tripped"]


def test_of_two_brakes_of_an_entity_the_newer_one_stands(university: Any) -> None:
    university.night(1)
    university.department("delete from jzg where gh > 'T0020'")
    university.night(2)
    university.department("delete from jzg where gh > 'T0015'")
    university.night(3)
    rows = university.ledger.rows("select state from ops.brake order by brake_id")
    assert [row["state"] for row in rows] == ["moot", "tripped"]


def test_no_flow_is_green_whose_source_gave_nothing(university: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    university.night(1)
    monkeypatch.setenv("AIRFLOW_CONN_SRC_HR", "postgresql://nobody@127.0.0.1:1/hr")
    university.night(2)
    found = status.read_status(university.ledger, load_catalog())
    assert [(row["flow"], row["state"], row["down"]) for row in found["flows"]] == [("SJGXLC01", "failed", ["hr"])]
    assert any("HUB202" in line for line in found["night"]["problems"])


def test_a_night_cut_off_is_told_apart_from_one_at_work(university: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    university.night(1)
    book = university.ledger
    run = book.open_run("night", date(2026, 9, 8)).id
    book.begin(run, "extract", "hr.person", "h")
    assert status.read_status(book, load_catalog())["night"]["state"] == "open"
    assert any("HUB847" in line for line in status.read_status(book, load_catalog())["night"]["problems"])
    with book.claim_run(run):
        found = status.read_status(book, load_catalog())["night"]
    assert (found["state"], found["problems"]) == ("running", [])


def ended(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit status of the `hub` command."""
    monkeypatch.setattr(sys, "argv", ["hub", *arguments])
    return main._run_app()


def test_exit_codes(university: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended(monkeypatch, "night", "--as-of", "2026-09-07", "--json") == 0
    with university.ledger.claim_run(university.ledger.open_run("night", date(2026, 9, 8)).id):
        assert ended(monkeypatch, "night", "--as-of", "2026-09-08", "--json") == 1
    university.department("delete from jzg")
    assert ended(monkeypatch, "night", "--as-of", "2026-09-08", "--json") == 3
    monkeypatch.setenv("AIRFLOW_CONN_SRC_HR", "postgresql://nobody@127.0.0.1:1/hr")
    assert ended(monkeypatch, "night", "--as-of", "2026-09-09", "--json") == 3
    assert ended(monkeypatch, "night", "--as-of", "yesterday") == 2


def test_a_night_before_the_newest_finished_one_is_asked_about(university: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    past = ["night", "--as-of", "2026-09-07"]
    assert ended(monkeypatch, "night", "--as-of", "2026-09-09", "--json") == 0
    university.department("update jzg set xm = '改名', gxsj = now() where gh = 'T0001'")
    assert ended(monkeypatch, *past) == 1, "nobody at a terminal"
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    for answer, code in (("n", 1), ("y", 0)):
        monkeypatch.setattr(typer, "confirm", lambda question, answer=answer: "2026-09-09" in question and answer == "y")
        assert ended(monkeypatch, *past) == code
        assert ("改名" in {row[1] for row in university.hub()}) is (answer == "y")
    assert ended(monkeypatch, *past, "--json") == 1, "a script is not asked"
    assert ended(monkeypatch, *past, "--json", "--yes") == 0
    assert ended(monkeypatch, "night", "--as-of", "2026-09-09", "--json") == 0


def test_today_is_the_university_s_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "system_clock", lambda: datetime(2026, 11, 29, 20, 37, tzinfo=UTC))
    assert app.choose_business_date(None) == date(2026, 11, 30)


def test_a_part_that_failed_is_told_apart_from_nothing_done(
    university: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    day = ("--as-of", "2026-09-07", "--json")
    assert ended(monkeypatch, "extract", "hr", *day) == 0
    university.department("alter table dw rename column dwmc to mc")
    assert ended(monkeypatch, "extract", "hr", *day) == 3
    assert capsys.readouterr().err.startswith("HUB301 hr.unit（人事系统 单位）: ")
    university.department("alter table dw rename column mc to dwmc")
    assert ended(monkeypatch, "night", *day) == 0
    university.department("update jzg set xm = '改名', gxsj = now() where gh = 'T0001'")
    assert ended(monkeypatch, "extract", "hr", *day) == 0
    academic = university.academic
    university.in_academic("drop table hub_staff, _hub_sent, _hub_delivery")
    monkeypatch.setenv("AIRFLOW_CONN_DST_ACADEMIC", "postgresql://nobody@127.0.0.1:1/academic")
    assert ended(monkeypatch, "night", "--as-of", "2026-09-08", "--json") == 3
    assert ended(monkeypatch, "feed", "SJGXLC01", "--as-of", "2026-09-09", "--json") == 3
    monkeypatch.setenv("AIRFLOW_CONN_DST_ACADEMIC", academic)
    monkeypatch.setenv("AIRFLOW_CONN_SRC_HR", "postgresql://nobody@127.0.0.1:1/hr")
    capsys.readouterr()
    assert ended(monkeypatch, "extract", "hr", "--as-of", "2026-09-09", "--json") == 1
    assert capsys.readouterr().err.startswith("HUB202 hr.person（人事系统 教职工）, hr.unit（人事系统 单位）: ")


def test_an_error_that_nobody_foresaw_ends_a_command_without_the_values_that_it_quotes(
    university: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("110101199003071233")

    monkeypatch.setattr(status, "read_status", fail)
    assert ended(monkeypatch, "status") == 1
    told = capsys.readouterr().err
    assert told.startswith("HUB860 fail: ")
    assert "tests/pipeline/test_status.py:" in told
    assert "110101199003071233" not in told
