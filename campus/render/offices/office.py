"""The office system's list of documents: unit codes cut to six digits, 是 and 否, some paths written out in full."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from campus.render.base import Datasets
from campus.simulate.arrays import (
    build_timestamps,
    choose_texts,
    format_digits,
    format_numbers,
    join_bytes,
    join_texts,
    pick_texts,
    take_rows,
)
from campus.simulate.lists import COLLEGES, UNITS
from campus.simulate.people import format_plain, format_unit_codes
from campus.simulate.world import FIRST_DAY, HORIZON, World, epoch_day, make_generator

_PER_DAY, _DAYS_BEFORE = 3, 200
_SUBJECTS = ("学期工作要点", "教学检查", "安全工作", "职称评审", "财务报销办法", "国有资产清查", "科研项目申报", "学风建设")
_FORMS = ("关于印发{}的通知", "关于做好{}的通知", "关于{}的批复", " {}会议纪要")  # the last begins with a blank
_TITLES = tuple(form.format(subject) for form in _FORMS for subject in _SUBJECTS)


def render_document(world: World) -> pa.Table:
    """`oa_gwml`: every document up to the world's day. One in nine is opened to the public a day after it was issued."""
    numbers = make_generator(world.seed, 401)
    count = _PER_DAY * (_DAYS_BEFORE + HORIZON)
    day = np.arange(count) // _PER_DAY - _DAYS_BEFORE + 1
    drawn = {
        "issued": epoch_day(FIRST_DAY) - 1 + day,
        "title": numbers.integers(0, len(_TITLES), count),
        "unit": numbers.integers(COLLEGES + 1, len(UNITS), count),
        "at": numbers.integers(8 * 3600, 18 * 3600, count),
        "percent": numbers.integers(0, 100, count),
        "day": day,
    }
    documents = take_rows(drawn, day <= world.day)
    rows, issued = np.arange(len(documents["day"])), documents["issued"]
    year = format_digits(issued.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970, 4)
    path = join_texts("/gw/", join_bytes(year), "/", format_plain(rows + 1))
    is_open = (documents["percent"] < 60) | ((rows % 9 == 0) & (documents["day"] < world.day))
    return pa.table(
        {
            "WH": join_texts("校发〔", join_bytes(year), "〕", format_numbers(rows + 1, 4), "号"),
            "BT": pick_texts(_TITLES, documents["title"]),
            "LJ": choose_texts(rows % 10 == 0, join_texts("https://oa.example.edu.cn", path), path),
            "FBSJ": build_timestamps(issued * 86_400 + documents["at"]),
            "BM": pc.utf8_slice_codeunits(format_unit_codes(documents["unit"]), 0, 6),
            "SFGK": choose_texts(is_open, "是", "否"),
        }
    )


DATASETS: Datasets = {"office.document": render_document}
