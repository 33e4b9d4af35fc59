"""One school year: what was seen of it is looked at by every test of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from year_university import Lived, live, small_campus


@pytest.fixture(scope="module")
def year(server_room: Path, directory_server: str) -> Lived:
    """The school year 2026-2027, lived from the first of August to the last of July; its graduates leave a real directory.

    Its servers and settings are gone when the tests look.
    """
    assert directory_server
    folder = server_room / "year"
    folder.mkdir()
    folder.chmod(0o711)
    with small_campus(folder) as campus:
        return live(campus)
