"""The graduate school's system: one wide student table, codes without leading zeros, months with a hyphen, YX before units."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from campus.render.base import Datasets, Waits
from campus.simulate.arrays import dates, digits, join, number, pick, take, text, times, where
from campus.simulate.lists import MAJORS, POSTGRADUATE
from campus.simulate.people import (
    accounts,
    addresses,
    identities,
    major_codes,
    major_units,
    mobiles,
    names,
    plain,
    regions,
    staff_numbers,
    student_numbers,
    unit_codes,
)
from campus.simulate.world import World, present

PREFIX = "YX"
STATES = {1: "ZD", 2: "XX", 3: "TX", 5: "FX", 7: "BY"}
COUNTRIES = ("中国", "韩国", "泰国", "巴基斯坦")
_POLITICS = {1: "党员", 2: "预备党员", 3: "团员", 13: "群众"}


def major(world: World) -> pa.Table:
    """`yjs_zy`: postgraduate majors."""
    return pa.table(
        {
            "ZYDM": pa.array([item.code for item in POSTGRADUATE]),
            "GBDM": pa.array([item.national for item in POSTGRADUATE]),
            "ZYMC": pa.array([item.name for item in POSTGRADUATE]),
            "YXH": unit_codes(np.array([item.unit for item in POSTGRADUATE]), PREFIX),
            "CC": pa.array(["博" if item.level == 1 else "硕" for item in POSTGRADUATE]),
            "XZ": pa.array([item.years for item in POSTGRADUATE], pa.int64()),
            "XKML": pa.array([item.discipline for item in POSTGRADUATE]),
            "SYZT": pa.array(["1"] * len(POSTGRADUATE)),
        }
    )


def student(world: World) -> pa.Table:
    """`yjs_xs`: person, contact and status of postgraduates in one table."""
    rows = np.flatnonzero(present(world.students, world.day) & (world.students["level"] <= 2))
    students = take(world.students, rows)
    numbers, home = student_numbers(world, rows), regions(students)
    doctor = students["level"] == 1
    years = np.where(doctor, 4, 3)
    return pa.table(
        {
            "XH": numbers,
            "XM": names(students),
            "XB": plain(students["sex"]),
            "CSRQ": dates(students["birth"]),
            "MZ": where(students["foreign"] > 0, None, plain(students["ethnicity"])),
            "GJ": pick(COUNTRIES, students["foreign"]),
            "ZJLX": where(students["foreign"] > 0, "A", "1"),
            "SFZH": identities(students),
            "ZZMM": pick([_POLITICS.get(code) for code in range(14)], students["political"]),
            "RXFS": pa.array(["01"] * len(rows)),
            "LYDQ": home,
            "XSLY": pa.array(["211"] * len(rows)),
            "JDFS": plain(students["boarding"]),
            "YXX": join(pick(["示范", "江南", "北方"], students["house"] % 3), "理工大学"),
            "LXDH": mobiles(students),
            "DZYX": join(numbers, "@grad.example.edu.cn"),
            "YHZH": accounts(students),
            "JTDZ": addresses(students),
            "RXNY": join(text(digits(students["entry"], 4)), "-09"),
            "XSLB": where(doctor, "博士", "硕士"),
            "XZ": pa.array(years, pa.int64()),
            "ZYDM": major_codes(students["major"]),
            "GBDM": pick([item.national for item in MAJORS], students["major"]),
            "YXH": unit_codes(major_units(students["major"]), PREFIX),
            "NJ": text(digits(students["entry"], 4)),
            "XSZT": pick([STATES.get(code) for code in range(8)], students["state"]),
            "CC": where(doctor, "博", "硕"),
            "PYFS": where(students["house"] % 4 == 0, "12", "11"),
            "DSGH": staff_numbers(world, students["supervisor"]),
            "YJFX": pick(["智能制造", "食品安全", "新能源材料", "数据治理"], students["house"] % 4),
            "YJBYNY": join(text(digits(students["entry"] + years, 4)), "-07"),
            "XGSJ": times(students["updated"]),
        }
    )


def status_change(world: World) -> pa.Table:
    """`yjs_xjyd`: status changes of postgraduates, with the national codes."""
    shown = present(world.students, world.day) & (world.students["level"] <= 2)
    changes = take(world.changes, shown[world.changes["student"]])
    return pa.table(
        {
            "XH": student_numbers(world, changes["student"]),
            "YDLB": number(changes["code"], 2),
            "YDRQ": dates(changes["on"]),
            "YDYY": number(changes["reason"], 2),
            "YYXH": unit_codes(changes["from_unit"], PREFIX),
            "XYXH": unit_codes(changes["to_unit"], PREFIX),
            "YZYDM": major_codes(changes["from_major"]),
            "XZYDM": major_codes(changes["to_major"]),
        }
    )


DATASETS: Datasets = {
    "graduate.major": major,
    "graduate.student": student,
    "graduate.status_change": status_change,
}
WAITS: Waits = {
    "student": (
        ("graduate.student", "XH", "student_status", "student_no.reference"),
        ("graduate.status_change", "XH", "status_change", "student_no.reference"),
    ),
}
