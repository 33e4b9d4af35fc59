"""The academic affairs office's timetable: terms, the course catalogue, teaching sections, and who has selected which.

Terms are 3 and 12, as the vendor numbers them; student numbers are padded; the office names a new teacher some days after
one has left. In the first two weeks students still add and withdraw; who is suspended or leaves is taken off the lists.
Sections and lists are those of one term: the spring's take the autumn's place on the day on which its check-in begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from campus.render.base import Datasets, Keys, Waits
from campus.simulate.arrays import (
    Frame,
    Ints,
    Text,
    build_timestamps,
    choose_texts,
    format_compact_dates,
    format_digits,
    format_numbers,
    join_bytes,
    join_texts,
    pick_texts,
)
from campus.simulate.lists import COLLEGES, UNITS
from campus.simulate.people import find_major_units, format_staff_numbers, format_student_numbers, format_unit_codes
from campus.simulate.world import FIRST_DAY, IN_POST, IN_SCHOOL, INTAKE, RESUMED, World, epoch_day, is_present, make_generator
from campus.simulate.year import AUTUMN, SPRING, TERMS, Term

Draws = npt.NDArray[np.float64]
PREFIX = "D"
SUBJECTS = ("导论", "原理", "实验", "课程设计", "专业英语", "前沿讲座", "综合实践", "案例分析", "基础", "方法论")
KINDS = ("必修课", "必修课", "实践环节", "实践环节", "限选课", "任选课", "实践环节", "限选课", "必修课", "通识选修课")
VENDOR_TERMS = {"1": "3", "2": "12", "3": "16"}
STUDENTS_A_SECTION = 20
"""So that 30,000 students make some 1,500 sections; on average a section has twice as many on its list."""
SELECTED, ADDED = 0, 1
_SUMMER_BREAK = 60
_TODAY = epoch_day(FIRST_DAY)


def render_term(world: World) -> pa.Table:
    """`xnxqb`: the terms around today; the current one is the last that has started."""
    started = [item for item in TERMS if item.first <= world.day] or [TERMS[0]]
    first, last = (np.array([getattr(item, side) for item in TERMS]) + _TODAY - 1 for side in ("first", "last"))
    return pa.table(
        {
            "XN": pa.array([item.school_year for item in TERMS]),
            "XQ": pa.array([VENDOR_TERMS[item.code] for item in TERMS]),
            "XNXQMC": pa.array([f"{item.school_year}学年第{item.code}学期" for item in TERMS]),
            "KSRQ": format_compact_dates(first),
            "JSRQ": format_compact_dates(last),
            "DQXQ": pa.array(["Y" if item == started[-1] else "N" for item in TERMS]),
        }
    )


def _find_current_term(world: World) -> Term:
    """The term whose sections and lists the office keeps."""
    return SPRING if world.day >= SPRING.checkin.first else AUTUMN


def render_course(world: World) -> pa.Table:
    """`kcxxb`: ten courses of every college."""
    units = np.repeat(np.arange(1, COLLEGES + 1), len(SUBJECTS))
    kinds = np.tile(np.arange(len(SUBJECTS)), COLLEGES)
    titles = [unit.name.removesuffix("学院") for unit in UNITS]
    return pa.table(
        {
            "KCH": _format_course_numbers(units, kinds),
            "KCMC": join_texts(pick_texts(titles, units), pick_texts(SUBJECTS, kinds), choose_texts(kinds == 2, "  ", "")),
            "XF": pick_texts(["1.0", "2.0", "2.5", "3.0"], kinds % 4).cast(pa.decimal128(4, 1)),
            "ZXS": pa.array(16 * (1 + kinds % 4), pa.int32()),
            "KCSX": pick_texts(KINDS, kinds),
            "KKDW": format_unit_codes(units, PREFIX),
        }
    )


def render_course_section(world: World) -> pa.Table:
    """`jxbxxb`: the sections of the term; no teacher while the one named is not in post."""
    rows, current = _draw_sections(world), _find_current_term(world)
    units, teachers, count = rows["unit"], rows["teacher"], len(rows["unit"])
    staff = world.staff
    at = np.where(teachers < 0, 0, teachers)
    teaches = (teachers >= 0) & is_present(staff, world.day)[at] & (staff["state"][at] == IN_POST)
    titles = [unit.name.removesuffix("学院") for unit in UNITS]
    return pa.table(
        {
            "JXBH": _format_section_numbers(current, rows, np.arange(count)),
            "JXBMC": join_texts(
                pick_texts(titles, units), pick_texts(SUBJECTS, rows["kind"]), "(", format_numbers(rows["serial"], 2), "班)"
            ),
            "KCH": _format_course_numbers(units, rows["kind"]),
            "XN": pa.array([current.school_year] * count),
            "XQ": pa.array([VENDOR_TERMS[current.code]] * count),
            "RKJSGH": choose_texts(teaches, format_staff_numbers(world, at), None),
        }
    )


def render_course_selection(world: World) -> pa.Table:
    """`xsxkb`: two sections a student of the student's own college, for who is in school."""
    sections, students, current = _draw_sections(world), world.students, _find_current_term(world)
    drawn = make_generator(world.seed, 600).random((6, len(students["level"])))
    here = is_present(students, world.day) & (students["level"] >= 3)
    here &= (students["state"] == IN_SCHOOL) | (students["state"] == RESUMED)
    people = np.flatnonzero(here)
    units = find_major_units(students["major"][people])
    first = np.searchsorted(sections["unit"], units)
    count = np.searchsorted(sections["unit"], units, side="right") - first
    one = ((drawn[0][people] + (current == SPRING) / 2) % 1 * count).astype(np.int64)
    other = (one + 1 + (drawn[1][people] * (count - 1)).astype(np.int64)) % count
    chosen = np.concatenate([first + one, first + other])
    rows, turn = np.tile(people, 2), np.repeat([SELECTED, ADDED], len(people))
    since, begins = _draw_selection_days(current, students, rows, turn, drawn), current.registration.first
    until = np.where((turn == ADDED) & (drawn[3][rows] < 0.03), begins + 2 + (drawn[4][rows] * 10).astype(np.int64), 1 << 30)
    stands = np.flatnonzero((since <= world.day) & (until > world.day))
    rows, chosen, since = rows[stands], chosen[stands], since[stands]
    nature = np.searchsorted([0.97, 0.99], drawn[5][rows])
    moment = (_TODAY + since - 1) * 86_400 + 8 * 3600 + (drawn[5][rows] * 36_000).astype(np.int64)
    return pa.table(
        {
            "JXBH": _format_section_numbers(current, sections, chosen),
            "XH": pc.utf8_rpad(format_student_numbers(world, rows), 20, " "),
            "KSXZ": pick_texts(["正常", "重修", "免修"], nature),
            "XKSJ": build_timestamps(moment),
        }
    )


