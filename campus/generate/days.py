"""What one more day changes: people come, move, leave, call from a new number, change their status, pay and graduate.

A change touches its own rows only, and only those get a new time of update, as a window read expects.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from campus.generate import books, money
from campus.simulate.arrays import Bools, Frame, Ints
from campus.simulate.lists import COLLEGES, DEPUTY, MAJORS
from campus.simulate.world import (
    GRADUATED,
    IN_POST,
    IN_SCHOOL,
    INTAKE,
    LEFT,
    RESUMED,
    RETIRED,
    SUSPENDED,
    WITHDRAWN,
    World,
    date_of,
    draw_office_hours,
    epoch_day,
    is_present,
    make_generator,
)
from campus.simulate.year import LEAVING, LOANS_PAID

_LIVELY = 30
_CHANGE_CODES = (11, 12, 31, 23)
"""JY/XJYDLB: suspended, returned, withdrawn, moved to another major."""


def advance_day(before: World, day: int) -> World:
    """The world at the close of `day`, from that of the day before; the old one stays as it was."""
    numbers = make_generator(before.seed, 100, day)
    after = replace(
        before,
        day=day,
        students={name: column.copy() for name, column in before.students.items()},
        staff={name: column.copy() for name, column in before.staff.items()},
        posts={name: column.copy() for name, column in before.posts.items()},
    )
    for frame in (after.students, after.staff):
        _change_phones(frame, day, numbers)
        arrived = frame["from_day"] == day
        frame["updated"][arrived] = draw_office_hours(day, int(arrived.sum()), numbers)
    posts = _move_staff(after, numbers)
    _remove_people(after, numbers)
    changes = _change_statuses(after, numbers)
    _post_payments(after)
    books.exchange_batches(after)
    _pay_late(after, numbers)
    _pay_loans(after)
    _graduate_students(after)
    return replace(
        after,
        posts=_append_rows(after.posts, posts),
        changes=_append_rows(after.changes, changes),
        vouchers=_append_rows(after.vouchers, _draw_vouchers(after, numbers)),
    )


def _draw_share(rows: Ints, share: float, numbers: np.random.Generator, day: int) -> Ints:
    """A share of the rows. Up to day `_LIVELY` at least one where there is one, so that every day has changes of each kind.

    Later a quarter of the share, by chance: a year of lively days would empty a small university.
    """
    count = max(1, round(len(rows) * share)) if day <= _LIVELY else int(numbers.binomial(len(rows), share / 4))
    return np.sort(numbers.choice(rows, min(len(rows), count), replace=False))


def _change_phones(frame: Frame, day: int, numbers: np.random.Generator) -> None:
    rows = _draw_share(np.flatnonzero(is_present(frame, day) & (frame["from_day"] < day)), 0.003, numbers, day)
    frame["mobile"][rows] = numbers.integers(13_000_000_000, 20_000_000_000, len(rows))
    frame["updated"][rows] = draw_office_hours(day, len(rows), numbers)


def _move_staff(world: World, numbers: np.random.Generator) -> Frame:
    """Moves between colleges, people who leave, and new offices; returns the posts that begin."""
    staff, posts, today = world.staff, world.posts, epoch_day(date_of(world.day))
    settled = (staff["from_day"] < world.day) & (staff["state"] == IN_POST)
    moved = _draw_share(np.flatnonzero(settled & (staff["unit"] <= COLLEGES)), 0.001, numbers, world.day)
    staff["unit"][moved] = staff["unit"][moved] % COLLEGES + 1
    leavers = np.flatnonzero(settled & (np.arange(len(settled)) >= len(settled) // 4))
    left = np.setdiff1d(_draw_share(leavers, 0.0005, numbers, world.day), moved)
    staff["state"][left] = numbers.choice([LEFT, RETIRED], len(left))
    touched = np.concatenate([moved, left])
    staff["updated"][touched] = draw_office_hours(world.day, len(touched), numbers)
    held = (posts["end"] == 0) & ~((posts["kind"] == 1) & (posts["rank"] == DEPUTY))  # a deputy secretary is the college's
    arriving = staff["from_day"][posts["staff"]] == world.day
    of_moved, of_left = held & np.isin(posts["staff"], moved), held & np.isin(posts["staff"], left)
    posts["unit"][of_moved] = staff["unit"][posts["staff"][of_moved]]
    posts["end"][of_left] = today
    renewed = of_moved | of_left | arriving
    posts["updated"][renewed] = draw_office_hours(world.day, int(renewed.sum()), numbers)
    promoted = _draw_share(np.setdiff1d(np.flatnonzero(settled), touched), 0.0005, numbers, world.day)
    return {
        "staff": promoted,
        "kind": np.ones(len(promoted), np.int64),
        "rank": numbers.integers(0, 3, len(promoted)),
        "start": np.full(len(promoted), today),
        "end": np.zeros(len(promoted), np.int64),
        "unit": staff["unit"][promoted],
        "updated": draw_office_hours(world.day, len(promoted), numbers),
    }


def _remove_people(world: World, numbers: np.random.Generator) -> None:
    """Rows that their department deletes: people who had retired or withdrawn long ago and have nothing else open."""
    staff, students = world.staff, world.students
    for frame, closed in (
        (staff, staff["state_first"] == RETIRED),
        (students, (students["state"] == WITHDRAWN) & (students["billed"] == 0)),
    ):
        rows = np.flatnonzero(closed & is_present(frame, world.day))
        frame["gone_day"][_draw_share(rows, 0.01, numbers, world.day)] = world.day


def _change_statuses(world: World, numbers: np.random.Generator) -> Frame:
    """Suspensions, returns, withdrawals and changes of major, one a student."""
    students = world.students
    here = is_present(students, world.day) & (students["from_day"] < world.day)
    suspended, returned = (
        _draw_share(np.flatnonzero(here & (students["state"] == IN_SCHOOL)), 0.0004, numbers, world.day),
        _draw_share(np.flatnonzero(here & (students["state"] == SUSPENDED)), 0.01, numbers, world.day),
    )
    quiet = here & (students["state"] == IN_SCHOOL) & ~np.isin(np.arange(len(here)), suspended)
    withdrawn = _draw_share(np.flatnonzero(quiet), 0.0001, numbers, world.day)
    movers = np.flatnonzero(quiet & (students["level"] == 3))
    moved = _draw_share(np.setdiff1d(movers, withdrawn), 0.0002, numbers, world.day)
    rows = np.concatenate([suspended, returned, withdrawn, moved])
    code = np.repeat(_CHANGE_CODES, [len(suspended), len(returned), len(withdrawn), len(moved)])
    before = {name: students[name][rows].copy() for name in ("major", "class")}
    for group, state in ((suspended, SUSPENDED), (returned, RESUMED), (withdrawn, WITHDRAWN)):
        students["state"][group] = state
    _change_major(world, moved)
    unit = np.array([major.unit for major in MAJORS])
    return {
        "student": rows,
        "code": code,
        "on": np.full(len(rows), epoch_day(date_of(world.day))),
        "reason": numbers.integers(1, 10, len(rows)),
        "from_unit": unit[before["major"]],
        "to_unit": unit[students["major"][rows]],
        "from_major": before["major"],
        "to_major": students["major"][rows],
        "from_class": before["class"],
        "to_class": students["class"][rows],
    }


def _change_major(world: World, rows: Ints) -> None:
    """Move students into the first class of the same year in another bachelor's major."""
    students, classes = world.students, world.classes
    bachelor = np.array([major.level == 3 for major in MAJORS])
    for entry in np.unique(students["entry"][rows]):
        group = rows[students["entry"][rows] == entry]
        possible = np.flatnonzero((classes["entry"] == entry) & (classes["number"] == 1) & bachelor[classes["major"]])
        target = possible[group % len(possible)]
        same = classes["major"][target] == students["major"][group]
        target[same] = possible[(group[same] + 1) % len(possible)]
        students["class"][group], students["major"][group] = target, classes["major"][target]


