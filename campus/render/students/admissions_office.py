"""The admissions office's workbook of this year's candidates: dates with dots, 男 and 女, full-width brackets."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from campus.render.base import Datasets, Upload, Uploads
from campus.simulate.arrays import choose_texts, encode_dates, format_digits, join_bytes, pick_texts, repeat_text, take_rows
from campus.simulate.lists import MAJORS
from campus.simulate.people import BULLET, format_identities, format_names, format_regions
from campus.simulate.world import INTAKE, World, is_present
from campus.simulate.year import ADMITTED, NUMBERED

_LEVELS = ("", "博士", "硕士", "本科", "专科")


def render_admission(world: World) -> pa.Table:
    """Undergraduates of the latest intake, as handed to the academic affairs office (YWLC01/3)."""
    students = world.students
    here = is_present(students, world.day) | ((students["since"] == NUMBERED) & (world.day >= ADMITTED))
    rows = np.flatnonzero(here & (students["level"] >= 3) & (students["entry"] == INTAKE))
    admitted = take_rows(students, rows)
    born, dot = format_digits(encode_dates(admitted["birth"]), 8), repeat_text(".", len(rows))
    return pa.table(
        {
            "考生号": join_bytes(format_digits(admitted["entry"] % 100, 2), format_digits(admitted["account"], 12)),
            "姓名": format_names(admitted, BULLET),
            "性别": pick_texts(("", "男", "女"), admitted["sex"]),
            "出生日期": join_bytes(born[:, :4], dot, born[:, 4:6], dot, born[:, 6:]),
            "证件类型": choose_texts(admitted["foreign"] > 0, "护照", "居民身份证"),
            "证件号码": format_identities(admitted),
            "录取专业": pc.replace_substring(pick_texts([major.name for major in MAJORS], admitted["major"]), "(", "（"),
            "层次": pick_texts(_LEVELS, admitted["level"]),
            "生源地代码": format_regions(admitted),
        }
    )


def name_admission_file(world: World) -> Upload:
    """One workbook a year."""
    return Upload(f"录取名册{INTAKE}.xlsx", (f"示范大学{INTAKE}年本专科录取名册", "制表单位:招办    交教务处编号"))


DATASETS: Datasets = {"admissions_office.admission": render_admission}
UPLOADS: Uploads = {"admissions_office.admission": name_admission_file}
