"""A row is present, held or gone; a held row never becomes a delete."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def test_a_held_row_keeps_its_last_good_value_everywhere(university: Any) -> None:
    university.night(1)
    before = next(row for row in university.received() if row[0] == "T0004")
    university.department("update jzg set lxrq = '20260231', xm = '王五', gxsj = now() where gh = 'T0004'")
    outcome = university.night(2)
    assert outcome.problems == []
    assert ("staff", "T0004", "staff.joined_on.readable") in university.held()
    assert next(row for row in university.received() if row[0] == "T0004") == before


def test_a_held_row_that_is_mended_is_delivered_and_its_record_closed(university: Any) -> None:
    university.department("update jzg set xm = null where gh = 'T0004'")
    university.night(1)
    assert "T0004" not in {row[0] for row in university.received()}
    assert ("staff", "T0004", "staff.name.required") in university.held()
    university.department("update jzg set xm = '王五', gxsj = now() where gh = 'T0004'")
    university.night(2)
    assert university.held() == set()
    assert "T0004" in {row[0] for row in university.received()}


def test_rows_that_are_again_as_they_once_were_hold_nobody(university: Any) -> None:
    university.night(1)
    university.department("update dw set dwmc = null where dwh = 'U3'")
    university.night(2)
    assert university.held() == {("org_unit", "U3", "org_unit.name.required")}
    university.department("update dw set dwmc = '单位3' where dwh = 'U3'")
    university.night(3)
    assert university.held() == set()


def test_what_refers_to_a_row_that_was_never_published_waits_with_it(university: Any) -> None:
    university.hire(("T0050", "李四", "男", "U9"))
    university.night(1)
    assert ("staff", "T0050", "staff.unit_code.reference") in university.held()
    university.department("insert into dw values ('U9', '新单位')")
    university.night(2)
    assert "T0050" in {row[0] for row in university.received()}


def test_a_damaged_key_proves_no_absence(university: Any) -> None:
    university.night(1)
    university.department("update jzg set gh = null, gxsj = now() where gh = 'T0004'")
    university.department("delete from jzg where gh = 'T0005'")
    outcome = university.night(2)
    assert [(error.code, error.where) for error in outcome.problems] == [("HUB403", "staff")]
    assert {"T0004", "T0005"} <= {row[0] for row in university.hub()}


def test_a_malformed_key_is_no_delete_of_its_old_one(university: Any) -> None:
    university.night(1)
    university.department("update jzg set gh = '2.01E+11', gxsj = now() where gh = 'T0004'")
    outcome = university.night(2)
    assert [error.code for error in outcome.problems] == ["HUB403"]
    assert "T0004" in {row[0] for row in university.hub()}
    assert "T0004" in {row[0] for row in university.received()}


def test_two_rows_with_one_key_are_both_held(university: Any) -> None:
    university.night(1)
    university.hire(("T0006", "另一人", "女", "U1"))
    university.night(2)
    assert ("staff", "T0006", "staff.key.unique") in university.held()
    assert next(row[1] for row in university.received() if row[0] == "T0006") != "另一人"


_FAULTS = (
    "update jzg set xm = null, gxsj = now() where gh = '{}'",
    "update jzg set xb = 'X', gxsj = now() where gh = '{}'",
    "update jzg set lxrq = 'abc', gxsj = now() where gh = '{}'",
    "update jzg set dwh = 'U77', gxsj = now() where gh = '{}'",
    "update jzg set xm = '改名', gxsj = now() where gh = '{}'",
    "delete from jzg where gh = '{}'",
)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(1, 40), st.sampled_from(_FAULTS)), min_size=1, max_size=8, unique_by=lambda pair: pair[0])
)
def test_no_feed_deletes_a_key_that_is_still_in_its_source(university: Any, faults: list[tuple[int, str]]) -> None:
    university.reset()
    university.night(1)
    for number, statement in faults:
        university.department(statement.format(f"T{number:04d}"))
    university.night(2)
    there = {row[0] for row in university.source_rows("select gh from jzg")}
    gone = {f"T{number:04d}" for number, statement in faults if statement.startswith("delete")}
    received = {row[0] for row in university.received()}
    assert there <= received
    assert received == there | (set() if len(gone) <= 8 else gone)
    bad = {f"T{number:04d}" for number, statement in faults if statement in _FAULTS[:4]}
    assert {key for _, key, _ in university.held()} == bad
