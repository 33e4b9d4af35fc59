"""The card system on MariaDB: cards and purchases, sums in whole fen, times as fourteen digits."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from campus.generate.cards import FORMAL, build_cards, build_transactions
from campus.render.base import Datasets, Waits
from campus.simulate.arrays import (
    Frame,
    Ints,
    Text,
    build_timestamps,
    choose_texts,
    encode_dates,
    format_compact_dates,
    format_digits,
    format_iso_dates,
    join_bytes,
    pick_texts,
    repeat_text,
)
from campus.simulate.people import format_staff_numbers, format_student_numbers
from campus.simulate.world import FIRST_DAY, NEVER, World, epoch_day

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


def render_card(world: World) -> pa.Table:
    """`ykt_kxx`: every card that was ever made for those who are known."""
    rows = build_cards(world)
    issued, back = rows["issued"] < NEVER, rows["recovered"] < NEVER
    return pa.table(
        {
            "KH": _format_card_numbers(rows["holder"], rows["kind"], rows["of_staff"]),
            "KLX": pick_texts(KINDS, rows["kind"]),
            "XGH": _format_holders(world, rows),
            "KPZT": pick_texts(STATES, rows["state"]),
            "YXRQ": format_compact_dates(_compute_epoch_days(rows["ends"])),
            "FFRQ": choose_texts(issued, format_iso_dates(_compute_epoch_days(np.where(issued, rows["issued"], 1))), None),
            "HSRQ": choose_texts(back, format_iso_dates(_compute_epoch_days(np.where(back, rows["recovered"], 1))), None),
            "KNYE": pa.array(rows["fen"], pa.int64()),
        }
    )


def render_card_transaction(world: World) -> pa.Table:
    """`ykt_jyls`: the purchases of two weeks, never changed; `RZSJ` is the time at which the terminal handed them over."""
    rows = build_transactions(world)
    count = len(rows["student"])
    codes, titles, places = zip(*MERCHANTS, strict=True)
    at = _compute_epoch_days(rows["day"]) * 86_400 + rows["second"]
    clock = rows["second"] // 3600 * 10_000 + rows["second"] // 60 % 60 * 100 + rows["second"] % 60
    formal = np.full(count, FORMAL, np.int64)
    return pa.table(
        {
            "JYLSH": join_bytes(
                format_digits(encode_dates(_compute_epoch_days(rows["day"])), 8), format_digits(rows["student"], 7)
            ),
            "KH": _format_card_numbers(rows["student"], formal, np.zeros(count, np.int64)),
            "XGH": format_student_numbers(world, rows["student"]),
            "JYSJ": join_bytes(format_digits(encode_dates(_compute_epoch_days(rows["day"])), 8), format_digits(clock, 6)),
            "JYJE": pa.array(rows["fen"], pa.int64()),
            "SHDM": pick_texts(codes, rows["merchant"]),
            "SHMC": pick_texts(titles, rows["merchant"]),
            "JYDD": pick_texts(places, rows["merchant"]),
            "RZSJ": build_timestamps(at + 90),
        }
    )


def _format_holders(world: World, rows: Frame) -> Text:
    of_staff = rows["of_staff"] == 1
    staff = format_staff_numbers(world, np.where(of_staff, rows["holder"], 0))
    return choose_texts(of_staff, staff, format_student_numbers(world, np.where(of_staff, 0, rows["holder"])))


def _format_card_numbers(holders: Ints, kind: Ints, of_staff: Ints) -> Text:
    series = np.where(kind == FORMAL, 60 + of_staff, 90)
    return join_bytes(format_digits(series, 2), repeat_text("00", len(holders)), format_digits(holders, 8))


def _compute_epoch_days(days: Ints) -> Ints:
    return epoch_day(FIRST_DAY) + days - 1


DATASETS: Datasets = {
    "campus_card.card": render_card,
    "campus_card.card_transaction": render_card_transaction,
}
WAITS: Waits = {
    parent: (
        ("campus_card.card", "XGH", "card", "holder_known"),
        ("campus_card.card_transaction", "XGH", "card_transaction", "card_no.reference"),
    )
    for parent in ("student", "staff")
}
