"""The cycle on a small university: what a night does, and what a second one does."""

from __future__ import annotations

import json
from typing import Any

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from cli.progress import show_run_result
from cli.tables import screen
from contracts.catalog import load_catalog
from reporting import status


def test_first_night_brings_every_row_to_every_receiver(university: Any) -> None:
    outcome = university.night()
    assert outcome.problems == []
    assert outcome.version == 1
    assert len(university.hub()) == 40
    assert [row[0] for row in university.received()] == [f"T{n:04d}" for n in range(1, 41)]
    assert university.accepted() == {"E01": 1, "E05": 1, "E06": 1}


def test_a_night_without_change_publishes_no_version_and_still_delivers_nothing_on_record(university: Any) -> None:
    university.night(1)
    outcome = university.night(2)
    assert outcome.problems == []
    assert outcome.version == 1
    query = "select rows_upsert + rows_delete as n, state from ops.delivery where run_id = %s"
    assert [(row["n"], row["state"]) for row in university.ledger.rows(query, [outcome.run_id])] == [(0, "accepted")] * 3


def test_only_what_changed_for_the_receiver_is_sent(university: Any) -> None:
    university.night(1)
    university.department("update jzg set gz = gz + 1, gxsj = now() where gh <= 'T0010'")
    university.department("update jzg set xm = '李四', gxsj = now() where gh = 'T0011'")
    outcome = university.night(2)
    published = university.ledger.single("select entities from ops.version where version = 2")
    assert published["entities"]["staff"] == {"I": 0, "U": 11, "D": 0}
    sent = university.ledger.rows("select edge, rows_upsert, rows_delete from ops.delivery where run_id = %s", [outcome.run_id])
    assert {(row["edge"], row["rows_upsert"], row["rows_delete"]) for row in sent} == {
        ("E01", 1, 0),
        ("E05", 1, 0),
        ("E06", 1, 0),
    }


def test_a_renamed_unit_reaches_the_people_in_it(university: Any) -> None:
    university.night(1)
    university.department("update dw set dwmc = '新名' where dwh = 'U1'")
    university.night(2)
    assert {row[3] for row in university.received() if row[0] in {"T0005", "T0010"}} == {"新名"}


def test_a_person_who_is_gone_leaves_every_receiver_as_it_chose(university: Any) -> None:
    import pymysql

    from core.store.connections import get_connection

    university.night(1)
    university.department("delete from jzg where gh = 'T0007'")
    university.night(2)
    assert "T0007" not in {row[0] for row in university.hub()}
    assert "T0007" not in {row[0] for row in university.received()}
    there = get_connection("dst_library")
    with (
        pymysql.connect(unix_socket=there.options["unix_socket"], user="root", database=there.database) as db,
        db.cursor() as cursor,
    ):
        cursor.execute("select is_active from hub_staff where staff_no = 'T0007'")
        assert cursor.fetchone() == (0,)


def test_a_change_that_the_clock_hides_is_found_by_the_sweep(university: Any) -> None:
    university.hire(("T0060", "新人", "男", "U1"))  # moves the high-water mark past the others
    university.night(1)
    university.department("update jzg set xm = '暗改' where gh = 'T0003'")
    university.night(2)
    assert next(row[1] for row in university.received() if row[0] == "T0003") == "暗改"
    step = university.ledger.latest("extract")["hr.person"]
    assert step["repaired"] == 1


def test_the_landing_keeps_every_reading(university: Any) -> None:
    university.night(1)
    university.department("delete from dw where dwh = 'U5'")
    university.night(2)
    manifests = sorted((university.var / "landing" / "hr" / "unit").glob("*/manifest.json"))
    assert len(manifests) == 2


