"""One file as its contract describes it, and its bytes: read once, whole, and only when nobody writes to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import Refused, Unavailable

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class FileLayout:
    """What a parser needs to know. `where` and `owner` are named in errors; `header_row` counts from 1; `columns` are those
    that the contract asks for, None for all: what is wrong with any other does not refuse the file."""

    path: Path
    where: str
    owner: str
    encoding: str | None = None
    sheet: str | None = None
    header_row: int = 1
    columns: frozenset[str] | None = None

    def needs_column(self, column: str) -> bool:
        """Whether anybody wants this column."""
        return self.columns is None or column in self.columns

    def read(self, path: Path | None = None) -> bytes:
        """The bytes of the file, or of one that belongs to it.

        Raises:
            Refused: HUB307 when the file changed meanwhile.
            Unavailable: HUB203 when it cannot be read.
        """
        path = path or self.path
        try:
            before = path.stat()
            data = path.read_bytes()
            after = path.stat()
        except OSError as error:
            word = "file" if isinstance(error, PermissionError | FileNotFoundError) else "disk"
            raise Unavailable("HUB203", self.where, reason=type(error).__name__, reason_key=f"reach.{word}") from None
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(data) != after.st_size:
            raise Refused("HUB307", self.where, file=path.name)
        return data

    def build_refusal(self, code: str, **facts: Any) -> Refused:
        return Refused(code, self.where, file=self.path.name, owner=self.owner, **facts)
