"""The servers of a rehearsal university that was built before: they outlive the process that built it, and are found by their
folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from campus import directory, servers

_KINDS: Mapping[str, tuple[Callable[[Path], object], Callable[[Path], None]]] = {
    "postgres": (servers.postgres, servers.stop),
    "mariadb": (servers.mariadb, servers.stop),
    "sqlserver": (servers.sqlserver, servers.stop),
    "directory": (directory.directory, directory.stop),
}
"""What the name of a server's folder begins with -> how it is started and stopped."""


def start(university: Path) -> None:
    """Start every server of the university under a folder; those that run are left alone.

    Raises:
        Fault: HUB806 when one does not start.
    """
    for kind, (begin, _) in _KINDS.items():
        for folder in sorted(university.glob(f"{kind}*")):
            begin(folder)


def stop(university: Path) -> None:
    """Stop every server of the university under a folder; the data stay."""
    for kind, (_, end) in _KINDS.items():
        for folder in sorted(university.glob(f"{kind}*")):
            end(folder)
