"""A private place for the rows of these tests, among the working files, since the engine reads no others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import get_settings


@pytest.fixture(scope="session", autouse=True)
def var(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Working files go to a folder of this run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_VAR", str(tmp_path_factory.mktemp("var")))
        get_settings.cache_clear()
        get_settings().work.mkdir()
        yield
    get_settings.cache_clear()


@pytest.fixture
def tmp_path(var: None, tmp_path: Path) -> Path:
    """A folder of one test."""
    folder = get_settings().work / tmp_path.name
    folder.mkdir(parents=True)
    return folder
