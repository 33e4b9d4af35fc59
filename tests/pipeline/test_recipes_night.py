"""The how-to pages on a real university: a system, a feed and a rule are added by files alone, and nights run over them."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.settings import ROOT
from core.store import postgres

RECIPES = ROOT / "tests" / "recipes"
ENTITY = "schemas/hub/library_clearance.odcs.yaml"
CASE = "tests/golden/library_clearance__library/case.yaml"
FEED_CASE = "tests/golden_feeds/sjgxlc06__library_clearance/case.yaml"


def files(home: Path) -> dict[str, bytes]:
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def touched(home: Path, before: dict[str, bytes]) -> set[str]:
    """The files of a home that are new or otherwise than before."""
    return {name for name, content in files(home).items() if before.get(name) != content}


def golden(home: Path, case: str = "library_clearance__library") -> None:
    """Run a golden case of a home's library."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/golden", "-k", case]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "HUB_HOME": str(home)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.fixture
def library(university: Any, postgres_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The small university, which has students too and a library that the hub does not know yet."""
    shutil.copytree(RECIPES / "students", university.home, dirs_exist_ok=True)
    university.department("create table xs (xh varchar(20), xm varchar(50), csrq date)")
    university.department(
        "insert into xs values"
        " ('26010101', '李明', '2007-05-01'), ('26010102', '张娜', '2007-06-01'), ('26010104', '陈浩', '2027-05-01')"
    )
    university.department('create table "DZ_QK" ("XH" char(20), "YWJ" integer, "QFK" numeric(10,2), "HDSJ" timestamp)')
    university.department(
        "insert into \"DZ_QK\" select n, debt, 0, '2026-09-06 23:00' from"
        " (values ('26010101', 0), ('26010102', 2), ('26010104', 0), ('99999999', 0)) t(n, debt)"
    )
    monkeypatch.setenv("AIRFLOW_CONN_SRC_ACADEMIC", university.source)
    monkeypatch.setenv("AIRFLOW_CONN_SRC_LIBRARY", university.source)
    monkeypatch.setenv(
        "AIRFLOW_CONN_DST_LEAVING", postgres.ensure_database(postgres_server, f"leaving_{abs(hash(tmp_path)) % 10**9}")
    )
    university.forget()
    return university


def received() -> list[tuple[Any, ...]]:
    """What the leaving system holds."""
    with psycopg.connect(os.environ["AIRFLOW_CONN_DST_LEAVING"]) as connection:
        return connection.execute("select student_no, name, cleared from hub_library_clearance order by 1").fetchall()


def test_a_system_a_feed_and_a_rule_are_files_and_the_nights_do_the_rest(library: Any, tmp_path: Path) -> None:
    how_to = runpy.run_path(str(RECIPES / "how_to.py"))
    home = library.home
    assert library.night(1).problems == []

    before = files(home)
    how_to["follow"]("add-a-system.md", home)
    assert touched(home, before) - {ENTITY} == {
        "schemas/sources/library/reader_debt.odcs.yaml",
        "sql/conform/library_clearance/library.sql",
        CASE,
    }
    golden(home)
    library.forget()
    assert library.night(2).problems == []
    assert [row[:2] for row in library.hub("library_clearance")] == [
        ("26010101", True),
        ("26010102", False),
        ("26010104", True),
    ]
    unknown = ("library_clearance", "99999999", "library_clearance.student_no.reference")
    assert library.held() == {unknown}

    before = files(home)
    how_to["follow"]("add-a-feed.md", home)
    assert touched(home, before) == {
        "schemas/feeds/sjgxlc06/e57_library_leaving.odcs.yaml",
        "sql/feeds/sjgxlc06/library_clearance.sql",
        FEED_CASE,
    }
    golden(home, "sjgxlc06__library_clearance")
    library.forget()
    outcome = library.night(3)
    assert outcome.problems == []
    assert library.accepted()["E57"] == outcome.version
    assert received() == [("26010101", "李明", True), ("26010102", "张娜", False), ("26010104", "陈浩", True)]

    before = files(home)
    how_to["follow"]("add-a-rule.md", home)
    how_to["name_the_rule"](home, ENTITY)
    assert touched(home, before) == {ENTITY, "sql/checks/library_clearance__checked_before_birth.sql", CASE}
    golden(home)
    library.department('update "DZ_QK" set "YWJ" = 1')
    library.forget()
    assert library.night(4).problems == []
    assert library.held() == {unknown, ("library_clearance", "26010104", "library_clearance.checked_before_birth")}
    assert [row[2] for row in received()] == [False, False, True]
