"""The card system on MariaDB: cards and purchases, sums in whole fen, times as fourteen digits."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from campus.generate.cards import FORMAL, cards, transactions
from campus.render.base import Datasets, Waits
from campus.simulate.arrays import Frame, Ints, Text, compact, digits, iso, pick, text, times, where, word, ymd
from campus.simulate.people import staff_numbers, student_numbers
from campus.simulate.world import FIRST_DAY, NEVER, World, epoch

KINDS = ("", "临时卡", "正式卡")
STATES = ("", "正常", "挂失", "冻结", "注销", "回收")
MERCHANTS = (
    ("S001", "第一食堂", "东校区"),
    ("S002", "第二食堂", "东校区"),
    ("S003", "清真食堂", "西校区"),
    ("S101", "教育超市", "西校区"),
    ("S201", "浴室", "东校区"),
    ("S301", "图书馆文印", "东校区"),
)


def card(world: World) -> pa.Table:
    """`ykt_kxx`: every card that was ever made for those who are known."""
    rows = cards(world)
    issued, back = rows["issued"] < NEVER, rows["recovered"] < NEVER
    return pa.table(
        {
            "KH": _card_numbers(rows["holder"], rows["kind"], rows["of_staff"]),
            "KLX": pick(KINDS, rows["kind"]),
            "XGH": _holders(world, rows),
            "KPZT": pick(STATES, rows["state"]),
            "YXRQ": compact(_date(rows["ends"])),
            "FFRQ": where(issued, iso(_date(np.where(issued, rows["issued"], 1))), None),
            "HSRQ": where(back, iso(_date(np.where(back, rows["recovered"], 1))), None),
            "KNYE": pa.array(rows["fen"], pa.int64()),
        }
    )


def card_transaction(world: World) -> pa.Table:
    """`ykt_jyls`: the purchases of two weeks, never changed; `RZSJ` is the time at which the terminal handed them over."""
    rows = transactions(world)
    count = len(rows["student"])
    codes, titles, places = zip(*MERCHANTS, strict=True)
    at = _date(rows["day"]) * 86_400 + rows["second"]
    clock = rows["second"] // 3600 * 10_000 + rows["second"] // 60 % 60 * 100 + rows["second"] % 60
    formal = np.full(count, FORMAL, np.int64)
    return pa.table(
        {
            "JYLSH": text(digits(ymd(_date(rows["day"])), 8), digits(rows["student"], 7)),
            "KH": _card_numbers(rows["student"], formal, np.zeros(count, np.int64)),
            "XGH": student_numbers(world, rows["student"]),
            "JYSJ": text(digits(ymd(_date(rows["day"])), 8), digits(clock, 6)),
            "JYJE": pa.array(rows["fen"], pa.int64()),
            "SHDM": pick(codes, rows["merchant"]),
            "SHMC": pick(titles, rows["merchant"]),
            "JYDD": pick(places, rows["merchant"]),
            "RZSJ": times(at + 90),
        }
    )


def _holders(world: World, rows: Frame) -> Text:
    of_staff = rows["of_staff"] == 1
    staff = staff_numbers(world, np.where(of_staff, rows["holder"], 0))
    return where(of_staff, staff, student_numbers(world, np.where(of_staff, 0, rows["holder"])))


def _card_numbers(holders: Ints, kind: Ints, of_staff: Ints) -> Text:
    series = np.where(kind == FORMAL, 60 + of_staff, 90)
    return text(digits(series, 2), word("00", len(holders)), digits(holders, 8))


def _date(days: Ints) -> Ints:
    return epoch(FIRST_DAY) + days - 1


DATASETS: Datasets = {
    "campus_card.card": card,
    "campus_card.card_transaction": card_transaction,
}
WAITS: Waits = {
    parent: (
        ("campus_card.card", "XGH", "card", "holder_known"),
        ("campus_card.card_transaction", "XGH", "card_transaction", "card_no.reference"),
    )
    for parent in ("student", "staff")
}
