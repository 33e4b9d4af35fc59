"""Whatever is raised while one dataset is read, one entity judged or one feed delivered, as one coded line about it.

Only an order to end passes on: Ctrl-C, the end of the process, an orchestrator that ends its task. All else becomes an error
of the house that names the thing it happened to. A driver's text may quote a row, so nothing of it is kept but where in the
program it came up.
"""

from __future__ import annotations

import errno
import traceback
from pathlib import Path

from core.errors import HubError, MachineFault
from core.process.memory_gate import MemoryCrowded
from core.settings import ROOT

_EXIT_ERRORS = (KeyboardInterrupt, SystemExit, GeneratorExit)
_ORCHESTRATOR = "airflow"
"""The package whose exceptions that are no `Exception` end a task from outside."""
_CODE_BY_VERB = {"extract": "HUB840", "publish": "HUB842", "deliver": "HUB843", "reconcile": "HUB843"} | dict.fromkeys(
    ("conform", "check", "brake"), "HUB841"
)
_OTHER_CODE = "HUB844"
_PACKAGES_FOLDER = "site-packages"


def is_exit(error: BaseException) -> bool:
    """Whether an exception is an order to end, which no boundary may keep back."""
    if isinstance(error, _EXIT_ERRORS):
        return True
    return not isinstance(error, Exception) and type(error).__module__.split(".")[0] == _ORCHESTRATOR


def wrap_error(error: BaseException, verb: str, subject: str) -> HubError:
    """The error as one of the house's: itself when it is one, else a `Fault` about `subject` with the trace of where it came
    up. Memory that was used up is `Crowded`, since beside less other work it may be enough.

    The message holds the exception's type and place, never its text.
    """
    if isinstance(error, HubError):
        return error
    trace = format_trace(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        found: HubError = MachineFault("HUB803", subject)
    elif isinstance(error, MemoryError):
        found = MemoryCrowded("HUB845", subject, verb=verb)
    else:
        place = trace[-2].split(" in ")[0] if len(trace) > 1 else "-"
        found = MachineFault(
            _CODE_BY_VERB.get(verb, _OTHER_CODE), subject, kind=type(error).__name__, place=place, owner=subject.split(".")[0]
        )
    found.trace = trace
    return found


def format_trace(error: BaseException) -> tuple[str, ...]:
    """The frames from the outermost inwards as `file:line in function`, then the exception's type; causes come first, as
    Python prints them. No line of source, no text of an exception: either may hold a value."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = format_trace(cause) if cause is not None else ()
    frames = [
        f"{_shorten_path(frame.filename)}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
    return (*before, *frames, type(error).__name__)


def _shorten_path(filename: str) -> str:
    """A file's path from the project or from the installed packages on, as it is the same on every machine."""
    path = Path(filename)
    if _PACKAGES_FOLDER in path.parts:
        return "/".join(path.parts[len(path.parts) - path.parts[::-1].index(_PACKAGES_FOLDER) :])
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name
