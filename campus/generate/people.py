"""People with more than one number: teachers who study for a doctorate at their own university."""

from __future__ import annotations

import numpy as np

from campus.simulate.arrays import Frame
from campus.simulate.world import IN_POST, IN_SCHOOL

_SHARE = 100
"""One of so many members of staff."""
_IDENTITY = ("style", "surname", "given", "second", "sex", "region", "ethnicity", "mobile", "birth", "sequence")
_DOCTORATE = 1


def link_doctoral_staff(students: Frame, staff: Frame, numbers: np.random.Generator) -> None:
    """Make some doctoral students of the first day the same people as members of staff in post, in place."""
    employed = np.flatnonzero((staff["from_day"] == 1) & (staff["state"] == IN_POST) & (staff["category"] == 11))
    doctors = np.flatnonzero((students["from_day"] == 1) & (students["level"] == _DOCTORATE) & (students["state"] == IN_SCHOOL))
    count = min(len(staff["unit"][staff["from_day"] == 1]) // _SHARE, len(employed), len(doctors))
    teachers, places = (numbers.choice(rows, count, replace=False) for rows in (employed, doctors))
    for name in _IDENTITY:
        students[name][places] = staff[name][teachers]
    students["foreign"][places] = 0
