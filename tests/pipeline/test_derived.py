"""An entity that the hub makes from others: same night, same checks, same versions, and nothing done when nothing changed."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from contracts.catalog import load_catalog
from core.settings import ROOT
from desk.brake_release import approve_rollback, request_rollback
from lint.lint import lint_home
from pipeline.context import RunContext

HOW_TO = runpy.run_path(str(ROOT / "tests" / "recipes" / "how_to.py"))
PAGE = "add-a-derived-entity.md"
SELECT = "sql/conform/unit_headcount/hub.sql"


@pytest.fixture
def counted(university: Any) -> Any:
    """The small university with the how-to page's entity."""
    HOW_TO["follow"](PAGE, university.home)
    university.forget()
    return university


def staff_counts(university: Any) -> dict[str, int]:
    return dict(university.hub("unit_headcount"))


def steps(university: Any, verb: str) -> list[dict[str, Any]]:
    """The steps of the derived entity, oldest first."""
    rows: list[dict[str, Any]] = university.ledger.rows(
        "select * from ops.step where subject = 'unit_headcount' and verb = %s order by step_id", [verb]
    )
    return rows


def test_the_page_is_true_of_the_golden_cases(counted: Any) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/golden", "-k", "unit_headcount__hub"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "HUB_HOME": str(counted.home)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_it_stands_in_the_version_of_the_night_it_was_made_in(counted: Any) -> None:
    outcome = counted.night(1)
    assert outcome.problems == []
    assert staff_counts(counted) == {f"U{number}": 8 for number in range(1, 6)}
    assert {"staff", "unit_headcount"} <= set(
        counted.ledger.single("select entities from ops.version where version = 1")["entities"]
    )


def test_it_sees_what_will_stand_after_the_night(counted: Any) -> None:
    """New and moved people count at once; a held one counts where the last good row has it."""
    counted.night(1)
    counted.hire(("T0090", "李四", "男", "U1"))
    counted.department("update jzg set dwh = 'U2', gxsj = now() where gh = 'T0005'")
    counted.department("update jzg set dwh = 'U3', xm = null, gxsj = now() where gh = 'T0010'")
    assert counted.night(2).problems == []
    assert counted.held() == {("staff", "T0010", "staff.name.required")}
    assert staff_counts(counted) == {"U1": 8 + 1 - 1, "U2": 9, "U3": 8, "U4": 8, "U5": 8}


def test_a_unit_without_people_leaves_it(counted: Any) -> None:
    counted.night(1)
    counted.department("update jzg set dwh = 'U2', gxsj = now() where dwh = 'U1'")
    counted.night(2)
    assert staff_counts(counted) == {"U2": 16, "U3": 8, "U4": 8, "U5": 8}


def test_it_is_made_again_only_when_what_it_is_made_from_changed(counted: Any) -> None:
    counted.night(1)
    counted.night(2)
    first, second = steps(counted, "conform")
    assert first["output"] == second["output"]
    counted.hire(("T0090", "李四", "男", "U1"))
    counted.night(3)
    assert steps(counted, "conform")[-1]["output"] != first["output"]


def test_one_that_reads_the_business_date_is_made_every_night(counted: Any) -> None:
    path = counted.home / SELECT
    path.write_text(
        "select s.unit_code, cast(count(*) + max(extract(day from t.as_of)) as bigint) as staff_count"
        " from hub.staff s cross join hub.tonight t group by s.unit_code",
        "utf-8",
    )
    contract = counted.home / "schemas" / "hub" / "unit_headcount.odcs.yaml"  # every row is another one every day
    contract.write_text(contract.read_text("utf-8").replace("maxUpdatePercent: 80", "maxUpdatePercent: 100"), "utf-8")
    counted.forget()
    counted.night(1)
    assert staff_counts(counted)["U1"] == 8 + 7
    counted.night(2)
    assert staff_counts(counted)["U1"] == 8 + 8


def test_it_may_remember_what_it_gave(counted: Any) -> None:
    """The largest number of people that a unit ever had: its own last state is one of its inputs."""
    (counted.home / SELECT).write_text(
        "select s.unit_code, cast(greatest(count(*), coalesce(max(p.staff_count), 0)) as bigint) as staff_count"
        " from hub.staff s left join hub.unit_headcount p on p.unit_code = s.unit_code group by s.unit_code",
        "utf-8",
    )
    counted.forget()
    counted.night(1)
    counted.department("update jzg set dwh = 'U2', gxsj = now() where gh = 'T0005'")
    assert counted.night(2).problems == []
    assert staff_counts(counted) == {"U1": 8, "U2": 9, "U3": 8, "U4": 8, "U5": 8}


def test_its_brake_stops_it_alone(counted: Any) -> None:
    path = counted.home / "schemas/hub/unit_headcount.odcs.yaml"
    path.write_text(
        path.read_text("utf-8").replace("maxDeletePercent: 20, maxUpdatePercent: 80, floor: 20", "floor: 0"), "utf-8"
    )
    counted.forget()
    counted.night(1)
    counted.department("update jzg set dwh = 'U2', gxsj = now() where dwh = 'U1'")
    outcome = counted.night(2)
    assert [(problem.code, problem.where) for problem in outcome.problems] == [("HUB502", "unit_headcount")]
    assert staff_counts(counted)["U1"] == 8
    assert sum(row[-1] == "U2" for row in counted.hub()) == 16


