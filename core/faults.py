"""Whatever is raised while one dataset is read, one entity judged or one feed delivered, as one coded line about it.

Only an order to end passes on: Ctrl-C, the end of the process, an orchestrator that ends its task. All else becomes an error
of the house that names the thing it happened to. A driver's text may quote a row, so nothing of it is kept but where in the
program it came up.
"""

from __future__ import annotations

import errno
import traceback
from pathlib import Path

from core.errors import Fault, HubError
from core.process.memory_gate import Crowded
from core.settings import ROOT

_ENDS = (KeyboardInterrupt, SystemExit, GeneratorExit)
_ORCHESTRATOR = "airflow"
"""The package whose exceptions that are no `Exception` end a task from outside."""
_CODES = {"extract": "HUB840", "publish": "HUB842", "deliver": "HUB843", "reconcile": "HUB843"} | dict.fromkeys(
    ("conform", "check", "brake"), "HUB841"
)
_OTHER = "HUB844"
_INSTALLED = "site-packages"


def ends(error: BaseException) -> bool:
    """Whether an exception is an order to end, which no boundary may keep back."""
    if isinstance(error, _ENDS):
        return True
    return not isinstance(error, Exception) and type(error).__module__.split(".")[0] == _ORCHESTRATOR


def coded(error: BaseException, verb: str, subject: str) -> HubError:
    """The error as one of the house's: itself when it is one, else a `Fault` about `subject` with the trace of where it came
    up. Memory that was used up is `Crowded`, since beside less other work it may be enough.

    The message holds the exception's type and place, never its text.
    """
    if isinstance(error, HubError):
        return error
    trace = trace_of(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        found: HubError = Fault("HUB803", subject)
    elif isinstance(error, MemoryError):
        found = Crowded("HUB845", subject, verb=verb)
    else:
        place = trace[-2].split(" in ")[0] if len(trace) > 1 else "-"
        found = Fault(_CODES.get(verb, _OTHER), subject, kind=type(error).__name__, place=place, owner=subject.split(".")[0])
    found.trace = trace
    return found


def trace_of(error: BaseException) -> tuple[str, ...]:
    """The frames from the outermost inwards as `file:line in function`, then the exception's type; causes come first, as
    Python prints them. No line of source, no text of an exception: either may hold a value."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = trace_of(cause) if cause is not None else ()
    frames = [f"{_shown(frame.filename)}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    return (*before, *frames, type(error).__name__)


def _shown(filename: str) -> str:
    """A file's path from the project or from the installed packages on, as it is the same on every machine."""
    path = Path(filename)
    if _INSTALLED in path.parts:
        return "/".join(path.parts[len(path.parts) - path.parts[::-1].index(_INSTALLED) :])
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name
