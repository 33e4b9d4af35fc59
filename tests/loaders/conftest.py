"""A private place for what the loaders write down in passing, and a receiver on each real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from campus.servers import processes
from core.settings import get_settings
from core.store import postgres


@pytest.fixture(scope="session", autouse=True)
def var(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Scratch files go to a folder of this run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_VAR", str(tmp_path_factory.mktemp("var")))
        get_settings.cache_clear()
        yield
    get_settings.cache_clear()


@pytest.fixture
def tmp_path(var: None, tmp_path: Path) -> Path:
    """A folder among the working files, since the engine reads no others."""
    folder = get_settings().work / tmp_path.name
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str) -> str:
    """A receiver's PostgreSQL database."""
    return postgres.ensure_database(postgres_server, "receiver")


@pytest.fixture(scope="session")
def mariadb_url(mariadb_server: str) -> str:
    """A receiver's MariaDB database."""
    return processes.create_mariadb_database(mariadb_server, "receiver")
