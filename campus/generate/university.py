"""Day 1: the people, classes, posts and status changes of a university of any size, from a seed.

Sizes follow a provincial university: 92 % students, a tenth of them postgraduates, 8 % staff. Everything is drawn
column by column; a million persons take seconds.
"""

from __future__ import annotations

import numpy as np

from campus.generate import days, past
from campus.generate.people import link_doctoral_staff
from campus.simulate.arrays import Frame, Ints, encode_dates, rank_in_groups
from campus.simulate.lists import (
    COLLEGES,
    DEPUTY,
    DOT_NAMES,
    GIVEN,
    MAJORS,
    OFFICES,
    POSTGRADUATE,
    REGIONS,
    SURNAMES,
    UNDERGRADUATE,
)
from campus.simulate.people import DOTTED, NORMAL, RARE_CHARACTER, find_deputies
from campus.simulate.world import (
    ALWAYS,
    FIRST_DAY,
    GRADUATED,
    HORIZON,
    IN_POST,
    IN_SCHOOL,
    INTAKE,
    NEVER,
    RESUMED,
    RETIRED,
    SUSPENDED,
    WITHDRAWN,
    World,
    epoch_day,
    make_generator,
)
from campus.simulate.year import NUMBERED

_CLASS_SIZE = 35
_TODAY = epoch_day(FIRST_DAY)
_YEAR = 365.2425
_REACHED: dict[tuple[int, int, int | None], World] = {}
"""The last world of each start that was asked for, so that a year of days is walked once. Worlds are never changed."""
_KEPT = 2
_TUITION = np.array([0, 1_000_000, 800_000, 440_000, 370_000])
"""Fen a year by level of training (index: JY/PYCC), before what the major adds."""


def build_world(persons: int, seed: int = 7, day: int = 1, staff: int | None = None) -> World:
    """The university of `persons` people at the close of `day`. The same arguments give the same university.

    Days from -36 (2026-08-01, before the new students have numbers) to 328 (2027-07-31) make a school year. `staff` fixes how
    many are staff, default 8 %.
    """
    start = (persons, seed, staff)
    there = _REACHED.pop(start, None)
    if there is None or there.day > max(day, 1):
        there = _build_first_day(persons, seed, staff)
    while there.day < day:
        there = days.advance_day(there, there.day + 1)
    if len(_REACHED) == _KEPT:
        _REACHED.pop(next(iter(_REACHED)))
    _REACHED[start] = there
    return past.rewind_world(there, day) if day < 1 else there


def _build_first_day(persons: int, seed: int, staff: int | None) -> World:
    employees = max(20, round(persons * 0.08)) if staff is None else staff
    people = persons - employees
    staff_frame = _draw_staff(employees, make_generator(seed, 1))
    students = _draw_students(people, len(staff_frame["unit"]), make_generator(seed, 2))
    _number_identities(students, staff_frame)
    link_doctoral_staff(students, staff_frame, make_generator(seed, 500))
    classes = _build_classes(students, staff_frame, make_generator(seed, 3))
    return World(
        seed=seed,
        persons=persons,
        day=1,
        students=students,
        staff=staff_frame,
        classes=classes,
        posts=_build_posts(staff_frame, make_generator(seed, 4)),
        changes=_draw_changes(students, make_generator(seed, 5)),
        vouchers=_draw_vouchers(staff_frame, make_generator(seed, 6)),
    )


def count_newcomers(count: int) -> int:
    """How many of `count` people join on every day after the first."""
    return 1 + count // 20_000


def _draw_arrivals(count: int) -> Ints:
    daily = count_newcomers(count)
    return np.concatenate([np.ones(count, np.int64), np.repeat(np.arange(2, HORIZON + 1), daily)])


def _draw_persons(rows: int, numbers: np.random.Generator) -> Frame:
    """What students and staff share: name, sex, home region, ethnicity, phone, time of the last change."""
    share = numbers.random(rows)
    style = np.select([share < 0.006, share < 0.009], [DOTTED, RARE_CHARACTER], NORMAL).astype(np.int64)
    short = (numbers.random(rows) < 0.25) & (style != RARE_CHARACTER)
    ethnicity = np.where(numbers.random(rows) < 0.93, 1, numbers.integers(2, 57, rows))
    return {
        "style": style,
        "surname": np.where(
            style == DOTTED, numbers.integers(0, len(DOT_NAMES), rows), numbers.integers(0, len(SURNAMES), rows)
        ),
        "given": numbers.integers(0, len(GIVEN), rows),
        "second": np.where(short, -1, numbers.integers(0, len(GIVEN), rows)),
        "sex": numbers.integers(1, 3, rows),
        "region": numbers.integers(0, len(REGIONS), rows),
        "ethnicity": np.where(style == DOTTED, 5, ethnicity),
        "mobile": numbers.integers(13_000_000_000, 20_000_000_000, rows),
        "updated": numbers.integers((_TODAY - 190) * 86_400, _TODAY * 86_400, rows),
        "gone_day": np.full(rows, NEVER, np.int64),
        "account": numbers.integers(0, 10**12, rows),
        "house": numbers.integers(1, 2000, rows),
    }


