"""The finance office: a hand-over database, a monthly workbook of pay, and last year's fee table from Visual FoxPro."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from campus.generate.books import MISTAKE, mistaken
from campus.generate.money import earlier_fees, fees, pay_months, payments, payroll
from campus.render.base import Datasets, Upload, Uploads, Waits
from campus.simulate.arrays import Frame, compact, dates, digits, money, number, pick, take, text, times, where
from campus.simulate.lists import PAY_ITEMS, RARE
from campus.simulate.people import names, staff_numbers, student_numbers
from campus.simulate.world import FIRST_DAY, INTAKE, World, date_of, epoch

ITEM_COLUMNS = ("XF", "ZSF", "SJZLF", "TJF", "FYF", "CSYPF", "JXFZF", "DXSYB")
"""Tuition, accommodation, books, medical exam, epidemic prevention, bedding, training clothes, medical insurance."""
_ADJUSTMENTS = (None, "减", "免", "缓", "贷")
_CLOSED_ON = epoch(FIRST_DAY) - 50
_CASHIER_CLOSES = 17 * 3600


def student_fee(world: World) -> pa.Table:
    """`cw_xsjf`: one row a student for the current school year."""
    rows = fees(world)
    settled, untouched = rows["outstanding"] == 0, rows["received"] == 0
    state = where(rows["exempt"] == 1, "M", where(settled, "Y", where(untouched, "N", "P")))
    return pa.table(
        {
            "XN": number(np.full(len(rows["student"]), INTAKE), 4),
            "XH": student_numbers(world, rows["student"]),
            "YSJE": money(rows["receivable"]),
            "JMJE": money(rows["relief"]),
            "SSJE": money(rows["received"]),
            "QFJE": money(rows["outstanding"]),
            "TZFS": pick(_ADJUSTMENTS, rows["adjustment"]),
            "JFZT": state,
            "GDXM": where(rows["required"] == 1, "Y", "N"),
            "SJSJ": times(rows["changed"]),
        }
    )


def payment_ledger(world: World) -> pa.Table:
    """`cw_sfls`: every payment, never changed once entered; `RZSJ` is the time of entry."""
    rows = _posted(world)
    items = {name: money(rows[f"item{position}"]) for position, name in enumerate(ITEM_COLUMNS)}
    total = np.sum([rows[f"item{position}"] for position in range(len(ITEM_COLUMNS))], axis=0)
    cash = rows["student"] % 10 == 0
    return pa.table(
        {
            "LSH": text(digits(rows["year"], 4), digits(rows["student"], 7), digits(rows["turn"], 1)),
            "XH": student_numbers(world, rows["student"]),
            "XN": number(rows["year"], 4),
            "JFRQ": compact(rows["on"]),
            "JFFS": where(cash, "现金", "银行转账"),
            "JFLB": pa.array(["本期"] * len(total), pa.string()),
            "SSJE": money(total),
            **items,
            "SFYDM": number(rows["student"] % 12 + 1, 3),
            "ZFBZ": pa.array(["N"] * len(total), pa.string()),
            "RZSJ": times(rows["entered"]),
        }
    )


def _posted(world: World) -> Frame:
    """Every posted payment, those entered twice included."""
    rows, twice = payments(world), mistaken(world)
    none = twice["student"] * 0
    wrong = {
        "student": twice["student"],
        "year": none + INTAKE,
        "turn": none + MISTAKE,
        "on": twice["on"],
        "posted": twice["on"],
    }
    wrong |= {"entered": twice["on"] * 86_400 + _CASHIER_CLOSES, "item0": twice["fen"]}
    return {name: np.concatenate([column, wrong.get(name, none)]) for name, column in rows.items()}


def reimbursement(world: World) -> pa.Table:
    """`cw_bxd`: reimbursements of staff."""
    vouchers = world.vouchers
    rows = np.arange(len(vouchers["staff"]))
    return pa.table(
        {
            "PZH": number(rows, 8, "PZ2026"),
            "GH": staff_numbers(world, vouchers["staff"]),
            "XMBH": where(rows % 3 == 0, number(rows % 500, 4, "KY2025"), None),
            "JE": money(vouchers["fen"]),
            "ZFRQ": compact(vouchers["on"]),
            "ZY": pick(["差旅费", "办公用品", "实验材料", "会议费"], rows % 4),
        }
    )


def payroll_sheet(world: World, year: int, month: int) -> pa.Table:
    """The rows of one month's workbook; every cell is text as the workbook shows it."""
    lines = payroll(world, year, month)
    codes, titles = zip(*PAY_ITEMS, strict=True)
    return pa.table(
        {
            "工号": staff_numbers(world, lines["staff"]),
            "姓名": names(take(world.staff, lines["staff"])),
            "月份": number(np.full(len(lines["staff"]), year * 100 + month), 6),
            "项目代码": pick(codes, lines["item"]),
            "项目名称": pick(titles, lines["item"]),
            "金额": money(lines["fen"]),
        }
    )


def latest_payroll(world: World) -> pa.Table:
    """The workbook that an upload on the world's day finds: that of the last month paid."""
    return payroll_sheet(world, *pay_months(world.day)[-1])


def payroll_file(world: World) -> Upload:
    """The workbook of the last month paid."""
    year, month = pay_months(world.day)[-1]
    made = f"制表单位:财务处    上传日期:{date_of(world.day).isoformat()}"
    return Upload(f"工资{year}{month:02d}.xlsx", (f"示范大学{year}年{month}月工资明细表", made))


def legacy_fee(world: World) -> pa.Table:
    """`xsjf.dbf`: the fee table of the school year before, closed; clerks wrote 吉 where the character set has no 𠮷."""
    rows = earlier_fees(world)
    students = take(world.students, rows["student"])
    settled, untouched = rows["outstanding"] == 0, rows["received"] == 0
    return pa.table(
        {
            "XH": student_numbers(world, rows["student"]),
            "XM": pc.replace_substring(names(students), RARE, "吉"),
            "XN": pa.array([f"{INTAKE - 1}-{INTAKE}"] * len(settled), pa.string()),
            "YSJE": money(rows["receivable"]),
            "JMJE": money(rows["relief"]),
            "SSJE": money(rows["received"]),
            "QFJE": money(rows["outstanding"]),
            "JFZT": where(settled, "2", where(untouched, "1", "4")),
            "GDXM": pa.array(rows["required"] == 1),
            "SJRQ": dates(np.full(len(settled), _CLOSED_ON)),
        }
    )


DATASETS: Datasets = {
    "finance.student_fee": student_fee,
    "finance.payment_ledger": payment_ledger,
    "finance.reimbursement": reimbursement,
    "finance.payroll": latest_payroll,
    "finance.legacy_fee": legacy_fee,
}
UPLOADS: Uploads = {"finance.payroll": payroll_file}
WAITS: Waits = {
    "student": (
        ("finance.student_fee", "XH", "fee_status", "student_no.reference"),
        ("finance.legacy_fee", "XH", "fee_status", "student_no.reference"),
        ("finance.payment_ledger", "XH", "payment", "student_no.reference"),
    ),
    "staff": (
        ("finance.payroll", "工号", "payroll_item", "person_no.reference"),
        ("finance.reimbursement", "GH", "reimbursement", "person_no.reference"),
    ),
}
