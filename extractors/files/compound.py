"""A compound file (OLE, [MS-CFB]): the streams that lie in its sectors."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FIRST_SPECIAL = 0xFFFFFFFA
"""Sector numbers from here on are marks (end of chain, free), not sectors."""
_STREAM, _ROOT = 2, 5
"""Kinds of entries in the directory; others are folders or were never used."""


def read_stream(data: bytes, names: Sequence[str]) -> bytes:
    """The first stream of these names, in lower case, that the file has; a short one lies in the root's mini stream.

    Raises:
        KeyError: it has none of them. LookupError, struct.error: its sectors do not fit together.
    """
    shift, mini_shift = struct.unpack_from("<HH", data, 30)
    (cutoff, mini_table), table = struct.unpack_from("<2I", data, 56), _read_allocation(data)
    streams = _read_directory(data)
    start, size = next((streams[name] for name in names if name in streams), None) or streams[names[0]]
    if size >= cutoff:
        return _read_chain(data, start, table, shift)[:size]
    mini = bytes(1 << mini_shift) + _read_chain(data, streams[""][0], table, shift)  # sector 0 follows a header's place
    return _read_chain(mini, start, _unpack_numbers(_read_chain(data, mini_table, table, shift)), mini_shift)[:size]


def find_offset(data: bytes, name: str, at: int) -> int:
    """Where in the file a byte of a stream lies. Raises as `stream`."""
    shift, mini_shift = struct.unpack_from("<HH", data, 30)
    (cutoff, mini_table), table = struct.unpack_from("<2I", data, 56), _read_allocation(data)
    streams = _read_directory(data)
    start, size = streams[name]
    if size < cutoff:
        mini = list(_follow_chain(start, _unpack_numbers(_read_chain(data, mini_table, table, shift))))
        start, at = streams[""][0], (mini[at >> mini_shift] << mini_shift) + at % (1 << mini_shift)
    sector: int = list(_follow_chain(start, table))[at >> shift]
    return ((sector + 1) << int(shift)) + at % (1 << int(shift))


def rename_stream(data: bytes, name: str) -> bytes:
    """The file with the stream of this name, which it may have in other capitals, under just this name: to the format they are
    one, to the reading library they are not."""
    shift = struct.unpack_from("<H", data, 30)[0]
    written = name.encode("utf-16-le")
    for sector in _follow_chain(struct.unpack_from("<I", data, 48)[0], _read_allocation(data)):
        for place in range((sector + 1) << shift, (sector + 2) << shift, 128):
            found = data[place : place + len(written)]
            is_it = data[place + 64 : place + 67] == struct.pack("<HB", len(written) + 2, _STREAM)
            if is_it and found != written and found.decode("utf-16-le", "replace").lower() == name.lower():
                data = data[:place] + written + data[place + len(written) :]
    return data


def list_streams(data: bytes) -> list[str]:
    """The streams of the file, in lower case."""
    return [name for name in _read_directory(data) if name]


def _read_directory(data: bytes) -> dict[str, tuple[int, int]]:
    """Name -> first sector and length; the root has no name. Of one name the first counts, as it does to the library."""
    shift = struct.unpack_from("<H", data, 30)[0]
    entries = _read_chain(data, struct.unpack_from("<I", data, 48)[0], _read_allocation(data), shift)
    streams: dict[str, tuple[int, int]] = {}
    for at in range(0, len(entries), 128):
        length, kind = struct.unpack_from("<HB", entries, at + 64)
        if kind in (_STREAM, _ROOT):
            name = "" if kind == _ROOT else entries[at : at + max(length - 2, 0)].decode("utf-16-le", "replace").lower()
            streams.setdefault(name, struct.unpack_from("<II", entries, at + 116))
    return streams


def _read_allocation(data: bytes) -> tuple[int, ...]:
    shift = struct.unpack_from("<H", data, 30)[0]
    return _unpack_numbers(b"".join(_read_sector(data, number, shift) for number in _list_allocation_sectors(data, shift)))


def _list_allocation_sectors(data: bytes, shift: int) -> list[int]:
    """The sectors that hold the allocation table: 109 in the header, the rest in a chain of lists."""
    listed, following = list(struct.unpack_from("<109I", data, 76)), struct.unpack_from("<I", data, 68)[0]
    for _ in range(struct.unpack_from("<I", data, 72)[0]):
        *more, following = _unpack_numbers(_read_sector(data, following, shift))
        listed += more
    return [number for number in listed if number < _FIRST_SPECIAL]


def _read_chain(data: bytes, start: int, table: tuple[int, ...], shift: int) -> bytes:
    return b"".join(_read_sector(data, number, shift) for number in _follow_chain(start, table))


def _follow_chain(start: int, table: tuple[int, ...]) -> Iterator[int]:
    found = 0
    while start < _FIRST_SPECIAL and found <= len(table):
        yield start
        found += 1
        start = table[start]


def _read_sector(data: bytes, number: int, shift: int) -> bytes:
    return data[(number + 1) << shift : (number + 2) << shift]


def _unpack_numbers(content: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(content) // 4}I", content[: len(content) // 4 * 4])
