"""The library: readers, a ledger of loans whose rows change when a book is renewed or comes back, and the list of leavers.

Debts are in fen, some numbers end in blanks, cards of staff never expire (`2099/12/31`). The counts on the cards and on
the list of leavers come from the same loans as the ledger.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from campus.generate.library import compute_final_years, compute_return_days, has_card
from campus.render.base import Datasets, Waits
from campus.simulate.arrays import (
    Bools,
    Frame,
    Ints,
    Text,
    build_timestamps,
    choose_texts,
    format_compact_dates,
    format_digits,
    format_numbers,
    join_bytes,
    join_texts,
    pick_texts,
    take_rows,
)
from campus.simulate.people import format_staff_numbers, format_student_numbers
from campus.simulate.world import (
    FIRST_DAY,
    IN_POST,
    INTAKE,
    NEVER,
    WITHDRAWN,
    World,
    date_of,
    epoch_day,
    is_present,
    make_generator,
)

NO_END = "2099/12/31"
"""What the library writes for a card without an end."""
_BACK = 365
"""Days before the first day from which the ledger starts; it goes on for as long after it."""
_LOANS_A_READER = 1.5
_TERM, _STAFF_TERM, _RENEWAL = 30, 60, 30
_FINE = 10
"""Fen a day and book."""
_LISTED_ON = epoch_day(date(2026, 9, 1)) * 86_400 + 8 * 3600
_TODAY = epoch_day(FIRST_DAY)
_DAY = 86_400


def build_loans(world: World) -> Frame:
    """The ledger as it stands at the close of the day.

    Columns: `number` of the loan, `staff` (0 or 1), row of the `reader`, `item`, moments `lent`, `due`, `back` (0 while
    out) and `changed` in seconds, `renewals`, and the `debt` in fen that is open because it came back late.
    """
    numbers = make_generator(world.seed, 200)
    students = world.students
    # Who had withdrawn before the first day has no bill, is struck off some day, and those loans would be nobody's.
    stays = (students["billed"] == 1) | (compute_final_years(students) <= INTAKE)
    borrowers = np.flatnonzero((students["from_day"] == 1) & has_card(students) & stays)
    employees = np.flatnonzero((world.staff["from_day"] == 1) & (world.staff["state_first"] == IN_POST))
    holders = np.concatenate([borrowers, employees])
    rows = round(2 * _LOANS_A_READER * len(holders))
    drawn = numbers.integers(0, len(holders), rows)
    staff = drawn >= len(borrowers)
    lent = _TODAY + numbers.integers(-_BACK, _BACK, rows)
    hour = numbers.integers(8 * 3600, 21 * 3600, (2, rows))
    kept = np.where(numbers.random(rows) < 0.02, 10_000, numbers.integers(1, 46, rows))
    renewed = (kept > _TERM) & (numbers.random(rows) < 0.7)
    unpaid = numbers.random(rows) < 0.1
    arrived = np.concatenate([_find_term_starts(students["entry"][borrowers]), world.staff["joined"][employees]])[drawn]
    leaves = np.concatenate([compute_return_days(students)[borrowers], np.full(len(employees), NEVER)])[drawn]
    frame = {
        "number": np.arange(rows),
        "staff": staff.astype(np.int64),
        "reader": holders[drawn],
        "item": numbers.integers(0, 1_500_000, rows),
        "lent": lent * _DAY + hour[0],
        "back": np.minimum(lent + kept, leaves) * _DAY + hour[1],
        "settled": leaves,
        "renewed": renewed.astype(np.int64),
        "unpaid": unpaid.astype(np.int64),
    }
    return _build_loan_states(take_rows(frame, (lent >= arrived) & (lent < leaves)), epoch_day(date_of(world.day)) + 1)


def _find_term_starts(years: Ints) -> Ints:
    """The first of September of each year, as a day."""
    return np.asarray(years.astype(str).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + 243)


def _build_loan_states(frame: Frame, tomorrow: int) -> Frame:
    """What is known of the loans before the day `tomorrow`."""
    shown = take_rows(frame, frame["lent"] < tomorrow * _DAY)
    lent, renewed_on = shown["lent"], shown["lent"] + 25 * _DAY
    is_back = shown["back"] < tomorrow * _DAY
    renewals = ((shown["renewed"] == 1) & (renewed_on < tomorrow * _DAY)).astype(np.int64)
    term = np.where(shown["staff"] == 1, _STAFF_TERM, _TERM) + renewals * _RENEWAL
    due = lent // _DAY + term
    late = np.maximum(0, shown["back"] // _DAY - due)
    changed = np.where(is_back, shown["back"], np.where(renewals == 1, renewed_on, lent))
    return shown | {
        "back": np.where(is_back, shown["back"], 0),
        "renewals": renewals,
        "due": due,
        "changed": changed,
        "debt": np.where(is_back & (shown["unpaid"] == 1) & (shown["settled"] >= tomorrow), late * _FINE, 0),
    }


def _sum_readers(world: World, rows: Ints, staff: int) -> tuple[Ints, Ints, Ints]:
    """Books out, fen owed and moment of the last event (0: none) of students or staff by row."""
    ledger = build_loans(world)
    mine = take_rows(ledger, ledger["staff"] == staff)
    size = int(max(rows.max(initial=0), mine["reader"].max(initial=0))) + 1
    out = np.bincount(mine["reader"][mine["back"] == 0], minlength=size)
    owed = np.zeros(size, np.int64)
    np.add.at(owed, mine["reader"], mine["debt"])
    last = np.zeros(size, np.int64)
    np.maximum.at(last, mine["reader"], mine["changed"])
    return out[rows], owed[rows], last[rows]


def _format_barcodes(rows: Ints, staff: Bools) -> Text:
    return join_texts(choose_texts(staff, "R2", "R1"), join_bytes(format_digits(rows, 8)))


def _format_people(world: World, rows: Ints, staff: Bools) -> Text:
    """Numbers of students or staff, every eleventh with blanks behind it."""
    limit = len(world.students["entry"]), len(world.staff["joined"])
    students = format_student_numbers(world, np.where(staff, 0, np.minimum(rows, limit[0] - 1)))
    employees = format_staff_numbers(world, np.where(staff, np.minimum(rows, limit[1] - 1), 0))
    plain = choose_texts(staff, employees, students)
    return choose_texts(rows % 11 == 0, join_texts(plain, "  "), plain)


def render_reader(world: World) -> pa.Table:
    """`dz_xx`: one card a reader; who has withdrawn keeps it, suspended."""
    students = np.flatnonzero(is_present(world.students, world.day) & has_card(world.students))
    staff = np.flatnonzero(is_present(world.staff, world.day) & (world.staff["state_first"] == IN_POST))
    rows, is_staff = np.concatenate([students, staff]), np.repeat([False, True], [len(students), len(staff)])
    out, owed = (
        np.concatenate(pair)
        for pair in zip(_sum_readers(world, students, 0)[:2], _sum_readers(world, staff, 1)[:2], strict=True)
    )
    people = take_rows(world.students, students)
    ends = join_texts(join_bytes(format_digits(compute_final_years(people), 4)), "/07/31")
    gone = (people["state"] == WITHDRAWN) | (compute_return_days(people) <= epoch_day(date_of(world.day)))
    suspended = np.concatenate([gone, world.staff["state"][staff] != IN_POST])
    level = np.array([0, 1, 1, 0, 0])[people["level"]]
    return pa.table(
        {
            "DZTM": _format_barcodes(rows, is_staff),
            "XGH": _format_people(world, rows, is_staff),
            "DZZT": choose_texts(suspended, "停用", "有效"),
            "KWJ": pa.array(np.concatenate([np.where(level == 1, 25, 15), np.full(len(staff), 40)])),
            "YWJ": pa.array(out),
            "QFK": pa.array(owed),
            "YXQZ": pa.concat_arrays([ends, pick_texts([NO_END], np.zeros(len(staff), np.int64))]),
        }
    )


def render_loan(world: World) -> pa.Table:
    """`jy_ls`: every loan since the ledger began; `GXSJ` moves with each event."""
    rows = build_loans(world)
    staff, out = rows["staff"] == 1, rows["back"] == 0
    return pa.table(
        {
            "JYLSH": format_numbers(rows["number"], 10, "JY"),
            "DZTM": _format_barcodes(rows["reader"], staff),
            "XGH": _format_people(world, rows["reader"], staff),
            "TSTM": format_numbers(rows["item"], 9, "TS"),
            "WJSJ": build_timestamps(rows["lent"]),
            "JSRQ": format_compact_dates(rows["due"]),
            "YHRQ": pa.array(rows["back"] * 1_000_000, pa.int64(), mask=out).cast(pa.timestamp("us")),
            "XJCS": pa.array(rows["renewals"]),
            "TSZT": choose_texts(out, "在借", "在库"),
            "GXSJ": build_timestamps(rows["changed"]),
        }
    )


def render_clearance(world: World) -> pa.Table:
    """`dz_qk`: the cohort that leaves next, those who have graduated and those who have withdrawn."""
    students = world.students
    listed = is_present(students, world.day) & (
        (compute_final_years(students) <= INTAKE + 1) | (students["state"] == WITHDRAWN)
    )
    rows = np.flatnonzero(listed)
    out, owed, last = _sum_readers(world, rows, 0)
    people = take_rows(students, rows)
    returned = ~has_card(people) | (compute_return_days(people) <= epoch_day(date_of(world.day)))
    return pa.table(
        {
            "XH": format_student_numbers(world, rows),
            "YWJ": pa.array(out),
            "QFK": pa.array(owed),
            "JYZ": choose_texts(returned, "已交", "未交"),
            "QQBZ": choose_texts((out == 0) & (owed == 0), "是", "否"),
            "HDSJ": build_timestamps(np.maximum(last, _LISTED_ON)),
        }
    )


DATASETS: Datasets = {"library.reader": render_reader, "library.loan": render_loan, "library.clearance": render_clearance}
WAITS: Waits = {
    "student": (
        ("library.reader", "XGH", "library_reader", "unknown_person"),
        ("library.loan", "XGH", "library_loan", "reader_barcode.reference"),
        ("library.clearance", "XH", "library_clearance", "student_no.reference"),
    ),
    "staff": (
        ("library.reader", "XGH", "library_reader", "unknown_person"),
        ("library.loan", "XGH", "library_loan", "reader_barcode.reference"),
    ),
}
