"""The share is taken of each source system as well as of the whole, and a floor follows what stands."""

from __future__ import annotations

from datetime import date

import pytest

from contracts.contract import Brake
from pipeline.publishing import limits

DAY = date(2026, 9, 14)


@pytest.mark.parametrize(
    ("before", "deletes", "stops"),
    [(3, 2, True), (3, 1, False), (97, 20, True), (97, 19, False), (114, 48, True), (100_000, 20, False), (0, 0, False)],
)
def test_a_floor_lets_a_few_rows_pass_and_never_most_of_a_small_table(before: int, deletes: int, stops: bool) -> None:
    brake = Brake(max_delete_percent=2, floor=20)
    assert bool(list(limits.find_exceeded(brake, limits.ChangeSize(before, deletes, 0), DAY))) is stops


@pytest.mark.parametrize(("deletes", "stops"), [(300, False), (470, True), (940, True)])
def test_graduation_takes_a_years_students_and_not_half_of_all(deletes: int, stops: bool) -> None:
    brake = Brake(max_delete_percent=2, floor=50, expect=("graduation",))
    found = list(limits.find_exceeded(brake, limits.ChangeSize(940, deletes, 0), date(2027, 6, 20)))
    assert bool(found) is stops
