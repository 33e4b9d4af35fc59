"""The academic affairs office's system: dates as char(8), M and F, a D before unit codes, padded numbers, long remarks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from campus.render.base import Datasets, Waits
from campus.simulate.arrays import (
    Frame,
    Ints,
    build_timestamps,
    choose_texts,
    format_compact_dates,
    format_digits,
    format_numbers,
    join_bytes,
    join_texts,
    pick_texts,
    take_rows,
)
from campus.simulate.lists import CAMPUSES, UNDERGRADUATE, UNITS
from campus.simulate.people import (
    BULLET,
    find_major_units,
    format_accounts,
    format_addresses,
    format_class_numbers,
    format_grouped_mobiles,
    format_identities,
    format_known_staff,
    format_major_codes,
    format_names,
    format_places,
    format_regions,
    format_staff_numbers,
    format_student_numbers,
    format_unit_codes,
)
from campus.simulate.world import IN_POST, INTAKE, World, is_present
from campus.simulate.year import NUMBERED

PREFIX = "D"
STATES = {1: "在读", 2: "休学", 3: "退学", 5: "复学", 7: "毕业"}
CHANGES = {11: "休学", 12: "复学", 23: "转专业", 26: "转系", 31: "退学"}
COUNTRIES = ("156", "410", "764", "586")
"""China, and the countries of the rehearsal's foreign students, as numbers of GB/T 2659."""
_REMARK = '学生本人申请,经学院、教务处审核同意。\n附件:\t申请表、证明材料;依据"学籍管理规定"办理。'


def render_campus_area(world: World) -> pa.Table:
    """`xqxxb`: the campuses."""
    numbers, titles, addresses_, postcodes = zip(*CAMPUSES, strict=True)
    heads = np.arange(len(CAMPUSES))
    return pa.table(
        {
            "XQH": pa.array(numbers),
            "XQMC": pa.array(titles),
            "XQDZ": pa.array(addresses_),
            "XQYZBM": pa.array(postcodes),
            "XQLXDH": pa.array([f"0371-8660{row:04d}" for row in heads]),
            "XQFZRH": format_known_staff(world, heads),
        }
    )


def render_major(world: World) -> pa.Table:
    """`zyxxb`: undergraduate and junior-college majors."""
    return pa.table(
        {
            "ZYH": pa.array([item.code for item in UNDERGRADUATE]),
            "ZYM": pa.array([item.national for item in UNDERGRADUATE]),
            "ZYMC": pa.array([item.name for item in UNDERGRADUATE]),
            "DWH": format_unit_codes(np.array([item.unit for item in UNDERGRADUATE]), PREFIX),
            "PYCC": pa.array(["B" if item.level == 3 else "Z" for item in UNDERGRADUATE]),
            "XZ": pa.array([f"{item.years}.0" for item in UNDERGRADUATE]).cast(pa.decimal128(3, 1)),
            "XKMLM": pa.array([item.discipline or None for item in UNDERGRADUATE], pa.string()),
            "SFYX": pa.array(["Y"] * len(UNDERGRADUATE)),
        }
    )


def render_admin_class(world: World) -> pa.Table:
    """`bjxxb`: every class with its tutor, counsellor and monitor."""
    rows = np.flatnonzero((world.classes["entry"] < INTAKE) | (world.day >= NUMBERED))
    classes = take_rows(world.classes, rows)
    known = classes["monitor"] >= 0
    units = find_major_units(classes["major"])
    return pa.table(
        {
            "BH": format_class_numbers(world, rows),
            "BJMC": join_texts(
                pick_texts([unit.name.removesuffix("学院") for unit in UNITS], units),
                join_bytes(format_digits(classes["entry"], 4)), "级",
                join_bytes(format_digits(classes["number"], 2)), "班",
            ),
            "JBNY": join_texts(join_bytes(format_digits(classes["entry"], 4)), "09"),
            "SSNJ": join_bytes(format_digits(classes["entry"], 4)),
            "BZRGH": format_known_staff(world, classes["tutor"]),
            "FDYH": format_known_staff(world, classes["counsellor"]),
            "BZXH": choose_texts(known, format_student_numbers(world, np.where(known, classes["monitor"], 0)), None),
            "SSZYM": format_major_codes(classes["major"]),
            "SSYXM": format_unit_codes(units, PREFIX),
        }
    )  # fmt: skip


def _select_undergraduates(world: World) -> tuple[Ints, Frame]:
    rows = np.flatnonzero(is_present(world.students, world.day) & (world.students["level"] >= 3))
    return rows, take_rows(world.students, rows)


