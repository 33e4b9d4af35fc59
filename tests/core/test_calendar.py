"""The calendar: public holidays, the university's own word over them, payday, windows, terms, and files that change."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from core.calendar import calendar, local_date
from core.errors import ContractError

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
        ((2025, 2), date(2025, 2, 8)),  # a Saturday on which the State Council let people work
        ((2025, 10), date(2025, 10, 9)),  # the last day of the National Day holiday
        ((2026, 8), date(2026, 8, 10)),  # a Saturday
        ((2026, 10), date(2026, 10, 8)),  # the first day after the holiday
        ((2026, 11), date(2026, 11, 9)),  # a Sunday
        ((2027, 2), date(2027, 2, 14)),  # Spring Festival, days off of the university, and its make-up Sunday
    ],
)
def test_payday_is_the_8th_or_the_next_working_day(month: tuple[int, int], day: date) -> None:
    assert calendar().payday(*month) == day


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
    assert calendar().is_workday(day) is works


def test_the_university_overrules_public_holidays(tmp_path: Path) -> None:
    tuesday, new_year = date(2030, 9, 10), date(2031, 1, 1)
    own = calendar(
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
    assert calendar(write(tmp_path)).is_workday(monday)
    assert not calendar(write(tmp_path, "[{title: t, first: 2030-09-09, last: 2030-09-09}]")).is_workday(monday)


def test_windows_hold_their_first_and_last_day() -> None:
    year = calendar()
    assert "arrival" in year.windows(date(2026, 9, 5)) & year.windows(date(2026, 9, 6))
    assert "arrival" not in year.windows(date(2026, 9, 4)) | year.windows(date(2026, 9, 7))
    assert "registration" in year.windows(date(2026, 9, 7))
    assert "graduation" in year.windows(date(2027, 6, 20))
    assert year.windows(date(2029, 6, 20)) == frozenset()


def test_terms_count_weeks_from_monday() -> None:
    year = calendar()
    autumn, spring = year.term(date(2026, 9, 7)), year.term(date(2027, 3, 1))
    assert autumn is not None
    assert spring is not None
    assert (autumn.school_year, autumn.code, autumn.week(date(2026, 9, 7))) == ("2026-2027", "1", 2)
    assert (spring.code, spring.week(date(2027, 3, 7)), spring.week(date(2027, 3, 8))) == ("2", 1, 2)
    assert year.term(date(2027, 2, 1)) is None


def test_the_shipped_terms_do_not_overlap_and_begin_on_monday() -> None:
    terms = calendar().terms
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
        calendar(tmp_path)
    for language in ("zh", "en"):
        assert caught.value.line(language).startswith("HUB181 2030-2031.yaml: ")
        assert "\n" not in caught.value.line(language)
