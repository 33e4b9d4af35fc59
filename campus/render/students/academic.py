"""The academic affairs office's system: dates as char(8), M and F, a D before unit codes, padded numbers, long remarks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from campus.render.base import Datasets, Waits
from campus.simulate.arrays import Frame, Ints, compact, digits, join, number, pick, take, text, times, where
from campus.simulate.lists import CAMPUSES, UNDERGRADUATE, UNITS
from campus.simulate.people import (
    BULLET,
    accounts,
    addresses,
    class_numbers,
    grouped_mobiles,
    identities,
    major_codes,
    major_units,
    names,
    places,
    regions,
    some_staff,
    staff_numbers,
    student_numbers,
    unit_codes,
)
from campus.simulate.world import IN_POST, INTAKE, World, present
from campus.simulate.year import NUMBERED

PREFIX = "D"
STATES = {1: "在读", 2: "休学", 3: "退学", 5: "复学", 7: "毕业"}
CHANGES = {11: "休学", 12: "复学", 23: "转专业", 26: "转系", 31: "退学"}
COUNTRIES = ("156", "410", "764", "586")
"""China, and the countries of the rehearsal's foreign students, as numbers of GB/T 2659."""
_REMARK = '学生本人申请,经学院、教务处审核同意。\n附件:\t申请表、证明材料;依据"学籍管理规定"办理。'


def campus_area(world: World) -> pa.Table:
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
            "XQFZRH": some_staff(world, heads),
        }
    )


def major(world: World) -> pa.Table:
    """`zyxxb`: undergraduate and junior-college majors."""
    return pa.table(
        {
            "ZYH": pa.array([item.code for item in UNDERGRADUATE]),
            "ZYM": pa.array([item.national for item in UNDERGRADUATE]),
            "ZYMC": pa.array([item.name for item in UNDERGRADUATE]),
            "DWH": unit_codes(np.array([item.unit for item in UNDERGRADUATE]), PREFIX),
            "PYCC": pa.array(["B" if item.level == 3 else "Z" for item in UNDERGRADUATE]),
            "XZ": pa.array([f"{item.years}.0" for item in UNDERGRADUATE]).cast(pa.decimal128(3, 1)),
            "XKMLM": pa.array([item.discipline or None for item in UNDERGRADUATE], pa.string()),
            "SFYX": pa.array(["Y"] * len(UNDERGRADUATE)),
        }
    )


def admin_class(world: World) -> pa.Table:
    """`bjxxb`: every class with its tutor, counsellor and monitor."""
    rows = np.flatnonzero((world.classes["entry"] < INTAKE) | (world.day >= NUMBERED))
    classes = take(world.classes, rows)
    known = classes["monitor"] >= 0
    units = major_units(classes["major"])
    return pa.table(
        {
            "BH": class_numbers(world, rows),
            "BJMC": join(
                pick([unit.name.removesuffix("学院") for unit in UNITS], units), text(digits(classes["entry"], 4)), "级",
                text(digits(classes["number"], 2)), "班",
            ),
            "JBNY": join(text(digits(classes["entry"], 4)), "09"),
            "SSNJ": text(digits(classes["entry"], 4)),
            "BZRGH": some_staff(world, classes["tutor"]),
            "FDYH": some_staff(world, classes["counsellor"]),
            "BZXH": where(known, student_numbers(world, np.where(known, classes["monitor"], 0)), None),
            "SSZYM": major_codes(classes["major"]),
            "SSYXM": unit_codes(units, PREFIX),
        }
    )  # fmt: skip


def _undergraduates(world: World) -> tuple[Ints, Frame]:
    rows = np.flatnonzero(present(world.students, world.day) & (world.students["level"] >= 3))
    return rows, take(world.students, rows)


def student_record(world: World) -> pa.Table:
    """`xsxxb`: person and contact of undergraduates; `GXSJ` moves when a row changes."""
    rows, students = _undergraduates(world)
    numbers = student_numbers(world, rows)
    home, name = regions(students), names(students, BULLET)
    return pa.table(
        {
            "XH": numbers,
            "XM": where(students["house"] % 7 == 0, join(name, "  "), name),
            "XBM": pick(["", "M", "F"], students["sex"]),
            "CSRQ": compact(students["birth"]),
            "CSDM": home,
            "JG": places(students),
            "MZM": where(students["foreign"] > 0, None, number(students["ethnicity"], 2)),
            "GJDQM": pick(COUNTRIES, students["foreign"]),
            "SFZJLX": where(students["foreign"] > 0, "护照", "身份证"),
            "SFZJH": identities(students, small_x=4),
            "ZZMMM": number(students["political"], 2),
            "KSH": text(digits(students["entry"] % 100, 2), digits(students["account"], 12)),
            "BDH": number(rows, 8, "BD"),
            "RXFS": pa.array(["1"] * len(rows)),
            "LYDQM": home,
            "XSLYM": pa.array(["111"] * len(rows)),
            "JDFS": pick(["", "走读", "住校"], students["boarding"]),
            "SYDM": home,
            "YXXMC": join(places(students), "第一高级中学"),
            "YDDH": grouped_mobiles(students),
            "DZXX": join(numbers, "@stu.example.edu.cn"),
            "YHKH": accounts(students),
            "JTZZ": addresses(students),
            "LXRXM": pick(["张建国", "李秀英", "王志强", "刘玉兰"], students["house"] % 4),
            "LXRDH": number((students["account"] % 7_000_000_000) + 13_000_000_000, 11),
            "GXM": pick(["51", "52"], students["house"] % 2),
            "GXSJ": times(students["updated"]),
        }
    )


