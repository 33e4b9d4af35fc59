"""The personnel office's system: Chinese words for codes, `0000-00-00` for no date, fillers in two-character names."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from campus.render.base import Datasets, Waits
from campus.simulate.arrays import (
    Bools,
    Ints,
    Text,
    build_timestamps,
    choose_texts,
    encode_dates,
    format_digits,
    format_iso_dates,
    format_numbers,
    join_bytes,
    join_texts,
    pick_texts,
    take_rows,
)
from campus.simulate.lists import TECH_POSTS, UNITS
from campus.simulate.people import (
    FILLER,
    format_identities,
    format_known_staff,
    format_mobiles,
    format_names,
    format_places,
    format_plain,
    format_regions,
    format_staff_numbers,
    format_unit_codes,
)
from campus.simulate.world import IN_POST, World, is_present

ZERO_DATE = "0000-00-00"
_CATEGORIES = {
    "1": "教学",
    "2": "科研",
    "3": "公共服务",
    "4": "党务",
    "5": "行政",
    "6": "附属",
    "7": "后勤",
    "8": "校办产业",
    "9": "其他",
}
_STATES = {1: "TX", 7: "LZ", 11: "ZZ"}
_POLITICS = {1: "中共党员", 5: "民盟盟员", 12: "无党派民主人士", 13: "群众"}
_JOBS = {11: "专任教师", 12: "教辅人员", 13: "行政人员", 14: "工勤人员"}
_ESTABLISHMENTS = {11: "教学", 12: "教辅", 13: "行政", 14: "工勤"}
_OFFICES = ("处长", "副处长", "科长", "副书记")
ETHNICITIES = (
    "汉族", "蒙古族", "回族", "藏族", "维吾尔族", "苗族", "彝族", "壮族",
    "布依族", "朝鲜族", "满族", "侗族", "瑶族", "白族", "土家族", "哈尼族",
    "哈萨克族", "傣族", "黎族", "傈僳族", "佤族", "畲族", "高山族", "拉祜族",
    "水族", "东乡族", "纳西族", "景颇族", "柯尔克孜族", "土族", "达斡尔族", "仫佬族",
    "羌族", "布朗族", "撒拉族", "毛南族", "仡佬族", "锡伯族", "阿昌族", "普米族",
    "塔吉克族", "怒族", "乌孜别克族", "俄罗斯族", "鄂温克族", "德昂族", "保安族", "裕固族",
    "京族", "塔塔尔族", "独龙族", "鄂伦春族", "赫哲族", "门巴族", "珞巴族", "基诺族",
)  # fmt: skip
"""GB/T 3304 names in the order of their codes 01 to 56."""


def render_units(world: World) -> pa.Table:
    """`t_dw`: code, names, parent, category as a word, Y/N flags, head."""
    rows = np.arange(len(UNITS))
    heads = np.where(rows > 0, rows % max(1, len(world.staff["unit"]) // 4), -1)
    return pa.table(
        {
            "DWH": format_unit_codes(rows),
            "DWMC": pa.array([unit.name for unit in UNITS]),
            "DWYWMC": pa.array([unit.name_en for unit in UNITS]),
            "DWJC": pa.array([unit.name[:6] for unit in UNITS]),
            "DWDZ": pa.array([f"示范路{row + 1}号" for row in rows]),
            "LSDWH": pa.array([UNITS[unit.parent].code if unit.parent >= 0 else None for unit in UNITS], pa.string()),
            "DWLBM": pa.array([_CATEGORIES[unit.category] for unit in UNITS]),
            "DWYXBS": pa.array(["Y"] * len(UNITS)),
            "SXRQ": pa.array([ZERO_DATE] * len(UNITS)),
            "SFST": pa.array(["Y" if unit.parent >= 0 else "N" for unit in UNITS]),
            "JLNY": pa.array([f"{1977 + row % 40}{row % 12 + 1:02d}" for row in rows]),
            "DWFZRH": format_known_staff(world, heads),
        }
    )


def render_staff_record(world: World) -> pa.Table:
    """`t_jzg_jbxx`: everybody who was ever employed and not struck off."""
    rows = np.flatnonzero(is_present(world.staff, world.day))
    staff = take_rows(world.staff, rows)
    active = staff["state_first"] == IN_POST
    return pa.table(
        {
            "GH": format_staff_numbers(world, rows),
            "XM": format_names(staff, filler=FILLER),
            "XB": pick_texts(["", "男", "女"], staff["sex"]),
            "CSRQ": format_iso_dates(staff["birth"]),
            "CSDM": format_regions(staff),
            "JG": format_places(staff),
            "MZ": pick_texts(("", *ETHNICITIES), staff["ethnicity"]),
            "GJ": pa.array(["CHN"] * len(rows)),
            "SFZJLX": pa.array(["01"] * len(rows)),
            "SFZJH": format_identities(staff, small_x=3),
            "ZZMM": _translate_codes(_POLITICS, staff["political"]),
            "DWH": format_unit_codes(staff["unit"]),
            "XQH": format_plain(staff["campus"]),
            "ZGXL": format_numbers(staff["education"], 2),
            "CJGZNY": join_bytes(format_digits(encode_dates(staff["joined"]) // 100, 6)),
            "LXRQ": format_iso_dates(staff["joined"]),
            "QXRQ": _fill_zero_dates(format_iso_dates(staff["joined"]), active & (staff["house"] % 9 != 0)),
            "BZLB": _translate_codes(_ESTABLISHMENTS, staff["category"]),
            "JZGLB": _translate_codes(_JOBS, staff["category"]),
            "DQZT": _translate_codes(_STATES, staff["state"]),
            "RKZK": choose_texts(staff["category"] == 11, "1", None),
            "DABH": format_numbers(rows, 8, "DA"),
            "YDDH": format_mobiles(staff),
            "DZXX": join_texts(format_staff_numbers(world, rows), "@staff.example.edu.cn"),
            "SFRSDL": pa.array(staff["agency"] == 1),
            "GXSJ": build_timestamps(staff["updated"]),
        }
    )


def render_post_record(world: World) -> pa.Table:
    """`t_jzg_zw`: offices (D) and technical posts (J), held and past, of people whom the system shows."""
    shown = is_present(world.staff, world.day)[world.posts["staff"]]
    posts = take_rows(world.posts, shown)
    office, held = posts["kind"] == 1, posts["end"] == 0
    rank = posts["rank"]
    return pa.table(
        {
            "GH": format_staff_numbers(world, posts["staff"]),
            "ZWLX": pick_texts(["", "D", "J"], posts["kind"]),
            "ZWMC": choose_texts(office, pick_texts(_OFFICES, rank), pick_texts([name for _, name in TECH_POSTS], rank)),
            "ZWJB": choose_texts(office, pick_texts(["05", "06", "07", "06"], rank), None),
            "PRZW": choose_texts(office, None, pick_texts([code for code, _ in TECH_POSTS], rank)),
            "RZBM": format_unit_codes(posts["unit"]),
            "RZRQ": format_iso_dates(posts["start"]),
            "MZRQ": _fill_zero_dates(format_iso_dates(posts["end"]), ~held),
            "DQRZZK": choose_texts(held, "在任", "不在任"),
            "GXSJ": build_timestamps(posts["updated"]),
        }
    )


def _fill_zero_dates(column: Text, known: Bools) -> Text:
    return choose_texts(known, column, ZERO_DATE)


def _translate_codes(words: dict[int, str], codes: Ints) -> Text:
    return pick_texts([words.get(code) for code in range(max(words) + 1)], codes)


DATASETS: Datasets = {
    "hr.units": render_units,
    "hr.staff_record": render_staff_record,
    "hr.post_record": render_post_record,
}
WAITS: Waits = {
    "staff": (("hr.post_record", "GH", "staff_post", "staff_no.reference"),),
}
