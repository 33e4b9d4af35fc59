"""The welcome system: the batch of new undergraduates, Chinese words for states, a time of arrival once they have come."""

from __future__ import annotations

import pyarrow as pa

from campus.generate.arrival import build_welcome
from campus.render.base import Datasets, Waits
from campus.simulate.arrays import build_timestamps, choose_texts, format_digits, join_bytes, pick_texts, repeat_text
from campus.simulate.people import format_known_staff, format_student_numbers
from campus.simulate.world import NEVER, World

FEES = ("", "未缴费", "已缴清", "免缴", "部分缴费")
CHANNELS = ("无", "待审", "通过", "不通过")


def render_arrival(world: World) -> pa.Table:
    """`yx_xsbd`: one row a new undergraduate."""
    rows = build_welcome(world)
    here = rows["arrived"] < NEVER
    count = len(here)
    return pa.table(
        {
            "PCH": join_bytes(repeat_text("YX", count), format_digits(rows["entry"], 4)),
            "XH": format_student_numbers(world, rows["student"]),
            "BDSJ": build_timestamps(rows["at"], ~here),
            "TZSYS": choose_texts(here, "是", "否"),
            "XYKFF": choose_texts(here, "Y", "N"),
            "JFHJ": pick_texts(FEES, rows["fee"]),
            "LSTD": pick_texts(CHANNELS, rows["green"]),
            "SHR": format_known_staff(world, rows["reviewer"]),
            "XSCJG": choose_texts(rows["supervised"] == 1, "1", "0"),
        }
    )


DATASETS: Datasets = {"welcome.arrival": render_arrival}
WAITS: Waits = {"student": (("welcome.arrival", "XH", "welcome_checkin", "student_no.reference"),)}
