"""Fees, payments and pay: amounts in fen that add up, computed from the people rather than kept beside them.

A fee row and its payments come from the same matrix of items, so receivable = relief + received + outstanding (FE-1),
a payment is the sum of its items (FE-6) and the table agrees with the ledger (FE-8) by construction.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt

from campus.simulate.arrays import Bools, Frame, Ints, take_rows
from campus.simulate.world import FIRST_DAY, IN_POST, INTAKE, NEVER, PAYDAY, World, date_of, day_of, epoch_day, is_present

UNPAID, SINGLE, TWICE, THRICE, PARTLY, EXEMPT, LOAN, DEFERRED = 1, 2, 0, 3, 4, 5, 6, 7
"""Plans of payment: `THRICE` pays tuition, accommodation and the rest apart; `PARTLY` half of the tuition only."""
LAST_PAYMENT = 9
"""Number of the payment that settles what was owed."""
TUITION, ACCOMMODATION = 0, 1
ITEMS = 8
_BILLED = epoch_day(date(2026, 7, 20))
"""The day on which the new school year is billed, once the old one is closed; new students are billed when numbered."""
_BEGINS = date(2026, 8, 21)
_SCHOOL_YEAR_BEGINS = epoch_day(_BEGINS)
Matrix = npt.NDArray[np.int64]


def compute_due(students: Frame, year: int) -> Matrix:
    """What each student owes for a school year by item, in fen, shape (students, 8), before relief."""
    first = students["entry"] == year
    bachelor = students["level"] >= 3
    items = np.zeros((len(first), ITEMS), np.int64)
    items[:, TUITION] = students["tuition"]
    items[:, ACCOMMODATION] = np.where(students["boarding"] == 2, 70_000 + 10_000 * (students["house"] % 5), 0)
    items[:, 2] = np.where(bachelor, 50_000, 0)
    items[:, 3] = np.where(first, 6_000, 0)
    items[:, 4] = np.where(first, 3_000, 0)
    items[:, 5] = np.where(first, 38_050, 0)
    items[:, 6] = np.where(first & bachelor, 12_080, 0)
    items[:, 7] = np.where(students["foreign"] == 0, 38_000, 0)
    return items


def compute_relief(students: Frame, items: Matrix) -> Matrix:
    """What is waived this year, by item: everything for the exempt, half of the tuition for some."""
    waived = np.zeros_like(items)
    half = (students["reduced"] == 1) & np.isin(students["plan"], [SINGLE, TWICE, THRICE])
    waived[half, TUITION] = items[half, TUITION] // 200 * 100
    exempt = students["plan"] == EXEMPT
    waived[exempt] = items[exempt]
    return waived


def split_instalments(students: Frame, payable: Matrix) -> dict[int, Matrix]:
    """This year's payments by number, each a matrix of items; rows of zeros are payments that were not made."""
    plan = students["plan"][:, None]
    tuition, accommodation, rest = (
        _keep_columns(payable, columns) for columns in ([TUITION], [ACCOMMODATION], range(2, ITEMS))
    )
    half = tuition // 200 * 100
    paid = {
        1: np.select(
            [plan == SINGLE, plan == PARTLY, plan == LOAN, (plan == TWICE) | (plan == THRICE)],
            [payable, half, accommodation + rest, tuition],
            0,
        ),
        2: np.select([plan == TWICE, plan == THRICE], [accommodation + rest, accommodation], 0),
        3: np.where(plan == THRICE, rest, 0),
    }
    before = paid[1] + paid[2] + paid[3]
    paid[LAST_PAYMENT] = np.where(students["settled"][:, None] > 0, payable - before, 0)
    return paid


def is_owing(students: Frame) -> Bools:
    """Who has been billed this year, still owes and has neither settled nor paid after hours."""
    unpaid = np.isin(students["plan"], [UNPAID, PARTLY, DEFERRED])
    return np.asarray((students["billed"] == 1) & unpaid & (students["settled"] == 0) & (students["pending"] == 0))


