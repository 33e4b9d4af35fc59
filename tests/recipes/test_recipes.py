"""The how-to pages are true: their files, put into the shipped home in order, are accepted by lint and do what they say."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import duckdb
import pytest

from core.settings import ROOT
from schemas.lint import lint

HOW_TO = ROOT / "docs" / "how-to"
_FILE = re.compile(r"^ *`([\w./]+\.(?:yaml|sql))`\n\n( *)```(?:yaml|sql)\n(.*?)\n *```", re.MULTILINE | re.DOTALL)
_NAMING = re.compile(r"^    quality:\n      - \{[^\n]*\}$", re.MULTILINE)


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """A copy of the shipped contracts and SQL."""
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shutil.copytree(ROOT / "sql", tmp_path / "sql")
    return tmp_path


def follow(page: str, home: Path) -> list[str]:
    """Write every file that a how-to page shows, and return their names."""
    written = []
    for name, indent, body in _FILE.findall((HOW_TO / page).read_text("utf-8")):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(line.removeprefix(indent) for line in body.split("\n")) + "\n", "utf-8")
        written.append(name)
    return written


def test_the_recipes_follow_one_another_without_a_finding(shipped: Path) -> None:
    assert len(follow("add-a-system.md", shipped)) == 3
    assert [str(finding) for finding in lint(shipped)] == []
    assert len(follow("add-a-feed.md", shipped)) == 1
    assert [str(finding) for finding in lint(shipped)] == []
    assert len(follow("add-a-rule.md", shipped)) == 1
    assert [finding.code for finding in lint(shipped)] == ["HUB140"]
    contract = shipped / "schemas/hub/library_clearance.odcs.yaml"
    (naming,) = _NAMING.findall((HOW_TO / "add-a-rule.md").read_text("utf-8"))
    contract.write_text(contract.read_text("utf-8").replace("    properties:", f"{naming}\n    properties:", 1), "utf-8")
    assert [str(finding) for finding in lint(shipped)] == []


def test_the_select_of_the_system_recipe_maps_its_rows(shipped: Path) -> None:
    follow("add-a-system.md", shipped)
    with duckdb.connect(":memory:") as db:
        db.execute("create schema library")
        db.execute(
            "create table library.reader_debt as select * from (values"
            " ('20260001 ', 0, 0.00::decimal(10,2), timestamp '2026-09-07 01:00:00', 1),"
            " ('20260002', 1, 0.00, timestamp '2026-09-07 01:00:00', 2),"
            " ('20260003', 0, 0.10, timestamp '2026-09-07 01:00:00', 3)"
            ") as t(student_no, on_loan, overdue_debt, checked_at, source_row)"
        )
        rows = db.execute((shipped / "sql/conform/library_clearance/library.sql").read_text("utf-8")).fetchall()
    assert [(row[0], row[1]) for row in rows] == [("20260001", True), ("20260002", False), ("20260003", False)]
