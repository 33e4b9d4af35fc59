"""The finance office's books in its hand-over database: bills, accounts, write-offs, collections, ledgers of a day."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from campus.generate import books
from campus.generate.money import ITEMS, LAST_PAYMENT, build_earlier_fees
from campus.render.base import Datasets, Waits
from campus.render.offices.finance import ITEM_COLUMNS
from campus.simulate.arrays import (
    Frame,
    Ints,
    Text,
    build_amounts,
    build_timestamps,
    choose_texts,
    format_compact_dates,
    format_digits,
    format_numbers,
    join_bytes,
    join_texts,
    kernels,
    pick_texts,
    repeat_text,
    take_rows,
)
from campus.simulate.people import format_student_numbers
from campus.simulate.world import FIRST_DAY, INTAKE, World, date_of, epoch_day

_TITLES = ("学费", "住宿费", "书籍资料费", "体检费", "防疫费", "床上用品费", "军训服装费", "大学生医保")
_FUNDS = (None, "代扣", "贷款", "现金", "奖学金", "在线")
_KINDS = (None, "JF", "XZ", "YC", "TF", "CD")
_PERIODS = ("本期", "上期")
_ROOMS = ("走读", "普通间", "四人间", "四人间带卫", "公寓间", "公寓双人间")
_AFTERNOON = 17 * 3600


def render_fee_item(world: World) -> pa.Table:
    """`cw_sfxm`: the eight items."""
    rows = np.arange(ITEMS)
    return pa.table(
        {
            "XMDM": pick_texts(ITEM_COLUMNS, rows),
            "XMMC": pick_texts(_TITLES, rows),
            "GDXM": choose_texts(rows < 2, "是", "否"),
            "XZSX": pa.array((rows + 1).astype(np.int32)),
            "SFZQ": pick_texts(["学年"], rows * 0),
            "XMZT": pick_texts(["收费"], rows * 0),
        }
    )


def render_fee_standard(world: World) -> pa.Table:
    """`cw_njsfbz`: the grid of standards of the current school year."""
    rows = books.build_standards()
    grades = pick_texts(["老生", "新生"], rows["kind"] // 4)
    levels = pick_texts(["研究生", "本科"], rows["kind"] // 2 % 2)
    origin = pick_texts(["留学生", ""], rows["kind"] % 2)
    return pa.table(
        {
            "BZDM": _format_standards(rows["standard"]),
            "BZMC": join_texts(grades, levels, origin, pick_texts(_ROOMS, rows["tier"])),
            "XN": _format_year(rows["standard"]),
            "BZJE": build_amounts(np.sum([rows[f"item{k}"] for k in range(1, ITEMS)], axis=0)),
            **{name: build_amounts(rows[f"item{k}"]) for k, name in enumerate(ITEM_COLUMNS) if k},
        }
    )


def render_student_account(world: World) -> pa.Table:
    """`cw_xszh`: one account a student, opened when the books began or when the student came."""
    rows = books.build_accounts(world)
    came = np.where(world.students["from_day"] > 1, epoch_day(FIRST_DAY) + world.students["from_day"] - 1, books.BILLED_ON)
    return pa.table(
        {
            "XH": format_student_numbers(world, rows["student"]),
            "YE": build_amounts(rows["fen"]),
            "KHRQ": format_compact_dates(came[rows["student"]]),
        }
    )


def render_account_fund(world: World) -> pa.Table:
    """`cw_zhzj`: the balance of every fund that ever moved."""
    rows = books.build_funds(world)
    return pa.table(
        {
            "XH": format_student_numbers(world, rows["student"]),
            "ZJLX": pick_texts(_FUNDS, rows["fund"]),
            "YE": build_amounts(rows["fen"]),
        }
    )


def render_fund_change(world: World) -> pa.Table:
    """`cw_zjbd`: every movement, with the document that caused it."""
    rows = books.build_fund_changes(world)
    payment = _format_numbers(rows["student"], rows["turn"])
    out = rows["fen"] < 0
    return pa.table(
        {
            "BDLSH": join_bytes(
                format_digits(rows["kind"], 1), format_digits(rows["student"], 7), format_digits(rows["turn"], 1)
            ),
            "XH": format_student_numbers(world, rows["student"]),
            "ZJLX": pick_texts(_FUNDS, rows["fund"]),
            "FX": choose_texts(out, "支", "收"),
            "BDLB": pick_texts(_KINDS, rows["kind"]),
            "JE": build_amounts(np.abs(rows["fen"])),
            "LSH": choose_texts(np.isin(rows["kind"], [books.PAID, books.CANCELLED]), payment, None),
            "XZLSH": choose_texts(rows["kind"] == books.WRITTEN, join_texts("X", payment), None),
            "PCH": _format_batches(rows["batch"]),
            "BDSJ": build_timestamps(rows["on"] * 86_400 + _AFTERNOON + rows["kind"] * 60),
        }
    )


def render_bill(world: World) -> pa.Table:
    """`cw_xnzd`: the bill of every student of the year."""
    rows = books.build_bills(world)
    locked = rows["locked"] > 0
    sent = np.array([0, *(epoch_day(date_of(batch.sent)) for batch in books.BATCHES)])[rows["locked"]]
    return pa.table(
        {
            "XH": format_student_numbers(world, rows["student"]),
            "XN": _format_year(rows["student"]),
            "BZDM": _format_standards(rows["standard"]),
            **_format_amounts(rows),
            "SDBZ": choose_texts(locked, "Y", "N"),
            "SDPC": _format_batches(rows["locked"]),
            "SDSJ": kernels.if_else(
                pa.array(locked), build_timestamps(sent * 86_400 + _AFTERNOON), pa.scalar(None, pa.timestamp("us"))
            ),
            "CZRQ": format_compact_dates(np.full(len(locked), books.BILLED_ON)),
        }
    )


def render_bill_line(world: World) -> pa.Table:
    """`cw_zdmx`: the lines of the bills."""
    rows = books.build_bill_lines(world)
    return pa.table(
        {
            "XH": format_student_numbers(world, rows["student"]),
            "XN": _format_year(rows["student"]),
            "XMDM": pick_texts(ITEM_COLUMNS, rows["item"]),
            "JFLB": pick_texts(_PERIODS, rows["prior"]),
            **_format_amounts(rows),
        }
    )


def render_write_off(world: World) -> pa.Table:
    """`cw_xz`: the batch of the beginning of term, and single ones since."""
    rows, _ = books.build_write_offs(world)
    return pa.table(
        {
            "XZLSH": join_texts("X", _format_numbers(rows["student"], rows["turn"])),
            "XH": format_student_numbers(world, rows["student"]),
            "XN": _format_year(rows["student"]),
            "XZFS": choose_texts(rows["turn"] == 0, "批量", "单笔"),
            "XZJE": build_amounts(rows["fen"]),
            "XZSJ": build_timestamps(rows["on"] * 86_400 + _AFTERNOON),
        }
    )


def render_write_off_line(world: World) -> pa.Table:
    """`cw_xzmx`: which lines of the bill a write-off settled."""
    heads, lines = books.build_write_offs(world)
    rows = take_rows(heads, lines["head"])
    return pa.table(
        {
            "XZLSH": join_texts("X", _format_numbers(rows["student"], rows["turn"])),
            "XMDM": pick_texts(ITEM_COLUMNS, lines["item"]),
            "JFLB": pick_texts(_PERIODS, lines["item"] * 0),
            "XH": format_student_numbers(world, rows["student"]),
            "XN": _format_year(rows["student"]),
            "XZJE": build_amounts(lines["fen"]),
        }
    )


def render_voided_payment(world: World) -> pa.Table:
    """`cw_sfzfls`: voided before posting (no 撤单流水号), and corrections of what had been posted."""
    parts = [
        _build_voided(world, books.draw_voided_payments(world), books.DOUBLED, 0),
        _build_voided(world, books.build_mistakes(world), books.CORRECTION, 0, books.MISTAKE),
        *(_build_voided(world, books.draw_slips(world, day), books.SLIP, 1) for day in range(1, world.day)),
    ]
    return pa.concat_tables(parts).combine_chunks()


def render_realtime_payment(world: World) -> pa.Table:
    """`cw_sfssls`: what came in after hours: payments that are posted tomorrow, and slips that are voided tomorrow."""
    parts = [
        _build_ledger_rows(world, books.build_pending(world), LAST_PAYMENT),
        _build_ledger_rows(world, books.draw_slips(world, world.day), books.SLIP),
    ]
    return pa.concat_tables(parts).combine_chunks()


def render_collection_batch(world: World) -> pa.Table:
    """`cw_dkpc`: the batches sent so far with their totals."""
    lines = books.build_collections(world)
    sent = [(position, batch) for position, batch in enumerate(books.BATCHES, 1) if batch.sent <= world.day]
    at = np.array([position for position, _ in sent], np.int64)
    total = {
        name: np.bincount(lines["batch"], lines[name], len(books.BATCHES) + 1)[at].astype(np.int64) for name in ("sent", "fen")
    }
    days = {
        name: np.array([epoch_day(date_of(getattr(batch, name))) for _, batch in sent], np.int64)
        for name in ("sent", "due", "returned")
    }
    back = np.array([batch.returned <= world.day for _, batch in sent], np.bool_)
    return pa.table(
        {
            "PCH": _format_batches(at),
            "SPRQ": format_compact_dates(days["sent"]),
            "YHPRQ": format_compact_dates(days["due"]),
            "HPRQ": choose_texts(back, format_compact_dates(days["returned"]), None),
            "SPBS": pa.array(np.bincount(lines["batch"], minlength=len(books.BATCHES) + 1)[at].astype(np.int32)),
            "SPJE": build_amounts(total["sent"]),
            "CGJE": build_amounts(total["fen"]),
            "SJSJ": build_timestamps(np.full(len(at), epoch_day(date_of(world.day)) * 86_400 + _AFTERNOON)),
        }
    )


def render_collection_line(world: World) -> pa.Table:
    """`cw_dkmx`: what was asked of the bank for each student, and its answer."""
    rows = books.build_collections(world)
    answer = choose_texts(rows["fen"] > 0, "00", "99")
    return pa.table(
        {
            "PCH": _format_batches(rows["batch"]),
            "XH": format_student_numbers(world, rows["student"]),
            "XN": _format_year(rows["student"]),
            "SPJE": build_amounts(rows["sent"]),
            "HPJG": choose_texts(rows["answered"] == 1, answer, None),
            "CGJE": build_amounts(rows["fen"]),
        }
    )


def render_year_close(world: World) -> pa.Table:
    """`cw_ndjz`: the close of the school year before."""
    rows = build_earlier_fees(world)
    return pa.table(
        {
            "XH": format_student_numbers(world, rows["student"]),
            "XN": format_numbers(np.full(len(rows["student"]), INTAKE - 1), 4),
            "QFJE": build_amounts(rows["outstanding"]),
            "SQQF": build_amounts(rows["outstanding"]),
            "BQSJ": build_amounts(rows["outstanding"] * 0),
            "JZRQ": format_compact_dates(np.full(len(rows["student"]), books.CLOSED_ON)),
        }
    )


def _format_numbers(student: Ints, turn: Ints) -> Text:
    """The numbers of the posted ledger."""
    return join_bytes(repeat_text(str(INTAKE), len(student)), format_digits(student, 7), format_digits(turn, 1))


def _format_year(rows: Ints) -> Text:
    return format_numbers(np.full(len(rows), INTAKE), 4)


def _format_standards(grid: Ints) -> Text:
    return format_numbers(INTAKE % 100 * 100 + grid, 4)


def _format_batches(position: Ints) -> Text:
    return pick_texts([None, *(f"DK{batch.number}" for batch in books.BATCHES)], position)


def _format_amounts(rows: Frame) -> dict[str, Text]:
    outstanding = rows["receivable"] - rows["relief"] - rows["received"]
    return {
        "YSJE": build_amounts(rows["receivable"]),
        "JMJE": build_amounts(rows["relief"]),
        "SSJE": build_amounts(rows["received"]),
        "QFJE": build_amounts(outstanding),
    }


def _build_ledger_rows(world: World, rows: Frame, turn: int) -> pa.Table:
    return pa.table(
        {
            "LSH": _format_numbers(rows["student"], rows["student"] * 0 + turn),
            "XH": format_student_numbers(world, rows["student"]),
            "XN": _format_year(rows["student"]),
            "JFRQ": format_compact_dates(rows["on"]),
            "SSJE": build_amounts(rows["fen"]),
            "SFYDM": format_numbers(rows["student"] % 12 + 1, 3),
        }
    )


def _build_voided(world: World, rows: Frame, turn: int, later: int, cancels: int = 0) -> pa.Table:
    """Rows of the voided ledger, voided `later` days after they were entered."""
    table = _build_ledger_rows(world, rows, turn)
    cancelled = _format_numbers(rows["student"], rows["student"] * 0 + cancels)
    none = pa.nulls(len(cancelled), pa.string())
    table = table.add_column(5, "CDLSH", cancelled if cancels else none)
    return table.add_column(6, "ZFRQ", format_compact_dates(rows["on"] + later))


DATASETS: Datasets = {
    "finance.fee_item": render_fee_item,
    "finance.fee_standard": render_fee_standard,
    "finance.student_account": render_student_account,
    "finance.account_fund": render_account_fund,
    "finance.fund_change": render_fund_change,
    "finance.bill": render_bill,
    "finance.bill_line": render_bill_line,
    "finance.write_off": render_write_off,
    "finance.write_off_line": render_write_off_line,
    "finance.voided_payment": render_voided_payment,
    "finance.realtime_payment": render_realtime_payment,
    "finance.collection_batch": render_collection_batch,
    "finance.collection_line": render_collection_line,
    "finance.year_close": render_year_close,
}
_OF_STUDENTS = (
    "student_account", "account_fund", "fund_change", "bill", "bill_line", "write_off", "write_off_line",
    "voided_payment", "realtime_payment", "collection_line", "year_close",
)  # fmt: skip
WAITS: Waits = {"student": tuple((f"finance.{name}", "XH", name, "student_no.reference") for name in _OF_STUDENTS)}
