"""Settings: what the environment says, with every mistake told at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import get_settings


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def test_what_is_given_takes_the_place_of_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = {"HUB_VAR": str(tmp_path), "HUB_SECRETS": str(tmp_path / "c.yaml"), "HUB_WORKERS": "3", "HUB_CHECKS": "gx"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    found = get_settings()
    assert (found.var, found.secrets_file, found.workers, found.checks) == (tmp_path, tmp_path / "c.yaml", 3, "gx")


def test_all_wrong_settings_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"HUB_LANG": "fr", "HUB_BATCH_ROWS": "many", "HUB_WORKERS": "0", "HUB_AUDITED": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        get_settings()
    line = str(ended.value)
    assert line.startswith("HUB800")
    assert "\n" not in line
    assert "HUB_LANG: Invalid enum value 'fr' (zh, en)" in line
    assert "HUB_BATCH_ROWS: " in line
    assert "HUB_WORKERS: Expected `int` >= 1" in line
    assert "HUB_AUDITED" not in line
