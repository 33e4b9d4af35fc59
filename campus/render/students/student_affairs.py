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
    build_amounts,
    choose_texts,
    encode_dates,
    format_compact_dates,
    format_digits,
    format_iso_dates,
    format_numbers,
    join_bytes,
    join_texts,
    kernels,
    pick_texts,
    take_rows,
)
from campus.simulate.lists import MAJORS
from campus.simulate.people import (
    format_addresses,
    format_grouped_mobiles,
    format_plain,
    format_regions,
    format_student_numbers,
)
from campus.simulate.world import FIRST_DAY, INTAKE, NEVER, World, date_of, epoch_day, is_present, make_generator

NO_DAY = "0000.00.00"
_TODAY = epoch_day(FIRST_DAY)
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


def render_award(world: World) -> pa.Table:
    """`xg_jl`: awards of those who were here before this year, from the day on which they were decided."""
    numbers = make_generator(world.seed, 210)
    students = world.students
    drawn = numbers.random(len(students["entry"])) < 0.6
    decided = _TODAY + numbers.integers(-420, 330, len(drawn))
    kind = np.searchsorted(_OFTEN, numbers.random(len(drawn)))
    eligible = drawn & _is_older(students)
    if eligible.any():
        decided[np.flatnonzero(eligible)[:2]] = [_TODAY + 1, _TODAY + 3]  # every rehearsal has news in its first week
    rows = np.flatnonzero(eligible & (decided <= epoch_day(date_of(world.day))) & is_present(students, world.day))
    years = encode_dates(decided[rows]) // 10_000
    title, level, grade, area, type_, fen, unit = zip(*_AWARDS, strict=True)
    return pa.table(
        {
            "JLBH": format_numbers(rows, 8, "JL"),
            "XH": format_student_numbers(world, rows),
            "JLMC": pick_texts(title, kind[rows]),
            "JLJB": pick_texts(level, kind[rows]),
            "JLDJ": pick_texts(grade, kind[rows]),
            "HJLB": pick_texts(area, kind[rows]),
            "JLJE": _format_amounts(np.array(fen)[kind[rows]]),
            "JLXND": join_texts(join_bytes(format_digits(years - 1, 4)), "-", join_bytes(format_digits(years, 4)), "学年"),
            "BJDW": pick_texts(unit, kind[rows]),
            "JXJLX": pick_texts(type_, kind[rows]),
            "TYTG": choose_texts(students["house"][rows] % 3 == 0, "否", "是"),
        }
    )


def _is_older(students: Frame) -> Bools:
    """Who was here before this school year and stays for it."""
    return np.asarray((students["from_day"] == 1) & (students["entry"] < INTAKE) & (students["billed"] == 1))


def _format_amounts(fen: Ints) -> Text:
    """Amounts; awards without money have none."""
    return cast(Text, kernels.if_else(pa.array(fen > 0), build_amounts(fen), pa.scalar(None, pa.decimal128(12, 2))))


def render_sanction(world: World) -> pa.Table:
    """`xg_cf`: sanctions from the day of the decision; a revoked one stays with the day of its revocation."""
    numbers = make_generator(world.seed, 211)
    students = world.students
    drawn = numbers.random(len(students["entry"])) < 0.009
    on = _TODAY + numbers.integers(-500, 330, len(drawn))
    ends = on + np.where(numbers.random(len(drawn)) < 0.6, numbers.integers(180, 400, len(drawn)), NEVER)
    violation, word = numbers.integers(0, len(_VIOLATIONS), len(drawn)), numbers.integers(0, len(_SANCTIONS), len(drawn))
    eligible = drawn & _is_older(students)
    first = np.flatnonzero(eligible)[:2]
    on[first], ends[first] = np.array([_TODAY - 200, _TODAY + 3])[: len(first)], np.array([_TODAY + 4, NEVER])[: len(first)]
    today = epoch_day(date_of(world.day))
    rows = np.flatnonzero(eligible & (on <= today) & is_present(students, world.day))
    revoked = ends[rows] <= today
    year = join_bytes(format_digits(encode_dates(on[rows]) // 10_000, 4))
    return pa.table(
        {
            "CFBH": format_numbers(rows, 8, "CF"),
            "XH": format_student_numbers(world, rows),
            "WJLB": pick_texts(_VIOLATIONS, violation[rows]),
            "CFMC": pick_texts(_SANCTIONS, word[rows]),
            "CFRQ": _format_dotted(on[rows]),
            "CFWH": join_texts("校学字〔", year, "〕", format_plain(rows % 200 + 1), "号"),
            "CFCXRQ": choose_texts(revoked, _format_dotted(np.where(revoked, ends[rows], 0)), NO_DAY),
        }
    )


def _format_dotted(days: Ints) -> Text:
    return cast(Text, kernels.replace_substring(format_iso_dates(days), "-", "."))


def render_confirmed_info(world: World) -> pa.Table:
    """`xg_xsqr`: contact, family and origin of undergraduates, confirmed by them and then reviewed by the office."""
    students = world.students
    numbers = make_generator(world.seed, 212)
    share, early, later, wait = (numbers.random(len(students["entry"])) for _ in range(4))
    asked = _TODAY - 60 + np.where(students["from_day"] > 1, students["from_day"] + 61, 0)
    confirmed = np.where(share < 0.9, asked + (early * 45).astype(np.int64), asked + 61 + (later * 80).astype(np.int64))
    reviewed = confirmed + 1 + (wait * 7).astype(np.int64)
    today = epoch_day(date_of(world.day))
    rows = np.flatnonzero(is_present(students, world.day) & (students["level"] >= 3))
    people = take_rows(students, rows)
    has, done = confirmed[rows] <= today, reviewed[rows] <= today
    leaves = people["entry"] + np.array([major.years for major in MAJORS])[people["major"]] == INTAKE + 1
    return pa.table(
        {
            "XH": format_student_numbers(world, rows),
            "YDDH": _format_typed_mobiles(people),
            "DZXX": join_texts(format_student_numbers(world, rows), "@stu.example.edu.cn"),
            "JTZZ": format_addresses(people),
            "LXRXM": pick_texts(["张建国", "李秀英", "王志强", "刘玉兰"], people["house"] % 4),
            "LXRDH": format_numbers((people["account"] % 7_000_000_000) + 13_000_000_000, 11),
            "GX": pick_texts(_RELATIONS, people["house"] % 2),
            "SYDM": choose_texts(leaves | (people["house"] % 40 != 0), format_regions(people), None),
            "SHZT": choose_texts(done, "已审核", choose_texts(has, "待审核", "待确认")),
            "QRRQ": choose_texts(has, format_compact_dates(confirmed[rows]), None),
            "SHRQ": choose_texts(done, format_compact_dates(reviewed[rows]), None),
        }
    )


def _format_typed_mobiles(people: Frame) -> Text:
    """Mobiles as people type them, every thirteenth in full-width digits."""
    typed = format_grouped_mobiles(people)
    wide = typed
    for figure in range(10):
        wide = kernels.replace_substring(wide, str(figure), chr(0xFF10 + figure))
    return choose_texts(people["house"] % 13 == 0, wide, typed)


DATASETS: Datasets = {
    "student_affairs.award": render_award,
    "student_affairs.sanction": render_sanction,
    "student_affairs.confirmed_info": render_confirmed_info,
}
WAITS: Waits = {
    "student": (
        ("student_affairs.award", "XH", "award", "student_no.reference"),
        ("student_affairs.sanction", "XH", "discipline", "student_no.reference"),
        ("student_affairs.confirmed_info", "XH", "student_contact", "person_no.reference"),
    ),
}
