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
from cli.help import ReadableCommand, explain_misuse
from cli.output import print_error
from core import faults
from core.errors import HubError, MachineFault
from core.messages import translate
from core.process.leaving import exit_process, handle_signals
from core.process.privacy import restrict_permissions

for _module in pkgutil.iter_modules(cli.commands.__path__):
    importlib.import_module(f"cli.commands.{_module.name}")
for _command in app.registered_commands:
    _command.cls = ReadableCommand


WRONG_USE = 2


def main() -> None:
    """Entry point: an error is one line on standard error and exit status 1; one that nobody foresaw is followed by where it
    came up, without the values that a traceback quotes."""
    restrict_permissions()
    handle_signals()
    try:
        status = _run_app()
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.flush()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print_error(MachineFault("HUB811", "hub"))
        status = 1
    exit_process(status)


def _run_app() -> int:
    try:
        ended = app(standalone_mode=False, prog_name="hub")
        return ended if isinstance(ended, int) else 0
    except HubError as error:
        print_error(error)
        return 1
    except Abort:
        print(translate("cli.interrupted"), file=sys.stderr)
        return 1
    except TyperException as error:
        if type(error).__name__ != "NoArgsIsHelpError":  # the help is on the screen already
            print_error(explain_misuse(error))
        return WRONG_USE
    except SystemExit as end:
        if isinstance(end.code, str):
            raise
        return end.code or 0
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        place, _, function = faults.format_trace(error)[-2].partition(" in ")
        frames = (f"  {frame}" for frame in faults.format_trace(error))
        print_error(MachineFault("HUB860", function, kind=type(error).__name__, place=place), *frames)
        return 1
    return 0


if __name__ == "__main__":
    main()