def status_record(world: World) -> pa.Table:
    """`xjxxb`: status of undergraduates, its student number padded to char(20)."""
    rows, students = _undergraduates(world)
    bachelor = students["level"] == 3
    entry = text(digits(students["entry"], 4))
    return pa.table(
        {
            "XH": pc.utf8_rpad(student_numbers(world, rows), 20, " "),
            "RXNY": join(entry, "09"),
            "XSLB": where(bachelor, "普本", "普专"),
            "XZ": pc.if_else(pa.array(bachelor), _years("4.0"), _years("3.0")),
            "ZYH": major_codes(students["major"]),
            "GBZYM": pick([item.national for item in UNDERGRADUATE], students["major"]),
            "YXDM": unit_codes(major_units(students["major"]), PREFIX),
            "BH": class_numbers(world, students["class"]),
            "NJ": entry,
            "XJZT": pick([STATES.get(code) for code in range(8)], students["state"]),
            "PYCC": where(bachelor, "B", "Z"),
            "PYFS": pa.array(["11"] * len(rows)),
            "YJBYNY": join(text(digits(students["entry"] + np.where(bachelor, 4, 3), 4)), "07"),
        }
    )


def status_change(world: World) -> pa.Table:
    """`xjydb`: status changes of undergraduates."""
    shown = present(world.students, world.day) & (world.students["level"] >= 3)
    changes = take(world.changes, shown[world.changes["student"]])
    rows = changes["student"]
    return pa.table(
        {
            "XH": student_numbers(world, rows),
            "YDLB": pick([CHANGES.get(code) for code in range(max(CHANGES) + 1)], changes["code"]),
            "YDRQ": compact(changes["on"]),
            "YDYY": number(changes["reason"], 2),
            "SPRQ": compact(changes["on"] - 3),
            "SPWH": join("学籍〔", text(digits(changes["on"] // 365 + 1970, 4)), "〕", number(rows % 10_000, 4), "号"),
            "YYX": unit_codes(changes["from_unit"], PREFIX),
            "XYX": unit_codes(changes["to_unit"], PREFIX),
            "YZY": major_codes(changes["from_major"]),
            "XZY": major_codes(changes["to_major"]),
            "YBJ": class_numbers(world, changes["from_class"]),
            "XBJ": class_numbers(world, changes["to_class"]),
            "YDSM": where(rows % 7 == 0, _REMARK * 12, _REMARK),
        }
    )


AHEAD = 3
"""Days before HR has the record that the academic office enters a new teacher under the number that HR gave (SJGXLC01/5)."""


def teacher(world: World) -> pa.Table:
    """`jsxxb`: the teachers that timetables use, as entered by the academic office itself, new ones before HR shows them."""
    staff = world.staff
    entered = present(staff, world.day) | ((staff["from_day"] > world.day) & (staff["from_day"] <= world.day + AHEAD))
    teaching = (staff["category"] == 11) & (staff["state"] == IN_POST) & entered
    rows = np.flatnonzero(teaching)
    teachers = take(staff, rows)
    name = names(teachers, BULLET)
    spelled = where(teachers["house"] % 7 == 0, join(name, " "), name)
    return pa.table({"GH": staff_numbers(world, rows), "XM": spelled, "SZDW": unit_codes(teachers["unit"], PREFIX)})


def _years(value: str) -> pa.Scalar[Any]:
    return pa.scalar(value, pa.string()).cast(pa.decimal128(3, 1))


DATASETS: Datasets = {
    "academic.campus_area": campus_area,
    "academic.major": major,
    "academic.admin_class": admin_class,
    "academic.teacher": teacher,
    "academic.student_record": student_record,
    "academic.status_record": status_record,
    "academic.status_change": status_change,
}
WAITS: Waits = {
    "student": (
        ("academic.status_record", "XH", "student_status", "student_no.reference"),
        ("academic.status_change", "XH", "status_change", "student_no.reference"),
    ),
}
