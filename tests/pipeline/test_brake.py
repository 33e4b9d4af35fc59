"""Too large a change stops before anything changes, and goes through only by two persons, for that change, for a time."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from core.errors import Denied
from desk import brake_release


def test_an_empty_table_changes_nothing(university: Any) -> None:
    university.night(1)
    university.department("delete from jzg")
    outcome = university.night(2)
    assert [error.code for error in outcome.problems] == ["HUB501"]
    assert len(university.hub()) == 40
    assert len(university.received()) == 40


def test_an_emptied_parent_does_not_stop_what_only_refers_to_it(university: Any) -> None:
    university.night(1)
    university.department("delete from dw")
    university.department("update jzg set xm = '改名', gxsj = now() where gh = 'T0001'")
    outcome = university.night(2)
    assert [(error.code, error.where) for error in outcome.problems] == [("HUB501", "org_unit")]
    assert university.held() == set()
    assert "改名" in {row[1] for row in university.received()}


def test_a_row_that_refers_to_a_stopped_new_row_waits_and_nobody_is_blamed(university: Any) -> None:
    university.night(1)
    university.department("update dw set dwh = 'V' || substr(dwh, 2)")
    university.hire(("T0070", "新人", "男", "V1"))
    university.department("update jzg set xm = '改名', gxsj = now() where gh = 'T0001'")
    outcome = university.night(2)
    assert [(error.code, error.where) for error in outcome.problems] == [("HUB502", "org_unit"), ("HUB404", "staff")]
    assert outcome.problems[1].facts == {"parent": "org_unit", "rows": 1}
    assert "改名" in {row[1] for row in university.received()}


def test_what_refers_to_a_stopped_entity_that_the_hub_has_never_had_waits(university: Any) -> None:
    contract = university.home / "schemas" / "hub" / "org_unit.odcs.yaml"
    gate = "- {property: heldPercent, value: 10}\n      - {property: brake"
    contract.write_text(contract.read_text("utf-8").replace("- {property: brake", gate), "utf-8")
    university.forget()
    university.department("update dw set dwmc = null where dwh <> 'U1'")
    assert [error.code for error in university.night(1).problems] == ["HUB401", "HUB402"]
    assert {key for entity, key, _ in university.held() if entity == "staff"} == set()


def _wide_edges(university: Any) -> None:
    """Edges without a limit, for tests of the entity's own brake."""
    for contract in (university.home / "schemas" / "feeds" / "sjgxlc01").glob("*.yaml"):
        wide = "      - {property: brake, value: {maxDeletePercent: 100}}\n    properties:"
        contract.write_text(contract.read_text("utf-8").replace("    properties:", wide, 1), "utf-8")
    university.forget()


def test_half_a_table_waits_for_two_persons(university: Any) -> None:
    _wide_edges(university)
    university.night(1)
    university.department("delete from jzg where gh > 'T0020'")
    assert [error.code for error in university.night(2).problems] == ["HUB502"]
    assert [error.code for error in university.night(2).problems] == ["HUB502"]
    brakes = university.ledger.rows("select * from ops.brake")
    assert len(brakes) == 1
    number, today = brakes[0]["brake_id"], date(2026, 9, 8)
    brake_release.request_release(university.ledger, number, "zhang", "学院撤并")
    for spelling in ("zhang", " Zhang", "ｚｈａｎｇ", "zhang\u200b"):
        with pytest.raises(Denied, match="HUB704"):
            brake_release.approve_release(university.ledger, number, spelling, today, today)
    brake_release.approve_release(university.ledger, number, "li", today, today)
    assert university.night(2).problems == []
    assert len(university.hub()) == 20
    assert len(university.received()) == 20


def test_a_release_is_for_that_change_only(university: Any) -> None:
    university.night(1)
    university.department("delete from jzg where gh > 'T0020'")
    university.night(2)
    number, today = university.ledger.single("select brake_id from ops.brake")["brake_id"], date(2026, 9, 8)
    brake_release.request_release(university.ledger, number, "zhang", "学院撤并")
    brake_release.approve_release(university.ledger, number, "li", today, today)
    university.department("delete from jzg where gh > 'T0015'")
    assert [error.code for error in university.night(2).problems] == ["HUB502"]
    assert len(university.hub()) == 40


