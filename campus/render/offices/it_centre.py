"""The IT centre's register of photos: digests in capitals and days of collection. There is no picture anywhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from campus.render.base import Datasets, Upload, Uploads
from campus.simulate.arrays import Bools, Ints, Text, format_iso_dates, join_bytes
from campus.simulate.people import format_staff_numbers, format_student_numbers
from campus.simulate.world import FIRST_DAY, INTAKE, World, date_of, epoch_day, is_present, make_generator

_HEX = np.frombuffer(b"0123456789ABCDEF", dtype=np.uint8)
_DIGEST = 64
_REPORT, _COLLECTING_DAYS, _STAFF_DAYS = epoch_day(FIRST_DAY) - 2, 21, 90


def render_photo_register(world: World) -> pa.Table:
    """Photos of new students, taken in the three weeks after they report, and of staff of the last quarter."""
    students, staff = world.students, world.staff
    first_day = epoch_day(FIRST_DAY)
    came = np.where(students["from_day"] > 1, first_day + students["from_day"] - 1, _REPORT)
    new = (students["entry"] == INTAKE) & is_present(students, world.day)
    joined = (staff["joined"] > first_day - _STAFF_DAYS) & is_present(staff, world.day)
    return pa.concat_tables(
        [
            _build_photos(world, 420, new, came, format_student_numbers),
            _build_photos(world, 421, joined, staff["joined"], format_staff_numbers),
        ]
    )


def _build_photos(world: World, stream: int, wanted: Bools, came: Ints, numbered: Callable[[World, Ints], Text]) -> pa.Table:
    """The photos taken by the close of the day of the `wanted` people, who came on the given days since 1970-01-01."""
    numbers = make_generator(world.seed, stream)
    digests = _HEX[numbers.integers(0, len(_HEX), (len(came), _DIGEST), dtype=np.uint8)]
    taken = came + numbers.integers(0, _COLLECTING_DAYS, len(came))
    rows = np.flatnonzero(wanted & (taken <= epoch_day(date_of(world.day))))
    return pa.table({"XGH": numbered(world, rows), "ZPZY": join_bytes(digests[rows]), "CJRQ": format_iso_dates(taken[rows])})


def name_register_file(world: World) -> Upload:
    """A file a day."""
    return Upload(f"zpcj_{date_of(world.day):%Y%m%d}.csv")


DATASETS: Datasets = {"it_centre.photo_register": render_photo_register}
UPLOADS: Uploads = {"it_centre.photo_register": name_register_file}
