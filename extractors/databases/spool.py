"""Bytes on their way from a pipe to a reader that takes its time: what is ahead of it waits in memory, and more of it on disk.

Who writes into the pipe is never held up. That matters where the writer would pile up in its own memory what it cannot get
rid of, without end; and a department's server is done with us sooner.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import IO

_AHEAD_BYTES = 16 << 20
_BLOCK_BYTES = 64 << 20
"""A file on disk grows to this size; the space is given back when it has been read."""
_CHUNK_BYTES = 1 << 20


class _DiskBlock:
    """A nameless file that is written at its end and read from its beginning."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - closed with the block
        self.written = self.read = 0

    def append(self, chunk: bytes) -> None:
        rest = memoryview(chunk)
        while rest:
            done = os.pwrite(self._file.fileno(), rest, self.written)
            self.written += done
            rest = rest[done:]

    def read_chunk(self, size: int) -> bytes:
        part = os.pread(self._file.fileno(), min(size, self.written - self.read), self.read)
        self.read += len(part)
        return part

    def close(self) -> None:
        self._file.close()


class Spool:
    """Everything that comes out of a pipe, to be read as from a file; `folder` is for what memory does not hold. In memory lies
    what came before anything that lies on disk."""

    def __init__(self, source: IO[bytes], folder: Path) -> None:
        self._source, self._folder = source, folder
        self._changed = threading.Condition()
        self._chunks: deque[memoryview] = deque()
        self._held = 0
        self._blocks: deque[_DiskBlock] = deque()
        self.problem: OSError | None = None
        self._ended = False
        self.closed = False  # Arrow asks for it before it reads
        self._filling = threading.Thread(target=self._read_pipe, daemon=True)
        self._filling.start()

    def read(self, size: int) -> bytes:
        """`size` bytes, fewer only at the end.

        Raises:
            OSError: the disk is full, or the pipe broke.
        """
        parts = []
        while size and (part := self._take_bytes(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Give memory and disk back, once the pipe is at its end: its writer must have been ended."""
        with self._changed:
            self.closed = True
        self._filling.join()
        self._chunks.clear()
        while self._blocks:
            self._blocks.popleft().close()

    def _read_pipe(self) -> None:
        """Take everything to the end of the pipe; what goes wrong is raised where it is read."""
        try:
            while chunk := os.read(self._source.fileno(), _CHUNK_BYTES):
                self._store_chunk(chunk)
        except OSError as error:
            self.problem = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()

    def _store_chunk(self, chunk: bytes) -> None:
        with self._changed:
            if self.closed:
                return
            if not self._blocks and self._held + len(chunk) <= _AHEAD_BYTES:
                self._chunks.append(memoryview(chunk))
                self._held += len(chunk)
            else:
                if not self._blocks or self._blocks[-1].written >= _BLOCK_BYTES:
                    self._blocks.append(_DiskBlock(self._folder))
                self._blocks[-1].append(chunk)
            self._changed.notify()

    def _take_bytes(self, size: int) -> bytes | memoryview:
        """Up to `size` bytes, at least one before the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._chunks or self._blocks or self._ended)
            if self._chunks:
                chunk = self._chunks.popleft()
                if len(chunk) > size:
                    self._chunks.appendleft(chunk[size:])
                part = chunk[:size]
                self._held -= len(part)
                return part
            if self._blocks:
                block = self._blocks[0]
                taken = block.read_chunk(size)
                if block.read == block.written:
                    self._blocks.popleft().close()
                return taken
            if self.problem:
                raise self.problem
            return b""
