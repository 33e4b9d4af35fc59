"""The truth behind the systems on one day: frames of whole numbers, joined by row index.

Systems hold copies of this truth in their own spelling (`render_*.py`). A person who arrives on a later day is in the
frames from the start with `from_day` set, so that nobody's number, name or identity depends on the day. Days before day 1
are 0 and below; then `since` says who is there already.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from campus.simulate.arrays import Bools, Frame, Ints

FIRST_DAY = date(2026, 9, 7)
INTAKE = 2026
"""Entry year of the newest students."""
HORIZON = 366
"""Days for which newcomers are prepared."""
ALWAYS = -10_000
"""`since` of those who have been here longer than the rehearsal looks back."""
NEVER = 1 << 30
PAYDAY = 8

IN_SCHOOL, SUSPENDED, WITHDRAWN, RESUMED, GRADUATED = 1, 2, 3, 5, 7
"""Student states as numbers of JY/XSDQZT."""
RETIRED, LEFT, IN_POST = 1, 7, 11
"""Staff states as numbers of JY/JZGDQZT."""


@dataclass(frozen=True)
class World:
    """The university at the close of a day.

    Attributes:
        students: one row a student, newcomers of later days included (`since`, `from_day` and `gone_day` bound their
            presence; `from_day` is 1 for everybody who is here on day 1).
        staff: the same for staff.
        classes: major, entry, number of every administrative class, and its monitor (student), tutor and counsellor (staff).
        posts: staff row, kind (1 office, 2 technical), rank, unit, start and end day (0 while held).
        changes: student row, code, day, reason, and unit, major and class before and after (-1 for none).
        vouchers: reimbursements: staff row, fen, day of payment.
    """

    seed: int
    persons: int
    day: int
    students: Frame
    staff: Frame
    classes: Frame
    posts: Frame
    changes: Frame
    vouchers: Frame


def date_of(day: int) -> date:
    """The simulated date of a day; day 1 is 2026-09-07."""
    return FIRST_DAY + timedelta(days=day - 1)


def day_of(value: date) -> int:
    """The day of a date."""
    return (value - FIRST_DAY).days + 1


def epoch_day(value: date) -> int:
    """Days since 1970-01-01."""
    return (value - date(1970, 1, 1)).days


def is_present(frame: Frame, day: int) -> Bools:
    """The rows that their system shows on a day."""
    return np.asarray((frame["since"] <= day) & (frame["from_day"] <= max(day, 1)) & (frame["gone_day"] > day))


def make_generator(seed: int, *stream: int) -> np.random.Generator:
    """Numbers that depend on the seed and the purpose only."""
    return np.random.Generator(np.random.PCG64([seed, *stream]))


def draw_office_hours(day: int, rows: int, numbers: np.random.Generator) -> Ints:
    """Moments between 8:00 and 18:00 of a day, in seconds since 1970-01-01."""
    return epoch_day(date_of(day)) * 86_400 + numbers.integers(8 * 3600, 18 * 3600, rows)