def find_paid_days(students: Frame) -> Ints:
    """The day from which this year's tuition and accommodation are paid or waived; NEVER for who owes (YWLC04/7)."""
    planned = day_of(_BEGINS) + students["paid_after"]
    first = np.where(students["plan"] == EXEMPT, students["since"], np.maximum(planned, students["since"]))
    punctual = np.isin(students["plan"], [SINGLE, TWICE, THRICE, EXEMPT])
    return np.select([punctual, students["settled"] > 0], [first, students["settled"]], NEVER)


def build_fees(world: World) -> Frame:
    """This year's fee rows: student (row), fen receivable, relief, received, outstanding, flags and last change."""
    rows = np.flatnonzero(is_present(world.students, world.day) & (world.students["billed"] == 1))
    students = take_rows(world.students, rows)
    items = compute_due(students, INTAKE)
    waived = compute_relief(students, items)
    paid = sum(split_instalments(students, items - waived).values(), np.zeros_like(items))
    due_to_pay = _SCHOOL_YEAR_BEGINS + students["paid_after"]
    waiting = due_to_pay > epoch_day(date_of(world.day))
    paid[waiting] = 0
    billed = np.maximum(_BILLED, epoch_day(FIRST_DAY) + students["since"] - 1)
    settled = np.where(students["settled"] > 0, epoch_day(FIRST_DAY) + students["settled"] - 1, 0)
    arrived = np.where(students["from_day"] > 1, epoch_day(FIRST_DAY) + students["from_day"] - 1, 0)
    changed = np.where(waiting, billed, np.maximum(np.maximum(settled, arrived), due_to_pay))
    required = (items - waived - paid)[:, [TUITION, ACCOMMODATION]].sum(axis=1) == 0
    return _build_fee_frame(rows, items, waived, paid) | {
        "adjustment": np.select(
            [students["plan"] == EXEMPT, students["plan"] == LOAN, students["plan"] == DEFERRED, waived.sum(axis=1) > 0],
            [2, 4, 3, 1],
            0,
        ),
        "exempt": (students["plan"] == EXEMPT).astype(np.int64),
        "required": required.astype(np.int64),
        "changed": changed * 86_400 + 17 * 3600,
    }


def build_earlier_fees(world: World) -> Frame:
    """The fee rows of the school year before, for students of older grades; closed, so equal on every day."""
    rows = np.flatnonzero(is_present(world.students, world.day) & (world.students["billed_before"] == 1))
    students = take_rows(world.students, rows)
    items = compute_due(students, INTAKE - 1)
    paid = sum(_split_earlier_instalments(students, items).values(), np.zeros_like(items))
    required = (items - paid)[:, [TUITION, ACCOMMODATION]].sum(axis=1) == 0
    return _build_fee_frame(rows, items, np.zeros_like(items), paid) | {"required": required.astype(np.int64)}


def compute_earlier_debts(students: Frame) -> Matrix:
    """What was left of the school year before, by item, in fen, shape (students, 8); zero for who had no bill then."""
    items = compute_due(students, INTAKE - 1)
    left = items - sum(_split_earlier_instalments(students, items).values(), np.zeros_like(items))
    left[students["billed_before"] == 0] = 0
    return np.asarray(left)


def build_payments(world: World) -> Frame:
    """Every posted payment up to the day: student (row), year, number, days paid and posted, time entered, `item0` to `item7`
    in fen. What was paid after hours is posted on the next day.
    """
    here = is_present(world.students, world.day)
    parts = []
    for year, billed, start in (
        (INTAKE, "billed", _SCHOOL_YEAR_BEGINS),
        (INTAKE - 1, "billed_before", epoch_day(date(2025, 8, 25))),
    ):
        rows = np.flatnonzero(here & (world.students[billed] == 1))
        students = take_rows(world.students, rows)
        items = compute_due(students, year)
        split = (
            split_instalments(students, items - compute_relief(students, items))
            if year == INTAKE
            else _split_earlier_instalments(students, items)
        )
        for turn, matrix in split.items():
            parts.append(_build_payment_rows(rows, students, year, turn, start, matrix))
    made = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return take_rows(made, made["on"] <= epoch_day(date_of(world.day)))


