"""The servers of a rehearsal university that was built before: they outlive the process that built it, and are found by their
folders."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote

from campus.servers import directory, processes

_KINDS: Mapping[str, tuple[Callable[[Path], object], Callable[[Path], None]]] = {
    "postgres": (processes.start_postgres, processes.stop_server),
    "mariadb": (processes.start_mariadb, processes.stop_server),
    "sqlserver": (processes.start_sqlserver, processes.stop_server),
    "directory": (directory.start_directory, directory.stop_directory),
}
"""What the name of a server's folder begins with -> how it is started and stopped."""


_SOCKETS = {
    "postgres": re.compile(r"(?<=[?&]host=)[^&\s'\"]*/hub-[^/&\s'\"]+(?=[&\s'\"]|$)"),
    "mariadb": re.compile(r"(?<=unix_socket=)[^&\s'\"]*/hub-[^/&\s'\"]+/mariadb\.sock"),
}
"""Where a server listens whose own folder has too long a path for that: in a temporary folder, another after every start."""


def start_servers(university: Path, connections: Path | None = None) -> None:
    """Start every server of the university under a folder; those that run are left alone. Where one listens elsewhere than
    before, the file of its connections follows.

    Raises:
        Fault: HUB806 when one does not start.
    """
    for kind, (begin, _) in _KINDS.items():
        for folder in sorted(university.glob(f"{kind}*")):
            url = begin(folder)
            if connections is not None and connections.is_file() and kind in _SOCKETS and isinstance(url, str):
                _update_sockets(connections, kind, url)


def _update_sockets(connections: Path, kind: str, url: str) -> None:
    """Write where the server listens now in place of doors of its kind that are gone."""
    found = _SOCKETS[kind].search(url)
    if found is None:
        return
    text = connections.read_text("utf-8")
    new = _SOCKETS[kind].sub(lambda old: old[0] if Path(unquote(old[0])).exists() else found[0], text)
    if new != text:
        draft = connections.with_suffix(".part")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(new)
        draft.replace(connections)


def stop_servers(university: Path) -> None:
    """Stop every server of the university under a folder; the data stay."""
    for kind, (_, end) in _KINDS.items():
        for folder in sorted(university.glob(f"{kind}*")):
            end(folder)
