"""One command as a whole process tree: seconds from start to end, processor seconds, and the highest sum of memory.

Memory is the resident memory of the process and all its descendants, asked every 30 ms; servers are not among them. It is
the price that the machine pays while the command runs, pages that two processes share counted twice. Descendants are looked
for every 0.3 s only: to look through all processes costs milliseconds, and whoever uses every core would pay for them.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import resource
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import psutil

_EVERY_SECONDS = 0.03
_FAMILY_EVERY = 10
_PATIENCE_SECONDS = 60
_MB = 1 << 20


@dataclass(frozen=True)
class Run:
    """What one run took. `problem` is None for a run that ended well, else one line; `told` is its last line if that was
    a JSON object."""

    seconds: float
    cpu_seconds: float = 0.0
    peak_mb: int = 0
    problem: str | None = None
    told: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value not in (None, {})}


def run_measured(command: Sequence[str], variables: Mapping[str, str], limit_seconds: float) -> Run:
    """Run a command to its end, or end it and its children after the limit."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        started = time.perf_counter()
        child = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(variables),
            start_new_session=True,
        )
        memory = _MemoryWatch(child.pid)
        status: int | None = None
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = child.wait(limit_seconds)
        finally:
            if status is None:
                _end_group(child)
            seconds = time.perf_counter() - started
            peak = memory.stop()
        output.seek(0)
        lines = [line.strip() for line in output if line.strip()]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    problem = (
        None if status == 0 else f"not done after {limit_seconds:.0f} s" if status is None else _find_reason(lines, status)
    )
    return Run(round(seconds, 3), round(cpu, 2), peak // _MB, problem, _parse_last_line(lines))


def _end_group(child: subprocess.Popen[bytes]) -> None:
    """Interrupt the group, so that it may stop servers of its own, and end what does not listen."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        os.killpg(child.pid, signal.SIGINT)
        child.wait(_PATIENCE_SECONDS)
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


class _MemoryWatch:
    """Asks for the memory of a process tree until it is stopped."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._peak = 0
        self._ended = threading.Event()
        self._asking = threading.Thread(target=self._poll_memory, daemon=True)
        self._asking.start()

    def stop(self) -> int:
        """Bytes of the highest sum seen."""
        self._ended.set()
        self._asking.join()
        return self._peak

    def _poll_memory(self) -> None:
        family = [self._root]
        for turn in itertools.count():
            if self._ended.wait(_EVERY_SECONDS):
                return
            with contextlib.suppress(psutil.Error):
                if turn % _FAMILY_EVERY == 0:
                    family = [self._root, *self._root.children(recursive=True)]
                self._peak = max(self._peak, sum(map(_read_resident, family)))


def _read_resident(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _find_reason(lines: Sequence[str], status: int) -> str:
    return lines[-1][:200] if lines else f"status {status}"


def _parse_last_line(lines: Sequence[str]) -> dict[str, Any]:
    with contextlib.suppress(ValueError, IndexError):
        found = json.loads(lines[-1])
        return found if isinstance(found, dict) else {}
    return {}