def test_a_table_that_nobody_gives_stops_it_alone_and_is_named(counted: Any) -> None:
    counted.night(1)
    select = counted.home / SELECT
    sound = select.read_text("utf-8")
    select.write_text(sound.replace("hub.staff", "hub.staf"), "utf-8")
    counted.hire(("T0041", "新人", "女", "U1"))
    outcome = counted.night(2)
    assert [(error.code, error.facts["name"]) for error in outcome.problems] == [("HUB161", "hub.staf")]
    assert "T0041" in {row[0] for row in counted.hub()}
    select.write_text(sound, "utf-8")
    assert counted.night(3).problems == []
    assert staff_counts(counted)["U1"] == 9


def test_it_may_come_to_nothing(counted: Any) -> None:
    """A list of what is out of order is empty when all is in order: no source was lost."""
    (counted.home / SELECT).write_text(
        "select s.unit_code, cast(count(*) as bigint) as staff_count from hub.staff s group by s.unit_code having count(*) > 8",
        "utf-8",
    )
    counted.forget()
    assert counted.night(1).problems == []
    counted.hire(("T0090", "李四", "男", "U1"))
    counted.night(2)
    assert staff_counts(counted) == {"U1": 9}
    counted.department("delete from jzg where gh = 'T0090'")
    assert counted.night(3).problems == []
    assert staff_counts(counted) == {}


def test_a_rollback_restores_it_with_the_rest(counted: Any, sign_in: Any) -> None:
    version = counted.night(1).version
    before = staff_counts(counted)
    counted.hire(("T0090", "李四", "男", "U1"))
    counted.night(2)
    book = counted.ledger
    for person in ("甲", "乙"):
        sign_in(person)
    request_rollback(book, load_catalog(), version, "甲", "试验")
    approve_rollback(RunContext(book.open_run("rollback", date(2026, 9, 9)), book, load_catalog()), version, "乙")
    assert staff_counts(counted) == before


def test_a_source_that_is_taken_alone_brings_what_is_derived_from_it(counted: Any) -> None:
    from runs.nightly import extract_system, open_run, publish_run

    counted.night(1)
    counted.hire(("T0090", "李四", "男", "U1"))
    run_id = open_run("ingest", date(2026, 9, 8), ["hr"])
    extract_system(run_id, "hr")
    publish_run(run_id)
    assert staff_counts(counted)["U1"] == 9


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """The shipped contracts and SQL with the how-to page's entity."""
    home = tmp_path / "shipped"
    shutil.copytree(ROOT / "schemas", home / "schemas", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shutil.copytree(ROOT / "sql", home / "sql")
    HOW_TO["follow"](PAGE, home)
    return home


def test_the_page_is_sound(shipped: Path) -> None:
    assert [str(finding) for finding in lint_home(shipped)] == []


@pytest.mark.parametrize(
    ("select", "code"),
    [
        ("select u.unit_code, cast(1 as bigint) as staff_count from hub.nobody u", "HUB137"),
        ("select p.unit_code, cast(1 as bigint) as staff_count from hr.units p", "HUB137"),
        ("select s.unit_code, cast(1 as bigint) as staff_count, s.staff_no from hub.staff s", "HUB136"),
        ("select s.unit_code, cast(s.staff_no as bigint) as staff_count from hub.staff s where s.nobody = '1'", "HUB139"),
        ("select s.unit_code, s.staff_no as staff_count from hub.staff s", "HUB146"),
        ("select s.unit_code, cast(random() as bigint) as staff_count from hub.staff s", "HUB134"),
    ],
)
def test_lint_says_what_is_wrong_with_the_select(shipped: Path, select: str, code: str) -> None:
    (shipped / SELECT).write_text(select, "utf-8")
    assert [finding.code for finding in lint_home(shipped)] == [code]


def test_an_entity_is_derived_or_given_but_not_both(shipped: Path) -> None:
    other = shipped / "sql/conform/unit_headcount/hr.sql"
    other.write_text("select u.unit_code, cast(1 as bigint) as staff_count, u.source_row from hr.units u", "utf-8")
    assert {finding.code for finding in lint_home(shipped)} == {"HUB729", "HUB138"}


def test_a_circle_is_found(shipped: Path) -> None:
    contract = shipped / "schemas/hub/unit_headcount.odcs.yaml"
    for name, other in (("unit_second", "unit_headcount"), ("unit_headcount", "unit_second")):
        path = shipped / f"schemas/hub/{name}.odcs.yaml"
        path.write_text(contract.read_text("utf-8").replace("unit_headcount", name), "utf-8")
        select = shipped / f"sql/conform/{name}/hub.sql"
        select.parent.mkdir(exist_ok=True)
        select.write_text(f"select u.unit_code, u.staff_count from hub.{other} u", "utf-8")
    (circle,) = lint_home(shipped)
    assert circle.code == "HUB103"
    assert {"unit_headcount", "unit_second"} <= set(circle.facts["circle"].split(" -> "))
