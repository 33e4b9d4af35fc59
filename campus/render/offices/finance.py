"""The finance office: a hand-over database, a monthly workbook of pay, and last year's fee table from Visual FoxPro."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from campus.generate.books import MISTAKE, build_mistakes
from campus.generate.money import build_earlier_fees, build_fees, build_payments, build_payroll, list_pay_months
from campus.render.base import Datasets, Upload, Uploads, Waits
from campus.simulate.arrays import (
    Frame,
    build_amounts,
    build_dates,
    build_timestamps,
    choose_texts,
    format_compact_dates,
    format_digits,
    format_numbers,
    join_bytes,
    pick_texts,
    take_rows,
)
from campus.simulate.lists import PAY_ITEMS, RARE
from campus.simulate.people import format_names, format_staff_numbers, format_student_numbers
from campus.simulate.world import FIRST_DAY, INTAKE, World, date_of, epoch_day

ITEM_COLUMNS = ("XF", "ZSF", "SJZLF", "TJF", "FYF", "CSYPF", "JXFZF", "DXSYB")
"""Tuition, accommodation, books, medical exam, epidemic prevention, bedding, training clothes, medical insurance."""
_ADJUSTMENTS = (None, "减", "免", "缓", "贷")
_CLOSED_ON = epoch_day(FIRST_DAY) - 50
_CASHIER_CLOSES = 17 * 3600


def render_student_fee(world: World) -> pa.Table:
    """`cw_xsjf`: one row a student for the current school year."""
    rows = build_fees(world)
    settled, untouched = rows["outstanding"] == 0, rows["received"] == 0
    state = choose_texts(rows["exempt"] == 1, "M", choose_texts(settled, "Y", choose_texts(untouched, "N", "P")))
    return pa.table(
        {
            "XN": format_numbers(np.full(len(rows["student"]), INTAKE), 4),
            "XH": format_student_numbers(world, rows["student"]),
            "YSJE": build_amounts(rows["receivable"]),
            "JMJE": build_amounts(rows["relief"]),
            "SSJE": build_amounts(rows["received"]),
            "QFJE": build_amounts(rows["outstanding"]),
            "TZFS": pick_texts(_ADJUSTMENTS, rows["adjustment"]),
            "JFZT": state,
            "GDXM": choose_texts(rows["required"] == 1, "Y", "N"),
            "SJSJ": build_timestamps(rows["changed"]),
        }
    )


def render_payment_ledger(world: World) -> pa.Table:
    """`cw_sfls`: every payment, never changed once entered; `RZSJ` is the time of entry."""
    rows = _list_posted(world)
    items = {name: build_amounts(rows[f"item{position}"]) for position, name in enumerate(ITEM_COLUMNS)}
    total = np.sum([rows[f"item{position}"] for position in range(len(ITEM_COLUMNS))], axis=0)
    cash = rows["student"] % 10 == 0
    return pa.table(
        {
            "LSH": join_bytes(
                format_digits(rows["year"], 4), format_digits(rows["student"], 7), format_digits(rows["turn"], 1)
            ),
            "XH": format_student_numbers(world, rows["student"]),
            "XN": format_numbers(rows["year"], 4),
            "JFRQ": format_compact_dates(rows["on"]),
            "JFFS": choose_texts(cash, "现金", "银行转账"),
            "JFLB": pa.array(["本期"] * len(total), pa.string()),
            "SSJE": build_amounts(total),
            **items,
            "SFYDM": format_numbers(rows["student"] % 12 + 1, 3),
            "ZFBZ": pa.array(["N"] * len(total), pa.string()),
            "RZSJ": build_timestamps(rows["entered"]),
        }
    )


def _list_posted(world: World) -> Frame:
    """Every posted payment, those entered twice included."""
    rows, twice = build_payments(world), build_mistakes(world)
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


def render_reimbursement(world: World) -> pa.Table:
    """`cw_bxd`: reimbursements of staff."""
    vouchers = world.vouchers
    rows = np.arange(len(vouchers["staff"]))
    return pa.table(
        {
            "PZH": format_numbers(rows, 8, "PZ2026"),
            "GH": format_staff_numbers(world, vouchers["staff"]),
            "XMBH": choose_texts(rows % 3 == 0, format_numbers(rows % 500, 4, "KY2025"), None),
            "JE": build_amounts(vouchers["fen"]),
            "ZFRQ": format_compact_dates(vouchers["on"]),
            "ZY": pick_texts(["差旅费", "办公用品", "实验材料", "会议费"], rows % 4),
        }
    )


def render_payroll_sheet(world: World, year: int, month: int) -> pa.Table:
    """The rows of one month's workbook; every cell is text as the workbook shows it."""
    lines = build_payroll(world, year, month)
    codes, titles = zip(*PAY_ITEMS, strict=True)
    return pa.table(
        {
            "工号": format_staff_numbers(world, lines["staff"]),
            "姓名": format_names(take_rows(world.staff, lines["staff"])),
            "月份": format_numbers(np.full(len(lines["staff"]), year * 100 + month), 6),
            "项目代码": pick_texts(codes, lines["item"]),
            "项目名称": pick_texts(titles, lines["item"]),
            "金额": build_amounts(lines["fen"]),
        }
    )


def render_latest_payroll(world: World) -> pa.Table:
    """The workbook that an upload on the world's day finds: that of the last month paid."""
    return render_payroll_sheet(world, *list_pay_months(world.day)[-1])


def name_payroll_file(world: World) -> Upload:
    """The workbook of the last month paid."""
    year, month = list_pay_months(world.day)[-1]
    made = f"制表单位:财务处    上传日期:{date_of(world.day).isoformat()}"
    return Upload(f"工资{year}{month:02d}.xlsx", (f"示范大学{year}年{month}月工资明细表", made))


def render_legacy_fee(world: World) -> pa.Table:
    """`xsjf.dbf`: the fee table of the school year before, closed; clerks wrote 吉 where the character set has no 𠮷."""
    rows = build_earlier_fees(world)
    students = take_rows(world.students, rows["student"])
    settled, untouched = rows["outstanding"] == 0, rows["received"] == 0
    return pa.table(
        {
            "XH": format_student_numbers(world, rows["student"]),
            "XM": pc.replace_substring(format_names(students), RARE, "吉"),
            "XN": pa.array([f"{INTAKE - 1}-{INTAKE}"] * len(settled), pa.string()),
            "YSJE": build_amounts(rows["receivable"]),
            "JMJE": build_amounts(rows["relief"]),
            "SSJE": build_amounts(rows["received"]),
            "QFJE": build_amounts(rows["outstanding"]),
            "JFZT": choose_texts(settled, "2", choose_texts(untouched, "1", "4")),
            "GDXM": pa.array(rows["required"] == 1),
            "SJRQ": build_dates(np.full(len(settled), _CLOSED_ON)),
        }
    )


DATASETS: Datasets = {
    "finance.student_fee": render_student_fee,
    "finance.payment_ledger": render_payment_ledger,
    "finance.reimbursement": render_reimbursement,
    "finance.payroll": render_latest_payroll,
    "finance.legacy_fee": render_legacy_fee,
}
UPLOADS: Uploads = {"finance.payroll": name_payroll_file}
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