def _draw_selection_days(term: Term, students: Frame, rows: Ints, turn: Ints, drawn: Draws) -> Ints:
    """The day of each selection: before the summer (for the spring, by its check-in), newcomers when they come, and a few
    added in the first two weeks of registration."""
    late = (turn == ADDED) & (drawn[2][rows] < 0.04)
    before = np.where(students["entry"][rows] == INTAKE, 0, -_SUMMER_BREAK)
    usual = np.full(len(rows), SPRING.checkin.first) if term == SPRING else before
    chosen = np.where(late, term.registration.first + 1 + (drawn[2][rows] * 250).astype(np.int64), usual)
    return np.where(students["from_day"][rows] > 1, np.maximum(chosen, students["from_day"][rows]), chosen)


def _draw_sections(world: World) -> Frame:
    """Every section by college: `unit`, `kind` of course, `serial` within it, `teacher` (row of staff, -1 for none)."""
    staff = world.staff
    # By the size of the university, not by today's students: a section does not go because somebody changes majors.
    each = max(2, world.persons // (STUDENTS_A_SECTION * COLLEGES))
    units = np.repeat(np.arange(1, COLLEGES + 1), each)
    place = np.tile(np.arange(each), COLLEGES)
    able = np.flatnonzero((staff["category"] == 11) & (staff["from_day"] == 1) & (staff["state_first"] == IN_POST))
    able = able[np.argsort(staff["unit"][able], kind="stable")]
    first = np.searchsorted(staff["unit"][able], units)
    count = np.searchsorted(staff["unit"][able], units, side="right") - first
    share = make_generator(world.seed, 601).random(len(units))
    own = first + (share * count).astype(np.int64)
    teacher = np.where(count > 0, able[np.minimum(own, len(able) - 1)], -1)
    return {"unit": units, "kind": place % len(SUBJECTS), "serial": 1 + place // len(SUBJECTS), "teacher": teacher}


def _format_course_numbers(units: Ints, kinds: Ints) -> Text:
    return join_texts("K", join_bytes(format_digits(units, 2), format_digits(kinds + 1, 3)))


def _format_section_numbers(term: Term, sections: Frame, rows: Ints) -> Text:
    """School year, term, course and serial: `20261K03007-02`."""
    courses = _format_course_numbers(sections["unit"][rows], sections["kind"][rows])
    return join_texts(f"{INTAKE}{term.code}", courses, "-", format_numbers(sections["serial"][rows], 2))


def _build_key(row: Mapping[str, Any]) -> str:
    return f"{row['JXBH']}|{str(row['XH']).strip()}"


DATASETS: Datasets = {
    "academic.term": render_term,
    "academic.course": render_course,
    "academic.course_section": render_course_section,
    "academic.course_selection": render_course_selection,
}
KEYS: Keys = {"course_selection": _build_key}
WAITS: Waits = {"student": (("academic.course_selection", "XH", "course_selection", "student_no.reference"),)}
