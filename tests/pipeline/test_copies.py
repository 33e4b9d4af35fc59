"""One writer per field: a department's copies of another's fields are compared, and both see where they differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from contracts.catalog import load_catalog
from core.messages import LANGUAGES
from core.store import postgres
from reporting import status

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: academic.teacher
version: 1.0.0
status: active
domain: academic
team: {name: 教务处}
servers: [{server: src_academic, type: custom}]
schema:
  - name: teacher
    physicalName: jsb
    businessName: 任课教师
    properties:
      - {name: teacher_id, physicalName: id, businessName: 序号, logicalType: integer, primaryKey: true}
      - {name: number, physicalName: gh, businessName: 工号, logicalType: string}
      - name: name
        physicalName: xm
        businessName: 姓名
        logicalType: string
        customProperties:
          - {property: copyOf, value: staff.name}
          - {property: copyKey, value: number}
      - name: sex
        physicalName: xb
        businessName: 性别
        logicalType: string
        customProperties:
          - {property: copyOf, value: staff.sex_code}
          - {property: copyKey, value: number}
      - name: unit
        physicalName: dw
        businessName: 单位号
        logicalType: string
        customProperties:
          - {property: copyOf, value: staff.unit_code}
          - {property: copyKey, value: number}
          - {property: copyPrefix, value: YX}
      - name: unit_name
        physicalName: dwmc
        businessName: 单位名称
        logicalType: string
        customProperties:
          - {property: copyOf, value: staff.unit_code.name}
          - {property: copyKey, value: number}
      - name: joined_on
        physicalName: rq
        businessName: 来校日期
        logicalType: date
        physicalType: char(8)
        customProperties:
          - {property: copyOf, value: [staff.joined_on]}
          - {property: copyKey, value: [number]}
"""
PEOPLE = (
    "select n, 'T' || lpad(n::text, 4, '0'), '张' || chr(20000 + n), case n % 2 when 0 then 'M' else 'F' end,"
    " 'YXU' || (1 + n % 5), '单位' || (1 + n % 5), '2019' || lpad((1 + n % 12)::text, 2, '0') || '15'"
    " from generate_series(1, 9) n"
)


