"""The how-to pages are true of the shipped home: their files, put into it in order, are accepted by lint.

What they do on a night is in `tests/pipeline/test_recipes_night.py`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from how_to import follow, name_the_rule

from core.settings import ROOT
from schemas.lint import lint

SYSTEM = "library"
"""The pages add this system, so the home that they are followed in does not have it yet."""


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """A copy of the shipped contracts and SQL as they were before the library came."""
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shutil.copytree(ROOT / "sql", tmp_path / "sql")
    for path in (*tmp_path.glob(f"s*/*/{SYSTEM}*"), *tmp_path.glob("s*/feeds/sjgxlc06")):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return tmp_path


def test_the_recipes_follow_one_another_without_a_finding(shipped: Path) -> None:
    follow("add-a-system.md", shipped)
    assert [str(finding) for finding in lint(shipped) if finding.severity == "error"] == []
    follow("add-a-feed.md", shipped)
    assert [str(finding) for finding in lint(shipped) if finding.severity == "error"] == []
    follow("add-a-rule.md", shipped)
    assert [finding.code for finding in lint(shipped) if finding.severity == "error"] == ["HUB140"]
    name_the_rule(shipped, "schemas/hub/library_clearance.odcs.yaml")
    assert [str(finding) for finding in lint(shipped) if finding.severity == "error"] == []
