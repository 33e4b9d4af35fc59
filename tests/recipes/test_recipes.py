"""The how-to pages are true of the shipped home: their files, put into it in order, are accepted by lint.

What they do on a night is in `tests/pipeline/test_recipes_night.py`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from how_to import follow, name_the_rule

from core.settings import ROOT
from lint.lint import lint_home

SYSTEM = "library"
"""The pages add this system, so the home that they are followed in does not have it yet."""


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """A copy of the shipped contracts and SQL as they were before the library came."""
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shutil.copytree(ROOT / "sql", tmp_path / "sql")
    for path in (*tmp_path.glob(f"s*/*/{SYSTEM}*"), *tmp_path.glob("s*/feeds/sjgxlc06")):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    _without_comparison(tmp_path)
    return tmp_path


def _without_comparison(home: Path) -> None:
    """Nothing can be held against a library that has not come: the check that does so, and where it is named, go too."""
    (home / "sql/checks/leaving_clearance__library_differs.sql").unlink()
    contract, book = home / "schemas/hub/leaving_clearance.odcs.yaml", home / "schemas/flows/enforcement/arrive.yaml"
    head, mark, rest = contract.read_text("utf-8").partition("        implementation: leaving_clearance__library_differs\n")
    assert mark
    item = "      - type: custom\n"
    contract.write_text(head[: head.rindex(item)] + item + rest.partition(item)[2], "utf-8")
    book.write_text(book.read_text("utf-8").replace("leaving_clearance.library_differs, ", ""), "utf-8")


def test_the_recipes_follow_one_another_without_a_finding(shipped: Path) -> None:
    follow("add-a-system.md", shipped)
    assert [str(finding) for finding in lint_home(shipped) if finding.severity == "error"] == []
    follow("add-a-feed.md", shipped)
    assert [str(finding) for finding in lint_home(shipped) if finding.severity == "error"] == []
    follow("add-a-rule.md", shipped)
    assert [finding.code for finding in lint_home(shipped) if finding.severity == "error"] == ["HUB140"]
    name_the_rule(shipped, "schemas/hub/library_clearance.odcs.yaml")
    assert [str(finding) for finding in lint_home(shipped) if finding.severity == "error"] == []
