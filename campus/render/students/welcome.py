"""The welcome system: the batch of new undergraduates, Chinese words for states, a time of arrival once they have come."""

from __future__ import annotations

import pyarrow as pa

from campus.generate.arrival import welcome
from campus.render.base import Datasets, Waits
from campus.simulate.arrays import digits, pick, text, times, where, word
from campus.simulate.people import some_staff, student_numbers
from campus.simulate.world import NEVER, World

FEES = ("", "未缴费", "已缴清", "免缴", "部分缴费")
CHANNELS = ("无", "待审", "通过", "不通过")


def arrival(world: World) -> pa.Table:
    """`yx_xsbd`: one row a new undergraduate."""
    rows = welcome(world)
    here = rows["arrived"] < NEVER
    count = len(here)
    return pa.table(
        {
            "PCH": text(word("YX", count), digits(rows["entry"], 4)),
            "XH": student_numbers(world, rows["student"]),
            "BDSJ": times(rows["at"], ~here),
            "TZSYS": where(here, "是", "否"),
            "XYKFF": where(here, "Y", "N"),
            "JFHJ": pick(FEES, rows["fee"]),
            "LSTD": pick(CHANNELS, rows["green"]),
            "SHR": some_staff(world, rows["reviewer"]),
            "XSCJG": where(rows["supervised"] == 1, "1", "0"),
        }
    )


DATASETS: Datasets = {"welcome.arrival": arrival}
WAITS: Waits = {"student": (("welcome.arrival", "XH", "welcome_checkin", "student_no.reference"),)}
