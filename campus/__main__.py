"""Start or stop the servers of a rehearsal university that was built before: `python -m campus start | stop`.

They outlive the demonstration, so that its receivers and departments can be looked at; nothing happens without one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from campus import directory, servers
from core.settings import settings


def main(arguments: list[str]) -> int:
    """Run a subcommand."""
    kinds: dict[str, tuple[Callable[[Path], object], Callable[[Path], None]]] = {
        "postgres": (servers.postgres, servers.stop),
        "mariadb": (servers.mariadb, servers.stop),
        "sqlserver": (servers.sqlserver, servers.stop),
        "directory": (directory.directory, directory.stop),
    }
    if arguments not in (["start"], ["stop"]):
        print((__doc__ or "").splitlines()[0], file=sys.stderr)
        return 2
    for kind, (start, stop) in kinds.items():
        for folder in sorted((settings().var / "campus").glob(f"{kind}*")):
            if arguments == ["start"]:
                start(folder)
            else:
                stop(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
