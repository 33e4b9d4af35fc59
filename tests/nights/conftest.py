"""One rehearsal university on the shipped contracts, for every whole night of this folder.

A night costs seconds, so the university is built once a session and its first night is clean; each test goes on from where
it finds everybody, and compares with what it found. The landing is a small file system of its own where that can be had.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from night_university import University, at_home

from campus.rehearsal import Rehearsal
from campus.servers import processes
from core.store import postgres

PERSONS = 600
LANDING_BYTES = 64 << 20


@pytest.fixture(scope="session")
def _university(server_room: Path) -> Iterator[University]:
    folder = server_room / "nights"
    landing = folder / "var" / "landing"
    landing.mkdir(parents=True)
    folder.chmod(0o711)
    small = os.geteuid() == 0 and _mount(landing)
    rehearsal = Rehearsal(folder / "campus", PERSONS)
    try:
        with at_home(folder / "var"):
            rehearsal.start()
        hub_url = postgres.ensure_database(processes.start_postgres(folder / "campus" / "postgres"), "hub")
        made = University(folder, rehearsal, hub_url, small)
        with at_home(made.var, hub_url):
            assert made.load() == []
            assert made.night().problems == []
        yield made
    finally:
        rehearsal.stop()
        if small:
            subprocess.run(["umount", "--lazy", str(landing)], check=True)


def _mount(folder: Path) -> bool:
    """Whether a small file system could be mounted: root in a container may lack the right."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={LANDING_BYTES}", "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def university(_university: University) -> Iterator[University]:
    """The university after its clean first night, and whatever tests before did to it."""
    with at_home(_university.var, _university.hub_url):
        yield _university
