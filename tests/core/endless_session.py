"""Not a test of its own: a session with servers, forks and children that waits to be ended (`test_interrupted_session.py`)."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from campus.servers import processes
from core.store import embedded


@pytest.mark.parametrize("number", [1, 2])
def test_that_never_ends(number: int, request: pytest.FixtureRequest, server_room: Path) -> None:
    for name in os.environ["HUB_TEST_FIXTURES"].split():
        request.getfixturevalue(name)
    embedded.start_held_server(server_room / "own")
    processes.start_sqlserver(server_room / ("a" * 100) / "sqlserver")
    embedded.start_lasting_server(server_room / ("b" * 100) / "postgresql")  # its socket lies in a short folder elsewhere
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    if os.fork() == 0:
        try:
            time.sleep(1000)
        finally:
            os._exit(0)
    Path(os.environ["HUB_TEST_READY"], str(number)).touch()
    time.sleep(1000)
