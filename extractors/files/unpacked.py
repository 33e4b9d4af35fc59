"""How large a packed file is when it is unpacked: what it says of itself first, then what its parts really give.

A library believes neither; it unpacks until a part ends. So the parts are unpacked here once, a piece at a time and kept
nowhere, which costs little beside reading what is in them.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

_ARCHIVE = b"PK"
_HEAD_BYTES = 30
_PIECE_BYTES = 1 << 20


def is_larger(data: bytes, limit: int) -> bool:
    """Whether an archive unpacks to more than `limit` bytes; no for what is no archive, or one that its reader will refuse."""
    if not data.startswith(_ARCHIVE):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError):
        return False
    if sum(part.file_size for part in parts) > limit:
        return True
    total = 0
    for part in parts:
        for size in _unpack_sizes(data, part):
            total += size
            if total > limit:
                return True
    return False


def _unpack_sizes(data: bytes, part: zipfile.ZipInfo) -> Iterator[int]:
    """The sizes of the pieces that a part unpacks to, to its very end, whatever the directory says."""
    if part.compress_type != zipfile.ZIP_DEFLATED:
        yield part.file_size
        return
    if not 0 <= part.header_offset <= len(data) - _HEAD_BYTES:  # damaged, which its reader says
        return
    name, extra = struct.unpack_from("<HH", data, part.header_offset + 26)
    packed = memoryview(data)[part.header_offset + _HEAD_BYTES + name + extra :]
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    for at in range(0, len(packed), _PIECE_BYTES):
        rest: bytes | memoryview = packed[at : at + _PIECE_BYTES]
        while rest and not unpacking.eof:
            try:
                yield len(unpacking.decompress(rest, _PIECE_BYTES))
            except zlib.error:  # damaged as well
                return
            rest = unpacking.unconsumed_tail
        if unpacking.eof:
            return
