"""Cards and what is bought with them (YWLC02, YWLC03): temporary cards for those who come, formal ones two months later."""

from __future__ import annotations

import numpy as np

from campus.generate.arrival import draw_arrival_days
from campus.generate.past import find_states
from campus.simulate.arrays import Frame, Ints, take_rows
from campus.simulate.lists import MAJORS
from campus.simulate.world import (
    GRADUATED,
    IN_SCHOOL,
    INTAKE,
    LEFT,
    NEVER,
    RESUMED,
    SUSPENDED,
    WITHDRAWN,
    World,
    is_present,
    make_generator,
)
from campus.simulate.year import CARDS_ISSUED, CARDS_READY, REPORT, TERMS

TEMPORARY, FORMAL = 1, 2
VALID, LOST, FROZEN, CANCELLED, RECOVERED = 1, 2, 3, 4, 5
KEPT_DAYS = 14
"""Days of transactions that the card system keeps at hand."""
_BALANCES = (500, 30_000)


def build_cards(world: World) -> Frame:
    """Every card: holder (row), `of_staff`, kind, state, days of issue, recovery and end, balance in fen."""
    parts = [_build_temporary(world), _build_formal(world), _build_staff_cards(world)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _draw_formal_days(world: World) -> Ints:
    """The day on which a new student gets the formal card: within 60 to 90 days of arrival (YWLC02/6)."""
    students, spread = world.students, np.arange(len(world.students["plan"])) % (CARDS_ISSUED.last - CARDS_ISSUED.first + 1)
    return np.where(students["from_day"] > 1, students["from_day"] + 60 + spread, CARDS_ISSUED.first + spread)


def _build_temporary(world: World) -> Frame:
    """Cards of new students: frozen in the college until handed over, taken back when the formal card is given out."""
    students, day = world.students, world.day
    ready = np.where(students["from_day"] > 1, students["from_day"], CARDS_READY)
    rows = np.flatnonzero(is_present(students, day) & (students["entry"] == INTAKE) & (ready <= day))
    arrived = draw_arrival_days(world)[rows]
    formal = np.where(arrived < NEVER, np.maximum(_draw_formal_days(world)[rows], arrived), CARDS_ISSUED.last)
    back, issued = formal <= day, arrived <= day
    left = np.isin(students["state"][rows], [WITHDRAWN, GRADUATED])
    state = np.select([back, left, ~issued], [RECOVERED, CANCELLED, FROZEN], VALID)
    return {
        "holder": rows,
        "of_staff": np.zeros(len(rows), np.int64),
        "kind": np.full(len(rows), TEMPORARY, np.int64),
        "state": state,
        "issued": np.where(issued, arrived, NEVER),
        "recovered": np.where(back, formal, NEVER),
        "ends": np.maximum(CARDS_ISSUED.last, formal),
        "fen": np.where(issued & ~back, 2_000 + rows * 31 % 9_000, 0),
    }


def _build_formal(world: World) -> Frame:
    students, day = world.students, world.day
    new = students["entry"] == INTAKE
    coming = np.maximum(_draw_formal_days(world), draw_arrival_days(world))
    made = np.where(
        students["from_day"] > 1, coming, np.maximum(CARDS_ISSUED.first, draw_arrival_days(world))
    )  # T+60 (YWLC02/5)
    has = is_present(students, day) & np.where(new, made <= day, students["from_day"] == 1)
    rows = np.flatnonzero(has)
    years = np.array([major.years for major in MAJORS])[students["major"][rows]]
    first = REPORT.first + 75 - 365 * (INTAKE - students["entry"][rows])
    state = students["state"][rows]
    ended = np.isin(state, [WITHDRAWN, GRADUATED])
    lowest, highest = _BALANCES
    waiting = new[rows] & (coming[rows] > day)
    moved = is_spender(world, rows) & np.isin(state, [IN_SCHOOL, RESUMED])
    return {
        "holder": rows,
        "of_staff": np.zeros(len(rows), np.int64),
        "kind": np.full(len(rows), FORMAL, np.int64),
        "state": np.select([ended, waiting, rows % 397 == 0], [CANCELLED, FROZEN, LOST], VALID),
        "issued": np.where(waiting, NEVER, np.where(new[rows], coming[rows], first)),
        "recovered": np.full(len(rows), NEVER, np.int64),
        "ends": -38 + 365 * (students["entry"][rows] + years - INTAKE),
        "fen": np.where(ended, 0, lowest + (rows * 7_919 + np.where(moved, day * 137, 0)) % (highest - lowest)),
    }


def _build_staff_cards(world: World) -> Frame:
    staff = world.staff
    rows = np.flatnonzero(is_present(staff, world.day))
    since = np.minimum(
        np.where(staff["from_day"] > 1, staff["from_day"], -400 - np.arange(len(staff["unit"])) % 900)[rows], world.day
    )
    return {
        "holder": rows,
        "of_staff": np.ones(len(rows), np.int64),
        "kind": np.full(len(rows), FORMAL, np.int64),
        "state": np.select([staff["state"][rows] == LEFT, rows % 389 == 0], [CANCELLED, LOST], VALID),
        "issued": since,
        "recovered": np.full(len(rows), NEVER, np.int64),
        "ends": np.full(len(rows), 5 * 365, np.int64),
        "fen": np.where(staff["state"][rows] == LEFT, 0, 1_000 + rows * 6_113 % 40_000),
    }


def is_spender(world: World, rows: Ints) -> np.typing.NDArray[np.bool_]:
    """The tenth of the older students whose purchases are drawn."""
    students = world.students
    old = (students["entry"][rows] < INTAKE) & (students["from_day"][rows] == 1)
    return np.asarray(old & (rows % 10 == 3) & (rows % 397 != 0))


def build_transactions(world: World) -> Frame:
    """Purchases of the last two weeks: student (row), day, second of the day, fen, merchant (index)."""
    parts = [_draw_purchases(world, day) for day in range(world.day - KEPT_DAYS + 1, world.day + 1)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _draw_purchases(world: World, day: int) -> Frame:
    """One purchase by most spenders on a day of term and by few in the breaks."""
    numbers = make_generator(world.seed, 340, day + 10_000)
    everybody = np.arange(len(world.students["plan"]))
    draw, fen, second, merchant = numbers.random((4, len(everybody)))
    in_term = any(term.checkin.first <= day <= term.last for term in TERMS)
    there = is_present(world.students, world.day) & np.isin(find_states(world, day), [IN_SCHOOL, RESUMED, SUSPENDED])
    rows = np.flatnonzero(is_spender(world, everybody) & there & (draw < (0.9 if in_term else 0.08)))
    whole = {
        "fen": 200 + (fen * 3_000).astype(np.int64),
        "second": 7 * 3600 + (second * 13 * 3600).astype(np.int64),
        "merchant": (merchant * 6).astype(np.int64),
    }
    return {"student": rows, "day": np.full(len(rows), day, np.int64)} | take_rows(whole, rows)
