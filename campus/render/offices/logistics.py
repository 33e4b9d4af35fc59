"""The logistics group's list of new students' beds: full-width digits in building names, 号 behind beds, slashes in dates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from campus.render.base import Datasets, Keys, Upload, Uploads, Waits
from campus.simulate.arrays import (
    Ints,
    Text,
    choose_texts,
    encode_dates,
    format_digits,
    format_numbers,
    join_bytes,
    join_texts,
    pick_texts,
    rank_in_groups,
    repeat_text,
    take_rows,
)
from campus.simulate.people import format_names, format_student_numbers
from campus.simulate.world import FIRST_DAY, INTAKE, World, epoch_day, is_present, make_generator

_BEDS, _ROOMS, _FLOORS = 4, 30, 6
_FULL_WIDTH = tuple("０１２３４５６７８９")
_REPORT = epoch_day(FIRST_DAY) - 2
"""New students report on the two days before the first (2026-09-05 and 06)."""


def render_dorm_allocation(world: World) -> pa.Table:
    """Boarders of the latest intake, men and women in houses of their own. Beds are kept for those who come later."""
    students = world.students
    boarders = np.flatnonzero((students["entry"] == INTAKE) & (students["boarding"] == 2))
    sex = students["sex"][boarders]
    order = make_generator(world.seed, 410).permutation(len(boarders))
    place = np.empty(len(boarders), np.int64)
    place[order] = rank_in_groups(sex[order])
    here = is_present(students, world.day)[boarders]
    rows, place, sex = boarders[here], place[here], sex[here]
    room = place // _BEDS
    floor = room // _ROOMS % _FLOORS + 1
    building = room // (_ROOMS * _FLOORS) * 2 + sex  # odd numbers for men
    arrived = students["from_day"][rows]
    moved_in = np.where(arrived > 1, epoch_day(FIRST_DAY) + arrived - 1, _REPORT + rows % 2)
    left = _find_leaving_days(world)[rows]
    return pa.table(
        {
            "学号": format_student_numbers(world, rows),
            "姓名": format_names(take_rows(students, rows)),
            "楼号": join_texts(*(pick_texts(_FULL_WIDTH, building // power % 10) for power in (100, 10, 1)), "号楼"),
            "房间": format_numbers(floor * 100 + room % _ROOMS + 1, 3),
            "床位": join_texts(format_numbers(place % _BEDS + 1, 1), "号"),
            "入住日期": _format_slashed(moved_in),
            "迁出日期": choose_texts(left > 0, _format_slashed(left), None),
        }
    )


def _find_leaving_days(world: World) -> Ints:
    """The day (since 1970-01-01) on which each student withdrew, 0 for all others."""
    days = np.zeros(len(world.students["state"]), np.int64)
    withdrawn = world.changes["code"] == 31
    days[world.changes["student"][withdrawn]] = world.changes["on"][withdrawn]
    return days


def _format_slashed(days: Ints) -> Text:
    figures, slash = format_digits(encode_dates(days), 8), repeat_text("/", len(days))
    return join_bytes(figures[:, :4], slash, figures[:, 4:6], slash, figures[:, 6:])


def name_dorm_file(world: World) -> Upload:
    """One file a year."""
    return Upload(f"宿舍分配{INTAKE}.csv")


def _build_key(row: Mapping[str, Any]) -> str:
    return str(row["学号"])


DATASETS: Datasets = {"logistics.dorm_allocation": render_dorm_allocation}
UPLOADS: Uploads = {"logistics.dorm_allocation": name_dorm_file}
KEYS: Keys = {"dorm_allocation": _build_key}
WAITS: Waits = {"student": (("logistics.dorm_allocation", "学号", "dorm_allocation", "student_no.reference"),)}