def test_a_release_lives_to_its_date_over_versions_and_beside_other_changes(university: Any) -> None:
    _wide_edges(university)
    university.night(1)
    university.department("delete from jzg where gh > 'T0020'")
    university.night(2)
    number, today = university.ledger.single("select brake_id from ops.brake")["brake_id"], date(2026, 9, 8)
    brake_release.request_release(university.ledger, number, "zhang", "学院撤并")
    brake_release.approve_release(university.ledger, number, "li", date(2026, 9, 10), today)
    university.department("update dw set dwmc = '新名' where dwh = 'U1'")
    university.department("update jzg set xm = '改名', gxsj = now() where gh = 'T0001'")
    assert university.night(3).problems == []
    assert len(university.hub()) == 20
    assert len(university.received()) == 20


def _staff_brake(university: Any, value: str) -> None:
    contract = university.home / "schemas" / "hub" / "staff.odcs.yaml"
    text = contract.read_text("utf-8")
    contract.write_text(text.replace("{maxDeletePercent: 20, maxUpdatePercent: 60, floor: 3}", value), "utf-8")
    university.forget()


def test_a_floor_of_deletes_is_never_more_than_a_fifth_of_what_stands(university: Any) -> None:
    _staff_brake(university, "{maxDeletePercent: 2, maxUpdatePercent: 2, floor: 30}")
    university.night(1)
    university.department("delete from jzg where gh > 'T0031'")
    assert [error.code for error in university.night(2).problems] == ["HUB502"]
    university.populate()
    university.department("update jzg set xm = '改名', gxsj = now() where gh > 'T0009'")
    assert [error.code for error in university.night(3).problems] == ["HUB504"]
    university.populate()
    university.department("update jzg set xm = '改名', gxsj = now() where gh > 'T0031'")
    assert university.night(4).problems == [], "updates take nobody away: their floor is the contract's"
    university.populate()
    university.department("delete from jzg where gh > 'T0032'")
    assert university.night(5).problems == []


def _window(university: Any) -> None:
    year = university.home / "schemas" / "calendar" / "2026-2027.yaml"
    year.parent.mkdir(exist_ok=True)
    year.write_text(
        "school_year: 2026-2027\nterms: []\nwindows:\n"
        "  - {name: new_batch, title: 换批, first: 2026-09-08, last: 2026-09-08}\ndays_off: []\nworkdays: []\n",
        "utf-8",
    )


@pytest.mark.parametrize(("last", "codes"), [("T0028", []), ("T0020", ["HUB502"])])
def test_in_an_expected_window_the_brake_is_wider_and_never_off(university: Any, last: str, codes: list[str]) -> None:
    _window(university)
    _staff_brake(university, "{maxDeletePercent: 10, maxUpdatePercent: 60, floor: 3, expect: [new_batch]}")
    _wide_edges(university)
    university.night(1)
    university.department(f"delete from jzg where gh > '{last}'")
    assert [error.code for error in university.night(2).problems] == codes


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("delete from jzg where gh > 'T0036'", "HUB503"),
        ("update jzg set xm = '改名', gxsj = now() where gh <= 'T0006'", "HUB505"),
    ],
)
def test_an_edge_has_a_brake_of_its_own(university: Any, statement: str, code: str) -> None:
    contract = university.home / "schemas" / "feeds" / "sjgxlc01" / "e01_hr_academic.odcs.yaml"
    limit = "      - {property: brake, value: {maxDeletePercent: 5, maxUpdatePercent: 10, floor: 1}}\n    properties:"
    contract.write_text(contract.read_text("utf-8").replace("    properties:", limit, 1), "utf-8")
    university.forget()
    university.night(1)
    before = university.received()
    university.department(statement)
    outcome = university.night(2)
    assert [(error.code, error.where) for error in outcome.problems] == [(code, "E01.staff_basic")]
    assert university.received() == before
    assert university.accepted() == {"E01": 1, "E05": 2, "E06": 2}