@pytest.fixture
def academic(university: Any, postgres_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The academic office with nine of personnel's people, spelt as personnel says but for its own codes and prefix."""
    url = postgres.ensure_database(postgres_server, f"copies_{abs(hash(university.var)) % 10**10}")
    monkeypatch.setenv("AIRFLOW_CONN_SRC_ACADEMIC", url)
    contract = university.home / "schemas" / "sources" / "academic" / "teacher.odcs.yaml"
    contract.parent.mkdir(parents=True)
    contract.write_text(CONTRACT, "utf-8")
    codes = university.home / "schemas" / "codes" / "maps" / "academic.csv"
    codes.write_text("system,list,source_code,code\nacademic,GB/T 2261.1,M,1\nacademic,GB/T 2261.1,F,2\n", "utf-8")
    university.forget()

    def office(statement: str) -> None:
        with psycopg.connect(url) as connection:
            connection.execute(statement.encode())

    office("create table jsb (id int primary key, gh text, xm text, xb text, dw text, dwmc text, rq text)")
    office(f"insert into jsb {PEOPLE}")
    yield office


def differing(university: Any) -> list[tuple[str, str]]:
    rows = status.list_held(university.ledger, load_catalog(), entity="academic.teacher")
    return sorted((row["source_key"], row["rule_id"].removeprefix("academic.teacher.")) for row in rows)


def test_equal_copies_say_nothing_however_they_are_spelt(university: Any, academic: Any) -> None:
    academic("update jsb set xm = '张\u3000' || substr(xm, 2) || ' ' where id = 2")
    academic("update jsb set dw = 'ｙｘＵ' || right(dw, 1) where id = 3")
    academic("update jsb set xm = null, dw = '', rq = null where id = 4")
    academic("update jsb set gh = 'T0099', xm = '外人' where id = 5")
    assert university.night(1).problems == []
    assert differing(university) == []


def test_a_difference_is_a_warning_that_both_departments_see(university: Any, academic: Any) -> None:
    academic("update jsb set xm = '改名' where id = 2")
    academic("update jsb set xb = 'F', dw = 'YXU9', dwmc = '别的单位', rq = '20200101' where id = 4")
    outcome = university.night(1)
    assert outcome.problems == []
    assert differing(university) == [
        ("T0002", "name.copy"), ("T0004", "joined_on.copy"), ("T0004", "sex.copy"), ("T0004", "unit.copy"),
        ("T0004", "unit_name.copy"),
    ]  # fmt: skip
    for system in ("hr", "academic"):
        rows = status.list_held(university.ledger, load_catalog(), systems=[system])
        assert len(rows) == 5
        assert {(row["source_system"], row["authority"], row["severity"]) for row in rows} == {("academic", "hr", "warning")}
    assert len(university.received()) == 40  # nothing is held

    report = status.count_held_by_rule(university.ledger, load_catalog())
    assert {(row["source_system"], row["other"], row["rows"]) for row in report} == {
        ("academic", "hr", 1),
        ("hr", "academic", 1),
    }
    why = status.explain_rule(load_catalog(), "academic.teacher", "academic.teacher.name.copy", "zh")
    assert "姓名" in why
    assert "任课教师" in why
    assert "张" not in why
    pages = list((university.var / "reports" / outcome.run_id).glob("report.*.html"))
    assert len(pages) == 2
    assert all("academic.teacher.unit_name.copy" in page.read_text("utf-8") for page in pages)


def test_a_difference_is_dated_and_closed_by_whoever_mends_it(university: Any, academic: Any) -> None:
    academic("update jsb set xm = '改名' where id in (2, 3)")
    university.night(1)
    university.night(2)
    seen = "select first_seen::text as first, last_seen::text as last, times_seen as times from ops.held where state = 'open'"
    assert [tuple(row.values()) for row in university.ledger.rows(seen)] == [("2026-09-07", "2026-09-08", 2)] * 2
    academic("update jsb set xm = '张' || chr(20002) where id = 2")
    university.department("update jzg set xm = '改名', gxsj = clock_timestamp()::timestamp where gh = 'T0003'")
    university.night(3)
    assert differing(university) == []
    academic("update jsb set xm = '改名' where id = 2")
    university.night(4)
    assert differing(university) == [("T0002", "name.copy")]


def test_a_held_row_of_the_authority_counts_as_it_was_accepted(university: Any, academic: Any) -> None:
    university.night(1)
    university.department(
        "update jzg set xm = '王五', lxrq = '20260231', gxsj = clock_timestamp()::timestamp where gh = 'T0003'"
    )
    university.night(2)
    assert {(entity, key) for entity, key, _ in university.held()} == {("staff", "T0003")}


def test_a_source_that_goes_back_to_an_earlier_state_is_judged_again(university: Any, academic: Any) -> None:
    for day, name in enumerate(("张" + chr(20002), "改名", "张" + chr(20002), "改名"), start=1):
        academic(f"update jsb set xm = '{name}' where id = 2")
        unit = "null" if name == "改名" else "'单位5'"
        university.department(f"update dw set dwmc = {unit} where dwh = 'U5'")
        university.night(day)
        assert bool(differing(university)) is (name == "改名")
        held = {key for entity, key, _ in university.held() if entity == "org_unit"}
        assert held == ({"U5"} if name == "改名" else set())


def test_a_copy_of_a_field_that_does_not_exist_stops_nobody_else(university: Any, academic: Any) -> None:
    contract = university.home / "schemas" / "sources" / "academic" / "teacher.odcs.yaml"
    contract.write_text(CONTRACT.replace("staff.sex_code", "staff.sex"), "utf-8")
    university.forget()
    assert [error.code for error in university.night(1).problems] == ["HUB104"]
    assert len(university.received()) == 40


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_held_text_is_told_by_its_character_and_never_by_itself(language: str) -> None:
    told = status.explain_rule(load_catalog(), "staff", "staff.mobile.character:U+202E", language)
    assert "U+202E" in told
    assert ("移动电话" if language == "zh" else "(mobile)") in told
    assert "GBK" in status.explain_rule(load_catalog(), "staff", "staff.mobile.encoding", language)
