"""Real time: what changed is at its readers and nowhere else; nothing changed leaves nothing; night and refresh take turns."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from contracts.catalog import load_catalog
from core.errors import Denied
from core.settings import get_settings
from core.store.ledger import Ledger
from pipeline.delivery import latency
from pipeline.ingest import probe as looking
from runs.refresh import RefreshResult, refresh_system

MONDAY = date(2026, 9, 7)
FLOWS = """\
edges:
  - {id: E01, source: hr, target: academic, datasets: [staff_basic], schedule: [{kind: real_time}]}
  - {id: E05, source: hr, target: library, datasets: [staff_basic], schedule: [{kind: source_real_time}]}
  - {id: E06, source: hr, target: research, datasets: [staff_basic]}
reminders: {days_before: [7, 3, 1], due_soon_days: 7, watch_days: 30, realtime_minutes: 15}
"""


@pytest.fixture
def busy(university: Any) -> Any:
    """The university after its first night, with its department wanted in real time."""
    (university.home / "schemas" / "flows" / "realtime.yaml").write_text(FLOWS, "utf-8")
    university.forget()
    assert university.night().problems == []
    return university


def look(busy: Any, book: Ledger | None = None) -> RefreshResult:
    return refresh_system("hr", MONDAY, book or busy.ledger)


def steps(busy: Any) -> int:
    return int(busy.ledger.single("select count(*) as n from ops.step")["n"])


def test_a_change_is_at_its_receivers_after_one_refresh(busy: Any) -> None:
    busy.department("update jzg set xm = '王新名', gxsj = clock_timestamp() at time zone 'Asia/Shanghai' where gh = 'T0007'")
    found = look(busy)
    assert (found.changed, found.problems, found.busy) == (["hr.person"], [], False)
    assert found.version == 2
    assert found.delivered == ["E01.staff_basic", "E05.staff_basic", "E06.staff_basic"]
    assert ("T0007", "王新名") in {row[:2] for row in busy.received()}
    assert set(busy.accepted().values()) == {2}
    sent = busy.ledger.rows("select rows_upsert, rows_delete from ops.delivery where run_id = %s", [found.run_id])
    assert {(row["rows_upsert"], row["rows_delete"]) for row in sent if row["rows_upsert"] < 40} == {(1, 0)}


def test_nothing_changed_leaves_one_count_and_no_step(busy: Any) -> None:
    before, landings = steps(busy), sorted(get_settings().landing.glob("*/*/*"))
    for _ in range(3):
        found = look(busy)
        assert (found.changed, found.delivered, found.run_id, found.problems) == ([], [], "", [])
    assert steps(busy) == before
    assert sorted(get_settings().landing.glob("*/*/*")) == landings
    (row,) = busy.ledger.rows("select looked, changed, failed from ops.refresh")
    assert (row["looked"], row["changed"], row["failed"]) == (3, 0, 0)


def test_only_feeds_that_read_the_entity_are_opened(busy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """E01 joins the unit's name to each person; the receivers of the others do not get it and are not connected to."""
    for edge, path in {"e05": "LIBRARY", "e06": "RESEARCH"}.items():
        contract = next((busy.home / "schemas/feeds/sjgxlc01").glob(f"{edge}_*"))
        contract.write_text(contract.read_text("utf-8").replace("name: staff_basic", "name: staff"), "utf-8")
        monkeypatch.setenv(f"AIRFLOW_CONN_DST_{path}", "postgresql://nobody@127.0.0.1:9/gone")
    busy.forget()
    busy.ledger.execute("update ops.accepted set dataset = 'staff' where edge <> 'E01'")
    busy.department("update dw set dwmc = '新楼' where dwh = 'U2'")
    found = look(busy)
    assert (found.changed, found.problems) == (["hr.unit"], [])
    assert found.delivered == ["E01.staff_basic"]


def test_a_deleted_row_waits_for_the_night(busy: Any) -> None:
    busy.department("delete from jzg where gh = 'T0009'")
    busy.department("update jzg set xm = '李一', gxsj = clock_timestamp() at time zone 'Asia/Shanghai' where gh = 'T0001'")
    assert look(busy).problems == []
    assert "T0009" in {row[0] for row in busy.received()}
    assert busy.night(2).problems == []
    assert "T0009" not in {row[0] for row in busy.received()}