def test_an_edge_lets_large_changes_pass_in_the_windows_that_it_expects(university: Any) -> None:
    _window(university)
    contract = university.home / "schemas" / "feeds" / "sjgxlc01" / "e01_hr_academic.odcs.yaml"
    limit = "      - {property: brake, value: {maxUpdatePercent: 10, floor: 1, expect: [new_batch]}}\n    properties:"
    contract.write_text(contract.read_text("utf-8").replace("    properties:", limit, 1), "utf-8")
    university.forget()
    university.night(1)
    university.department("update jzg set xm = '改名', gxsj = now() where gh <= 'T0006'")
    assert university.night(2).problems == []
    assert university.accepted()["E01"] == 2


def test_an_edge_that_only_loses_rows_is_braked_even_in_a_window_that_it_expects(university: Any) -> None:
    _window(university)
    _staff_brake(university, "{maxDeletePercent: 100, maxUpdatePercent: 100}")
    contract = university.home / "schemas" / "feeds" / "sjgxlc01" / "e01_hr_academic.odcs.yaml"
    limit = "      - {property: brake, value: {maxDeletePercent: 5, floor: 1, expect: [new_batch]}}\n    properties:"
    contract.write_text(contract.read_text("utf-8").replace("    properties:", limit, 1), "utf-8")
    university.forget()
    university.night(1)
    university.department("delete from jzg where gh > 'T0020'")
    outcome = university.night(2)
    assert ("HUB503", "E01.staff_basic") in [(error.code, error.where) for error in outcome.problems]
    assert len(university.received()) == 40


def _second_source(university: Any) -> None:
    """Ten people of a second source beside the forty of the first, none of whom a floor lets pass."""
    home = university.home
    for path, old in ((home / "schemas/sources/hr/person.odcs.yaml", "hr"), (home / "sql/conform/staff/hr.sql", "hr")):
        other = path.parent.parent / "grad" / path.name if path.suffix == ".yaml" else path.with_name("grad.sql")
        other.parent.mkdir(exist_ok=True)
        text = path.read_text("utf-8").replace("hr.person", "grad.person").replace(f"domain: {old}", "domain: grad")
        other.write_text(text.replace("physicalName: jzg", "physicalName: yjs"), "utf-8")
    contract = home / "schemas/hub/staff.odcs.yaml"
    told = contract.read_text("utf-8").replace("authority, value: [hr]", "authority, value: [hr, grad]")
    told = told.replace(
        "{maxDeletePercent: 20, maxUpdatePercent: 60, floor: 3}", "{maxDeletePercent: 20, maxUpdatePercent: 30, floor: 1}"
    )
    contract.write_text(told, "utf-8")
    university.department("drop table if exists yjs")
    university.department(
        "create table yjs as select replace(gh, 'T', 'G')::varchar(20) gh, xm, xb, lxrq, gz, dwh, gxsj from jzg"
        " where gh <= 'T0010'"
    )
    university.forget()


@pytest.mark.parametrize(
    ("statement", "code"),
    [("delete from yjs where gh > 'G0005'", "HUB506"), ("update yjs set xm = xm || '改', gxsj = now()", "HUB507")],
)
def test_half_of_one_source_stops_though_it_is_little_of_the_whole(university: Any, statement: str, code: str) -> None:
    _second_source(university)
    assert [error.code for error in university.night(1).problems] == []
    before = university.hub()
    assert len(before) == 50
    university.department(statement)
    outcome = university.night(2)
    assert [(error.code, error.where) for error in outcome.problems] == [(code, "staff")]
    assert (outcome.problems[0].facts["system"], outcome.problems[0].facts["before"]) == ("grad", 10)
    assert university.hub() == before
    number = university.ledger.single("select brake_id from ops.brake")["brake_id"]
    brake_release.request_release(university.ledger, number, "zhang", "属实")
    brake_release.approve_release(university.ledger, number, "li", date(2026, 9, 9), date(2026, 9, 8))
    assert [error.code for error in university.night(3).problems] == []
    assert university.hub() != before
