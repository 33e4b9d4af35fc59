"""What a number's format shows, in sections, languages and calendars that are seldom met."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_workbook_cells import changed, column, formatted

from core.dialects import UNREADABLE


@pytest.mark.parametrize("name", ["t.xls", "t.xlsx"])
@pytest.mark.parametrize(
    ("form", "number", "text"),
    [
        ("[$-804]aaaa;@", 42062, "2015-02-27"),  # shown as the day of the week
        ('[$-404]e"\u5e74"', 42062, "2015-02-27"),
        ("[$-411]ggge", 42062.5, "2015-02-27 12:00:00"),
        ("bbbb", 42062, "2015-02-27"),
        ("[<1]0.00;yyyy-mm-dd", 42062, "2015-02-27"),
        ("[<1]0.00;yyyy-mm-dd", 0.5, "0.5"),
        ("[>=36526]yyyy-mm-dd;General", 5, "5"),
        ("0.0;yyyy-mm-dd", 42062, "42062"),
        ('yyyy"年"m"月"d"日";@', 42062, "2015-02-27"),
        ("[<1]0;[h]:mm", 1.5, "36:00:00"),
        ("Standard", 42062, "42062"),
        ('G/\u901a\u7528\u683c\u5f0f"\u5143"', 42062, "42062"),
        ("\u0433\u0433\u0433\u0433", 42062, f"{UNREADABLE}42062"),  # letters of which nobody knows what they show
    ],
)
def test_what_a_section_or_a_seldom_letter_shows_is_what_lands(
    tmp_path: Path, name: str, form: str, number: float, text: str
) -> None:
    assert column(formatted(tmp_path / name, [(number, form)])) == [text]


@pytest.mark.parametrize("name", ["t.xls", "t.xlsx"])
def test_a_number_that_is_no_day_is_held_under_a_dates_format(tmp_path: Path, name: str) -> None:
    """Before the first day, and the 29 February 1900, which no other calendar has."""
    numbers = [-5.0, 60, 60.5, 59, 61]
    found = column(formatted(tmp_path / name, [(number, "yyyy-mm-dd") for number in numbers]))
    assert found == [f"{UNREADABLE}-5", f"{UNREADABLE}60", f"{UNREADABLE}60.5", "1900-02-28", "1900-03-01"]
    kept = [(-5, "0.00"), (60, "General"), (60, "[h]:mm")]
    assert column(formatted(tmp_path / name, kept)) == ["-5", "60", "1440:00:00"]


def test_numbers_of_a_thai_workbooks_dates_and_of_1904_are_dates(tmp_path: Path) -> None:
    path = formatted(tmp_path / "t.xlsx", [(42062, "0.0000"), (42062, "aaaa")])
    thai = changed(path, "xl/styles.xml", lambda xml: re.sub(rb'<xf numFmtId="164"', b'<xf numFmtId="74"', xml))
    assert column(thai) == ["2015-02-27"] * 2
    early = changed(path, "xl/workbook.xml", lambda xml: xml.replace(b"<workbookPr ", b'<workbookPr date1904="1" '))
    assert column(early) == ["42062", "2019-02-28"]
