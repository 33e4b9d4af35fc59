"""The portal's content table: new items every day, drafts of the same day, some withdrawn; recommended ones are reviewed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from campus.render.base import Datasets
from campus.simulate.arrays import build_timestamps, choose_texts, format_compact_dates, join_texts, pick_texts, take_rows
from campus.simulate.lists import UNITS
from campus.simulate.people import format_plain, format_unit_codes
from campus.simulate.world import FIRST_DAY, HORIZON, World, epoch_day, make_generator

_PER_DAY, _DAYS_BEFORE, _FIRST_ID = 6, 120, 20_001
_SUBJECTS = (
    "国庆节放假安排",
    "期末考试安排",
    "奖学金评审",
    "校园网维护",
    "学术报告",
    "消防演练",
    "志愿服务招募",
    "图书馆开放时间",
)
_FORMS = ("关于{}的通知", "关于{}的公告", "{}顺利举行", "{}　")  # the last ends with a full-width blank
_TITLES = tuple(form.format(subject) for form in _FORMS for subject in _SUBJECTS)
_DRAFT, _PUBLISHED, _WITHDRAWN = range(3)


def render_content(world: World) -> pa.Table:
    """`xxfb_nr`: every item up to the world's day. A draft is published on the day after."""
    numbers = make_generator(world.seed, 400)
    count = _PER_DAY * (_DAYS_BEFORE + HORIZON)
    day = np.arange(count) // _PER_DAY - _DAYS_BEFORE + 1
    percent = numbers.integers(0, 100, count)
    drawn = {
        "age": world.day - day,
        "title": numbers.integers(0, len(_TITLES), count),
        "unit": numbers.integers(1, len(UNITS), count),
        "at": numbers.integers(8 * 3600, 18 * 3600, count),
        "percent": percent,
        "withdrawn_at": np.where(percent < 3, numbers.integers(1, 60, count), 2 * HORIZON),
        "published": epoch_day(FIRST_DAY) - 1 + day,
    }
    items = take_rows(drawn, day <= world.day)
    rows, title, published = np.arange(len(items["age"])), items["title"], items["published"]
    written_today = (items["age"] == 0) & (rows % 3 == 0)
    state = np.select([items["age"] >= items["withdrawn_at"], written_today], [_WITHDRAWN, _DRAFT], _PUBLISHED)
    recommended = items["percent"] >= 80
    return pa.table(
        {
            "NRID": pa.array(_FIRST_ID + rows, pa.int64()),
            "BT": pick_texts(_TITLES, title),
            "LJ": join_texts("/info/", format_plain(1001 + title % 4), "/", format_plain(_FIRST_ID + rows), ".htm"),
            "FBSJ": build_timestamps(published * 86_400 + items["at"]),
            "FBDW": format_unit_codes(items["unit"]),
            "ZT": pick_texts(("草稿", "已发布", "已撤回"), state),
            "SFTJ": choose_texts(recommended, "Y", "N"),
            "SHRQ": choose_texts(recommended & (state != _DRAFT), format_compact_dates(published - rows % 2), None),
        }
    )


DATASETS: Datasets = {"portal.content": render_content}
