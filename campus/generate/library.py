"""Who has a library card, and when those who leave bring back their books and the card."""

from __future__ import annotations

from datetime import date

import numpy as np

from campus.simulate.arrays import Bools, Frame, Ints
from campus.simulate.lists import MAJORS
from campus.simulate.world import INTAKE, NEVER, epoch_day

_LEAVING_DAY = epoch_day(date(2027, 6, 25))


def compute_final_years(students: Frame) -> Ints:
    """The year in which each student's training ends."""
    return np.asarray(students["entry"] + np.array([major.years for major in MAJORS])[students["major"]])


def has_card(students: Frame) -> Bools:
    """Everybody since last summer, and the few of earlier cohorts who never gave their card back."""
    return np.asarray((compute_final_years(students) > INTAKE) | (students["house"] % 25 == 0))


def compute_return_days(students: Frame) -> Ints:
    """The day (since 1970-01-01) in the last two weeks on which somebody of the leaving cohort brings back books and card;
    never for a few."""
    leaves = (compute_final_years(students) == INTAKE + 1) & (students["house"] % 50 != 0)
    return np.where(leaves, _LEAVING_DAY - students["house"] % 14, NEVER)
