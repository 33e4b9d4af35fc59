"""What each row-level fault spoils, and which rule of the hub must say so.

The rule ids are written out rather than read from the contracts: they are the answer that the checks are measured by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from campus.arrays import Bools, Ints, kernels
from campus.render_academic import CHANGES
from campus.render_finance import ITEM_COLUMNS
from campus.render_hr import ZERO_DATE

Cells = Callable[[list[Any]], Sequence[Any]]
"""The new cells of a column, from the old ones."""
Told = tuple[str, str, str]
"""Entity, rule and severity of something that must be found."""
_NO_UNIT = "20019999"


@dataclass(frozen=True)
class Fault:
    """A defect of one cell, or of one row that is added.

    Attributes:
        dataset, column: where; the column by its physical name.
        cells: old cells of the chosen rows -> new ones.
        entity, rules, severity: what must be found. `person`: the physical column that names whom it concerns.
        only: a column and the value that a row must have to be chosen.
        adds: the spoilt row comes on top of the sound one. drops: the row is taken away.
        also: entity, rule and severity of what else must be found; the key follows from the same row.
        since: the same for what is found only where the hub has had the row before.
    """

    dataset: str
    column: str
    cells: Cells
    entity: str
    rules: tuple[str, ...]
    person: str
    severity: str = "error"
    only: tuple[str, str] | None = None
    adds: bool = False
    drops: bool = False
    also: tuple[Told, ...] = ()
    since: tuple[Told, ...] = ()

    def fits(self, rows: pa.Table) -> Bools:
        """Which rows may be chosen."""
        if self.only is None:
            return np.ones(rows.num_rows, np.bool_)
        return np.asarray(kernels.fill_null(kernels.equal(rows[self.only[0]], self.only[1]), False).to_numpy())

    def spoil(self, rows: pa.Table, chosen: Ints) -> pa.Table:
        """The table with the chosen rows spoilt or taken away, or with spoilt copies of them at the end."""
        if self.drops:
            return rows.take(np.setdiff1d(np.arange(rows.num_rows), chosen))
        base = rows.take(chosen) if self.adds else rows
        at = np.arange(len(chosen)) if self.adds else chosen
        old = base[self.column].take(at).to_pylist()
        spoilt = replaced(base, self.column, at, self.cells(old))
        return pa.concat_tables([rows, spoilt]) if self.adds else spoilt


def replaced(rows: pa.Table, column: str, at: Ints, cells: Sequence[Any]) -> pa.Table:
    """The table with other cells at the given rows of a column."""
    mask = np.zeros(rows.num_rows, np.bool_)
    mask[at] = True
    kind = rows.schema.field(column).type
    in_order = [cells[position] for position in np.argsort(at, kind="stable")]
    changed = kernels.replace_with_mask(rows[column].combine_chunks(), pa.array(mask), pa.array(in_order, kind))
    return rows.set_column(rows.column_names.index(column), column, changed)


def _always(value: Any) -> Cells:
    return lambda old: [value] * len(old)


def _numbered(template: str) -> Cells:
    return lambda old: [template.format(position) for position in range(len(old))]


def _plus(yuan: str) -> Cells:
    return lambda old: [amount + Decimal(yuan) for amount in old]


def _wrong_check(old: list[str]) -> list[str]:
    """Another check character than the right one."""
    return [number[:-1] + ("1" if number[-1] == "0" else "0") for number in old]


def _day_later(old: list[str]) -> list[str]:
    """Another day of the same month, so that only the document disagrees."""
    return [day[:-2] + ("02" if day[-2:] == "01" else "01") for day in old]


def _lost(old: list[str]) -> list[str]:
    """A question mark and U+FFFD in turn, where a character was lost between two encodings."""
    return [name[0] + "?\ufffd"[position % 2] for position, name in enumerate(old)]


_RESIDENT = ("SFZJLX", "身份证")
_PERSON, _STATUS, _HR = "academic.student_record", "academic.status_record", "hr.staff_record"
FAULTS: Mapping[str, Fault] = {
    "bad_id_checksum": Fault(_PERSON, "SFZJH", _wrong_check, "student", ("student.id_checksum",), "XH", only=_RESIDENT),
    "birth_mismatch": Fault(_PERSON, "CSRQ", _day_later, "student", ("student.id_birth_mismatch",), "XH", "warning", _RESIDENT),
    "sex_mismatch": Fault(
        _PERSON,
        "XBM",
        lambda old: ["F" if sex == "M" else "M" for sex in old],
        "student",
        ("student.id_sex_mismatch",),
        "XH",
        "warning",
        _RESIDENT,
    ),
    "lost_character": Fault(_PERSON, "XM", _lost, "student", ("student.name_characters",), "XH"),
    "unreadable_date": Fault(_PERSON, "CSRQ", _always("20260231"), "student", ("student.birth_date.readable",), "XH"),
    "bad_phone": Fault(_PERSON, "YDDH", _always("12345"), "student", ("student.mobile.pattern",), "XH", "warning"),
    "missing_name": Fault("graduate.student", "XM", _always(None), "student", ("student.name.required",), "XH"),
    "unknown_unit": Fault(
        _STATUS, "YXDM", _always("D" + _NO_UNIT), "student_status", ("student_status.unit_code.reference",), "XH"
    ),
    "bad_code": Fault(_STATUS, "XJZT", _always("Q9"), "student_status", ("student_status.state_code.code",), "XH"),
    "damaged_number": Fault(
        _STATUS, "XH", lambda old: [f"{2 + k // 9}.0{k % 9 + 1}E+11" for k in range(len(old))],
        "student_status", ("student_status.student_no.pattern",), "XH",
    ),
    "duplicate_key": Fault(_STATUS, "NJ", _always("1999"), "student_status", ("student_status.key.unique",), "XH", adds=True),
    "orphan_status": Fault(
        _STATUS, "XH", _numbered("2099{:07d}"), "student_status", ("student_status.student_no.reference",), "XH", adds=True
    ),
    "staff_unknown_unit": Fault(_HR, "DWH", _always(_NO_UNIT), "staff", ("staff.unit_code.reference",), "GH"),
    "staff_bad_id_checksum": Fault(_HR, "SFZJH", _wrong_check, "staff", ("staff.id_checksum",), "GH"),
    "missing_join_date": Fault(_HR, "LXRQ", _always(ZERO_DATE), "staff", ("staff.joined_on.required",), "GH"),
    "post_dates": Fault(
        "hr.post_record", "MZRQ", _always("1975-01-01"), "staff_post", ("staff_post.dates",), "GH", only=("MZRQ", ZERO_DATE)
    ),
    "teacher_unknown": Fault(
        "academic.teacher", "GH", _numbered("0999{:05d}"),
        "provisional_staff", ("provisional_staff.unknown_to_hr",), "GH", adds=True,
    ),
    "teacher_renamed": Fault(
        "academic.teacher", "XM", _always("张改名"), "provisional_staff", ("provisional_staff.name_differs",), "GH", "warning"
    ),
    "payment_sum": Fault(
        "finance.payment_ledger", "SSJE", _plus("1.00"),
        # Of the closed year, so that the current one's comparison of table and ledger stays even.
        "payment", ("payment.items_sum",), "XH", only=("XN", "2025"), since=(("payment", "payment.changed", "error"),),
    ),
    "fee_identity": Fault(
        "finance.student_fee", "YSJE", _plus("100.00"),
        "fee_status", ("fee_status.identity",), "XH",
    ),
    "payroll_unknown_person": Fault(
        "finance.payroll", "工号", _numbered("0998{:05d}"), "payroll_item", ("payroll_item.person_no.reference",), "工号"
    ),
    "fee_received": Fault(
        "finance.student_fee", "SSJE", _plus("1.00"), "fee_status", ("fee_status.identity",), "XH",
        also=(("fee_status", "fee_status.payments_sum", "warning"),),
    ),
    "required_flag": Fault(
        "finance.student_fee", "GDXM", lambda old: ["N" if flag == "Y" else "Y" for flag in old],
        "fee_status", ("fee_status.required_items",), "XH", "warning",
    ),
    "closed_year": Fault(
        "finance.legacy_fee", "GDXM", lambda old: [not flag for flag in old], "fee_status", (), "XH",
        since=(("fee_status", "fee_status.closed_year_changed", "error"),),
    ),
    "line_identity": Fault("finance.bill_line", "QFJE", _plus("0.01"), "bill_line", ("bill_line.identity",), "XH"),
    "bill_sum": Fault("finance.bill", "YSJE", _plus("0.01"), "bill", ("bill.identity", "bill.lines_sum"), "XH"),
    "account_sum": Fault(
        "finance.student_account", "YE", _plus("0.01"), "student_account", ("student_account.funds_sum",), "XH",
    ),
    "fund_sum": Fault("finance.account_fund", "YE", _plus("0.01"), "account_fund", ("account_fund.changes_sum",), "XH"),
    "payment_not_whole": Fault(
        "finance.fund_change", "JE", _plus("0.01"),
        "fund_change", ("fund_change.payment_whole",), "XH", "warning", ("BDLB", "JF"),
        also=(("account_fund", "account_fund.changes_sum", "error"),),
    ),
    "write_off_sum": Fault(
        "finance.write_off", "XZJE", _plus("0.01"), "write_off", ("write_off.lines_sum", "write_off.fund_changes_sum"), "XH"
    ),
    "write_off_line_sum": Fault(
        "finance.write_off_line", "XZJE", _plus("0.01"), "bill_line", ("bill_line.written_off",), "XH", "warning",
        also=(("write_off", "write_off.lines_sum", "error"),),
    ),
    "standard_sum": Fault("finance.fee_standard", "BZJE", _plus("0.01"), "fee_standard", ("fee_standard.items_sum",), "BZDM"),
    "carried_debt": Fault("finance.year_close", "SQQF", _plus("0.01"), "year_close", ("year_close.carried",), "XH"),
    "number_reused": Fault(
        "finance.voided_payment", "LSH", lambda old: [number[:-1] + "1" for number in old],
        "voided_payment", ("voided_payment.number_reused",), "XH", adds=True,
    ),
    "posted_changed": Fault(
        "finance.payment_ledger", "JFFS", _always("微信"), "payment", (), "XH", since=(("payment", "payment.changed", "error"),)
    ),
    "posted_vanished": Fault(
        # Of the closed year: what is missing from this one is missed by the fee table too.
        "finance.payment_ledger", "LSH", _always(None), "payment", (), "XH", "warning", ("XN", "2025"), drops=True,
        since=(("payment", "payment.vanished", "warning"),),
    ),
    "left_locked": Fault("finance.bill", "SDBZ", _always("Y"), "bill", ("bill.not_unlocked",), "XH", "warning", ("SDBZ", "N")),
    "collected_more": Fault(
        "finance.collection_line", "CGJE", _always(Decimal("99999.00")),
        "collection_line", ("collection_line.returned_more",), "XH",
    ),
}  # fmt: skip
"""Every row-level fault by name, in the order in which they choose their victims."""

_CODES = {word: f"{code:02d}" for code, word in CHANGES.items()}
_KINDS = {"D": "1", "J": "2"}


_ITEMS = {name: f"{position:02d}" for position, name in enumerate(ITEM_COLUMNS, 1)}
_PERIODS = {"本期": "1", "上期": "5"}
_FUNDS = {"代扣": "1", "贷款": "2", "现金": "3", "奖学金": "4", "在线": "5"}


def _year(value: str) -> str:
    return value if len(value) == 9 else f"{value}-{int(value) + 1}"


def _day(value: str) -> str:
    return f"{value[:4]}-{value[4:6]}-{value[6:]}" if len(value) == 8 else value


_KEYS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "student": lambda row: row["XH"].strip(),
    "student_status": lambda row: row["XH"].strip(),
    "status_change": lambda row: f"{row['XH']}|{_CODES.get(row['YDLB'], row['YDLB'])}|{_day(str(row['YDRQ']))}",
    "staff": lambda row: str(row["GH"]),
    "staff_post": lambda row: f"{row['GH']}|{_KINDS[row['ZWLX']]}|{row['RZRQ']}",
    "provisional_staff": lambda row: str(row["GH"]),
    "fee_status": lambda row: f"{row['XH']}|{_year(row['XN'])}",
    "payment": lambda row: str(row["LSH"]),
    "payroll_item": lambda row: f"{row['工号']}|{row['月份']}|{row['项目代码']}",
    "reimbursement": lambda row: str(row["PZH"]),
    "fee_standard": lambda row: str(row["BZDM"]),
    "student_account": lambda row: str(row["XH"]),
    "account_fund": lambda row: f"{row['XH']}|{_FUNDS[row['ZJLX']]}",
    "fund_change": lambda row: str(row["BDLSH"]),
    "bill": lambda row: f"{row['XH']}|{_year(row['XN'])}",
    "bill_line": lambda row: f"{row['XH']}|{_year(row['XN'])}|{_ITEMS[row['XMDM']]}|{_PERIODS[row['JFLB']]}",
    "write_off": lambda row: str(row["XZLSH"]),
    "write_off_line": lambda row: f"{row['XZLSH']}|{_ITEMS[row['XMDM']]}|{_PERIODS[row['JFLB']]}",
    "voided_payment": lambda row: str(row["LSH"]),
    "realtime_payment": lambda row: str(row["LSH"]),
    "collection_line": lambda row: f"{row['PCH']}|{row['XH']}",
    "year_close": lambda row: f"{row['XH']}|{_year(row['XN'])}",
}


def key_texts(entity: str, rows: pa.Table) -> list[str]:
    """The canonical keys of a few source rows, parts joined with `|` as the hub writes `source_key`."""
    return [_KEYS[entity](row) for row in rows.to_pylist()]
