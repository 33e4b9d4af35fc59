"""A compound file (OLE, [MS-CFB]): the streams that lie in its sectors."""

from __future__ import annotations

import struct
from collections.abc import Sequence

SIGN = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_END = 0xFFFFFFFA
"""Sector numbers from here on are marks (end of chain, free), not sectors."""
_STREAM, _ROOT = 2, 5
"""Kinds of entries in the directory; others are folders or were never used."""


def stream(data: bytes, names: Sequence[str]) -> bytes:
    """The first stream of these names, in lower case, that the file has; a short one lies in the root's mini stream.

    Raises:
        KeyError: it has none of them. LookupError, struct.error: its sectors do not fit together.
    """
    shift, mini_shift = struct.unpack_from("<HH", data, 30)
    (cutoff, mini_table), table = struct.unpack_from("<2I", data, 56), _table(data)
    streams = _streams(data)
    start, size = next((streams[name] for name in names if name in streams), None) or streams[names[0]]
    if size >= cutoff:
        return _chain(data, start, table, shift)[:size]
    mini = bytes(1 << mini_shift) + _chain(data, streams[""][0], table, shift)  # sector 0 follows a header's place
    return _chain(mini, start, _numbers(_chain(data, mini_table, table, shift)), mini_shift)[:size]


def names(data: bytes) -> list[str]:
    """The streams of the file, in lower case."""
    return [name for name in _streams(data) if name]


def _streams(data: bytes) -> dict[str, tuple[int, int]]:
    """Name -> first sector and length; the root has no name. Of one name the first counts, as it does to the library."""
    shift = struct.unpack_from("<H", data, 30)[0]
    entries = _chain(data, struct.unpack_from("<I", data, 48)[0], _table(data), shift)
    streams: dict[str, tuple[int, int]] = {}
    for at in range(0, len(entries), 128):
        length, kind = struct.unpack_from("<HB", entries, at + 64)
        if kind in (_STREAM, _ROOT):
            name = "" if kind == _ROOT else entries[at : at + max(length - 2, 0)].decode("utf-16-le", "replace").lower()
            streams.setdefault(name, struct.unpack_from("<II", entries, at + 116))
    return streams


def _table(data: bytes) -> tuple[int, ...]:
    shift = struct.unpack_from("<H", data, 30)[0]
    return _numbers(b"".join(_sector(data, number, shift) for number in _table_sectors(data, shift)))


def _table_sectors(data: bytes, shift: int) -> list[int]:
    """The sectors that hold the allocation table: 109 in the header, the rest in a chain of lists."""
    listed, following = list(struct.unpack_from("<109I", data, 76)), struct.unpack_from("<I", data, 68)[0]
    for _ in range(struct.unpack_from("<I", data, 72)[0]):
        *more, following = _numbers(_sector(data, following, shift))
        listed += more
    return [number for number in listed if number < _END]


def _chain(data: bytes, start: int, table: tuple[int, ...], shift: int) -> bytes:
    found: list[bytes] = []
    while start < _END and len(found) <= len(table):
        found.append(_sector(data, start, shift))
        start = table[start]
    return b"".join(found)


def _sector(data: bytes, number: int, shift: int) -> bytes:
    return data[(number + 1) << shift : (number + 2) << shift]


def _numbers(content: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(content) // 4}I", content[: len(content) // 4 * 4])
