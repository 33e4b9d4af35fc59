"""The graduate school's system: one wide student table, codes without leading zeros, months with a hyphen, YX before units."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from campus.render.base import Datasets, Waits
from campus.simulate.arrays import (
    build_dates,
    build_timestamps,
    choose_texts,
    format_digits,
    format_numbers,
    join_bytes,
    join_texts,
    pick_texts,
    take_rows,
)
from campus.simulate.lists import MAJORS, POSTGRADUATE
from campus.simulate.people import (
    find_major_units,
    format_accounts,
    format_addresses,
    format_identities,
    format_major_codes,
    format_mobiles,
    format_names,
    format_plain,
    format_regions,
    format_staff_numbers,
    format_student_numbers,
    format_unit_codes,
)
from campus.simulate.world import World, is_present

PREFIX = "YX"
STATES = {1: "ZD", 2: "XX", 3: "TX", 5: "FX", 7: "BY"}
COUNTRIES = ("中国", "韩国", "泰国", "巴基斯坦")
_POLITICS = {1: "党员", 2: "预备党员", 3: "团员", 13: "群众"}


def render_major(world: World) -> pa.Table:
    """`yjs_zy`: postgraduate majors."""
    return pa.table(
        {
            "ZYDM": pa.array([item.code for item in POSTGRADUATE]),
            "GBDM": pa.array([item.national for item in POSTGRADUATE]),
            "ZYMC": pa.array([item.name for item in POSTGRADUATE]),
            "YXH": format_unit_codes(np.array([item.unit for item in POSTGRADUATE]), PREFIX),
            "CC": pa.array(["博" if item.level == 1 else "硕" for item in POSTGRADUATE]),
            "XZ": pa.array([item.years for item in POSTGRADUATE], pa.int64()),
            "XKML": pa.array([item.discipline for item in POSTGRADUATE]),
            "SYZT": pa.array(["1"] * len(POSTGRADUATE)),
        }
    )


def render_student(world: World) -> pa.Table:
    """`yjs_xs`: person, contact and status of postgraduates in one table."""
    rows = np.flatnonzero(is_present(world.students, world.day) & (world.students["level"] <= 2))
    students = take_rows(world.students, rows)
    numbers, home = format_student_numbers(world, rows), format_regions(students)
    doctor = students["level"] == 1
    years = np.where(doctor, 4, 3)
    return pa.table(
        {
            "XH": numbers,
            "XM": format_names(students),
            "XB": format_plain(students["sex"]),
            "CSRQ": build_dates(students["birth"]),
            "MZ": choose_texts(students["foreign"] > 0, None, format_plain(students["ethnicity"])),
            "GJ": pick_texts(COUNTRIES, students["foreign"]),
            "ZJLX": choose_texts(students["foreign"] > 0, "A", "1"),
            "SFZH": format_identities(students),
            "ZZMM": pick_texts([_POLITICS.get(code) for code in range(14)], students["political"]),
            "RXFS": pa.array(["01"] * len(rows)),
            "LYDQ": home,
            "XSLY": pa.array(["211"] * len(rows)),
            "JDFS": format_plain(students["boarding"]),
            "YXX": join_texts(pick_texts(["示范", "江南", "北方"], students["house"] % 3), "理工大学"),
            "LXDH": format_mobiles(students),
            "DZYX": join_texts(numbers, "@grad.example.edu.cn"),
            "YHZH": format_accounts(students),
            "JTDZ": format_addresses(students),
            "RXNY": join_texts(join_bytes(format_digits(students["entry"], 4)), "-09"),
            "XSLB": choose_texts(doctor, "博士", "硕士"),
            "XZ": pa.array(years, pa.int64()),
            "ZYDM": format_major_codes(students["major"]),
            "GBDM": pick_texts([item.national for item in MAJORS], students["major"]),
            "YXH": format_unit_codes(find_major_units(students["major"]), PREFIX),
            "NJ": join_bytes(format_digits(students["entry"], 4)),
            "XSZT": pick_texts([STATES.get(code) for code in range(8)], students["state"]),
            "CC": choose_texts(doctor, "博", "硕"),
            "PYFS": choose_texts(students["house"] % 4 == 0, "12", "11"),
            "DSGH": format_staff_numbers(world, students["supervisor"]),
            "YJFX": pick_texts(["智能制造", "食品安全", "新能源材料", "数据治理"], students["house"] % 4),
            "YJBYNY": join_texts(join_bytes(format_digits(students["entry"] + years, 4)), "-07"),
            "XGSJ": build_timestamps(students["updated"]),
        }
    )


def render_status_change(world: World) -> pa.Table:
    """`yjs_xjyd`: status changes of postgraduates, with the national codes."""
    shown = is_present(world.students, world.day) & (world.students["level"] <= 2)
    changes = take_rows(world.changes, shown[world.changes["student"]])
    return pa.table(
        {
            "XH": format_student_numbers(world, changes["student"]),
            "YDLB": format_numbers(changes["code"], 2),
            "YDRQ": build_dates(changes["on"]),
            "YDYY": format_numbers(changes["reason"], 2),
            "YYXH": format_unit_codes(changes["from_unit"], PREFIX),
            "XYXH": format_unit_codes(changes["to_unit"], PREFIX),
            "YZYDM": format_major_codes(changes["from_major"]),
            "XZYDM": format_major_codes(changes["to_major"]),
        }
    )


DATASETS: Datasets = {
    "graduate.major": render_major,
    "graduate.student": render_student,
    "graduate.status_change": render_status_change,
}
WAITS: Waits = {
    "student": (
        ("graduate.student", "XH", "student_status", "student_no.reference"),
        ("graduate.status_change", "XH", "status_change", "student_no.reference"),
    ),
}
