"""A rehearsal university in a process of its own, so that the memory of making it is not that of the night."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Collection, Mapping
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from campus.faults.injection import Injected
from campus.rehearsal import Rehearsal
from campus.servers import built
from core.errors import HubError
from core.process.leaving import exit_process

_PATIENCE = 5
"""Seconds after which a process that was told to end is told again: an exit that is raised inside a library's own clearing
away is lost there."""


class RehearsalProcess:
    """Like `campus.rehearsal.Rehearsal`: started at once, `load` brings it to a day, `close` ends the process.

    The servers outlive it, as they outlive a rehearsal of this process. Errors are those of the rehearsal. `elsewhere` tells
    what `Rehearsal.start` returns.
    """

    def __init__(self, folder: Path, persons: int, seed: int, systems: Collection[str] = ()) -> None:
        spawned = multiprocessing.get_context("spawn")  # a fork would take this process's databases along
        self._here, there = spawned.Pipe()
        self._process = spawned.Process(
            target=_serve_requests, args=(there, folder, persons, seed, tuple(systems)), daemon=True
        )
        self._process.start()
        there.close()
        self.elsewhere: Mapping[str, str] = self._receive_answer()

    def load(self, day: int, faults: Mapping[str, int]) -> list[Injected]:
        """Bring every source to the close of `day`; returns the defects that were put into it."""
        self._here.send((day, dict(faults)))
        found: list[Injected] = self._receive_answer()
        return found

    def close(self) -> None:
        """End the process."""
        self._here.send(None)
        self._process.join()

    @staticmethod
    def abandon_all(folder: Path) -> None:
        """End every university of this process where it stands, and the servers under `folder`."""
        for child in multiprocessing.active_children():
            while child.is_alive():
                child.terminate()
                child.join(_PATIENCE)
        built.stop_servers(folder)

    def _receive_answer(self) -> Any:
        kind, value = self._here.recv()
        if kind is not None:
            code, where, facts = value
            raise kind(code, where, **facts)
        return value


def _serve_requests(there: Connection, folder: Path, persons: int, seed: int, systems: Collection[str]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that people look at; this one ends with it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # a server that is just being started is ended too
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(SystemExit):
        _answer_all(there, Rehearsal(folder, persons, seed, systems))
    # The thread above is at work to the end, and what an engine's library finds in use then it prints as an error of its own.
    exit_process(0)


def _answer_all(there: Connection, university: Rehearsal) -> None:
    with contextlib.suppress(EOFError, BrokenPipeError):  # the other process has ended, and nobody waits for an answer
        _send_answer(there, university.start)
        while (wanted := there.recv()) is not None:
            day, faults = wanted
            _send_answer(there, lambda day=day, faults=faults: university.load(day, faults))


def _end_with_parent() -> None:
    """A killed parent says nothing, and this process may be in the middle of something."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 - this process was spawned
    wait([parent.sentinel])
    while True:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_PATIENCE)


def _send_answer(there: Connection, work: Any) -> None:
    try:
        there.send((None, work()))
    except HubError as error:
        there.send((type(error), (error.code, error.where, error.facts)))
