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
from campus.simulate.arrays import Bools, Frame, Ints, Text, dates, digits, join, money, number, pick, take, text, where
from campus.simulate.lists import COLLEGES, UNDERGRADUATE
from campus.simulate.people import staff_numbers, unit_codes
from campus.simulate.world import FIRST_DAY, IN_POST, World, date_of, epoch, random

LEVELS = ("公开", "内部", "秘密")
_TODAY = epoch(FIRST_DAY)
_LEAST = 500
"""Reimbursements name the projects KY20250000 to KY20250499."""
_SOURCES = ("国家自然科学基金", "国家社科基金", "教育部人文社科", "省级", "横向", "校级")
_MONEY = ("国家自然科学基金", "国家社科基金", "教育部专项", "省财政", "企业委托", "学校自筹")
_TOPICS = ("关键技术研究", "智能检测方法", "绿色制备工艺", "质量评价体系", "数据治理路径", "产业升级机制")
_RESULTS = (("论文", "示范大学学报"), ("著作", "示范出版社"), ("专利", "国家知识产权局"), ("奖励", "河南省科技厅"))
_PARTS = 4


def _projects(world: World) -> Frame:
    """Every project that is ever begun: leader, unit, days, level, source, and its budget in fen in instalments."""
    numbers = random(world.seed, 230)
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


def _shown(frame: Frame, on: Ints, world: World, secret_too: bool) -> Bools:
    return np.asarray((on <= epoch(date_of(world.day))) & (secret_too | (frame["level"] == 0)))


def _titles(numbers: Ints, odd: Ints) -> Text:
    title = join(
        pick([major.name for major in UNDERGRADUATE], numbers % len(UNDERGRADUATE)), pick(_TOPICS, numbers % len(_TOPICS))
    )
    return where(odd % 9 == 0, join(title, "\u3000"), title)


def _numbers(numbers: Ints) -> Text:
    return number(numbers, 4, "KY2025")


def _people(world: World, rows: Ints, odd: Ints) -> Text:
    plain = staff_numbers(world, rows)
    return where(odd % 7 == 0, join(plain, " "), plain)


def project(world: World, secret_too: bool = False) -> pa.Table:
    """`v_ky_xm`: projects that have begun."""
    every = _projects(world)
    rows = take(every, _shown(every, every["start"], world, secret_too))
    over = rows["end"] <= epoch(date_of(world.day))
    running = pick(["中止", "延期", "在研"], np.minimum(rows["odd"], 2))
    return pa.table(
        {
            "XMBH": _numbers(rows["number"]),
            "XMMC": _titles(rows["number"], rows["odd"]),
            "DWH": unit_codes(rows["unit"], "K"),
            "XMFZRH": _people(world, rows["leader"], rows["odd"]),
            "XMLY": pick(_SOURCES, rows["source"]),
            "XMZXZT": where(over, "结题", running),
            "KSRQ": dates(rows["start"]),
            "JXRQ": dates(rows["end"]),
            "MJ": pick(LEVELS, rows["level"]),
            "JHJFZE": _ten_thousands(rows["planned"]),
        }
    )


def _ten_thousands(fen: Ints) -> Text:
    """Amounts in units of 10,000 yuan with four decimals: the unscaled value of such a decimal is the number of yuan."""
    return cast(Text, money(fen // 100).view(pa.decimal128(14, 4)))


def fund(world: World, secret_too: bool = False) -> pa.Table:
    """`v_ky_jf`: what projects have received, the first instalment on the day on which they begin."""
    every = _projects(world)
    turn = np.repeat(np.arange(_PARTS), len(every["number"]))
    rows = {name: np.tile(column, _PARTS) for name, column in every.items()} | {"turn": turn}
    on = rows["start"] + turn * 180
    kept = (turn < rows["parts"]) & _shown(rows, on, world, secret_too)
    rows, on = take(rows, kept), on[kept]
    return pa.table(
        {
            "BKDH": text(digits(rows["number"], 6), digits(rows["turn"], 2)),
            "XMBH": _numbers(rows["number"]),
            "XMFZRH": _people(world, rows["leader"], rows["odd"]),
            "BRRQ": dates(on),
            "BKS": money(rows["planned"] // rows["parts"]),
            "JFLY": pick(_MONEY, rows["source"]),
            "MJ": pick(LEVELS, rows["level"]),
        }
    )


def result(world: World, secret_too: bool = False) -> pa.Table:
    """`v_ky_cg`: results, by the leader of their project; every tenth belongs to none."""
    every = _projects(world)
    numbers = random(world.seed, 231)
    drawn = numbers.integers(0, len(every["number"]), 4 * len(every["number"]))
    rows = take(every, drawn) | {"serial": np.arange(len(drawn)), "kind": numbers.integers(0, len(_RESULTS), len(drawn))}
    on = rows["start"] + numbers.integers(30, 900, len(drawn))
    on[np.flatnonzero((rows["level"] == 0) & (rows["start"] < _TODAY))[:1]] = _TODAY + 2
    kept = _shown(rows, on, world, secret_too)
    rows, on = take(rows, kept), on[kept]
    kinds, places = zip(*_RESULTS, strict=True)
    return pa.table(
        {
            "CGBH": number(rows["serial"], 6, "CG"),
            "XMBH": where(rows["odd"] % 10 == 5, None, _numbers(rows["number"])),
            "CGLB": pick(kinds, rows["kind"]),
            "CGMC": join(_titles(rows["number"], rows["odd"]), text(digits(rows["serial"], 4))),
            "DYZZH": _people(world, rows["leader"], rows["odd"]),
            "CGRQ": dates(on),
            "FBDW": pick(places, rows["kind"]),
            "MJ": pick(LEVELS, rows["level"]),
        }
    )


DATASETS: Datasets = {"research.project": project, "research.fund": fund, "research.result": result}
WAITS: Waits = {
    "staff": (
        ("research.project", "XMFZRH", "research_project", "leader_no.reference"),
        ("research.fund", "XMFZRH", "research_fund", "project_no.reference"),
        ("research.result", "DYZZH", "research_result", "author_no.reference"),
    ),
}
