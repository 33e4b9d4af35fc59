"""Bent books of the finance office, and the identity of canonical.md 7.3 that must find each."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from campus.faults.fault import Cells, Fault, Key
from campus.faults.fault import always as _always
from campus.render.offices.finance import ITEM_COLUMNS


def _plus(yuan: str) -> Cells:
    return lambda old: [amount + Decimal(yuan) for amount in old]


FAULTS: Mapping[str, Fault] = {
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

_ITEMS = {name: f"{position:02d}" for position, name in enumerate(ITEM_COLUMNS, 1)}
_PERIODS = {"本期": "1", "上期": "5"}
_FUNDS = {"代扣": "1", "贷款": "2", "现金": "3", "奖学金": "4", "在线": "5"}


def _year(value: str) -> str:
    return value if len(value) == 9 else f"{value}-{int(value) + 1}"


KEYS: Mapping[str, Key] = {
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
