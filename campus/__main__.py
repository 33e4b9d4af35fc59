"""Start or stop the servers of a rehearsal university that was built before: `python -m campus start | stop`.

They outlive the demonstration, so that its receivers and departments can be looked at; nothing happens without one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from campus import servers
from core.settings import settings


def main(arguments: list[str]) -> int:
    """Run a subcommand."""
    starts: dict[str, Callable[[Path], object]] = {"postgres": servers.postgres, "mariadb": servers.mariadb}
    if arguments not in (["start"], ["stop"]):
        print((__doc__ or "").splitlines()[0], file=sys.stderr)
        return 2
    for kind, start in starts.items():
        folder = settings().var / "campus" / kind
        if not folder.is_dir():
            continue
        if arguments == ["start"]:
            start(folder)
        else:
            servers.stop(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