def _draw_students(count: int, staff: int, numbers: np.random.Generator) -> Frame:
    from_day = _draw_arrivals(count)
    rows = len(from_day)
    graduate = numbers.random(rows) < 0.1
    major = np.where(
        graduate,
        len(UNDERGRADUATE) + numbers.integers(0, len(POSTGRADUATE), rows),
        numbers.integers(0, len(UNDERGRADUATE), rows),
    )
    level = np.array([item.level for item in MAJORS])[major]
    years = np.array([item.years for item in MAJORS])[major]
    age_of_cohort = np.searchsorted([0.27, 0.53, 0.77, 0.97], numbers.random(rows))
    cohort = np.minimum(age_of_cohort, years)
    cohort[from_day > 1] = 0
    share = np.where(cohort > 0, numbers.random(rows), 1.0)
    state = np.select(
        [cohort == years, share < 0.002, share < 0.012, share < 0.016],
        [GRADUATED, WITHDRAWN, SUSPENDED, RESUMED],
        IN_SCHOOL,
    ).astype(np.int64)
    state[from_day > 1] = IN_SCHOOL
    entry = INTAKE - cohort
    age = np.where(graduate, numbers.integers(22, 28, rows), 18) * _YEAR + numbers.integers(0, 500, rows)
    intake = (entry.astype(str).astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64) + 243
    return _draw_persons(rows, numbers) | {
        "from_day": from_day,
        "since": np.where(from_day > 1, from_day, np.where(entry == INTAKE, NUMBERED, ALWAYS)),
        "major": major,
        "level": level,
        "entry": entry,
        "birth": (intake - age).astype(np.int64),
        "state": state,
        "political": np.array([1, 2, 3, 13])[np.searchsorted([0.04, 0.08, 0.85], numbers.random(rows))],
        "boarding": np.where(numbers.random(rows) < 0.04, 1, 2),
        "foreign": (numbers.random(rows) < 0.003).astype(np.int64) * numbers.integers(1, 4, rows),
        "tuition": _TUITION[level] + 10_000 * (major % 13),
        "supervisor": numbers.integers(0, max(1, staff // 4), rows),
        "plan": np.searchsorted([0.15, 0.22, 0.27, 0.87, 0.93, 0.96, 0.98], numbers.random(rows)),
        "reduced": (numbers.random(rows) < 0.03).astype(np.int64),
        "settled": np.zeros(rows, np.int64),
        "pending": np.zeros(rows, np.int64),
        "sent": np.zeros(rows, np.int64),
        "earlier": np.searchsorted([0.85, 0.97], numbers.random(rows)),
        "paid_after": numbers.integers(0, 17, rows),
        "billed": np.isin(state, [IN_SCHOOL, SUSPENDED, RESUMED]).astype(np.int64),
        "billed_before": ((entry <= INTAKE - 2) & (state != WITHDRAWN)).astype(np.int64),
    }


def _draw_staff(count: int, numbers: np.random.Generator) -> Frame:
    from_day = _draw_arrivals(count)
    rows = len(from_day)
    age = numbers.integers(26 * 365, 59 * 365, rows)
    served = np.minimum(numbers.integers(30, 30 * 365, rows), age - 24 * 365)
    college = numbers.random(rows) < 0.65
    share = numbers.random(rows)
    retired = (share < 0.02) & (from_day == 1)
    # The first quarter supervises and tutors, so it is in post and stays.
    retired[: rows // 4] = False
    college[: rows // 4] = True
    category = np.where(college, np.where(share < 0.9, 11, 12), np.select([share < 0.7, share < 0.9], [13, 14], 12))
    category[: rows // 4] = 11
    joined = np.where(from_day > 1, _TODAY + from_day - 1, _TODAY - served)
    return _draw_persons(rows, numbers) | {
        "from_day": from_day,
        "since": np.where(np.arange(rows) < rows // 4, ALWAYS, joined - _TODAY + 1),
        "unit": np.where(college, numbers.integers(1, COLLEGES + 1, rows), COLLEGES + numbers.integers(1, OFFICES + 1, rows)),
        "birth": _TODAY - age,
        "joined": joined,
        "state": np.where(retired, RETIRED, IN_POST).astype(np.int64),
        "state_first": np.where(retired, RETIRED, IN_POST).astype(np.int64),
        "category": category,
        "education": np.array([11, 14, 21, 31])[np.searchsorted([0.45, 0.8, 0.97], numbers.random(rows))],
        "political": np.array([1, 5, 12, 13])[np.searchsorted([0.6, 0.65, 0.7], numbers.random(rows))],
        "agency": (numbers.random(rows) < 0.08).astype(np.int64),
        "rank": np.searchsorted([0.15, 0.5, 0.92], numbers.random(rows)),
        "salary": numbers.integers(350_000, 900_000, rows),
        "campus": numbers.integers(1, 4, rows),
    }


def _number_identities(students: Frame, staff: Frame) -> None:
    """Give everybody a sequence number that is unique with region and birth date and shows the sex."""
    sides = [(frame["region"], frame["birth"], frame["sex"]) for frame in (students, staff)]
    region, birth, sex = (np.concatenate(columns) for columns in zip(*sides, strict=True))
    rank = (rank_in_groups(region, birth, sex) + region * 37 + encode_dates(birth)) % 497
    sequence = 2 * rank + np.where(sex == 1, 1, 2)
    students["sequence"], staff["sequence"] = np.split(sequence, [len(students["region"])])


def _build_classes(students: Frame, staff: Frame, numbers: np.random.Generator) -> Frame:
    """Put every undergraduate into a class of his major and entry year; `students` gains the column `class`."""
    rows = np.flatnonzero(students["level"] >= 3)
    major, entry = students["major"][rows], students["entry"][rows]
    place = rank_in_groups(major, entry)
    size = max(_CLASS_SIZE, -(-int(place.max(initial=0) + 1) // 99))
    key = (entry * 1000 + major) * 100 + place // size
    keys, found = np.unique(key, return_inverse=True)
    students["class"] = np.full(len(students["level"]), -1, np.int64)
    students["class"][rows] = found
    first = np.full(len(keys), NEVER, np.int64)
    np.minimum.at(first, found, rows)
    leaders = max(1, len(staff["unit"]) // 4)
    return {
        "entry": keys // 100_000,
        "major": keys // 100 % 1000,
        "number": keys % 100 + 1,
        "monitor": np.where(students["from_day"][first] > 1, -1, first),
        "tutor": numbers.integers(0, leaders, len(keys)),
        "counsellor": numbers.integers(0, leaders, len(keys)),
    }


def _build_posts(staff: Frame, numbers: np.random.Generator) -> Frame:
    """A technical post for everyone in post, an earlier one for some, an office for a tenth, a deputy secretary a college."""
    held = np.flatnonzero(staff["state"] == IN_POST)
    before = held[numbers.random(len(held)) < 0.1]
    office = held[numbers.random(len(held)) < 0.1]
    since = staff["joined"][held] + (np.minimum(_TODAY, staff["joined"][held] + 3000) - staff["joined"][held]) // 2
    since = np.where(staff["from_day"][held] > 1, staff["joined"][held], since)
    parts: list[Frame] = [
        _build_post_rows(held, 2, staff["rank"][held], since, np.zeros(len(held), np.int64)),
        _build_post_rows(
            before, 2, np.minimum(staff["rank"][before] + 1, 3), staff["joined"][before] - 400, staff["joined"][before] - 100
        ),
        _build_post_rows(
            office, 1, numbers.integers(0, 3, len(office)), staff["joined"][office], np.zeros(len(office), np.int64)
        ),
    ]
    colleges = np.arange(1, COLLEGES + 1)
    rank, held_still = np.full(COLLEGES, DEPUTY), np.zeros(COLLEGES, np.int64)
    parts.append(_build_post_rows(find_deputies(staff, colleges), 1, rank, _TODAY - 400 - colleges, held_still))
    posts = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    unit = staff["unit"][posts["staff"]]
    unit[-COLLEGES:] = colleges
    return posts | {"unit": unit, "updated": staff["updated"][posts["staff"]]}


def _build_post_rows(staff: Ints, kind: int, rank: Ints, start: Ints, end: Ints) -> Frame:
    return {"staff": staff, "kind": np.full(len(staff), kind, np.int64), "rank": rank, "start": start, "end": end}


def _draw_changes(students: Frame, numbers: np.random.Generator) -> Frame:
    """The status change that explains each suspended, resumed or withdrawn student, and some changes of major."""
    codes = {SUSPENDED: 11, RESUMED: 12, WITHDRAWN: 31}
    moved = np.flatnonzero((numbers.random(len(students["state"])) < 0.01) & (students["state"] == IN_SCHOOL))
    moved = moved[(students["from_day"][moved] == 1) & (students["entry"][moved] < INTAKE)]
    groups = [(np.flatnonzero(students["state"] == state), code) for state, code in codes.items() if state != WITHDRAWN]
    groups.append((moved, 26))
    rows = np.concatenate([group for group, _ in groups])
    code = np.concatenate([np.full(len(group), number, np.int64) for group, number in groups])
    unit = np.array([major.unit for major in MAJORS])[students["major"][rows]]
    return {
        "student": rows,
        "code": code,
        "on": _TODAY - numbers.integers(20, 300, len(rows)),
        "reason": numbers.integers(1, 10, len(rows)),
        "from_unit": unit,
        "to_unit": unit,
        "from_major": students["major"][rows],
        "to_major": students["major"][rows],
        "from_class": students["class"][rows],
        "to_class": students["class"][rows],
    }


def _draw_vouchers(staff: Frame, numbers: np.random.Generator) -> Frame:
    people = np.flatnonzero((staff["state"] == IN_POST) & (staff["from_day"] == 1))
    rows = numbers.choice(people, len(people) // 2)
    return {
        "staff": rows,
        "fen": numbers.integers(5_000, 2_000_000, len(rows)),
        "on": _TODAY - numbers.integers(1, 240, len(rows)),
    }
