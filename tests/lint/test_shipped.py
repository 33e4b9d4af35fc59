"""The contracts and SELECTs that come with the hub: lint finds nothing in them."""

from __future__ import annotations

from core.settings import ROOT
from schemas.lint import lint


def test_the_shipped_contracts_have_no_findings() -> None:
    assert [str(finding) for finding in lint(ROOT)] == []
