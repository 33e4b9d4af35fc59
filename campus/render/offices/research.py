"""The research office: projects, the money that they received and their results.

What the hub may read are three views of public rows. Projects of another level exist in the office (`secret_too=True` shows
them, as a view made carelessly would). Units carry a K, budgets are in units of ten thousand yuan, some titles end in an
ideographic blank. Leaders are among the staff who stay.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import pyarrow as pa

from campus.render.base import Datasets, Waits
from campus.simulate.arrays import (
    Bools,
    Frame,
    Ints,
    Text,
    build_amounts,
    build_dates,
    choose_texts,
    format_digits,
    format_numbers,
    join_bytes,
    join_texts,
    pick_texts,
    take_rows,
)
from campus.simulate.lists import COLLEGES, UNDERGRADUATE
from campus.simulate.people import format_staff_numbers, format_unit_codes
from campus.simulate.world import FIRST_DAY, IN_POST, World, date_of, epoch_day, make_generator

LEVELS = ("公开", "内部", "秘密")
_TODAY = epoch_day(FIRST_DAY)
_LEAST = 500
"""Reimbursements name the projects KY20250000 to KY20250499."""
_SOURCES = ("国家自然科学基金", "国家社科基金", "教育部人文社科", "省级", "横向", "校级")
_MONEY = ("国家自然科学基金", "国家社科基金", "教育部专项", "省财政", "企业委托", "学校自筹")
_TOPICS = ("关键技术研究", "智能检测方法", "绿色制备工艺", "质量评价体系", "数据治理路径", "产业升级机制")
_RESULTS = (("论文", "示范大学学报"), ("著作", "示范出版社"), ("专利", "国家知识产权局"), ("奖励", "河南省科技厅"))
_PARTS = 4


def _draw_projects(world: World) -> Frame:
    """Every project that is ever begun: leader, unit, days, level, source, and its budget in fen in instalments."""
    numbers = make_generator(world.seed, 230)
    staff = world.staff
    stays = (staff["from_day"] == 1) & (staff["state_first"] == IN_POST)
    leaders = np.flatnonzero(stays & (np.arange(len(stays)) < len(stays) // 4))
    rows = _LEAST + int(stays.sum()) // 10
    start = _TODAY + numbers.integers(-1500, 300, rows)
    start[:3] = _TODAY - 400, _TODAY - 700, _TODAY + 3  # a project begins in every rehearsal's first week
    end = start + 365 * numbers.integers(1, 5, rows)
    end[1] = _TODAY + 2
    level = np.searchsorted([0.96, 0.99], numbers.random(rows))
    level[:3] = 0
    return {
        "number": np.arange(rows),
        "leader": leaders[numbers.integers(0, len(leaders), rows)],
        "unit": 1 + numbers.integers(0, COLLEGES, rows),
        "start": start,
        "end": end,
        "level": level,
        "source": numbers.integers(0, len(_SOURCES), rows),
        "planned": numbers.integers(3, 120, rows) * 1_000_000,
        "parts": numbers.integers(1, _PARTS + 1, rows),
        "odd": numbers.integers(0, 100, rows),
    }


def _is_shown(frame: Frame, on: Ints, world: World, secret_too: bool) -> Bools:
    return np.asarray((on <= epoch_day(date_of(world.day))) & (secret_too | (frame["level"] == 0)))


def _format_titles(numbers: Ints, odd: Ints) -> Text:
    title = join_texts(
        pick_texts([major.name for major in UNDERGRADUATE], numbers % len(UNDERGRADUATE)),
        pick_texts(_TOPICS, numbers % len(_TOPICS)),
    )
    return choose_texts(odd % 9 == 0, join_texts(title, "\u3000"), title)


def _format_numbers(numbers: Ints) -> Text:
    return format_numbers(numbers, 4, "KY2025")


def _format_people(world: World, rows: Ints, odd: Ints) -> Text:
    plain = format_staff_numbers(world, rows)
    return choose_texts(odd % 7 == 0, join_texts(plain, " "), plain)


def render_project(world: World, secret_too: bool = False) -> pa.Table:
    """`v_ky_xm`: projects that have begun."""
    every = _draw_projects(world)
    rows = take_rows(every, _is_shown(every, every["start"], world, secret_too))
    over = rows["end"] <= epoch_day(date_of(world.day))
    running = pick_texts(["中止", "延期", "在研"], np.minimum(rows["odd"], 2))
    return pa.table(
        {
            "XMBH": _format_numbers(rows["number"]),
            "XMMC": _format_titles(rows["number"], rows["odd"]),
            "DWH": format_unit_codes(rows["unit"], "K"),
            "XMFZRH": _format_people(world, rows["leader"], rows["odd"]),
            "XMLY": pick_texts(_SOURCES, rows["source"]),
            "XMZXZT": choose_texts(over, "结题", running),
            "KSRQ": build_dates(rows["start"]),
            "JXRQ": build_dates(rows["end"]),
            "MJ": pick_texts(LEVELS, rows["level"]),
            "JHJFZE": _format_ten_thousands(rows["planned"]),
        }
    )


def _format_ten_thousands(fen: Ints) -> Text:
    """Amounts in units of 10,000 yuan with four decimals: the unscaled value of such a decimal is the number of yuan."""
    return cast(Text, build_amounts(fen // 100).view(pa.decimal128(14, 4)))


def render_fund(world: World, secret_too: bool = False) -> pa.Table:
    """`v_ky_jf`: what projects have received, the first instalment on the day on which they begin."""
    every = _draw_projects(world)
    turn = np.repeat(np.arange(_PARTS), len(every["number"]))
    rows = {name: np.tile(column, _PARTS) for name, column in every.items()} | {"turn": turn}
    on = rows["start"] + turn * 180
    kept = (turn < rows["parts"]) & _is_shown(rows, on, world, secret_too)
    rows, on = take_rows(rows, kept), on[kept]
    return pa.table(
        {
            "BKDH": join_bytes(format_digits(rows["number"], 6), format_digits(rows["turn"], 2)),
            "XMBH": _format_numbers(rows["number"]),
            "XMFZRH": _format_people(world, rows["leader"], rows["odd"]),
            "BRRQ": build_dates(on),
            "BKS": build_amounts(rows["planned"] // rows["parts"]),
            "JFLY": pick_texts(_MONEY, rows["source"]),
            "MJ": pick_texts(LEVELS, rows["level"]),
        }
    )


def render_result(world: World, secret_too: bool = False) -> pa.Table:
    """`v_ky_cg`: results, by the leader of their project; every tenth belongs to none."""
    every = _draw_projects(world)
    numbers = make_generator(world.seed, 231)
    drawn = numbers.integers(0, len(every["number"]), 4 * len(every["number"]))
    rows = take_rows(every, drawn) | {"serial": np.arange(len(drawn)), "kind": numbers.integers(0, len(_RESULTS), len(drawn))}
    on = rows["start"] + numbers.integers(30, 900, len(drawn))
    on[np.flatnonzero((rows["level"] == 0) & (rows["start"] < _TODAY))[:1]] = _TODAY + 2
    kept = _is_shown(rows, on, world, secret_too)
    rows, on = take_rows(rows, kept), on[kept]
    kinds, places = zip(*_RESULTS, strict=True)
    return pa.table(
        {
            "CGBH": format_numbers(rows["serial"], 6, "CG"),
            "XMBH": choose_texts(rows["odd"] % 10 == 5, None, _format_numbers(rows["number"])),
            "CGLB": pick_texts(kinds, rows["kind"]),
            "CGMC": join_texts(_format_titles(rows["number"], rows["odd"]), join_bytes(format_digits(rows["serial"], 4))),
            "DYZZH": _format_people(world, rows["leader"], rows["odd"]),
            "CGRQ": build_dates(on),
            "FBDW": pick_texts(places, rows["kind"]),
            "MJ": pick_texts(LEVELS, rows["level"]),
        }
    )


DATASETS: Datasets = {"research.project": render_project, "research.fund": render_fund, "research.result": render_result}
WAITS: Waits = {
    "staff": (
        ("research.project", "XMFZRH", "research_project", "leader_no.reference"),
        ("research.fund", "XMFZRH", "research_fund", "project_no.reference"),
        ("research.result", "DYZZH", "research_result", "author_no.reference"),
    ),
}
