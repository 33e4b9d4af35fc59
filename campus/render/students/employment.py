"""The employment office: last summer's graduates, whose destinations are settled, and the next cohort as it registers.

Words for codes, `2027届`, days as `2026/11/03`. Who registers confirms the place of origin (SJGXLC14/2) and is `待就业` until
something is signed.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from campus.render.base import Datasets, Waits
from campus.simulate.arrays import (
    Bools,
    Ints,
    Text,
    choose_texts,
    format_digits,
    format_iso_dates,
    join_bytes,
    join_texts,
    kernels,
    pick_texts,
    take_rows,
)
from campus.simulate.lists import MAJORS, REGIONS
from campus.simulate.people import format_regions, format_student_numbers
from campus.simulate.world import FIRST_DAY, INTAKE, NEVER, World, date_of, epoch_day, is_present, make_generator

Shares = npt.NDArray[np.float64]
_TODAY = epoch_day(FIRST_DAY)
_WAITING = "待就业"
_DESTINATIONS = ("签约就业", "升学", "出国出境", "灵活就业", "基层项目")
_OFTEN = (0.58, 0.8, 0.84, 0.97)
_EMPLOYERS = (
    ("示范食品股份有限公司", "民营企业"),
    ("华中机械集团有限公司", "国企"),
    ("东方软件技术有限公司", "民营企业"),
    ("示范市人民医院", "医院"),
    ("示范市第三中学", "中小学"),
    ("海岳电子(中国)有限公司", "外资企业"),
    ("黄河建筑设计院有限公司", "国企"),
    ("示范市税务局", "机关"),
)
_UNIVERSITIES = ("郑北大学", "江南理工大学", "北方工业大学", "滨海师范大学")


def render_graduate_result(world: World) -> pa.Table:
    """`jy_byqx`: one row a registered graduate."""
    students = world.students
    numbers = make_generator(world.seed, 220)
    early, later, signing, way, employer = (numbers.random(len(students["entry"])) for _ in range(5))
    last_year = students["entry"] + np.array([major.years for major in MAJORS])[students["major"]]
    old = last_year <= INTAKE
    registered = np.where(
        old, _TODAY - 300 + (later * 200).astype(np.int64),
        np.where(early < 0.5, _TODAY - 80 + (later * 80).astype(np.int64), _TODAY + 1 + (later * 260).astype(np.int64)),
    )  # fmt: skip
    signed = np.where(signing < 0.95, registered + 10 + (signing * 100).astype(np.int64), NEVER)
    today = epoch_day(date_of(world.day))
    due = (students["from_day"] == 1) & ((students["billed"] == 1) | old) & (last_year <= INTAKE + 1)
    rows = np.flatnonzero(due & (registered <= today) & is_present(students, world.day))
    people = take_rows(students, rows)
    settled = signed[rows] <= today
    choice = np.searchsorted(_OFTEN, way[rows])
    names, kinds = _choose_employers(choice, employer[rows])
    reviewed = registered[rows] + 1 + people["house"] % 5
    with_somebody = settled & (choice != 3)
    return pa.table(
        {
            "XH": format_student_numbers(world, rows),
            "JB": join_texts(join_bytes(format_digits(last_year[rows], 4)), "届"),
            "BYQX": choose_texts(settled, pick_texts(_DESTINATIONS, choice), _WAITING),
            "LSFS": choose_texts(settled & (choice == 0), pick_texts(["应聘", "定向", "应聘"], people["house"] % 3), None),
            "JSDW": choose_texts(with_somebody, names, None),
            "DWSZD": choose_texts(with_somebody & (choice != 2), pick_texts(REGIONS, people["account"] % len(REGIONS)), None),
            "DWXZ": choose_texts(with_somebody, kinds, None),
            "SYDM": format_regions(people),
            "SYQRRQ": _format_slashed(registered[rows]),
            "DJRQ": _format_slashed(registered[rows]),
            "SHZT": choose_texts(reviewed <= today, "已审核", "待审核"),
            "SHRQ": choose_texts(reviewed <= today, _format_slashed(reviewed), None),
        }
    )


def _choose_employers(choice: Ints, drawn: Shares) -> tuple[Text, Text]:
    """Name and kind of who takes a graduate: an employer, a university at home or abroad, a village programme."""
    names, kinds = zip(*_EMPLOYERS, strict=True)
    at = (drawn * len(names)).astype(np.int64)
    university = (drawn * len(_UNIVERSITIES)).astype(np.int64)
    studies: Bools = choice == 1
    abroad, serves = choice == 2, choice == 4
    name = choose_texts(
        studies,
        pick_texts(_UNIVERSITIES, university),
        choose_texts(abroad, "海外高校", choose_texts(serves, "西部计划项目办", pick_texts(names, at))),
    )
    return name, choose_texts(studies, "高校", choose_texts(abroad | serves, None, pick_texts(kinds, at)))


def _format_slashed(days: Ints) -> Text:
    return cast(Text, kernels.replace_substring(format_iso_dates(days), "-", "/"))


DATASETS: Datasets = {"employment.graduate_result": render_graduate_result}
WAITS: Waits = {"student": (("employment.graduate_result", "XH", "employment", "student_no.reference"),)}
