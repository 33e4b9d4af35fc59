"""The school year 2026-2027, run by run and day by day, against a table worked out by hand from the calendar."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.catalog import load_catalog
from core.calendar import each_day, load_calendar
from core.settings import ROOT
from reporting.preview import preview_days

YEAR = (date(2026, 8, 1), date(2027, 7, 31))
PUBLISHERS = ("sjgxlc01", "sjgxlc02", "sjgxlc03", "sjgxlc04")
SYSTEMS = ("academic", "finance", "graduate", "hr")
Line = tuple[date, str, str, str]


def table() -> Iterator[Line]:
    """`year_2026.csv` spread over its days; `*` in a name stands for the day."""
    with (Path(__file__).parent / "year_2026.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for day in each_day(date.fromisoformat(row["first"]), date.fromisoformat(row["last"])):
                yield day, row["kind"], row["name"].replace("*", day.isoformat()), row["at"]


def of_the_table(kind: str, name: str) -> bool:
    """Whether the table speaks of it: the publishers it knows. Others that join later bring their own lines."""
    if name.startswith("feed__"):
        return name.removeprefix("feed__").split("_")[0] in PUBLISHERS
    return not name.startswith("realtime__") or name.removeprefix("realtime__") in SYSTEMS


def test_the_school_year_is_what_the_table_says() -> None:
    found = {(item.day, item.kind, item.name, item.at) for item in preview_days(load_catalog(ROOT), *YEAR)}
    found = {line for line in found if of_the_table(line[1], line[2])}
    wanted = set(table())
    assert sorted(found - wanted) == []
    assert sorted(wanted - found) == []


def test_the_table_has_the_shifts_that_people_ask_about() -> None:
    paydays = {day.isoformat() for day, _, name, _ in table() if name == "feed__sjgxlc04_payday"}
    assert {"2026-08-08", "2026-10-08", "2026-11-08", "2027-02-08", "2027-05-08"} <= paydays
    assert len(paydays) == 12


def test_every_line_says_why_in_both_languages() -> None:
    for language, department in (("zh", "教务处"), ("en", "Academic affairs office")):
        items = preview_days(load_catalog(ROOT), date(2026, 9, 1), date(2026, 10, 10), language)
        assert all(item.why for item in items)
        due = next(item for item in items if item.name.startswith("DL10"))
        assert due.department == department


def test_a_payday_that_moves_off_a_holiday_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the university's calendar says so; the shipped one keeps the text's 8th."""
    text = (ROOT / "schemas" / "calendar" / "2026-2027.yaml").read_text("utf-8")
    (tmp_path / "2026-2027.yaml").write_text(text + "payday: {off_day: next}\n", "utf-8")
    monkeypatch.setattr("reporting.preview.load_calendar", lambda: load_calendar(tmp_path))
    items = preview_days(load_catalog(ROOT), date(2027, 2, 1), date(2027, 2, 28), "en")
    moved = next(item for item in items if "payday" in item.name)
    assert moved.day == date(2027, 2, 14)
    assert "moved here from day 8" in moved.why
    assert [item.day for item in items if item.name == "DL18 2027-02"] == [date(2027, 2, 14)]


def test_the_command_prints_what_is_coming() -> None:
    from cli.main import app

    answer = CliRunner().invoke(app, ["calendar", "--days", "3", "--from", "2026-10-07", "--json"])
    assert answer.exit_code == 0
    lines = json.loads(answer.stdout)
    assert {line["day"] for line in lines} == {(date(2026, 10, 7) + timedelta(days)).isoformat() for days in range(3)}
    assert ("2026-10-08", "feed__sjgxlc04_payday") in {(line["day"], line["name"]) for line in lines}
    assert "DL18" in CliRunner().invoke(app, ["calendar", "--days", "3", "--from", "2026-10-07"]).stdout
