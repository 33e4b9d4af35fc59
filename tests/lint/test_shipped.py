"""The contracts and SELECTs that come with the hub: lint finds nothing wrong in them."""

from __future__ import annotations

from contracts.catalog import load_catalog
from core.settings import ROOT
from lint.lint import lint_home


def test_the_shipped_contracts_have_no_errors() -> None:
    assert [str(finding) for finding in lint_home(ROOT) if finding.severity == "error"] == []


def test_a_warning_is_about_what_is_still_to_come() -> None:
    """An entity that some deadline waits for; gone as soon as it is there."""
    known = load_catalog(ROOT).entities
    for finding in lint_home(ROOT):
        assert finding.severity == "warning"
        assert finding.code == "HUB735"
        assert not set(finding.facts["names"].split(", ")) & known.keys()


def test_the_home_of_the_bench_is_an_ordinary_one() -> None:
    assert [str(finding) for finding in lint_home(ROOT / "benchmarks" / "million" / "home")] == []
