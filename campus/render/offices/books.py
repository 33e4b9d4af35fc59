"""The finance office's books in its hand-over database: bills, accounts, write-offs, collections, ledgers of a day."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from campus.generate import books
from campus.generate.money import ITEMS, LAST_PAYMENT, earlier_fees
from campus.render.base import Datasets, Waits
from campus.render.offices.finance import ITEM_COLUMNS
from campus.simulate.arrays import (
    Frame,
    Ints,
    Text,
    compact,
    digits,
    join,
    kernels,
    money,
    number,
    pick,
    take,
    text,
    times,
    where,
    word,
)
from campus.simulate.people import student_numbers
from campus.simulate.world import FIRST_DAY, INTAKE, World, date_of, epoch

_TITLES = ("学费", "住宿费", "书籍资料费", "体检费", "防疫费", "床上用品费", "军训服装费", "大学生医保")
_FUNDS = (None, "代扣", "贷款", "现金", "奖学金", "在线")
_KINDS = (None, "JF", "XZ", "YC", "TF", "CD")
_PERIODS = ("本期", "上期")
_ROOMS = ("走读", "普通间", "四人间", "四人间带卫", "公寓间", "公寓双人间")
_AFTERNOON = 17 * 3600


def fee_item(world: World) -> pa.Table:
    """`cw_sfxm`: the eight items."""
    rows = np.arange(ITEMS)
    return pa.table(
        {
            "XMDM": pick(ITEM_COLUMNS, rows),
            "XMMC": pick(_TITLES, rows),
            "GDXM": where(rows < 2, "是", "否"),
            "XZSX": pa.array((rows + 1).astype(np.int32)),
            "SFZQ": pick(["学年"], rows * 0),
            "XMZT": pick(["收费"], rows * 0),
        }
    )


def fee_standard(world: World) -> pa.Table:
    """`cw_njsfbz`: the grid of standards of the current school year."""
    rows = books.standards()
    grades = pick(["老生", "新生"], rows["kind"] // 4)
    levels = pick(["研究生", "本科"], rows["kind"] // 2 % 2)
    origin = pick(["留学生", ""], rows["kind"] % 2)
    return pa.table(
        {
            "BZDM": _standards(rows["standard"]),
            "BZMC": join(grades, levels, origin, pick(_ROOMS, rows["tier"])),
            "XN": _year(rows["standard"]),
            "BZJE": money(np.sum([rows[f"item{k}"] for k in range(1, ITEMS)], axis=0)),
            **{name: money(rows[f"item{k}"]) for k, name in enumerate(ITEM_COLUMNS) if k},
        }
    )


def student_account(world: World) -> pa.Table:
    """`cw_xszh`: one account a student, opened when the books began or when the student came."""
    rows = books.accounts(world)
    came = np.where(world.students["from_day"] > 1, epoch(FIRST_DAY) + world.students["from_day"] - 1, books.BILLED_ON)
    return pa.table(
        {"XH": student_numbers(world, rows["student"]), "YE": money(rows["fen"]), "KHRQ": compact(came[rows["student"]])}
    )


def account_fund(world: World) -> pa.Table:
    """`cw_zhzj`: the balance of every fund that ever moved."""
    rows = books.funds(world)
    return pa.table(
        {"XH": student_numbers(world, rows["student"]), "ZJLX": pick(_FUNDS, rows["fund"]), "YE": money(rows["fen"])}
    )


def fund_change(world: World) -> pa.Table:
    """`cw_zjbd`: every movement, with the document that caused it."""
    rows = books.fund_changes(world)
    payment = _numbers(rows["student"], rows["turn"])
    out = rows["fen"] < 0
    return pa.table(
        {
            "BDLSH": text(digits(rows["kind"], 1), digits(rows["student"], 7), digits(rows["turn"], 1)),
            "XH": student_numbers(world, rows["student"]),
            "ZJLX": pick(_FUNDS, rows["fund"]),
            "FX": where(out, "支", "收"),
            "BDLB": pick(_KINDS, rows["kind"]),
            "JE": money(np.abs(rows["fen"])),
            "LSH": where(np.isin(rows["kind"], [books.PAID, books.CANCELLED]), payment, None),
            "XZLSH": where(rows["kind"] == books.WRITTEN, join("X", payment), None),
            "PCH": _batches(rows["batch"]),
            "BDSJ": times(rows["on"] * 86_400 + _AFTERNOON + rows["kind"] * 60),
        }
    )


def bill(world: World) -> pa.Table:
    """`cw_xnzd`: the bill of every student of the year."""
    rows = books.bills(world)
    locked = rows["locked"] > 0
    sent = np.array([0, *(epoch(date_of(batch.sent)) for batch in books.BATCHES)])[rows["locked"]]
    return pa.table(
        {
            "XH": student_numbers(world, rows["student"]),
            "XN": _year(rows["student"]),
            "BZDM": _standards(rows["standard"]),
            **_amounts(rows),
            "SDBZ": where(locked, "Y", "N"),
            "SDPC": _batches(rows["locked"]),
            "SDSJ": kernels.if_else(pa.array(locked), times(sent * 86_400 + _AFTERNOON), pa.scalar(None, pa.timestamp("us"))),
            "CZRQ": compact(np.full(len(locked), books.BILLED_ON)),
        }
    )


def bill_line(world: World) -> pa.Table:
    """`cw_zdmx`: the lines of the bills."""
    rows = books.bill_lines(world)
    return pa.table(
        {
            "XH": student_numbers(world, rows["student"]),
            "XN": _year(rows["student"]),
            "XMDM": pick(ITEM_COLUMNS, rows["item"]),
            "JFLB": pick(_PERIODS, rows["prior"]),
            **_amounts(rows),
        }
    )


def write_off(world: World) -> pa.Table:
    """`cw_xz`: the batch of the beginning of term, and single ones since."""
    rows, _ = books.write_offs(world)
    return pa.table(
        {
            "XZLSH": join("X", _numbers(rows["student"], rows["turn"])),
            "XH": student_numbers(world, rows["student"]),
            "XN": _year(rows["student"]),
            "XZFS": where(rows["turn"] == 0, "批量", "单笔"),
            "XZJE": money(rows["fen"]),
            "XZSJ": times(rows["on"] * 86_400 + _AFTERNOON),
        }
    )


def write_off_line(world: World) -> pa.Table:
    """`cw_xzmx`: which lines of the bill a write-off settled."""
    heads, lines = books.write_offs(world)
    rows = take(heads, lines["head"])
    return pa.table(
        {
            "XZLSH": join("X", _numbers(rows["student"], rows["turn"])),
            "XMDM": pick(ITEM_COLUMNS, lines["item"]),
            "JFLB": pick(_PERIODS, lines["item"] * 0),
            "XH": student_numbers(world, rows["student"]),
            "XN": _year(rows["student"]),
            "XZJE": money(lines["fen"]),
        }
    )


def voided_payment(world: World) -> pa.Table:
    """`cw_sfzfls`: voided before posting (no 撤单流水号), and corrections of what had been posted."""
    parts = [
        _voided(world, books.voided_before(world), books.DOUBLED, 0),
        _voided(world, books.mistaken(world), books.CORRECTION, 0, books.MISTAKE),
        *(_voided(world, books.slips(world, day), books.SLIP, 1) for day in range(1, world.day)),
    ]
    return pa.concat_tables(parts).combine_chunks()


def realtime_payment(world: World) -> pa.Table:
    """`cw_sfssls`: what came in after hours: payments that are posted tomorrow, and slips that are voided tomorrow."""
    parts = [
        _ledger_row(world, books.pending(world), LAST_PAYMENT),
        _ledger_row(world, books.slips(world, world.day), books.SLIP),
    ]
    return pa.concat_tables(parts).combine_chunks()


def collection_batch(world: World) -> pa.Table:
    """`cw_dkpc`: the batches sent so far with their totals."""
    lines = books.collections(world)
    sent = [(position, batch) for position, batch in enumerate(books.BATCHES, 1) if batch.sent <= world.day]
    at = np.array([position for position, _ in sent], np.int64)
    total = {
        name: np.bincount(lines["batch"], lines[name], len(books.BATCHES) + 1)[at].astype(np.int64) for name in ("sent", "fen")
    }
    days = {
        name: np.array([epoch(date_of(getattr(batch, name))) for _, batch in sent], np.int64)
        for name in ("sent", "due", "returned")
    }
    back = np.array([batch.returned <= world.day for _, batch in sent], np.bool_)
    return pa.table(
        {
            "PCH": _batches(at),
            "SPRQ": compact(days["sent"]),
            "YHPRQ": compact(days["due"]),
            "HPRQ": where(back, compact(days["returned"]), None),
            "SPBS": pa.array(np.bincount(lines["batch"], minlength=len(books.BATCHES) + 1)[at].astype(np.int32)),
            "SPJE": money(total["sent"]),
            "CGJE": money(total["fen"]),
            "SJSJ": times(np.full(len(at), epoch(date_of(world.day)) * 86_400 + _AFTERNOON)),
        }
    )


def collection_line(world: World) -> pa.Table:
    """`cw_dkmx`: what was asked of the bank for each student, and its answer."""
    rows = books.collections(world)
    answer = where(rows["fen"] > 0, "00", "99")
    return pa.table(
        {
            "PCH": _batches(rows["batch"]),
            "XH": student_numbers(world, rows["student"]),
            "XN": _year(rows["student"]),
            "SPJE": money(rows["sent"]),
            "HPJG": where(rows["answered"] == 1, answer, None),
            "CGJE": money(rows["fen"]),
        }
    )


def year_close(world: World) -> pa.Table:
    """`cw_ndjz`: the close of the school year before."""
    rows = earlier_fees(world)
    return pa.table(
        {
            "XH": student_numbers(world, rows["student"]),
            "XN": number(np.full(len(rows["student"]), INTAKE - 1), 4),
            "QFJE": money(rows["outstanding"]),
            "SQQF": money(rows["outstanding"]),
            "BQSJ": money(rows["outstanding"] * 0),
            "JZRQ": compact(np.full(len(rows["student"]), books.CLOSED_ON)),
        }
    )


def _numbers(student: Ints, turn: Ints) -> Text:
    """The numbers of the posted ledger."""
    return text(word(str(INTAKE), len(student)), digits(student, 7), digits(turn, 1))


def _year(rows: Ints) -> Text:
    return number(np.full(len(rows), INTAKE), 4)


def _standards(grid: Ints) -> Text:
    return number(INTAKE % 100 * 100 + grid, 4)


def _batches(position: Ints) -> Text:
    return pick([None, *(f"DK{batch.number}" for batch in books.BATCHES)], position)


def _amounts(rows: Frame) -> dict[str, Text]:
    outstanding = rows["receivable"] - rows["relief"] - rows["received"]
    return {
        "YSJE": money(rows["receivable"]),
        "JMJE": money(rows["relief"]),
        "SSJE": money(rows["received"]),
        "QFJE": money(outstanding),
    }


def _ledger_row(world: World, rows: Frame, turn: int) -> pa.Table:
    return pa.table(
        {
            "LSH": _numbers(rows["student"], rows["student"] * 0 + turn),
            "XH": student_numbers(world, rows["student"]),
            "XN": _year(rows["student"]),
            "JFRQ": compact(rows["on"]),
            "SSJE": money(rows["fen"]),
            "SFYDM": number(rows["student"] % 12 + 1, 3),
        }
    )


def _voided(world: World, rows: Frame, turn: int, later: int, cancels: int = 0) -> pa.Table:
    """Rows of the voided ledger, voided `later` days after they were entered."""
    table = _ledger_row(world, rows, turn)
    cancelled = _numbers(rows["student"], rows["student"] * 0 + cancels)
    none = pa.nulls(len(cancelled), pa.string())
    table = table.add_column(5, "CDLSH", cancelled if cancels else none)
    return table.add_column(6, "ZFRQ", compact(rows["on"] + later))


DATASETS: Datasets = {
    "finance.fee_item": fee_item,
    "finance.fee_standard": fee_standard,
    "finance.student_account": student_account,
    "finance.account_fund": account_fund,
    "finance.fund_change": fund_change,
    "finance.bill": bill,
    "finance.bill_line": bill_line,
    "finance.write_off": write_off,
    "finance.write_off_line": write_off_line,
    "finance.voided_payment": voided_payment,
    "finance.realtime_payment": realtime_payment,
    "finance.collection_batch": collection_batch,
    "finance.collection_line": collection_line,
    "finance.year_close": year_close,
}
_OF_STUDENTS = (
    "student_account", "account_fund", "fund_change", "bill", "bill_line", "write_off", "write_off_line",
    "voided_payment", "realtime_payment", "collection_line", "year_close",
)  # fmt: skip
WAITS: Waits = {"student": tuple((f"finance.{name}", "XH", name, "student_no.reference") for name in _OF_STUDENTS)}
