"""What the linter says of the calendar, the deadlines and the SELECTs that prove them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.settings import ROOT
from lint.lint import lint_home

Change = Callable[[Path], None]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The shipped calendar, deadlines and their SELECTs, alone."""
    for name in ("schemas/calendar", "schemas/flows", "sql/obligations"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def replaced(path: Path, old: str, new: str) -> None:
    content = path.read_text("utf-8")
    assert old in content
    path.write_text(content.replace(old, new), "utf-8")


def found(home: Path) -> list[tuple[str, str]]:
    awaited = {"HUB735"}  # without any contract every SELECT waits for its entities
    return [(finding.code, Path(finding.file).name) for finding in lint_home(home) if finding.code not in awaited]


def test_the_shipped_files_are_sound(home: Path) -> None:
    assert found(home) == []


def test_what_lint_says_does_not_depend_on_the_day(home: Path) -> None:
    path = home / "schemas/calendar/2026-2027.yaml"
    replaced(path, "school_year: 2026-2027", "school_year: 2020-2021")  # long past, and nobody confirmed it
    assert found(home) == []


def test_a_lost_window_is_an_error_where_a_deadline_needs_it(home: Path) -> None:
    replaced(home / "schemas/calendar/2026-2027.yaml", "name: photo_collection", "name: photo_colection")
    assert found(home) == [("HUB760", "2026-2027.yaml")]


def test_a_window_that_ends_before_it_begins_is_one_line(home: Path) -> None:
    replaced(home / "schemas/calendar/2026-2027.yaml", "last: 2026-09-18", "last: 2026-08-18")
    assert found(home) == [("HUB181", "2026-2027.yaml")]


def test_a_deadline_has_exactly_one_proof(home: Path) -> None:
    (home / "sql/obligations/dl18.sql").unlink()
    shutil.copy(home / "sql/obligations/dl20.sql", home / "sql/obligations/dl08.sql")
    assert found(home) == [("HUB762", "deadlines.yaml"), ("HUB762", "deadlines.yaml")]


def test_a_department_of_a_deadline_exists(home: Path) -> None:
    replaced(home / "schemas/flows/deadlines.yaml", "departments: [logistics]", "departments: [logistik]")
    assert found(home) == [("HUB763", "deadlines.yaml")]


def test_a_select_without_deadline_is_an_error(home: Path) -> None:
    (home / "sql/obligations/dl20.sql").rename(home / "sql/obligations/dl99.sql")
    assert set(found(home)) == {("HUB143", "dl99.sql"), ("HUB762", "deadlines.yaml")}


def test_an_entity_that_is_awaited_is_a_warning_and_one_that_nobody_promised_an_error(home: Path) -> None:
    replaced(home / "sql/obligations/dl26.sql", "left join student_status s", "left join student_statuz s")
    findings = [finding for finding in lint_home(home) if finding.file.endswith("dl26.sql")]
    assert [(finding.code, finding.severity) for finding in findings] == [("HUB735", "warning")]
    assert findings[0].facts["names"] == "employment"


def test_a_list_says_of_everybody_whether_it_is_done(home: Path) -> None:
    replaced(home / "sql/obligations/dl25.sql", "as has_it", "as has_one")
    assert found(home) == [("HUB136", "dl25.sql")]
