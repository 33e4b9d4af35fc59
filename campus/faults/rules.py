"""What each row-level fault spoils, and which rule of the hub must say so.

The rule ids are written out rather than read from the contracts: they are the answer that the checks are measured by.
Faults of further systems stand in modules `faults_<name>.py` (`FAULTS`, and `KEYS` of their entities), found by presence.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from decimal import Decimal

import pyarrow as pa

from campus.faults.fault import Defect, RowKey
from campus.faults.fault import fill as _always
from campus.faults.fault import fill_each as _numbered
from campus.render.datasets import KEYS
from campus.render.offices.hr import ZERO_DATE
from campus.render.students.academic import CHANGES

_NO_UNIT = "20019999"


def _change_check_digit(old: list[str]) -> list[str]:
    """Another check character than the right one."""
    return [number[:-1] + ("1" if number[-1] == "0" else "0") for number in old]


def _move_day(old: list[str]) -> list[str]:
    """Another day of the same month, so that only the document disagrees."""
    return [day[:-2] + ("02" if day[-2:] == "01" else "01") for day in old]


def _lose_character(old: list[str]) -> list[str]:
    """A question mark where a character was lost between two encodings. (U+FFFD is no text at all: the cell is unreadable.)"""
    return [name[0] + "?" for name in old]


_RESIDENT = ("SFZJLX", "身份证")
_PERSON, _STATUS, _HR = "academic.student_record", "academic.status_record", "hr.staff_record"
_OWN: Mapping[str, Defect] = {
    "bad_id_checksum": Defect(_PERSON, "SFZJH", _change_check_digit, "student", ("student.id_checksum",), "XH", only=_RESIDENT),
    "birth_mismatch": Defect(_PERSON, "CSRQ", _move_day, "student", ("student.id_birth_mismatch",), "XH", "warning", _RESIDENT),
    "sex_mismatch": Defect(
        _PERSON,
        "XBM",
        lambda old: ["F" if sex == "M" else "M" for sex in old],
        "student",
        ("student.id_sex_mismatch",),
        "XH",
        "warning",
        _RESIDENT,
    ),
    "lost_character": Defect(_PERSON, "XM", _lose_character, "student", ("student.name_characters",), "XH"),
    "unreadable_date": Defect(_PERSON, "CSRQ", _always("20260231"), "student", ("student.birth_date.readable",), "XH"),
    "bad_phone": Defect(_PERSON, "YDDH", _always("12345"), "student", ("student.mobile.pattern",), "XH", "warning"),
    "missing_name": Defect("graduate.student", "XM", _always(None), "student", ("student.name.required",), "XH"),
    "unknown_unit": Defect(
        _STATUS, "YXDM", _always("D" + _NO_UNIT), "student_status", ("student_status.unit_code.reference",), "XH"
    ),
    "bad_code": Defect(_STATUS, "XJZT", _always("Q9"), "student_status", ("student_status.state_code.code",), "XH"),
    "damaged_number": Defect(
        _STATUS, "XH", lambda old: [f"{2 + k // 9}.0{k % 9 + 1}E+11" for k in range(len(old))],
        "student_status", ("student_status.student_no.pattern",), "XH",
    ),
    "duplicate_key": Defect(_STATUS, "NJ", _always("1999"), "student_status", ("student_status.key.unique",), "XH", adds=True),
    "orphan_status": Defect(
        _STATUS, "XH", _numbered("2099{:07d}"), "student_status", ("student_status.student_no.reference",), "XH", adds=True
    ),
    "staff_unknown_unit": Defect(_HR, "DWH", _always(_NO_UNIT), "staff", ("staff.unit_code.reference",), "GH"),
    "staff_bad_id_checksum": Defect(_HR, "SFZJH", _change_check_digit, "staff", ("staff.id_checksum",), "GH"),
    "missing_join_date": Defect(_HR, "LXRQ", _always(ZERO_DATE), "staff", ("staff.joined_on.required",), "GH"),
    "post_dates": Defect(
        "hr.post_record", "MZRQ", _always("1975-01-01"), "staff_post", ("staff_post.dates",), "GH", only=("ZWLX", "J")
    ),
    "teacher_unknown": Defect(
        "academic.teacher", "GH", _numbered("0999{:05d}"),
        "provisional_staff", ("provisional_staff.unknown_to_hr",), "GH", "warning", adds=True,
    ),
    "teacher_renamed": Defect(
        # Who joined this year may be with the academic office before HR has him.
        "academic.teacher", "XM", _always("张改名"), "academic.teacher", ("academic.teacher.name.copy",), "GH", "warning",
        never=("GH", "026"),
    ),
    "staff_numbered_twice": Defect(
        _HR, "GH", lambda old: ["7" + number[1:] for number in old],
        "person_conflict", ("person_conflict.undecided",), "GH", "warning", ("DQZT", "ZZ"), adds=True,
    ),
    "payment_sum": Defect(
        "finance.payment_ledger", "SSJE", lambda old: [amount + Decimal("1.00") for amount in old],
        # Of the closed year, so that the current one's comparison of table and ledger stays even.
        "payment", ("payment.items_sum",), "XH", only=("XN", "2025"), since=(("payment", "payment.changed", "error"),),
    ),
    "fee_identity": Defect(
        "finance.student_fee", "YSJE", lambda old: [amount + Decimal("100.00") for amount in old],
        "fee_status", ("fee_status.identity",), "XH",
    ),
    "payroll_unknown_person": Defect(
        "finance.payroll", "工号", _numbered("0998{:05d}"), "payroll_item", ("payroll_item.person_no.reference",), "工号"
    ),
}  # fmt: skip
_MORE = [importlib.import_module(f"campus.faults.{name}") for name in ("arrive", "life", "money")]
FAULTS: Mapping[str, Defect] = {**_OWN, **{name: fault for module in _MORE for name, fault in module.FAULTS.items()}}
"""Every row-level fault by name, in the order in which they choose their victims."""

_CODES = {word: f"{code:02d}" for code, word in CHANGES.items()}
_KINDS = {"D": "1", "J": "2"}


def _format_day(value: str) -> str:
    return f"{value[:4]}-{value[4:6]}-{value[6:]}" if len(value) == 8 else value


_KEYS: Mapping[str, RowKey] = {
    "student": lambda row: row["XH"].strip(),
    "student_status": lambda row: row["XH"].strip(),
    "status_change": lambda row: f"{row['XH']}|{_CODES.get(row['YDLB'], row['YDLB'])}|{_format_day(str(row['YDRQ']))}",
    "staff": lambda row: str(row["GH"]),
    "person_conflict": lambda row: f"T|0{row['GH'][1:]}|{row['GH']}",
    "staff_post": lambda row: f"{row['GH']}|{_KINDS[row['ZWLX']]}|{row['RZRQ']}",
    "provisional_staff": lambda row: str(row["GH"]),
    "academic.teacher": lambda row: str(row["GH"]),
    "fee_status": lambda row: f"{row['XH']}|{row['XN'] if len(row['XN']) == 9 else row['XN'] + '-' + str(int(row['XN']) + 1)}",
    "payment": lambda row: str(row["LSH"]),
    "payroll_item": lambda row: f"{row['工号']}|{row['月份']}|{row['项目代码']}",
    "reimbursement": lambda row: str(row["PZH"]),
} | {entity: key for module in _MORE for entity, key in module.KEYS.items()}


def build_key_texts(entity: str, rows: pa.Table) -> list[str]:
    """The canonical keys of a few source rows, parts joined with `|` as the hub writes `source_key`."""
    key = _KEYS.get(entity) or KEYS[entity]
    return [key(row) for row in rows.to_pylist()]
