"""Every SQL check finds its bad row and lets clean ones pass."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from canon_cases import Check, Row, Rows

RESIDENT = "11010519491231002X"
CLEAN: list[Row] = [
    {"id_type_code": "1", "id_number": RESIDENT},
    {"id_type_code": "1", "id_number": "11010519491231002x"},
    {"id_type_code": "1", "id_number": "110105491231002"},
    {"id_type_code": "J1", "id_number": "810000199001011230"},
    {"id_type_code": "J1", "id_number": "830000199001011234"},
    {"id_type_code": "J2", "id_number": "910000199001011234"},
    {"id_type_code": "J2", "id_number": "CHN110105491231"},
    {"id_type_code": "A", "id_number": "E12345678"},
    {"id_type_code": None, "id_number": "whatever"},
    {"id_type_code": "1", "id_number": None},
]
PEOPLE = pytest.mark.parametrize("entity", ["student", "staff"])


def key(entity: str) -> str:
    return f"{entity}_no"


@PEOPLE
def test_a_sound_number_passes(bad: Check, entity: str) -> None:
    assert bad(f"{entity}__id_checksum", {entity: CLEAN}) == []


@PEOPLE
def test_every_single_wrong_character_is_found(bad: Check, entity: str) -> None:
    wrong = [
        RESIDENT[:place] + digit + RESIDENT[place + 1 :]
        for place in range(18)
        for digit in "0123456789X"
        if digit != RESIDENT[place]
    ]
    rows: list[Row] = [{"id_type_code": "1", "id_number": number} for number in wrong]
    assert bad(f"{entity}__id_checksum", {entity: rows}) == list(range(1, len(rows) + 1))


@PEOPLE
@pytest.mark.parametrize(
    "kind, number",
    [
        ("1", "110105194902310023"),  # 31 February
        ("1", "110105490231002"),
        ("1", "000000199001011230"),  # no such province
        ("1", "1101051949123100"),
        ("1", "CHN110105491231"),  # the 2017 permit is of kind J2 only
        ("1", "2.01E+11"),
        ("J1", ""),
    ],
)
def test_a_damaged_number_is_found(bad: Check, entity: str, kind: str, number: str) -> None:
    assert bad(f"{entity}__id_checksum", {entity: [{"id_type_code": kind, "id_number": number}]}) == [1]


@PEOPLE
def test_birth_date_and_number_agree(bad: Check, entity: str) -> None:
    born, other = date(1949, 12, 31), date(1949, 12, 30)
    rows: list[Row] = [
        {"id_type_code": "1", "id_number": RESIDENT, "birth_date": born},
        {"id_type_code": "1", "id_number": RESIDENT, "birth_date": other},
        {"id_type_code": "1", "id_number": "110105491231002", "birth_date": born},
        {"id_type_code": "1", "id_number": "110105491231002", "birth_date": other},
        {"id_type_code": "1", "id_number": RESIDENT, "birth_date": None},
        {"id_type_code": "A", "id_number": RESIDENT, "birth_date": other},
        {"id_type_code": "1", "id_number": "not a number", "birth_date": other},
    ]
    assert bad(f"{entity}__id_birth_mismatch", {entity: rows}) == [2, 4]


@PEOPLE
def test_sex_and_number_agree(bad: Check, entity: str) -> None:
    woman, man = RESIDENT, "110105194912310011"
    rows: list[Row] = [
        {"id_type_code": "1", "id_number": number, "sex_code": sex}
        for number, sex in [(woman, "2"), (woman, "1"), (man, "1"), (man, "2"), (woman, "9")]
    ]
    rows += [
        {"id_type_code": "1", "id_number": "110105491231002", "sex_code": "1"},
        {"id_type_code": "1", "id_number": "short", "sex_code": "1"},
    ]
    assert bad(f"{entity}__id_sex_mismatch", {entity: rows}) == [2, 4, 6]


@PEOPLE
def test_one_number_under_two_names_holds_the_later(bad: Check, entity: str) -> None:
    rows: list[Row] = [
        {key(entity): "N001", "name": "王芳", "id_type_code": "1", "id_number": RESIDENT},
        {key(entity): "N002", "name": "李伟", "id_type_code": "1", "id_number": RESIDENT.lower()},
        {key(entity): "N003", "name": "王芳", "id_type_code": "1", "id_number": RESIDENT},
        {key(entity): "N004", "name": "李伟", "id_type_code": "1", "id_number": "810000199001011230"},
        {key(entity): "N005", "name": "A B", "id_type_code": "A", "id_number": RESIDENT},
    ]
    assert bad(f"{entity}__id_unique", {entity: rows}) == [2]


@PEOPLE
def test_the_old_form_and_odd_documents_are_reported(bad: Check, entity: str) -> None:
    assert bad(f"{entity}__id_old_form", {entity: CLEAN}) == [3]


@PEOPLE
def test_a_document_has_the_form_of_its_kind(bad: Check, entity: str) -> None:
    pairs = [
        ("8", "12345678"),
        ("8", "1234"),
        ("J3", "H12345678"),
        ("J3", "X12345678"),
        ("A", "E12345678"),
        ("A", "?"),
        ("2", "?"),
    ]
    rows: list[Row] = [{"id_type_code": kind, "id_number": number} for kind, number in pairs]
    assert bad(f"{entity}__id_document", {entity: rows}) == [2, 4, 6]


@PEOPLE
def test_names_keep_rare_characters_and_refuse_lost_ones(bad: Check, entity: str) -> None:
    sound = [
        "王芳",
        "𠮷田",
        "买买提·阿不都热依木",
        "O'Neill Sean",
        "Zoë-Anne",
        "阿卜杜热合曼·阿卜杜喀迪尔江·买买提依明",
        "㐂乐",
        "Anna 王",
        "玛丽·Smith",
        None,
    ]
    lost = ["P閞ez", "羖varez", "Zo\u6734", "王?", "王\ufffd", "王\ue000", "王2", "王", "王  芳", "王\u3000芳", "", "王" * 51]
    rows: list[Row] = [{"name": name} for name in sound + lost]
    assert bad(f"{entity}__name_characters", {entity: rows}) == list(range(len(sound) + 1, len(rows) + 1))


def test_a_student_number_is_nobodys_staff_number(bad: Check) -> None:
    rows: Rows = {"student": [{"student_no": "A1"}, {"student_no": "S1"}], "staff": [{"staff_no": "S1"}]}
    assert bad("student__number_shared", rows) == [2]


def test_a_person_in_post_is_in_a_valid_unit(bad: Check) -> None:
    units: list[Row] = [{"unit_code": "01", "is_valid": True}, {"unit_code": "02", "is_valid": False}]
    staff: list[Row] = [
        {"staff_no": "S1", "unit_code": "01", "state_code": "11"},
        {"staff_no": "S2", "unit_code": "02", "state_code": "11"},
        {"staff_no": "S3", "unit_code": "02", "state_code": "01"},
    ]
    assert bad("staff__unit_invalid", {"org_unit": units, "staff": staff}) == [2]


def test_nobody_joins_before_fifteen(bad: Check) -> None:
    born = date(2000, 9, 1)
    rows: list[Row] = [{"birth_date": born, "joined_on": on} for on in (date(2015, 9, 1), date(2015, 8, 31), None)]
    assert bad("staff__joined_too_young", {"staff": rows}) == [2]


def test_a_post_ends_after_it_starts(bad: Check) -> None:
    on = date(2026, 9, 1)
    rows: list[Row] = [{"start_on": on, "end_on": end} for end in (None, on, date(2026, 8, 31))]
    assert bad("staff_post__dates", {"staff_post": rows}) == [3]


def test_teachers_are_those_of_hr(bad: Check) -> None:
    rows: Rows = {
        "staff": [{"staff_no": "S1", "name": "王芳"}, {"staff_no": "S2", "name": "李伟"}],
        "provisional_staff": [
            {"staff_no": "S1", "name": "王芳"},
            {"staff_no": "S2", "name": "李炜"},
            {"staff_no": "S9", "name": "赵敏"},
        ],
    }
    assert bad("provisional_staff__unknown_to_hr", rows) == [3]


def test_graduation_follows_entry(bad: Check) -> None:
    rows: list[Row] = [
        {"entry_month": "202609", "expected_graduation": month} for month in ("203007", "202609", "202507", None)
    ]
    assert bad("student_status__graduation_before_entry", {"student_status": rows}) == [2, 3]


def test_a_change_follows_entry_but_for_places_kept(bad: Check) -> None:
    changes: list[Row] = [
        {"student_no": "A1", "change_code": code, "change_date": on}
        for code, on in [("11", date(2026, 9, 1)), ("11", date(2026, 8, 31)), ("14", date(2026, 8, 31))]
    ]
    rows: Rows = {"student_status": [{"student_no": "A1", "entry_month": "202609"}], "status_change": changes}
    assert bad("status_change__before_entry", rows) == [2]


def test_a_payment_is_the_sum_of_its_items(bad: Check) -> None:
    whole = {"amount": Decimal("5800.50"), "tuition": Decimal("5000.00"), "accommodation": Decimal("800.50")}
    rows: list[Row] = [whole, {**whole, "amount": Decimal("5800.51")}, {**whole, "medical_insurance": Decimal("0.01")}]
    assert bad("payment__items_sum", {"payment": rows}) == [2, 3]


def test_receivable_is_relief_received_and_outstanding(bad: Check) -> None:
    sound = {
        "receivable": Decimal("100.00"),
        "relief": Decimal("10.00"),
        "received": Decimal("60.00"),
        "outstanding": Decimal("30.00"),
    }
    assert bad("fee_status__identity", {"fee_status": [sound, {**sound, "outstanding": Decimal("30.01")}]}) == [2]


def test_received_is_the_ledger_of_the_latest_year(bad: Check) -> None:
    fees: list[Row] = [
        {"student_no": "A1", "school_year": "2026-2027", "received": Decimal("300.00")},
        {"student_no": "A2", "school_year": "2026-2027", "received": Decimal("300.00")},
        {"student_no": "A3", "school_year": "2026-2027", "received": Decimal("0.00")},
        {"student_no": "A4", "school_year": "2026-2027", "received": Decimal("1.00")},
        {"student_no": "A1", "school_year": "2025-2026", "received": Decimal("9.00")},
    ]
    paid: list[Row] = [
        {"student_no": "A1", "school_year": "2026-2027", "amount": Decimal("100.00"), "voided": False},
        {"student_no": "A1", "school_year": "2026-2027", "amount": Decimal("200.00"), "voided": False},
        {"student_no": "A2", "school_year": "2026-2027", "amount": Decimal("100.00"), "voided": False},
        {"student_no": "A2", "school_year": "2026-2027", "amount": Decimal("200.00"), "voided": True},
    ]
    assert bad("fee_status__payments_sum", {"fee_status": fees}) == []
    assert bad("fee_status__payments_sum", {"payment": paid}) == [2, 4]


def test_the_fee_state_agrees_with_the_sums(bad: Check) -> None:
    rows: list[Row] = [
        {"state_code": state, "received": Decimal(received), "outstanding": Decimal(outstanding)}
        for state, received, outstanding in [
            ("1", "0", "9"), ("2", "9", "0"), ("3", "0", "0"), ("4", "4", "5"),
            ("1", "1", "8"), ("2", "8", "1"), ("3", "0", "1"), ("4", "0", "9"), ("4", "9", "0"),
        ]
    ]  # fmt: skip
    assert bad("fee_status__paid_state", {"fee_status": rows}) == [5, 6, 7, 8, 9]
