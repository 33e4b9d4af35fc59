"""The days before day 1, back to the first of August: what had not happened yet is taken out of day 1's university.

Nothing is drawn here. Numbers, names and plans are those of day 1; status changes, posts, vouchers and new times of update
that lie after the day are undone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from campus.generate.days import is_graduating
from campus.simulate.arrays import Frame, Ints, take_rows
from campus.simulate.world import GRADUATED, IN_SCHOOL, INTAKE, SUSPENDED, World, date_of, epoch_day
from campus.simulate.year import LEAVING

_LONG_AGO = 200 * 86_400
_BEFORE = {11: IN_SCHOOL, 12: SUSPENDED, 31: IN_SCHOOL}
"""What a student was before a suspension, a return, a withdrawal (JY/XJYDLB)."""


def rewind_world(first: World, day: int) -> World:
    """The university at the close of a day before day 1."""
    today = epoch_day(date_of(day))
    students = first.students | {"state": find_states(first, day), "updated": _rewind_updates(first.students, today)}
    new = students["entry"] == INTAKE
    entered = (epoch_day(date_of(1)) + students["since"] - 1) * 86_400 + 9 * 3600 + np.arange(len(new)) % 28_800
    students["updated"] = np.where(new, np.maximum(students["updated"], entered), students["updated"])
    posts = take_rows(first.posts, first.posts["start"] <= today)
    return replace(
        first,
        day=day,
        students=students,
        staff=first.staff | {"updated": _rewind_updates(first.staff, today)},
        posts=posts | {"updated": _rewind_updates(posts, today)},
        changes=take_rows(first.changes, first.changes["on"] <= today),
        vouchers=take_rows(first.vouchers, first.vouchers["on"] <= today),
    )


def find_states(world: World, day: int) -> Ints:
    """The state of every student at the close of `day`, which is not after the world's own day."""
    state = world.students["state"].copy()
    if day < LEAVING <= world.day:
        state[(state == GRADUATED) & is_graduating(world)] = IN_SCHOOL
    later = np.flatnonzero((world.changes["on"] > epoch_day(date_of(day))) & np.isin(world.changes["code"], list(_BEFORE)))
    newest_first = later[np.argsort(-world.changes["on"][later], kind="stable")]
    # Of several changes of one student the oldest is assigned last and stays.
    before = np.array([_BEFORE.get(code, 0) for code in range(max(_BEFORE) + 1)])
    state[world.changes["student"][newest_first]] = before[world.changes["code"][newest_first]]
    return state


def _rewind_updates(frame: Frame, today: int) -> Ints:
    """Times of update; those that lie after the day become those of an update before."""
    return np.where(frame["updated"] >= (today + 1) * 86_400, frame["updated"] - _LONG_AGO, frame["updated"])
