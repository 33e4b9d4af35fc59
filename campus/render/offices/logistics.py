"""The logistics group's list of new students' beds: full-width digits in building names, 号 behind beds, slashes in dates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from campus.render.base import Datasets, Keys, Upload, Uploads, Waits
from campus.simulate.arrays import Ints, Text, digits, join, number, pick, ranked, take, text, where, word, ymd
from campus.simulate.people import names, student_numbers
from campus.simulate.world import FIRST_DAY, INTAKE, World, epoch, present, random

_BEDS, _ROOMS, _FLOORS = 4, 30, 6
_FULL_WIDTH = tuple("０１２３４５６７８９")
_REPORT = epoch(FIRST_DAY) - 2
"""New students report on the two days before the first (2026-09-05 and 06)."""


def dorm_allocation(world: World) -> pa.Table:
    """Boarders of the latest intake, men and women in houses of their own. Beds are kept for those who come later."""
    students = world.students
    boarders = np.flatnonzero((students["entry"] == INTAKE) & (students["boarding"] == 2))
    sex = students["sex"][boarders]
    order = random(world.seed, 410).permutation(len(boarders))
    place = np.empty(len(boarders), np.int64)
    place[order] = ranked(sex[order])
    here = present(students, world.day)[boarders]
    rows, place, sex = boarders[here], place[here], sex[here]
    room = place // _BEDS
    floor = room // _ROOMS % _FLOORS + 1
    building = room // (_ROOMS * _FLOORS) * 2 + sex  # odd numbers for men
    arrived = students["from_day"][rows]
    moved_in = np.where(arrived > 1, epoch(FIRST_DAY) + arrived - 1, _REPORT + rows % 2)
    left = _left(world)[rows]
    return pa.table(
        {
            "学号": student_numbers(world, rows),
            "姓名": names(take(students, rows)),
            "楼号": join(*(pick(_FULL_WIDTH, building // power % 10) for power in (100, 10, 1)), "号楼"),
            "房间": number(floor * 100 + room % _ROOMS + 1, 3),
            "床位": join(number(place % _BEDS + 1, 1), "号"),
            "入住日期": _slashed(moved_in),
            "迁出日期": where(left > 0, _slashed(left), None),
        }
    )


def _left(world: World) -> Ints:
    """The day (since 1970-01-01) on which each student withdrew, 0 for all others."""
    days = np.zeros(len(world.students["state"]), np.int64)
    withdrawn = world.changes["code"] == 31
    days[world.changes["student"][withdrawn]] = world.changes["on"][withdrawn]
    return days


def _slashed(days: Ints) -> Text:
    figures, slash = digits(ymd(days), 8), word("/", len(days))
    return text(figures[:, :4], slash, figures[:, 4:6], slash, figures[:, 6:])


def dorm_file(world: World) -> Upload:
    """One file a year."""
    return Upload(f"宿舍分配{INTAKE}.csv")


def _key(row: Mapping[str, Any]) -> str:
    return str(row["学号"])


DATASETS: Datasets = {"logistics.dorm_allocation": dorm_allocation}
UPLOADS: Uploads = {"logistics.dorm_allocation": dorm_file}
KEYS: Keys = {"dorm_allocation": _key}
WAITS: Waits = {"student": (("logistics.dorm_allocation", "学号", "dorm_allocation", "student_no.reference"),)}
