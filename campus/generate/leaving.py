"""The seven steps of leaving (YWLC05): the cohort of 2026 until that of 2027 is opened two weeks before its leaving day."""

from __future__ import annotations

import numpy as np

from campus.generate.days import is_graduating
from campus.generate.library import compute_return_days, has_card
from campus.generate.money import is_owing
from campus.generate.past import find_states
from campus.simulate.arrays import Bools, Frame, Ints, take_rows
from campus.simulate.lists import MAJORS
from campus.simulate.world import (
    FIRST_DAY,
    GRADUATED,
    IN_SCHOOL,
    INTAKE,
    NEVER,
    RESUMED,
    World,
    epoch_day,
    is_present,
    make_generator,
)
from campus.simulate.year import LEAVING, LEAVING_OPENS, LEFT_BEFORE

STEPS = ("student_card", "textbook", "library", "finance", "household", "dormitory", "certificates")
PENDING, CLEARED, NOT_APPLICABLE, BLOCKED = 0, 1, 2, 3


def build_clearances(world: World) -> Frame:
    """One row a leaver: cohort, and of every step its state (`<step>`) and the day on which it was done (`<step>_on`)."""
    earlier = world.day < LEAVING - LEAVING_OPENS
    leaving = LEFT_BEFORE if earlier else LEAVING
    rows = np.flatnonzero(_is_leaver(world, earlier))
    days = _draw_step_days(world, leaving, earlier, rows)
    skipped = {"household": rows % 3 != 0, "dormitory": world.students["boarding"][rows] != 2}
    frame: Frame = {"student": rows, "cohort": np.full(len(rows), INTAKE if earlier else INTAKE + 1, np.int64)}
    first = leaving - LEAVING_OPENS
    debt, latest, stuck = _has_debt(world, earlier)[rows], np.full(len(rows), first), np.zeros(len(rows), np.bool_)
    for step, day in days.items():
        done = day <= world.day
        state = np.where(done, CLEARED, BLOCKED if step == "library" else PENDING)
        if step == "finance":
            state, done = np.where(debt, BLOCKED, state), done & ~debt
        state = np.where(skipped.get(step, False), NOT_APPLICABLE, state)
        frame |= {step: state, f"{step}_on": np.where(state == CLEARED, day, NEVER)}
        latest = np.maximum(latest, np.where(state == CLEARED, day, first))
        stuck |= ~np.isin(state, [CLEARED, NOT_APPLICABLE])
    handed = np.where(stuck, NEVER, np.maximum(latest, leaving - rows % 2))
    done = handed <= world.day
    return frame | {"certificates": done.astype(np.int64), "certificates_on": np.where(done, handed, NEVER)}


def _is_leaver(world: World, earlier: bool) -> Bools:
    students = world.students
    here = is_present(students, world.day) & (students["from_day"] == 1)
    if earlier:
        years = np.array([major.years for major in MAJORS])[students["major"]]
        return np.asarray(here & (students["state"] == GRADUATED) & (students["entry"] + years == INTAKE))
    state = find_states(world, LEAVING - LEAVING_OPENS)
    return np.asarray(here & is_graduating(world) & np.isin(state, [IN_SCHOOL, RESUMED]))


def _draw_step_days(world: World, leaving: int, earlier: bool, rows: Ints) -> dict[str, Ints]:
    """The days on which the six steps before the certificates are done. Textbooks are settled for all at once (YWLC05/2);
    the library's step comes from the library, on the day on which books and card are back (YWLC05/3)."""
    share = make_generator(world.seed, 330 + earlier).random((3, len(world.students["plan"])))[:, rows]
    first = leaving - LEAVING_OPENS
    settled = world.students["settled"][rows]
    people = take_rows(world.students, rows)
    back = compute_return_days(people) - epoch_day(FIRST_DAY) + 1
    library = np.where(has_card(people), NEVER, first) if earlier else np.maximum(first, back)
    return {
        "student_card": leaving - 1 - (share[0] * 10).astype(np.int64),
        "textbook": np.full(len(rows), leaving - 10),
        "library": library,
        "finance": np.maximum(first, settled) if not earlier else np.full(len(rows), first),
        "household": leaving - 1 - (share[1] * 8).astype(np.int64),
        "dormitory": leaving - (share[2] * 3).astype(np.int64),
    }


def _has_debt(world: World, earlier: bool) -> Bools:
    """Who owes for the year before, or for this one."""
    students = world.students
    old = (students["earlier"] == 2) & (students["billed_before"] == 1)
    return np.asarray(old if earlier else old | is_owing(students))