def _post_payments(world: World) -> None:
    """What was paid after hours yesterday is posted in the morning."""
    world.students["settled"][world.students["pending"] == world.day - 1] = world.day


def _pay_late(world: World, numbers: np.random.Generator) -> None:
    """Some of those who owe for this year pay all of it, a third of them after hours; nobody whose bill is with the bank."""
    owing = is_present(world.students, world.day) & (world.students["from_day"] < world.day) & money.is_owing(world.students)
    rows = _draw_share(np.flatnonzero(owing & ~books.is_with_bank(world)), 0.02, numbers, world.day)
    late = rows % 3 == 0
    world.students["settled"][rows[~late]] = world.day
    world.students["pending"][rows[late]] = world.day


def _pay_loans(world: World) -> None:
    """The bank pays what students with a loan owe, all on one day."""
    if world.day == LOANS_PAID:
        students = world.students
        borrowed = (students["plan"] == money.LOAN) & (students["billed"] == 1) & (students["settled"] == 0)
        students["settled"][borrowed & is_present(students, world.day)] = world.day


def _graduate_students(world: World) -> None:
    """On the leaving day those whose years are over graduate, but for a few who need longer."""
    if world.day == LEAVING:
        students = world.students
        ready = is_present(students, world.day) & is_graduating(world) & np.isin(students["state"], [IN_SCHOOL, RESUMED])
        students["state"][ready] = GRADUATED
        students["updated"][ready] = epoch_day(date_of(world.day)) * 86_400 + 9 * 3600 + np.flatnonzero(ready) % 28_800


def is_graduating(world: World) -> Bools:
    """Whose years of training end in this school year; one in fifty of them needs longer."""
    years = np.array([major.years for major in MAJORS])[world.students["major"]]
    slow = make_generator(world.seed, 300).random(len(years)) < 0.02
    return np.asarray((world.students["entry"] + years == INTAKE + 1) & ~slow)


def _draw_vouchers(world: World, numbers: np.random.Generator) -> Frame:
    people = np.flatnonzero((world.staff["state"] == IN_POST) & (world.staff["from_day"] < world.day))
    rows = numbers.choice(people, 1 + len(people) // 200)
    today = np.full(len(rows), epoch_day(date_of(world.day)))
    return {"staff": rows, "fen": numbers.integers(5_000, 2_000_000, len(rows)), "on": today}


def _append_rows(frame: Frame, more: Frame) -> Frame:
    return {name: np.concatenate([column, more[name]]) for name, column in frame.items()}