def _build_payment_rows(rows: Ints, students: Frame, year: int, turn: int, start: int, items: Matrix) -> Frame:
    made = np.flatnonzero(items.sum(axis=1) > 0)
    who = take_rows(students, made)
    on = start + who["paid_after"] * (1 if turn != LAST_PAYMENT else 0)
    if year == INTAKE:
        arrival = np.where(who["from_day"] > 1, epoch_day(FIRST_DAY) + who["from_day"] - 1, 0)
        settled = epoch_day(FIRST_DAY) + who["settled"] - 1 if turn == LAST_PAYMENT else 0
        on = np.maximum(np.maximum(on, arrival), settled)
    return {
        "student": rows[made],
        "year": np.full(len(made), year, np.int64),
        "turn": np.full(len(made), turn, np.int64),
        "on": on - ((turn == LAST_PAYMENT) & (who["pending"] > 0)),
        "posted": on,
        "entered": on * 86_400 + 9 * 3600 + (rows[made] * 7 + turn) % 28_800,
    } | {f"item{k}": items[made, k] for k in range(ITEMS)}


def _split_earlier_instalments(students: Frame, items: Matrix) -> dict[int, Matrix]:
    plan = students["earlier"][:, None]
    tuition, accommodation, rest = (_keep_columns(items, columns) for columns in ([TUITION], [ACCOMMODATION], range(2, ITEMS)))
    return {
        1: np.select([plan == 0, plan == 1], [tuition, items], tuition // 200 * 100),
        2: np.where(plan == 0, accommodation, 0),
        3: np.where(plan == 0, rest, 0),
    }


def _keep_columns(items: Matrix, columns: list[int] | range) -> Matrix:
    part = np.zeros_like(items)
    part[:, list(columns)] = items[:, list(columns)]
    return part


def _build_fee_frame(rows: Ints, items: Matrix, waived: Matrix, paid: Matrix) -> Frame:
    total, relieved, received = (matrix.sum(axis=1) for matrix in (items, waived, paid))
    return {
        "student": rows,
        "receivable": total,
        "relief": relieved,
        "received": received,
        "outstanding": total - relieved - received,
    }


def list_pay_months(day: int) -> list[tuple[int, int]]:
    """The months whose pay has been uploaded by a day, oldest first, as (year, month); pay is uploaded on the 8th."""
    today = date_of(day)
    months = [(2026, 8) if date(2026, 8, PAYDAY) <= today else (2026, 7)]
    while True:
        year, month = months[-1]
        following = (year + month // 12, month % 12 + 1)
        if date(*following, PAYDAY) > today:
            return months
        months.append(following)


def build_payroll(world: World, year: int, month: int) -> Frame:
    """The pay lines of a month: staff (row), item (index into `PAY_ITEMS`), fen. They never change once uploaded."""
    staff = world.staff
    made_on = (date(year, month, PAYDAY) - FIRST_DAY).days + 1
    here = (staff["from_day"] <= max(1, made_on - 1)) & (staff["since"] <= made_on)
    rows = np.flatnonzero((staff["state_first"] == IN_POST) & here)
    salary = staff["salary"][rows]
    lines = np.stack(
        [salary // 2, salary // 4, salary // 5 + 30_000, salary // 10 + 20_000, -(salary // 8), -(salary // 30 + month * 10)]
    )
    return {
        "staff": np.tile(rows, len(lines)),
        "item": np.repeat(np.arange(len(lines)), len(rows)),
        "fen": lines.reshape(-1),
    }
