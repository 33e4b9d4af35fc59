"""Student affairs: awards by school year, sanctions of which some are revoked, and what students confirm about themselves.

Words for codes, `2025-2026学年`, days as `2026.03.05`; telephones as people type them, some in full-width digits. Only
undergraduates and junior-college students confirm here (SJGXLC05/2); the family data are those of the academic system.
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
    compact,
    digits,
    iso,
    join,
    kernels,
    money,
    number,
    pick,
    take,
    text,
    where,
    ymd,
)
from campus.simulate.lists import MAJORS
from campus.simulate.people import addresses, grouped_mobiles, plain, regions, student_numbers
from campus.simulate.world import FIRST_DAY, INTAKE, NEVER, World, date_of, epoch, present, random

NO_DAY = "0000.00.00"
_TODAY = epoch(FIRST_DAY)
_UNIVERSITY, _PROVINCE = "示范大学", "河南省教育厅"
_AWARDS = (
    ("国家奖学金", "国家级", "特等奖", "综合", "国家奖助", 1_000_000, "教育部"),
    ("国家励志奖学金", "国家级", "不分等级", "综合", "自立自强", 600_000, "教育部"),
    ("一等奖学金", "校级", "一等奖", "综合", "学业优秀", 200_000, _UNIVERSITY),
    ("二等奖学金", "校级", "二等奖", "综合", "学业优秀", 120_000, _UNIVERSITY),
    ("三等奖学金", "校级", "三等奖", "综合", "学业优秀", 60_000, _UNIVERSITY),
    ("优秀学生干部", "校级", "不分等级", "社会工作", "社会工作", 0, _UNIVERSITY),
    ("大学生数学建模竞赛", "省级", "二等奖", "学科", "科技创新", 0, _PROVINCE),
    ("大学生运动会", "省级", "三等奖", "体育", "体育优胜", 0, _PROVINCE),
    ("优秀志愿者", "市级", "不分等级", "公益", None, 0, "示范市团委"),
)
"""Name, level, grade, kind, type of scholarship, fen, and who gives it."""
_OFTEN = (0.01, 0.06, 0.12, 0.3, 0.6, 0.75, 0.85, 0.92)
_VIOLATIONS = ("考试作弊", "旷课", "伪造证明", "打架斗殴", "宿舍违规用电", "网络违规")
_SANCTIONS = ("警告", "严重警告", "记过", "留校察看")
_RELATIONS = ("父亲", "母亲")


def award(world: World) -> pa.Table:
    """`xg_jl`: awards of those who were here before this year, from the day on which they were decided."""
    numbers = random(world.seed, 210)
    students = world.students
    drawn = numbers.random(len(students["entry"])) < 0.6
    decided = _TODAY + numbers.integers(-420, 330, len(drawn))
    kind = np.searchsorted(_OFTEN, numbers.random(len(drawn)))
    eligible = drawn & _older(students)
    if eligible.any():
        decided[np.flatnonzero(eligible)[:2]] = [_TODAY + 1, _TODAY + 3]  # every rehearsal has news in its first week
    rows = np.flatnonzero(eligible & (decided <= epoch(date_of(world.day))) & present(students, world.day))
    years = ymd(decided[rows]) // 10_000
    title, level, grade, area, type_, fen, unit = zip(*_AWARDS, strict=True)
    return pa.table(
        {
            "JLBH": number(rows, 8, "JL"),
            "XH": student_numbers(world, rows),
            "JLMC": pick(title, kind[rows]),
            "JLJB": pick(level, kind[rows]),
            "JLDJ": pick(grade, kind[rows]),
            "HJLB": pick(area, kind[rows]),
            "JLJE": _paid(np.array(fen)[kind[rows]]),
            "JLXND": join(text(digits(years - 1, 4)), "-", text(digits(years, 4)), "学年"),
            "BJDW": pick(unit, kind[rows]),
            "JXJLX": pick(type_, kind[rows]),
            "TYTG": where(students["house"][rows] % 3 == 0, "否", "是"),
        }
    )


def _older(students: Frame) -> Bools:
    """Who was here before this school year and stays for it."""
    return np.asarray((students["from_day"] == 1) & (students["entry"] < INTAKE) & (students["billed"] == 1))


def _paid(fen: Ints) -> Text:
    """Amounts; awards without money have none."""
    return cast(Text, kernels.if_else(pa.array(fen > 0), money(fen), pa.scalar(None, pa.decimal128(12, 2))))


def sanction(world: World) -> pa.Table:
    """`xg_cf`: sanctions from the day of the decision; a revoked one stays with the day of its revocation."""
    numbers = random(world.seed, 211)
    students = world.students
    drawn = numbers.random(len(students["entry"])) < 0.009
    on = _TODAY + numbers.integers(-500, 330, len(drawn))
    ends = on + np.where(numbers.random(len(drawn)) < 0.6, numbers.integers(180, 400, len(drawn)), NEVER)
    violation, word = numbers.integers(0, len(_VIOLATIONS), len(drawn)), numbers.integers(0, len(_SANCTIONS), len(drawn))
    eligible = drawn & _older(students)
    first = np.flatnonzero(eligible)[:2]
    on[first], ends[first] = np.array([_TODAY - 200, _TODAY + 3])[: len(first)], np.array([_TODAY + 4, NEVER])[: len(first)]
    today = epoch(date_of(world.day))
    rows = np.flatnonzero(eligible & (on <= today) & present(students, world.day))
    revoked = ends[rows] <= today
    year = text(digits(ymd(on[rows]) // 10_000, 4))
    return pa.table(
        {
            "CFBH": number(rows, 8, "CF"),
            "XH": student_numbers(world, rows),
            "WJLB": pick(_VIOLATIONS, violation[rows]),
            "CFMC": pick(_SANCTIONS, word[rows]),
            "CFRQ": _dotted(on[rows]),
            "CFWH": join("校学字〔", year, "〕", plain(rows % 200 + 1), "号"),
            "CFCXRQ": where(revoked, _dotted(np.where(revoked, ends[rows], 0)), NO_DAY),
        }
    )


def _dotted(days: Ints) -> Text:
    return cast(Text, kernels.replace_substring(iso(days), "-", "."))


def confirmed_info(world: World) -> pa.Table:
    """`xg_xsqr`: contact, family and origin of undergraduates, confirmed by them and then reviewed by the office."""
    students = world.students
    numbers = random(world.seed, 212)
    share, early, later, wait = (numbers.random(len(students["entry"])) for _ in range(4))
    asked = _TODAY - 60 + np.where(students["from_day"] > 1, students["from_day"] + 61, 0)
    confirmed = np.where(share < 0.9, asked + (early * 45).astype(np.int64), asked + 61 + (later * 80).astype(np.int64))
    reviewed = confirmed + 1 + (wait * 7).astype(np.int64)
    today = epoch(date_of(world.day))
    rows = np.flatnonzero(present(students, world.day) & (students["level"] >= 3))
    people = take(students, rows)
    has, done = confirmed[rows] <= today, reviewed[rows] <= today
    leaves = people["entry"] + np.array([major.years for major in MAJORS])[people["major"]] == INTAKE + 1
    return pa.table(
        {
            "XH": student_numbers(world, rows),
            "YDDH": _typed(people),
            "DZXX": join(student_numbers(world, rows), "@stu.example.edu.cn"),
            "JTZZ": addresses(people),
            "LXRXM": pick(["张建国", "李秀英", "王志强", "刘玉兰"], people["house"] % 4),
            "LXRDH": number((people["account"] % 7_000_000_000) + 13_000_000_000, 11),
            "GX": pick(_RELATIONS, people["house"] % 2),
            "SYDM": where(leaves | (people["house"] % 40 != 0), regions(people), None),
            "SHZT": where(done, "已审核", where(has, "待审核", "待确认")),
            "QRRQ": where(has, compact(confirmed[rows]), None),
            "SHRQ": where(done, compact(reviewed[rows]), None),
        }
    )


def _typed(people: Frame) -> Text:
    """Mobiles as people type them, every thirteenth in full-width digits."""
    typed = grouped_mobiles(people)
    wide = typed
    for figure in range(10):
        wide = kernels.replace_substring(wide, str(figure), chr(0xFF10 + figure))
    return where(people["house"] % 13 == 0, wide, typed)


DATASETS: Datasets = {
    "student_affairs.award": award,
    "student_affairs.sanction": sanction,
    "student_affairs.confirmed_info": confirmed_info,
}
WAITS: Waits = {
    "student": (
        ("student_affairs.award", "XH", "award", "student_no.reference"),
        ("student_affairs.sanction", "XH", "discipline", "student_no.reference"),
        ("student_affairs.confirmed_info", "XH", "student_contact", "person_no.reference"),
    ),
}
