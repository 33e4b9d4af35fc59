"""A key that fails any rule proves no absence, and what it suspends is said until it is mended."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.catalog import load_catalog
from reporting import action_items


def _staff(university: Any) -> set[str]:
    return {row[0] for row in university.hub()}


@pytest.mark.parametrize(
    ("mistyped", "rule"),
    [("'T0006'", "staff.key.unique"), ("'T/04'", "staff.staff_no.pattern"), ("null", "staff.staff_no.required")],
)
def test_a_mistyped_number_takes_nobody_away_and_is_said_until_it_is_mended(university: Any, mistyped: str, rule: str) -> None:
    university.night(1)
    university.department(f"update jzg set gh = {mistyped}, gxsj = now() where gh = 'T0004'")
    for day in (2, 3):
        outcome = university.night(day)
        assert [error.code for error in outcome.problems] == ["HUB403"]
        facts = outcome.problems[0].facts
        assert rule in facts["rules"]
        assert (facts["system"], facts["waiting"]) == ("hr", 1)
        assert {"T0004", "T0006"} <= _staff(university)
        assert "T0004" in {row[0] for row in university.received()}
    points = [
        point for point in action_items.list_action_items(university.ledger, load_catalog()) if point["kind"] == "suspended"
    ]
    assert [action_items.format_action_item(point).split()[0] for point in points] == ["HUB403"]
    university.department(
        "update jzg set gh = 'T0004', gxsj = now() where ctid = (select ctid from jzg where gh is null or"
        " gh in ('T0006', 'T/04') order by gxsj desc limit 1)"
    )
    assert university.night(4).problems == []
    assert [
        point for point in action_items.list_action_items(university.ledger, load_catalog()) if point["kind"] == "suspended"
    ] == []


def test_what_was_found_before_an_entity_was_stopped_is_not_said_any_more(university: Any) -> None:
    university.night(1)
    university.department("update jzg set gh = 'T0006', gxsj = now() where gh = 'T0004'")
    assert [error.code for error in university.night(2).problems] == ["HUB403"]
    university.department("delete from jzg")
    assert [error.code for error in university.night(3).problems] == ["HUB501"]
    assert [
        point for point in action_items.list_action_items(university.ledger, load_catalog()) if point["kind"] == "suspended"
    ] == []


def test_a_held_row_under_a_key_that_the_hub_has_hides_nobody(university: Any) -> None:
    university.night(1)
    university.department("update jzg set xm = null, gxsj = now() where gh = 'T0006'")
    university.department("delete from jzg where gh = 'T0004'")
    assert university.night(2).problems == []
    assert "T0004" not in _staff(university)
    assert "T0006" in _staff(university)


def test_one_systems_damaged_key_is_no_shelter_for_a_row_that_left_after_it_was_mended(university: Any) -> None:
    university.night(1)
    university.hire(("T0006", "另一人", "女", "U1"))
    university.department("delete from jzg where gh = 'T0004'")
    assert [error.code for error in university.night(2).problems] == ["HUB403"]
    university.department("delete from jzg where xm = '另一人'")
    assert university.night(3).problems == []
    assert "T0004" not in _staff(university)


def _twice(university: Any) -> None:
    contract = university.home / "schemas" / "hub" / "staff.odcs.yaml"
    gone = "- {property: gone, value: absent_twice}\n      - {property: brake"
    contract.write_text(contract.read_text("utf-8").replace("- {property: brake", gone, 1), "utf-8")
    university.forget()


def test_who_leaves_at_the_second_sighting_leaves_on_another_days_reading(university: Any) -> None:
    _twice(university)
    university.night(1)
    university.department("delete from jzg where gh = 'T0004'")
    university.night(2)
    university.night(2)
    assert "T0004" in _staff(university)
    university.department("alter table jzg rename to jzg_away")
    university.night(3)
    assert "T0004" in _staff(university), "nobody has read the source again"
    university.department("alter table jzg_away rename to jzg")
    university.night(4)
    assert "T0004" not in _staff(university)


@pytest.mark.parametrize("name", ["staff", "student", "student_status"])
def test_people_leave_at_the_second_sighting(name: str) -> None:
    assert load_catalog().entity(name).gone == "absent_twice"


def test_another_person_under_an_old_number_may_be_who_is_absent(university: Any) -> None:
    contract = university.home / "schemas" / "hub" / "staff.odcs.yaml"
    item = "{type: custom, engine: campus-hub, implementation: staff__number_reused, severity: error, description: 旧号}"
    told = contract.read_text("utf-8").replace("    properties:", f"    quality:\n      - {item}\n    properties:", 1)
    contract.write_text(told, "utf-8")
    file = university.home / "sql" / "checks" / "staff__number_reused.sql"
    file.parent.mkdir()
    file.write_text(
        "select staff.source_system, staff.source_row from staff join standing.staff stood on stood.staff_no = staff.staff_no"
        " where staff.name is distinct from stood.name and staff.salary is distinct from stood.salary",
        "utf-8",
    )
    university.forget()
    university.night(1)
    university.department("delete from jzg where gh = 'T0006'")
    university.department("update jzg set gh = 'T0006', gxsj = now() where gh = 'T0004'")
    for day in (2, 3):
        assert [error.code for error in university.night(day).problems] == ["HUB403"]
        assert {"T0004", "T0006"} <= _staff(university)