def test_a_reading_that_found_nothing_new_is_kept_as_the_one_before(university: Any) -> None:
    """For a whole reading and for a window with its sweep; a single row more, or one gone, is a state of its own."""
    university.night(1)
    university.night(2)
    files = {name: sorted((university.var / "landing" / "hr" / name).glob("*/rows.parquet")) for name in ("unit", "person")}
    assert all(len(found) == 2 and found[0].samefile(found[1]) for found in files.values())
    university.department("insert into dw values ('U6', '单位6')")
    university.department("delete from jzg where gh = 'T0011'")
    university.night(3)
    for name, rows in (("unit", 6), ("person", 39)):
        first, _, last = sorted((university.var / "landing" / "hr" / name).glob("*/rows.parquet"))
        assert not last.samefile(first)
        assert pq.read_metadata(last).num_rows == rows
        assert university.ledger.latest("extract")[f"hr.{name}"]["rows"] == rows


def test_a_report_in_both_languages_says_what_the_run_did(university: Any) -> None:
    university.hire(("T0099", "李四", "男", "U9"))
    outcome = university.night(1)
    folder = university.var / "reports" / outcome.run_id
    assert "暂留" in (folder / "report.zh.html").read_text("utf-8")
    assert "held" in (folder / "report.en.html").read_text("utf-8")
    assert "李四" not in (folder / "report.zh.html").read_text("utf-8")


def test_new_columns_and_keys_are_shown_as_they_are_whatever_signs_they_have(
    university: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    university.department('alter table jzg add column "[/red]<img src=x>" text')
    university.hire(("[/red]", "李四", "男", "U1"))
    outcome = university.night(1)
    page = (university.var / "reports" / outcome.run_id / "report.zh.html").read_text("utf-8")
    assert "[/red]&lt;img src=x&gt;" in page and "<img" not in page
    show_run_result(outcome, False)
    assert "[/red]<img src=x>" in capsys.readouterr().out
    Console().print(
        screen.render_held(status.list_held(university.ledger, load_catalog()), status.count_held(university.ledger))
    )
    assert "[/red]" in capsys.readouterr().out


@pytest.mark.parametrize("day", ["15821010", "99991231"])
def test_a_date_that_no_university_has_is_held(university: Any, day: str) -> None:
    university.department(f"update jzg set lxrq = '{day}' where gh = 'T0001'")
    university.night(1)
    assert university.held() == {("staff", "T0001", "staff.joined_on.range")}
    assert len(university.hub()) == 39


def test_a_quiet_night_leaves_the_files_of_the_night_before(university: Any) -> None:
    university.night(1)
    before = {path.name: path.read_bytes() for path in university.research.iterdir()}
    university.night(2)
    after = {path.name: path.read_bytes() for path in university.research.iterdir()}
    assert before.items() <= after.items()
    assert set(after) - set(before) == {"hub_staff.1-1.csv", "hub_staff.1-1.csv.manifest.json"}


def test_a_whole_file_is_whole_on_a_quiet_night_too(university: Any) -> None:
    """A receiver that loads the newest file must never find it emptied, or with other columns, because nothing changed."""
    contract = next((university.home / "schemas" / "feeds" / "sjgxlc01").glob("e06_*"))
    contract.write_text(contract.read_text("utf-8").replace("{property: mode, value: delta}", "{property: mode, value: full}"))
    university.forget()
    heads, counts = set(), []
    for day, change in ((1, ""), (2, ""), (3, "update dw set dwmc = '新名' where dwh = 'U1'"), (4, "")):
        if change:
            university.department(change)
        assert university.night(day).state == "done"
        newest = max(university.research.glob("*.csv"), key=lambda path: path.stat().st_mtime_ns)
        lines = newest.read_text("utf-8-sig").splitlines()
        heads.add(lines[0])
        counts.append(len(lines) - 1)
        manifest = json.loads(next(university.research.glob(f"{newest.stem}*.manifest.json")).read_text("utf-8"))
        assert (manifest["mode"], manifest["rows_upsert"]) == ("full", 40)
    assert (len(heads), counts) == (1, [40, 40, 40, 40])