def test_a_receiver_that_was_away_gets_it_with_the_next_refresh_and_an_alarm_rises_meanwhile(
    busy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_DST_ACADEMIC", "postgresql://nobody@127.0.0.1:9/gone?connect_timeout=1")
    busy.department("update jzg set xm = '周二', gxsj = clock_timestamp() at time zone 'Asia/Shanghai' where gh = 'T0002'")
    first = look(busy)
    assert [error.code for error in first.problems] == ["HUB204"]
    assert first.delivered == ["E05.staff_basic", "E06.staff_basic"]
    later = Ledger(busy.ledger.url, lambda: datetime.now(UTC) + timedelta(minutes=16))
    second = refresh_system("hr", MONDAY, later)
    assert [error.code for error in second.problems] == ["HUB204", "HUB730"]
    assert "E01.staff_basic" in second.problems[-1].line("en")
    monkeypatch.setenv("AIRFLOW_CONN_DST_ACADEMIC", busy.academic)
    third = refresh_system("hr", MONDAY, later)
    assert (third.changed, third.delivered, third.problems) == ([], ["E01.staff_basic"], [])
    assert "周二" in {row[1] for row in busy.received()}
    summary = latency.measure_latency(later, load_catalog())
    assert (summary["changes"], summary["late"]) == (3, 1)
    later.close()


def test_the_time_is_counted_from_the_source_s_own_watermark(busy: Any) -> None:
    wall = datetime.now(UTC)
    local = (wall - timedelta(minutes=4)).astimezone(latency_zone()).replace(tzinfo=None)
    busy.department("update jzg set xm = '郑三', gxsj = %s where gh = 'T0003'", [local])
    assert look(busy).problems == []
    rows = busy.ledger.rows("select changed_at, seen_at, accepted_at from ops.latency")
    assert len(rows) == 3
    for row in rows:
        assert row["changed_at"] == local.replace(tzinfo=latency_zone())
        assert row["changed_at"] < row["seen_at"] <= row["accepted_at"]
    summary = latency.measure_latency(busy.ledger, load_catalog())
    assert 240 <= summary["median_seconds"] < 15 * 60
    assert summary["late"] == 0


def latency_zone() -> Any:
    from core.calendar import ZONE

    return ZONE


def test_what_a_killed_refresh_landed_is_published_by_the_next(busy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from runs import stages

    busy.department("update jzg set xm = '吴四', gxsj = clock_timestamp() at time zone 'Asia/Shanghai' where gh = 'T0004'")
    with monkeypatch.context() as patch:
        patch.setattr(stages, "publish_all", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            look(busy)
    assert "吴四" not in {row[1] for row in busy.received()}
    found = look(busy)
    assert found.changed == []
    assert "吴四" in {row[1] for row in busy.received()}
    assert busy.ledger.rows("select run_id from ops.run where state = 'running'") == []


def test_two_refreshes_of_one_source_do_not_meet(busy: Any) -> None:
    with busy.ledger.claim_run("refresh hr"):
        assert look(busy).busy
    assert not look(busy).busy


def test_a_refresh_beside_a_night_ends_with_both_done(busy: Any) -> None:
    busy.department("update jzg set xm = '冯五', gxsj = clock_timestamp() at time zone 'Asia/Shanghai' where gh = 'T0005'")
    found: list[Any] = []
    night = threading.Thread(target=lambda: found.append(busy.night(2)))
    night.start()
    beside = look(busy)
    night.join()
    assert [error.line("en") for error in [*found[0].problems, *beside.problems]] == []
    assert "冯五" in {row[1] for row in busy.received()}
    assert set(busy.accepted().values()) == {busy.ledger.version()}


def test_a_source_that_cannot_be_reached_is_one_line_and_counted(busy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SRC_HR", "postgresql://nobody@127.0.0.1:9/gone?connect_timeout=1")
    found = look(busy)
    assert [error.code for error in found.problems] == ["HUB202"]
    (row,) = busy.ledger.rows("select failed, last_error from ops.refresh")
    assert (row["failed"], row["last_error"]) == (1, "HUB202")


def test_only_sources_that_the_document_names_are_refreshed(university: Any) -> None:
    with pytest.raises(Denied) as caught:
        refresh_system("hr", MONDAY, university.ledger)
    assert caught.value.code == "HUB738"


def test_the_shipped_sources_in_real_time_come_from_the_flow_document() -> None:
    from core.settings import ROOT

    known = load_catalog(ROOT)
    assert set(known.realtime_systems()) <= {"hr", "academic", "graduate", "finance", "student_affairs", "research"}
    assert {"hr", "academic", "graduate", "finance"} <= set(known.realtime_systems())


def test_a_first_load_waits_for_the_night(busy: Any) -> None:
    with psycopg.connect(busy.hub_url) as connection:
        connection.execute("delete from ops.accepted where edge = 'E06'")
    busy.department("update jzg set xm = '陈六', gxsj = clock_timestamp() at time zone 'Asia/Shanghai' where gh = 'T0006'")
    assert look(busy).delivered == ["E01.staff_basic", "E05.staff_basic"]
    assert not any(isinstance(path, Path) and path.suffix == ".part" for path in busy.research.iterdir())


def test_what_nobody_foresaw_of_one_dataset_is_its_problem_and_the_others_are_taken(
    busy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = looking.find_change

    def fail(book: Any, dataset: Any, last: Any) -> Any:
        if dataset.name == "unit":
            raise RuntimeError("110101199003071233")
        return real(book, dataset, last)

    monkeypatch.setattr(looking, "find_change", fail)
    busy.department("update jzg set xm = '改名', gxsj = clock_timestamp() at time zone 'Asia/Shanghai' where gh = 'T0001'")
    found = look(busy)
    assert [(problem.code, problem.where) for problem in found.problems] == [("HUB840", "hr.unit")]
    assert found.changed == ["hr.person"]
    step = busy.ledger.single("select error_code, error from ops.step where state = 'failed'")
    assert step["error_code"] == "HUB840"
    assert step["error"]["trace"]
    assert "110101199003071233" not in str(step)
