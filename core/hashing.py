"""Identifiers and the clock. Both can be set from outside, so that a whole school year can be simulated."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def hash_values(*parts: Any) -> str:
    """A 32-digit hexadecimal hash of values, stable over processes and releases."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def hash_file(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_text_files(paths: Iterable[Path]) -> str:
    """One hash over the contents of small text files, in the order given."""
    return hash_values(*map(read_text_file, paths))


def read_text_file(path: Path) -> str:
    """A small text file (SQL, codes), which is read again when it has changed: a night asks for each many times."""
    seen = path.stat()
    return _read_cached_text(path, (seen.st_ino, seen.st_mtime_ns, seen.st_size))


@functools.lru_cache(maxsize=1024)
def _read_cached_text(path: Path, seen: tuple[int, ...]) -> str:
    """A file's text as it was when it was `seen` so."""
    return path.read_text("utf-8")
