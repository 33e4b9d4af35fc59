"""The registration system: the batches of the two latest terms, and in them every undergraduate (YWLC04)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from campus.generate.arrival import FORCED, current_term, registrations, shown_terms
from campus.render.base import Datasets, Waits
from campus.simulate.arrays import Ints, Text, compact, dates, digits, pick, text, where, word, ymd
from campus.simulate.people import some_staff, student_numbers
from campus.simulate.world import FIRST_DAY, NEVER, World, date_of, epoch
from campus.simulate.year import TERMS

STATES = ("未报到", "已报到", "已注册")
BASES = (None, "缴清", "绿色通道", "强制")
SEASONS = {"1": "秋", "2": "春"}
_REASONS = ("学费由资助单位汇入途中,经教务处批准", "家庭突发困难,经教务处处务会批准")
_DAY_ZERO = epoch(FIRST_DAY) - 1


def batch(world: World) -> pa.Table:
    """`zc_pc`: when check-in and registration run, what must be paid (F13), how one checks in (F14), as of when."""
    terms = shown_terms(world.day)
    now = current_term(world.day)
    return pa.table(
        {
            "PCH": pa.array([_batch_no(TERMS.index(term)) for term in terms]),
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


def checkin_register(world: World) -> pa.Table:
    """`zc_bdzc`: one row an undergraduate and term."""
    rows = registrations(world)
    checked, registered = rows["checkin"] < NEVER, rows["registered"] < NEVER
    last = np.array([term.last for term in TERMS])[rows["term"]]
    itself = registered & (rows["by"] < 0)
    forced = rows["basis"] == FORCED
    reason = where(rows["overdue"] == 1, where(checked, "欠费未注册", "未到校报到"), None)
    return pa.table(
        {
            "XH": student_numbers(world, rows["student"]),
            "PCH": pick([_batch_no(number) for number in range(len(TERMS))], rows["term"]),
            "XN": pick([term.school_year for term in TERMS], rows["term"]),
            "XQ": pick([SEASONS[term.code] for term in TERMS], rows["term"]),
            "ZCZT": pick(STATES, np.where(registered, 2, checked.astype(np.int64))),
            "BDRQ": where(checked, compact(_known(rows["checkin"], checked)), None),
            "BDCZY": some_staff(world, rows["operator"]),
            "HBD": where(rows["deferred"] == 1, "是", "否"),
            "SFQJ": where(rows["on_leave"] == 1, "1", "0"),
            "ZCRQ": where(registered, _slashes(_known(rows["registered"], registered)), None),
            "ZCYJ": pick(BASES, rows["basis"]),
            "YXQZ": dates(_DAY_ZERO + last, rows["basis"] != 2),
            "ZCR": where(itself, student_numbers(world, rows["student"]), some_staff(world, rows["by"])),
            "QZYY": where(forced, pick(_REASONS, rows["student"] % 2), None),
            "WZCYY": reason,
        }
    )


def _batch_no(number: int) -> str:
    return f"ZC{TERMS[number].school_year[:4]}{TERMS[number].code}"


def _known(days: Ints, known: np.typing.NDArray[np.bool_]) -> Ints:
    return _DAY_ZERO + np.where(known, days, 1)


def _slashes(days: Ints) -> Text:
    """Dates as `2026/09/07`."""
    figures = digits(ymd(days), 8)
    slash = word("/", len(days))
    return text(figures[:, :4], slash, figures[:, 4:6], slash, figures[:, 6:])


DATASETS: Datasets = {
    "registration.batch": batch,
    "registration.checkin_register": checkin_register,
}
WAITS: Waits = {"student": (("registration.checkin_register", "XH", "registration", "student_no.reference"),)}
