"""Files of people are opened in another process, which may use only so much: what one file does to its reader stays with it.

The child gets the path and the layout as plain values, writes what it read into a file of Arrow, and answers with one line:
done, or an error of the house. One that does not answer was ended, by its limits, by the system or by its own fault, and the
file is refused. A child that answered is kept for the next file, since its start costs more than most files.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa

from core import errors
from core.errors import HubError, MachineFault
from core.settings import ROOT, get_settings
from extractors.files.file_layout import FileLayout

ROWS_FILE = "rows.arrow"
MEGABYTE = 1 << 20
_TIMES_THE_FILE = 8
_GREW_BYTES = 512 * MEGABYTE
"""A child that used more than this once is not kept."""
_NO_MEMORY = b"memory allocation of"
"""What a library in Rust says before it ends the process."""
_SAID_BYTES = MEGABYTE


@dataclass(frozen=True)
class Limits:
    """How far one file may go: bytes when unpacked, seconds of a processor, bytes of addresses (or eight times the file)."""

    unpacked: int = 600 * MEGABYTE
    seconds: int = 90
    memory: int = 3 << 30


LIMITS = Limits()


@dataclass(frozen=True)
class ReadJob:
    """What is asked of a file: its rows as a table, or (`numbers`) where a person finds each of them."""

    kind: str
    layout: FileLayout
    numbers: bool = False

    def encode_request(self, room: Path, limits: Limits) -> bytes:
        """The request, one line of JSON."""
        layout = self.layout
        columns = None if layout.columns is None else sorted(layout.columns)
        asked = {
            "kind": self.kind,
            "numbers": self.numbers,
            "layout": {**asdict(layout), "path": str(layout.path), "columns": columns},
            "out": str(room / ROWS_FILE),
            "limits": asdict(limits),
        }
        return json.dumps(asked).encode() + b"\n"


def read_confined(job: ReadJob, limits: Limits | None = None) -> pa.Table:
    """What the parser of the job's kind makes of the file, as a table that lies on disk and not in memory; of `numbers` its
    only column is `row`.

    Raises:
        Refused: HUB304 to HUB327 as the parsers say; HUB311 (unpacks to too much), HUB312 (the reader was ended), HUB313 (too
            many seconds), HUB314 (too much memory), HUB315 (an error that nobody foresaw).
        Unavailable: HUB203 when the file cannot be read.
    """
    limits = limits or LIMITS
    with contextlib.suppress(OSError):  # a file that is gone is told by its reader
        size = job.layout.path.stat().st_size
        limits = Limits(limits.unpacked, limits.seconds, max(limits.memory, _TIMES_THE_FILE * size))
    folder = get_settings().work
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="read-", dir=folder) as room, _borrow_reader() as child:
        answer = child.ask(job.encode_request(Path(room), limits))
        if answer is None:
            raise _explain_end(job.layout, limits, *child.end())
        if told := answer.get("error"):
            raise _rebuild_error(told)
        with pa.memory_map(str(Path(room) / ROWS_FILE)) as file:  # which lives as long as its table does
            return pa.ipc.open_file(file).read_all()


class _ReaderProcess:
    """A process that reads files, one after another."""

    def __init__(self) -> None:
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        command = [sys.executable, "-P", str(Path(__file__).parent.parent / "confined_reader.py")]
        paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))  # the same program's rooms
        self._process = subprocess.Popen(  # noqa: S603 - our own file
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, env={**os.environ, "PYTHONPATH": paths}
        )
        self._is_at_work = self._grew = False

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_free(self) -> bool:
        """Whether it may be asked for another file."""
        return self._process.poll() is None and not self._is_at_work and not self._grew

    def ask(self, request: bytes) -> dict[str, Any] | None:
        """The child's answer to one request, None when it ended instead."""
        sink, source = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)
        self._is_at_work = True
        try:
            sink.write(request)
            sink.flush()
            line = source.readline()
        except OSError:
            return None
        if not line.endswith(b"\n"):
            return None
        answer: dict[str, Any] = json.loads(line)
        self._is_at_work, self._grew = False, answer["bytes"] > _GREW_BYTES
        return answer

    def end(self) -> tuple[int, bytes]:
        """End it if it has not ended, and return its status and the end of what it said, which may hold a value."""
        if self._is_at_work:
            with contextlib.suppress(subprocess.TimeoutExpired):  # how it ended is known in a moment, if it has
                self._process.wait(1)
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                cast("IO[bytes]", pipe).close()
        if self._said.closed:
            return self._process.returncode, b""
        self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - _SAID_BYTES))
        said = self._said.read()
        self._said.close()
        return self._process.returncode, said


_IDLE: list[_ReaderProcess] = []
_LOCK = threading.Lock()
_OWNER = [os.getpid()]


@atexit.register
def end_idle_readers() -> None:
    """End the children that wait for a file: a process that ends leaves none behind."""
    while _IDLE and [os.getpid()] == _OWNER:
        _IDLE.pop().end()


@contextlib.contextmanager
def _borrow_reader() -> Iterator[_ReaderProcess]:
    """A child that nobody else asks meanwhile: an idle one, or a new one. Those of a parent process are left to it."""
    with _LOCK:
        if [os.getpid()] != _OWNER:
            _OWNER[:] = [os.getpid()]
            _IDLE.clear()
        child = _IDLE.pop() if _IDLE else None
    if child is None or not child.is_free:
        if child is not None:
            child.end()
        child = _ReaderProcess()
    try:
        yield child
    finally:
        if child.is_free:
            with _LOCK:
                _IDLE.append(child)
        else:
            child.end()


def _explain_end(layout: FileLayout, limits: Limits, status: int, said: bytes) -> HubError:
    """Why a child gave no answer."""
    if status == -signal.SIGXCPU:
        return layout.build_refusal("HUB313", seconds=limits.seconds)
    if _NO_MEMORY in said:
        return layout.build_refusal("HUB314", limit=limits.memory // MEGABYTE)
    how = signal.Signals(-status).name if -status in {*signal.Signals} else f"exit {status}"
    return layout.build_refusal("HUB312", how=how)


def _rebuild_error(told: dict[str, Any]) -> HubError:
    """The error that a child answered with; one of its kinds only."""
    kind = getattr(errors, told["type"], None)
    known = kind if isinstance(kind, type) and issubclass(kind, HubError) else MachineFault
    error = known(told["code"], told["where"], **told["facts"])
    error.trace = tuple(told["trace"])
    return error


def confine_process(limits: Limits) -> None:
    """Hold this process to the limits from now on: the seconds are counted from here, and no memory is written to disk when it
    is ended."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + 1 + limits.seconds
    for what, limit in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, limits.memory), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
