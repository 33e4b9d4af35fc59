"""The calendar: public holidays, the university's own word over them, payday, windows, terms, and files that change."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from contracts.deadlines import list_occasions
from core.calendar import each_day, load_calendar, local_date
from core.errors import ContractError
from core.settings import get_settings

YEAR = """
school_year: 2030-2031
title: t
terms: [{code: "1", title: t, first: 2030-09-02, last: 2031-01-19}]
windows: [{name: arrival, title: t, first: 2030-09-07, last: 2030-09-08}]
days_off: %s
workdays: %s
"""


def write(folder: Path, days_off: str = "[]", workdays: str = "[]") -> Path:
    path = folder / "2030-2031.yaml"
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(YEAR % (days_off, workdays), "utf-8")
    os.utime(path, ns=(before + 1_000_000_000, before + 1_000_000_000))
    return folder


@pytest.mark.parametrize(
    ("month", "day"),
    [
        ((2025, 10), date(2025, 10, 8)),  # the last day of the National Day holiday
        ((2026, 8), date(2026, 8, 8)),  # a Saturday
        ((2026, 10), date(2026, 10, 8)),
        ((2027, 2), date(2027, 2, 8)),  # Spring Festival
        ((2031, 3), date(2031, 3, 8)),  # a school year without a file
    ],
)
def test_payday_is_the_8th_of_the_text_where_the_calendar_says_nothing(month: tuple[int, int], day: date) -> None:
    assert load_calendar().payday(*month) == day
    assert load_calendar().is_payday(day)


@pytest.mark.parametrize(
    ("rule", "month", "day"),
    [
        ("{off_day: next}", (2026, 8), date(2026, 8, 10)),  # the 8th is a Saturday
        ("{off_day: next}", (2026, 10), date(2026, 10, 8)),
        ("{off_day: next}", (2027, 2), date(2027, 2, 14)),  # Spring Festival, own days off, and the make-up Sunday
        ("{off_day: previous}", (2026, 11), date(2026, 11, 6)),  # the 8th is a Sunday
        ("{off_day: previous}", (2027, 2), date(2027, 2, 4)),  # the last day before Spring Festival
        ("{day: 15}", (2026, 11), date(2026, 11, 15)),  # a Sunday
        ("{day: 15, off_day: next}", (2026, 11), date(2026, 11, 16)),
        ("{day: 1, off_day: previous}", (2027, 5), date(2027, 4, 30)),  # Labour Day: the last day of the month before
        ("{day: 28, off_day: next}", (2027, 2), date(2027, 3, 1)),  # a Sunday: over the end of the month
    ],
)
def test_payday_is_what_a_school_year_says(tmp_path: Path, rule: str, month: tuple[int, int], day: date) -> None:
    text = (get_settings().schemas / "calendar" / "2026-2027.yaml").read_text("utf-8")
    (tmp_path / "2026-2027.yaml").write_text(f"{text}payday: {rule}\n", "utf-8")
    own = load_calendar(tmp_path)
    assert own.payday(*month) == day
    span = each_day(day - timedelta(days=20), day + timedelta(days=20))
    assert [date for date in span if own.is_payday(date)] == [day]
    deadline = {"id": "DL18", "relation": "on_day", "anchor": "month", "day_of_month": 8}
    due = list_occasions(deadline, own, day - timedelta(days=20), day + timedelta(days=20))
    assert [(item.name, item.due_on) for item in due] == [(f"{month[0]}-{month[1]:02d}", day)]


@pytest.mark.parametrize("rule", ["{day: 31}", "{day: '8'}", "{off_day: later}", "{off: next}", "8"])
def test_a_payday_that_is_none_is_refused(tmp_path: Path, rule: str) -> None:
    text = (get_settings().schemas / "calendar" / "2026-2027.yaml").read_text("utf-8")
    (tmp_path / "2026-2027.yaml").write_text(f"{text}payday: {rule}\n", "utf-8")
    with pytest.raises(ContractError, match="HUB181"):
        load_calendar(tmp_path)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 9, 20), True),  # make-up Sunday
        (date(2026, 10, 1), False),
        (date(2026, 10, 10), True),  # make-up Saturday
        (date(2026, 2, 28), True),  # make-up Saturday
        (date(2026, 9, 7), True),
        (date(2026, 9, 12), False),
        (date(2029, 1, 1), False),  # a year without a file
    ],
)
def test_a_working_day_follows_public_holidays_and_make_up_days(day: date, works: bool) -> None:
    assert load_calendar().is_workday(day) is works


def test_the_university_overrules_public_holidays(tmp_path: Path) -> None:
    tuesday, new_year = date(2030, 9, 10), date(2031, 1, 1)
    own = load_calendar(
        write(
            tmp_path,
            "[{title: t, first: 2030-09-10, last: 2030-09-10}]",
            "[{title: t, first: 2031-01-01, last: 2031-01-01}]",
        )
    )
    assert not own.is_workday(tuesday)
    assert own.next_workday(tuesday) == date(2030, 9, 11)
    assert own.is_workday(new_year)


def test_a_changed_file_takes_effect_at_once(tmp_path: Path) -> None:
    monday = date(2030, 9, 9)
    assert load_calendar(write(tmp_path)).is_workday(monday)
    assert not load_calendar(write(tmp_path, "[{title: t, first: 2030-09-09, last: 2030-09-09}]")).is_workday(monday)


def test_windows_hold_their_first_and_last_day() -> None:
    year = load_calendar()
    assert "arrival" in year.windows(date(2026, 9, 5)) & year.windows(date(2026, 9, 6))
    assert "arrival" not in year.windows(date(2026, 9, 4)) | year.windows(date(2026, 9, 7))
    assert "registration" in year.windows(date(2026, 9, 7))
    assert "graduation" in year.windows(date(2027, 6, 20))
    assert year.windows(date(2029, 6, 20)) == frozenset()


def test_terms_count_weeks_from_monday() -> None:
    year = load_calendar()
    autumn, spring = year.find_term(date(2026, 9, 7)), year.find_term(date(2027, 3, 1))
    assert autumn is not None
    assert spring is not None
    assert (autumn.school_year, autumn.code, autumn.week_number(date(2026, 9, 7))) == ("2026-2027", "1", 2)
    assert (spring.code, spring.week_number(date(2027, 3, 7)), spring.week_number(date(2027, 3, 8))) == ("2", 1, 2)
    assert year.find_term(date(2027, 2, 1)) is None


def test_the_shipped_terms_do_not_overlap_and_begin_on_monday() -> None:
    terms = load_calendar().terms
    assert all(before.last < after.first for before, after in pairwise(terms))
    assert all(term.first.weekday() == 0 for term in terms)


def test_the_date_is_that_of_the_university() -> None:
    assert local_date(datetime(2026, 9, 6, 18, 0, tzinfo=UTC)) == date(2026, 9, 7)


@pytest.mark.parametrize(
    "content",
    [
        "school_year: [",
        "- a",
        "school_year: 2030-2031",
        YEAR % ("[{title: t, first: 2030-09-10, last: 2030-09-09}]", "[]"),
        YEAR % ("[{title: t, first: soon, last: 2030-09-09}]", "[]"),
        (YEAR % ("[]", "[]")).replace("name: arrival", "nmae: arrival"),
    ],
)
def test_a_broken_file_is_named_in_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "2030-2031.yaml").write_text(content, "utf-8")
    with pytest.raises(ContractError) as caught:
        load_calendar(tmp_path)
    for language in ("zh", "en"):
        assert caught.value.line(language).startswith("HUB181 2030-2031.yaml: ")
        assert "\n" not in caught.value.line(language)
