"""Tonight's figures are the same wherever they stand, each row counted once, at the university's time."""

from __future__ import annotations

import json
import shutil
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from cli.tables import screen
from contracts.catalog import load_catalog
from core.calendar import ZONE, format_local_minute
from pipeline.context import resume_run
from reporting import daily_digest, report, status
from runs.nightly import close_run, deliver_flow, extract_system, open_run, publish_run


def second_flow(university: Any) -> None:
    """Another flow out of the same department's system."""
    feeds = university.home / "schemas" / "feeds"
    shutil.copytree(feeds / "sjgxlc01", feeds / "sjgxlc02")
    for path in sorted((feeds / "sjgxlc02").iterdir()):
        if not path.name.startswith("e06"):
            path.unlink()
            continue
        text = path.read_text("utf-8").replace("E06", "E07").replace("SJGXLC01", "SJGXLC02").replace("sjgxlc01", "sjgxlc02")
        (path.parent / path.name.replace("e06", "e07")).write_text(text, "utf-8")
        path.unlink()
    queries = university.home / "sql" / "feeds"
    shutil.copytree(queries / "sjgxlc01", queries / "sjgxlc02")
    university.forget()


def facts(university: Any, run: str) -> dict[str, Any]:
    return dict(json.loads((university.var / "reports" / run / "report.json").read_text("utf-8")))


def test_a_row_that_serves_two_flows_is_counted_once(university: Any) -> None:
    second_flow(university)
    university.department("update jzg set xb = 'X', gxsj = now() where gh in ('T0001', 'T0002')")
    university.department("update jzg set xm = '', gxsj = now() where gh = 'T0001'")
    outcome = university.night(1)
    told = facts(university, outcome.run_id)
    assert len(told["flows"]) == 2
    assert told["totals"]["extracted"] == 45 == sum(row["rows"] for row in told["extracts"])
    assert told["totals"]["changed"] == len(university.hub()) + len(university.hub("org_unit"))
    book, known = university.ledger, load_catalog()
    held = {(row["entity"], row["source_key"]) for row in status.list_held(book, known) if row["severity"] == "error"}
    shown = status.read_status(book, known)
    assert told["totals"]["held"] == shown["held"] == len(held) > 0
    assert sum(row["held"] for row in shown["systems"]) == len(held)
    counts = status.count_held(book)
    assert counts == {"rows": len(held), "entries": len(status.list_held(book, known))}
    assert status.count_held(book, "staff")["rows"] == len({key for entity, key in held if entity == "staff"})
    console = Console(width=200)
    with console.capture() as page_of_held:
        console.print(screen.render_held(status.list_held(book, known, limit=1), counts))
    title = page_of_held.get()
    assert f"{len(held)} 行" in title and f"{counts['entries']} 条中的 1 条" in title
    said = [point for part in daily_digest.build_digests(book, known, [], date(2026, 9, 8)) for point in part.points]
    assert any(f"{len(held)} " in point for point in said)
    page = (university.var / "reports" / outcome.run_id / "report.zh.html").read_text("utf-8")
    assert "<b>45</b>" in page


def test_the_report_of_an_orchestrated_night_holds_its_deliveries(university: Any) -> None:
    run = open_run("night", date(2026, 9, 7))
    extract_system(run, "hr")
    publish_run(run)
    close_run(run)
    assert facts(university, run)["totals"]["sent"] == 0
    [flow] = facts(university, run)["flows"]
    assert flow["state"] == "idle"
    feed = open_run("feed", date(2026, 9, 7), ["SJGXLC01"])
    deliver_flow(feed, "SJGXLC01")
    close_run(feed)
    told = facts(university, run)
    assert (told["totals"]["sent"], told["totals"]["accepted"]) == (3, 3)
    assert {row["edge"] for row in told["feeds"]} == {"E01", "E05", "E06"}
    pages = [(university.var / "reports" / id / "report.zh.html").read_text("utf-8") for id in (run, feed)]
    assert "夜间运行报告" in pages[0]
    assert "交付报告 SJGXLC01" in pages[1]
    later = open_run("night", date(2026, 9, 7))
    close_run(later)
    assert facts(university, later)["totals"]["sent"] == 0


def test_a_flow_without_its_source_is_not_done(university: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    university.night(1)
    monkeypatch.setenv("AIRFLOW_CONN_SRC_HR", "postgresql://nobody@127.0.0.1:1/hr")
    outcome = university.night(2)
    assert [row["state"] for row in facts(university, outcome.run_id)["flows"]] == ["failed"]


def test_every_moment_of_the_report_is_the_university_s(university: Any) -> None:
    outcome = university.night(1)
    begun = university.ledger.single("select started_at from ops.run")["started_at"]
    assert facts(university, outcome.run_id)["run"]["begun"] == format_local_minute(begun)
    assert report._format_json_value(begun).endswith("+08:00")
    assert datetime.now(ZONE).utcoffset() == timedelta(hours=8)
    assert resume_run(outcome.run_id).run.as_of == date(2026, 9, 7)
