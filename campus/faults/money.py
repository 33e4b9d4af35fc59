"""Bent books of the finance office, and the identity of canonical.md 7.3 that must find each."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from campus.faults.fault import CellChange, Defect, RowKey
from campus.faults.fault import fill as _always
from campus.render.offices.finance import ITEM_COLUMNS


def _add(yuan: str) -> CellChange:
    return lambda old: [amount + Decimal(yuan) for amount in old]


FAULTS: Mapping[str, Defect] = {
    "fee_received": Defect(
        "finance.student_fee", "SSJE", _add("1.00"), "fee_status", ("fee_status.identity",), "XH",
        also=(("fee_status", "fee_status.payments_sum", "warning"),),
    ),
    "required_flag": Defect(
        "finance.student_fee", "GDXM", lambda old: ["N" if flag == "Y" else "Y" for flag in old],
        "fee_status", ("fee_status.required_items",), "XH", "warning",
    ),
    "closed_year": Defect(
        "finance.legacy_fee", "GDXM", lambda old: [not flag for flag in old], "fee_status", (), "XH",
        since=(("fee_status", "fee_status.closed_year_changed", "error"),),
    ),
    "line_identity": Defect("finance.bill_line", "QFJE", _add("0.01"), "bill_line", ("bill_line.identity",), "XH"),
    "bill_sum": Defect("finance.bill", "YSJE", _add("0.01"), "bill", ("bill.identity", "bill.lines_sum"), "XH"),
    "account_sum": Defect(
        "finance.student_account", "YE", _add("0.01"), "student_account", ("student_account.funds_sum",), "XH",
    ),
    "fund_sum": Defect("finance.account_fund", "YE", _add("0.01"), "account_fund", ("account_fund.changes_sum",), "XH"),
    "payment_not_whole": Defect(
        "finance.fund_change", "JE", _add("0.01"),
        "fund_change", ("fund_change.payment_whole",), "XH", "warning", ("BDLB", "JF"),
        also=(("account_fund", "account_fund.changes_sum", "error"),),
    ),
    "write_off_sum": Defect(
        "finance.write_off", "XZJE", _add("0.01"), "write_off", ("write_off.lines_sum", "write_off.fund_changes_sum"), "XH"
    ),
    "write_off_line_sum": Defect(
        "finance.write_off_line", "XZJE", _add("0.01"), "bill_line", ("bill_line.written_off",), "XH", "warning",
        also=(("write_off", "write_off.lines_sum", "error"),),
    ),
    "standard_sum": Defect("finance.fee_standard", "BZJE", _add("0.01"), "fee_standard", ("fee_standard.items_sum",), "BZDM"),
    "carried_debt": Defect("finance.year_close", "SQQF", _add("0.01"), "year_close", ("year_close.carried",), "XH"),
    "number_reused": Defect(
        "finance.voided_payment", "LSH", lambda old: [number[:-1] + "1" for number in old],
        "voided_payment", ("voided_payment.number_reused",), "XH", adds=True,
    ),
    "posted_changed": Defect(
        "finance.payment_ledger", "JFFS", _always("微信"), "payment", (), "XH", since=(("payment", "payment.changed", "error"),)
    ),
    "posted_vanished": Defect(
        # Of the closed year: what is missing from this one is missed by the fee table too.
        "finance.payment_ledger", "LSH", _always(None), "payment", (), "XH", "warning", ("XN", "2025"), drops=True,
        since=(("payment", "payment.vanished", "warning"),),
    ),
    "left_locked": Defect("finance.bill", "SDBZ", _always("Y"), "bill", ("bill.not_unlocked",), "XH", "warning", ("SDBZ", "N")),
    "collected_more": Defect(
        "finance.collection_line", "CGJE", _always(Decimal("99999.00")),
        "collection_line", ("collection_line.returned_more",), "XH",
    ),
}  # fmt: skip

_ITEMS = {name: f"{position:02d}" for position, name in enumerate(ITEM_COLUMNS, 1)}
_PERIODS = {"本期": "1", "上期": "5"}
_FUNDS = {"代扣": "1", "贷款": "2", "现金": "3", "奖学金": "4", "在线": "5"}


def _format_year(value: str) -> str:
    return value if len(value) == 9 else f"{value}-{int(value) + 1}"


KEYS: Mapping[str, RowKey] = {
    "fee_standard": lambda row: str(row["BZDM"]),
    "student_account": lambda row: str(row["XH"]),
    "account_fund": lambda row: f"{row['XH']}|{_FUNDS[row['ZJLX']]}",
    "fund_change": lambda row: str(row["BDLSH"]),
    "bill": lambda row: f"{row['XH']}|{_format_year(row['XN'])}",
    "bill_line": lambda row: f"{row['XH']}|{_format_year(row['XN'])}|{_ITEMS[row['XMDM']]}|{_PERIODS[row['JFLB']]}",
    "write_off": lambda row: str(row["XZLSH"]),
    "write_off_line": lambda row: f"{row['XZLSH']}|{_ITEMS[row['XMDM']]}|{_PERIODS[row['JFLB']]}",
    "voided_payment": lambda row: str(row["LSH"]),
    "realtime_payment": lambda row: str(row["LSH"]),
    "collection_line": lambda row: f"{row['PCH']}|{row['XH']}",
    "year_close": lambda row: f"{row['XH']}|{_format_year(row['XN'])}",
}
