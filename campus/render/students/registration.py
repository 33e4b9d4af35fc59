"""The registration system: the batches of the two latest terms, and in them every undergraduate (YWLC04)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from campus.generate.arrival import FORCED, build_registrations, find_current_term, list_shown_terms
from campus.render.base import Datasets, Waits
from campus.simulate.arrays import (
    Ints,
    Text,
    build_dates,
    choose_texts,
    encode_dates,
    format_compact_dates,
    format_digits,
    join_bytes,
    pick_texts,
    repeat_text,
)
from campus.simulate.people import format_known_staff, format_student_numbers
from campus.simulate.world import FIRST_DAY, NEVER, World, date_of, epoch_day
from campus.simulate.year import TERMS

STATES = ("未报到", "已报到", "已注册")
BASES = (None, "缴清", "绿色通道", "强制")
SEASONS = {"1": "秋", "2": "春"}
_REASONS = ("学费由资助单位汇入途中,经教务处批准", "家庭突发困难,经教务处处务会批准")
_DAY_ZERO = epoch_day(FIRST_DAY) - 1


def render_batch(world: World) -> pa.Table:
    """`zc_pc`: when check-in and registration run, what must be paid (F13), how one checks in (F14), as of when."""
    terms = list_shown_terms(world.day)
    now = find_current_term(world.day)
    return pa.table(
        {
            "PCH": pa.array([_format_batch_number(TERMS.index(term)) for term in terms]),
            "XN": pa.array([term.school_year for term in terms]),
            "XQ": pa.array([SEASONS[term.code] for term in terms]),
            "BDKSRQ": pa.array([date_of(term.checkin.first) for term in terms]),
            "BDJSRQ": pa.array([date_of(term.checkin.last) for term in terms]),
            "ZCKSRQ": pa.array([date_of(term.registration.first) for term in terms]),
            "ZCJSRQ": pa.array([date_of(term.registration.last) for term in terms]),
            "XQJSRQ": pa.array([date_of(term.last) for term in terms]),
            "SFXM": pa.array(["学费,住宿费"] * len(terms)),
            "BDFS": pa.array(["院系现场"] * len(terms)),
            "DQPC": pa.array(["是" if term is now else "否" for term in terms]),
            "SJRQ": pa.array([date_of(world.day)] * len(terms)),
        }
    )


def render_checkin_register(world: World) -> pa.Table:
    """`zc_bdzc`: one row an undergraduate and term."""
    rows = build_registrations(world)
    checked, registered = rows["checkin"] < NEVER, rows["registered"] < NEVER
    last = np.array([term.last for term in TERMS])[rows["term"]]
    itself = registered & (rows["by"] < 0)
    forced = rows["basis"] == FORCED
    reason = choose_texts(rows["overdue"] == 1, choose_texts(checked, "欠费未注册", "未到校报到"), None)
    return pa.table(
        {
            "XH": format_student_numbers(world, rows["student"]),
            "PCH": pick_texts([_format_batch_number(number) for number in range(len(TERMS))], rows["term"]),
            "XN": pick_texts([term.school_year for term in TERMS], rows["term"]),
            "XQ": pick_texts([SEASONS[term.code] for term in TERMS], rows["term"]),
            "ZCZT": pick_texts(STATES, np.where(registered, 2, checked.astype(np.int64))),
            "BDRQ": choose_texts(checked, format_compact_dates(_fill_unknown_days(rows["checkin"], checked)), None),
            "BDCZY": format_known_staff(world, rows["operator"]),
            "HBD": choose_texts(rows["deferred"] == 1, "是", "否"),
            "SFQJ": choose_texts(rows["on_leave"] == 1, "1", "0"),
            "ZCRQ": choose_texts(registered, _format_slashed(_fill_unknown_days(rows["registered"], registered)), None),
            "ZCYJ": pick_texts(BASES, rows["basis"]),
            "YXQZ": build_dates(_DAY_ZERO + last, rows["basis"] != 2),
            "ZCR": choose_texts(itself, format_student_numbers(world, rows["student"]), format_known_staff(world, rows["by"])),
            "QZYY": choose_texts(forced, pick_texts(_REASONS, rows["student"] % 2), None),
            "WZCYY": reason,
        }
    )


def _format_batch_number(number: int) -> str:
    return f"ZC{TERMS[number].school_year[:4]}{TERMS[number].code}"


def _fill_unknown_days(days: Ints, known: np.typing.NDArray[np.bool_]) -> Ints:
    return _DAY_ZERO + np.where(known, days, 1)


def _format_slashed(days: Ints) -> Text:
    """Dates as `2026/09/07`."""
    figures = format_digits(encode_dates(days), 8)
    slash = repeat_text("/", len(days))
    return join_bytes(figures[:, :4], slash, figures[:, 4:6], slash, figures[:, 6:])


DATASETS: Datasets = {
    "registration.batch": render_batch,
    "registration.checkin_register": render_checkin_register,
}
WAITS: Waits = {"student": (("registration.checkin_register", "XH", "registration", "student_no.reference"),)}
