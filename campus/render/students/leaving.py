"""The leaving system: one row a leaver, and for each of the seven steps a word, a date and who set it (YWLC05)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from campus.generate.leaving import CLEARED, NOT_APPLICABLE, STEPS, build_clearances
from campus.render.base import Datasets, Waits
from campus.simulate.arrays import Text, build_dates, choose_texts, format_digits, join_bytes, pick_texts, repeat_text
from campus.simulate.people import format_known_staff, format_student_numbers
from campus.simulate.world import FIRST_DAY, NEVER, World, epoch_day

WORDS = ("未办", "已办", "不需办理", "暂不能办")
COLUMNS = {
    "student_card": "XSZ",
    "textbook": "JCF",
    "library": "TS",
    "finance": "CW",
    "household": "HK",
    "dormitory": "SS",
    "certificates": "ZS",
}
AUTOMATIC = ("library", "finance")
"""Steps that an interface sets, not a person (YWLC05/3, YWLC05/4)."""


def render_clearance(world: World) -> pa.Table:
    """`lx_hjb`: batch, number, and `<step>ZT`, `<step>RQ`, `<step>CZR` for each step; `JCFPL` says that it was set in bulk."""
    rows = build_clearances(world)
    count = len(rows["student"])
    cells: dict[str, Text] = {
        "PCH": join_bytes(repeat_text("LX", count), format_digits(rows["cohort"], 4)),
        "XH": format_student_numbers(world, rows["student"]),
    }
    for position, step in enumerate(STEPS):
        done = rows[step] == CLEARED
        name = COLUMNS[step]
        day = np.where(rows[f"{step}_on"] < NEVER, rows[f"{step}_on"], 1)
        clerk = format_known_staff(
            world, np.where(done, (rows["student"] % 3 + position) % max(1, len(world.staff["unit"]) // 4), -1)
        )
        cells[f"{name}ZT"] = pick_texts(WORDS, rows[step])
        cells[f"{name}RQ"] = build_dates(epoch_day(FIRST_DAY) + day - 1, ~done)
        cells[f"{name}CZR"] = choose_texts(done, "接口", None) if step in AUTOMATIC else clerk
        if step == "household":
            cells["HKZR"] = choose_texts(rows[step] == NOT_APPLICABLE, "N", "Y")
        if step == "textbook":
            cells["JCFPL"] = choose_texts(done, "Y", "N")
    return pa.table(cells)


DATASETS: Datasets = {"leaving.clearance": render_clearance}
WAITS: Waits = {"student": (("leaving.clearance", "XH", "leaving_clearance", "student_no.reference"),)}
