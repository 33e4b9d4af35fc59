"""Real servers for the tests, one of each kind for the whole session, each on a folder of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from campus import servers


def pytest_configure(config: pytest.Config) -> None:
    """The embedded server's package warns on import where the system gives no runtime folder, which is no fault here."""
    config.addinivalue_line("filterwarnings", "ignore:XDG_RUNTIME_DIR is not set")


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a private PostgreSQL server; make databases on it with `core.postgres.database`."""
    folder = tmp_path_factory.mktemp("postgresql") / "data"
    yield servers.postgres(folder)
    servers.stop(folder)


@pytest.fixture(scope="session")
def mariadb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a private MariaDB server; make databases on it with `campus.servers.mariadb_database`."""
    if os.environ.get("HUB_TEST_NO_MARIADB") == "1":
        pytest.skip("HUB_TEST_NO_MARIADB=1: tests against MariaDB are left out on request")
    folder = tmp_path_factory.mktemp("mariadb")
    url = servers.mariadb(folder)
    if url is None:
        pytest.fail("MariaDB is not installed: install the package mariadb-server, or set HUB_TEST_NO_MARIADB=1", pytrace=False)
    yield url
    servers.stop(folder)
