"""The `hub` command. Output is for people on a terminal, and with `--json` for programs.

Commands live in the modules of `cli.commands`; presence registers them.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import pkgutil
import sys

from typer.exceptions import Abort, TyperException

import cli.commands
from cli.app import app
from cli.help import ReadableCommand, misused
from cli.output import complain
from core import faults
from core.errors import Fault, HubError
from core.messages import text
from core.process.leaving import leave, obey_signals
from core.process.privacy import keep_private

for _module in pkgutil.iter_modules(cli.commands.__path__):
    importlib.import_module(f"cli.commands.{_module.name}")
for _command in app.registered_commands:
    _command.cls = ReadableCommand


WRONG_USE = 2


def main() -> None:
    """Entry point: an error is one line on standard error and exit status 1; one that nobody foresaw is followed by where it
    came up, without the values that a traceback quotes."""
    keep_private()
    obey_signals()
    try:
        status = _run()
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.flush()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        complain(Fault("HUB811", "hub"))
        status = 1
    leave(status)


def _run() -> int:
    try:
        ended = app(standalone_mode=False, prog_name="hub")
        return ended if isinstance(ended, int) else 0
    except HubError as error:
        complain(error)
        return 1
    except Abort:
        print(text("cli.interrupted"), file=sys.stderr)
        return 1
    except TyperException as error:
        if type(error).__name__ != "NoArgsIsHelpError":  # the help is on the screen already
            complain(misused(error))
        return WRONG_USE
    except SystemExit as end:
        if isinstance(end.code, str):
            raise
        return end.code or 0
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        place, _, function = faults.trace_of(error)[-2].partition(" in ")
        frames = (f"  {frame}" for frame in faults.trace_of(error))
        complain(Fault("HUB860", function, kind=type(error).__name__, place=place), *frames)
        return 1
    return 0


if __name__ == "__main__":
    main()