def render_student_record(world: World) -> pa.Table:
    """`xsxxb`: person and contact of undergraduates; `GXSJ` moves when a row changes."""
    rows, students = _select_undergraduates(world)
    numbers = format_student_numbers(world, rows)
    home, name = format_regions(students), format_names(students, BULLET)
    return pa.table(
        {
            "XH": numbers,
            "XM": choose_texts(students["house"] % 7 == 0, join_texts(name, "  "), name),
            "XBM": pick_texts(["", "M", "F"], students["sex"]),
            "CSRQ": format_compact_dates(students["birth"]),
            "CSDM": home,
            "JG": format_places(students),
            "MZM": choose_texts(students["foreign"] > 0, None, format_numbers(students["ethnicity"], 2)),
            "GJDQM": pick_texts(COUNTRIES, students["foreign"]),
            "SFZJLX": choose_texts(students["foreign"] > 0, "护照", "身份证"),
            "SFZJH": format_identities(students, small_x=4),
            "ZZMMM": format_numbers(students["political"], 2),
            "KSH": join_bytes(format_digits(students["entry"] % 100, 2), format_digits(students["account"], 12)),
            "BDH": format_numbers(rows, 8, "BD"),
            "RXFS": pa.array(["1"] * len(rows)),
            "LYDQM": home,
            "XSLYM": pa.array(["111"] * len(rows)),
            "JDFS": pick_texts(["", "走读", "住校"], students["boarding"]),
            "SYDM": home,
            "YXXMC": join_texts(format_places(students), "第一高级中学"),
            "YDDH": format_grouped_mobiles(students),
            "DZXX": join_texts(numbers, "@stu.example.edu.cn"),
            "YHKH": format_accounts(students),
            "JTZZ": format_addresses(students),
            "LXRXM": pick_texts(["张建国", "李秀英", "王志强", "刘玉兰"], students["house"] % 4),
            "LXRDH": format_numbers((students["account"] % 7_000_000_000) + 13_000_000_000, 11),
            "GXM": pick_texts(["51", "52"], students["house"] % 2),
            "GXSJ": build_timestamps(students["updated"]),
        }
    )


def render_status_record(world: World) -> pa.Table:
    """`xjxxb`: status of undergraduates, its student number padded to char(20)."""
    rows, students = _select_undergraduates(world)
    bachelor = students["level"] == 3
    entry = join_bytes(format_digits(students["entry"], 4))
    return pa.table(
        {
            "XH": pc.utf8_rpad(format_student_numbers(world, rows), 20, " "),
            "RXNY": join_texts(entry, "09"),
            "XSLB": choose_texts(bachelor, "普本", "普专"),
            "XZ": pc.if_else(pa.array(bachelor), _build_years("4.0"), _build_years("3.0")),
            "ZYH": format_major_codes(students["major"]),
            "GBZYM": pick_texts([item.national for item in UNDERGRADUATE], students["major"]),
            "YXDM": format_unit_codes(find_major_units(students["major"]), PREFIX),
            "BH": format_class_numbers(world, students["class"]),
            "NJ": entry,
            "XJZT": pick_texts([STATES.get(code) for code in range(8)], students["state"]),
            "PYCC": choose_texts(bachelor, "B", "Z"),
            "PYFS": pa.array(["11"] * len(rows)),
            "YJBYNY": join_texts(join_bytes(format_digits(students["entry"] + np.where(bachelor, 4, 3), 4)), "07"),
        }
    )


def render_status_change(world: World) -> pa.Table:
    """`xjydb`: status changes of undergraduates."""
    shown = is_present(world.students, world.day) & (world.students["level"] >= 3)
    changes = take_rows(world.changes, shown[world.changes["student"]])
    rows = changes["student"]
    return pa.table(
        {
            "XH": format_student_numbers(world, rows),
            "YDLB": pick_texts([CHANGES.get(code) for code in range(max(CHANGES) + 1)], changes["code"]),
            "YDRQ": format_compact_dates(changes["on"]),
            "YDYY": format_numbers(changes["reason"], 2),
            "SPRQ": format_compact_dates(changes["on"] - 3),
            "SPWH": join_texts(
                "学籍〔",
                join_bytes(format_digits(changes["on"] // 365 + 1970, 4)),
                "〕",
                format_numbers(rows % 10_000, 4),
                "号",
            ),
            "YYX": format_unit_codes(changes["from_unit"], PREFIX),
            "XYX": format_unit_codes(changes["to_unit"], PREFIX),
            "YZY": format_major_codes(changes["from_major"]),
            "XZY": format_major_codes(changes["to_major"]),
            "YBJ": format_class_numbers(world, changes["from_class"]),
            "XBJ": format_class_numbers(world, changes["to_class"]),
            "YDSM": choose_texts(rows % 7 == 0, _REMARK * 12, _REMARK),
        }
    )


AHEAD = 3
"""Days before HR has the record that the academic office enters a new teacher under the number that HR gave (SJGXLC01/5)."""


def render_teacher(world: World) -> pa.Table:
    """`jsxxb`: the teachers that timetables use, as entered by the academic office itself, new ones before HR shows them."""
    staff = world.staff
    entered = is_present(staff, world.day) | ((staff["from_day"] > world.day) & (staff["from_day"] <= world.day + AHEAD))
    teaching = (staff["category"] == 11) & (staff["state"] == IN_POST) & entered
    rows = np.flatnonzero(teaching)
    teachers = take_rows(staff, rows)
    name = format_names(teachers, BULLET)
    spelled = choose_texts(teachers["house"] % 7 == 0, join_texts(name, " "), name)
    return pa.table(
        {"GH": format_staff_numbers(world, rows), "XM": spelled, "SZDW": format_unit_codes(teachers["unit"], PREFIX)}
    )


def _build_years(value: str) -> pa.Scalar[Any]:
    return pa.scalar(value, pa.string()).cast(pa.decimal128(3, 1))


DATASETS: Datasets = {
    "academic.campus_area": render_campus_area,
    "academic.major": render_major,
    "academic.admin_class": render_admin_class,
    "academic.teacher": render_teacher,
    "academic.student_record": render_student_record,
    "academic.status_record": render_status_record,
    "academic.status_change": render_status_change,
}
WAITS: Waits = {
    "student": (
        ("academic.status_record", "XH", "student_status", "student_no.reference"),
        ("academic.status_change", "XH", "status_change", "student_no.reference"),
    ),
}
