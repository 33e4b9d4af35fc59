"""Start or stop the servers of a rehearsal university that was built before: `python -m campus start | stop`.

They outlive the demonstration, so that its receivers and departments can be looked at; nothing happens without one. `stop`
also ends the hub's own database when a killed process left it behind.
"""

from __future__ import annotations

import sys

from campus.servers import built
from core.errors import HubError
from core.process.privacy import restrict_permissions
from core.settings import get_settings
from core.store import embedded


def main(arguments: list[str]) -> int:
    """Run a subcommand."""
    if arguments not in (["start"], ["stop"]):
        print((__doc__ or "").splitlines()[0], file=sys.stderr)
        return 2
    restrict_permissions()
    university = get_settings().var / "campus"
    if arguments == ["start"]:
        try:
            built.start_servers(university, get_settings().secrets_file)
        except HubError as error:
            print(error.line(), file=sys.stderr)
            return 1
    else:
        built.stop_servers(university)
        embedded.stop_unused_server(get_settings().var / "hub" / "postgres")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
