"""Real servers for the tests, one of each kind for the whole session, each on a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from signing import signed_in

from campus.servers import processes
from core.store import embedded
from extractors.files import confined

SESSION = "HUB_TEST_SESSION"
"""In the environment of everything that a session starts: the folder of its servers."""
_REAPER = pytest.StashKey["subprocess.Popen[bytes]"]()


def pytest_configure(config: pytest.Config) -> None:
    """A process beside the session ends the servers that it leaves, also when it is interrupted or killed."""
    if hasattr(config, "workerinput"):
        return
    folder = tempfile.mkdtemp(prefix="hub-servers-")
    # Not under pytest's own: every session of this user closes that one to others, and a server that gave up root must get at
    # its files.
    Path(folder).chmod(0o711)
    os.environ[SESSION] = folder
    command = [sys.executable, "-S", str(Path(__file__).with_name("reaper.py")), str(os.getpid()), folder]
    config.stash[_REAPER] = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The end of a session that comes to its end: it leaves no process, the reaper neither."""
    confined.end_idle_readers()  # before the end of the process, which a worker of the session does not come to
    embedded.release_servers(os.getpid())  # likewise
    if reaper := config.stash.get(_REAPER, None):
        reaper.communicate(b".")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that side by side the last of them does not keep everybody waiting."""
    longest = ("test_school_year.py", "test_crash.py", "test_night_failures.py", "test_recipes_night.py")
    ranks = {name: rank for rank, name in enumerate(longest)}
    items.sort(key=lambda item: ranks.get(item.path.name, len(ranks)))


@pytest.fixture(scope="session")
def server_room() -> Path:
    """A folder for the servers of this process of the session."""
    folder = Path(os.environ[SESSION], os.environ.get("PYTEST_XDIST_WORKER", "s"))
    folder.mkdir()
    folder.chmod(0o711)
    return folder


@pytest.fixture(scope="session")
def postgres_server(server_room: Path) -> Iterator[str]:
    """The URL of a private PostgreSQL server; make databases on it with `core.store.postgres.database`."""
    folder = server_room / "postgresql"
    yield embedded.administrator_url(processes.start_postgres(folder))
    processes.stop_server(folder)


@pytest.fixture(scope="session")
def mariadb_server(server_room: Path) -> Iterator[str]:
    """The URL of a private MariaDB server; make databases on it with `campus.servers.processes.mariadb_database`."""
    if os.environ.get("HUB_TEST_NO_MARIADB") == "1":
        pytest.skip("HUB_TEST_NO_MARIADB=1: tests against MariaDB are left out on request")
    folder = server_room / "mariadb"
    url = processes.start_mariadb(folder)
    if url is None:
        pytest.fail("MariaDB is not installed: install the package mariadb-server, or set HUB_TEST_NO_MARIADB=1", pytrace=False)
    yield url
    processes.stop_server(folder)


@pytest.fixture(scope="session")
def directory_server(server_room: Path) -> Iterator[str]:
    """The URL of a private directory (slapd) and its branch of people."""
    if os.environ.get("HUB_TEST_NO_SLAPD") == "1":
        pytest.skip("HUB_TEST_NO_SLAPD=1: tests against a directory are left out on request")
    from campus.servers import directory  # its library warns on import, which the setting above lets pass

    folder = server_room / "directory"
    url = directory.start_directory(folder)
    if url is None:
        pytest.fail("slapd is not installed: install the package slapd, or set HUB_TEST_NO_SLAPD=1", pytrace=False)
    yield url
    directory.stop_directory(folder)


@pytest.fixture(scope="session")
def mssql_server(server_room: Path) -> Iterator[str]:
    """The URL of a private server that speaks SQL Server's protocol, reads only, and serves the files of its folder `tables`;
    the folder is `server_room / "sqlserver_hr"`."""
    folder = server_room / "sqlserver_hr"
    yield processes.start_sqlserver(folder)
    processes.stop_server(folder)


@pytest.fixture
def sign_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """A function that signs an account in for the commands that follow in this test."""

    def use(name: str = "核查员", role: str = "technician", **facts: Any) -> str:
        token = signed_in(name, role, **facts)
        monkeypatch.setenv("HUB_TOKEN", token)
        return token

    return use
