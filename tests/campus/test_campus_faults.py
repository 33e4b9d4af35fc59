"""Faults: each spoils as many rows as asked, on people of its own, and lists exactly them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa
import pytest

from campus.faults.injection import SYSTEM_FAULTS, inject_faults, spoil_tables
from campus.faults.rules import FAULTS
from campus.simulate.changes import find_differences
from contracts.catalog import Catalog
from core.errors import Denied


@pytest.fixture
def sound(tables: Mapping[int, Mapping[str, pa.Table]]) -> dict[str, pa.Table]:
    return dict(tables[2])


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_fault_spoils_the_asked_number_of_rows_of_its_dataset(
    sound: dict[str, pa.Table], shipped: Catalog, fault: str
) -> None:
    before = dict(sound)
    found = inject_faults(sound, {fault: 3}, 7, 2, known=True)
    assert all(len({item.key for item in found if item.entity == entity}) == 3 for entity in {item.entity for item in found})
    assert found
    assert {(item.fault, f"{item.system}.{item.dataset}") for item in found} == {(fault, FAULTS[fault].dataset)}
    for id, rows in sound.items():
        changed = find_differences(shipped.source(id), before[id], rows)
        # A damaged key counts twice: the old one has gone, the new one has come.
        expected = 6 if FAULTS[fault].column in {"XH", "工号"} and not FAULTS[fault].adds else 3
        assert changed.keys.num_rows == (expected if id == FAULTS[fault].dataset else 0)


def test_the_rules_named_exist(shipped: Catalog) -> None:
    implicit = {f"{entity.name}.{column.name}.readable" for entity in shipped.entities.values() for column in entity.columns}
    copied = [(source.id, column.name) for source in shipped.sources.values() for column in source.columns if column.copies]
    rules = {rule.id: rule.severity for entity in shipped.entities.values() for rule in entity.rules}
    rules |= {f"{id}.{name}.copy": "warning" for id, name in copied}
    for name, fault in FAULTS.items():
        for rule in fault.rules:
            assert rule in implicit or rules[rule] == fault.severity, name
        for _, rule, severity in fault.also + fault.since:
            assert rules[rule] == severity, name


def test_faults_keep_to_people_of_their_own(sound: dict[str, pa.Table]) -> None:
    found = inject_faults(sound, dict.fromkeys(FAULTS, 4), 7, 2, known=True)
    by_document = {"payment", "voided_payment", "fund_change", "write_off", "collection_line"}
    people = {(item.key.split("|")[0], item.fault) for item in found if item.entity not in by_document}
    assert set(Counter(person for person, _ in people).values()) == {1}


def test_equal_arguments_spoil_equal_rows(sound: dict[str, pa.Table]) -> None:
    again = dict(sound)
    wanted = dict.fromkeys(FAULTS, 2)
    assert inject_faults(sound, wanted, 7, 2, known=True) == inject_faults(again, wanted, 7, 2, known=True)
    assert all(rows.equals(again[id]) for id, rows in sound.items())


def test_on_the_first_night_what_refers_to_a_held_person_waits(sound: dict[str, pa.Table]) -> None:
    found = inject_faults(sound, {"bad_id_checksum": 2, "staff_unknown_unit": 1}, 7, 1, known=False)
    waiting = Counter(item.entity for item in found if item.fault == "waiting")
    assert waiting["student_status"] == 2
    assert waiting["payment"] >= 1
    assert waiting["payroll_item"] == 6


def test_a_warning_makes_nobody_wait(sound: dict[str, pa.Table]) -> None:
    assert {item.fault for item in inject_faults(sound, {"sex_mismatch": 2}, 7, 1, known=False)} == {"sex_mismatch"}


def test_an_unknown_fault_is_refused_with_the_known_ones(sound: dict[str, pa.Table]) -> None:
    with pytest.raises(Denied) as refusal:
        inject_faults(sound, {"gremlins": 1}, 7, 2, known=True)
    assert refusal.value.code == "HUB711"
    assert "payment_sum" in refusal.value.line("en")


def test_faults_of_systems_list_nothing_and_spoil_their_dataset(sound: dict[str, pa.Table]) -> None:
    wanted = dict.fromkeys(SYSTEM_FAULTS, 1)
    full = sound["academic.status_record"].num_rows
    assert inject_faults(sound, wanted, 7, 2, known=True) == []
    spoil_tables(sound, wanted)
    assert sound["hr.staff_record"].num_rows == 0
    assert sound["academic.status_record"].num_rows == full // 2
    assert "金额" not in sound["finance.payroll"].column_names
