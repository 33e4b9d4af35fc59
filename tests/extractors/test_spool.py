"""The spool behind a pipe: the same bytes in the same order, wherever they wait."""

from __future__ import annotations

import errno
import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil
import pytest

from extractors.databases import spool
from extractors.databases.spool import Spool

SECONDS = 30


@contextmanager
def spooled(write: Callable[[IO[bytes]], None], folder: Path) -> Iterator[tuple[Spool, threading.Thread]]:
    """A spool behind a pipe, and the thread that writes into the pipe and then closes its end."""
    out, into = os.pipe()

    def writing() -> None:
        with os.fdopen(into, "wb", buffering=0) as sink:
            write(sink)

    writer = threading.Thread(target=writing, daemon=True)
    with os.fdopen(out, "rb", buffering=0) as source:
        found = Spool(source, folder)
        writer.start()
        try:
            yield found, writer
        finally:
            found.close()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little room in memory and small files, so that a test reaches all ways."""
    monkeypatch.setattr(spool, "_AHEAD_BYTES", 10_000)
    monkeypatch.setattr(spool, "_BLOCK_BYTES", 30_000)
    monkeypatch.setattr(spool, "_CHUNK_BYTES", 4_096)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.usefixtures("small")
def test_bytes_come_out_as_they_went_in(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    sent = draw.randbytes(draw.randrange(200_000))

    def write(sink: IO[bytes]) -> None:
        rest = sent
        while rest:
            size = draw.randrange(1, 9_000)
            sink.write(rest[:size])
            rest = rest[size:]

    with spooled(write, tmp_path) as (found, _):
        parts = []
        while part := found.read(1 + len(parts) * 97 % 20_000):
            parts.append(part)
        assert b"".join(parts) == sent
        assert found.read(1) == b""


@pytest.mark.usefixtures("small")
def test_a_writer_is_not_held_up_by_a_reader_that_does_not_read(tmp_path: Path) -> None:
    sent = random.Random(1).randbytes(2_000_000)
    with spooled(lambda sink: sink.write(sent), tmp_path) as (found, writer):
        writer.join(SECONDS)
        assert not writer.is_alive()
        assert found.read(len(sent) + 1) == sent


@pytest.mark.usefixtures("small")
def test_what_nobody_reads_is_given_back(tmp_path: Path) -> None:
    before = psutil.Process().num_fds()
    with spooled(lambda sink: sink.write(bytes(500_000)), tmp_path) as (found, _):
        found.read(100)
    assert psutil.Process().num_fds() == before
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("small")
def test_a_full_disk_is_told_to_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with spooled(lambda sink: sink.write(bytes(50_000)), tmp_path) as (found, _), pytest.raises(OSError, match="No space"):
        while found.read(1_000):
            pass
