"""The `hub` command. Output is for people on a terminal, and with `--json` for programs.

Commands live in the modules `cli_*.py` beside this one; presence registers them.
"""

from __future__ import annotations

import errno
import importlib
import pkgutil
import sys

import pipeline
from core.errors import Fault, HubError
from core.leaving import leave
from pipeline.cli_base import app

for _module in pkgutil.iter_modules(pipeline.__path__):
    if _module.name.startswith("cli_"):
        importlib.import_module(f"pipeline.{_module.name}")


def main() -> None:
    """Entry point: an error is one line on standard error and exit status 1."""
    try:
        app()
    except HubError as error:
        print(error.line(), file=sys.stderr)
        leave(1)
    except OSError as error:  # what is printed may go to a file
        if error.errno != errno.ENOSPC:
            raise
        print(Fault("HUB803", "stdout").line(), file=sys.stderr)
        leave(1)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            leave(end.code or 0)
        raise


if __name__ == "__main__":
    main()
