"""The small university of `tests/pipeline`, with a second machine to move its hub to."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.store import postgres

_FILE = Path(__file__).parent.parent / "pipeline" / "conftest.py"
_SPEC = importlib.util.spec_from_file_location("small_university", _FILE)
assert _SPEC and _SPEC.loader
small = importlib.util.module_from_spec(_SPEC)
sys.modules["small_university"] = small
_SPEC.loader.exec_module(small)
university = small.university


@dataclass
class Moved:
    """The university of a test, its backup's folder, and the machine that the hub moves to."""

    here: Any
    backup: Path
    var: Path
    url: str
    monkeypatch: pytest.MonkeyPatch

    def over_there(self) -> Any:
        """The same university as the new machine sees it: same department and receivers, another store and another `var`."""
        self.monkeypatch.setenv("HUB_VAR", str(self.var))
        self.monkeypatch.setenv("HUB_URL", self.url)
        small.forget()
        return self.here


@pytest.fixture
def moved(university: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_server: str) -> Iterator[Moved]:
    url = postgres.ensure_database(postgres_server, f"t{abs(hash(tmp_path)) % 10**10}_new")
    yield Moved(university, tmp_path / "backup", tmp_path / "elsewhere" / "var", url, monkeypatch)
    small.forget()
