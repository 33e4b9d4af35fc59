"""Memo files beside a DBF: of dBase III (`.dbt`, text up to an end mark), dBase IV (`.dbt`, a length before each text) and
FoxPro (`.fpt`). The table's version byte says which kind belongs to it."""

from __future__ import annotations

from collections.abc import Sequence

from extractors.files.file_layout import FileLayout

_DBASE3, _DBASE4 = 0x83, (0x8B, 0xCB)
_END_MARK = b"\x1a"
_BLOCK = 512
"""Bytes of a block where the file does not say."""
_SIGN4 = b"\xff\xff\x08\x00"


def read_texts(pointers: Sequence[int], version: int, layout: FileLayout) -> list[bytes | None]:
    """The bytes at every pointer (a number of blocks; 0 points nowhere), without the blanks at their end.

    Raises:
        Refused: HUB308 when the file is missing, or a pointer leads out of it.
    """
    if not any(pointers):
        return [None] * len(pointers)
    kind = ".dbt" if version == _DBASE3 or version in _DBASE4 else ".fpt"
    pattern = f"{_escape_glob(layout.path.stem)}.*"
    beside = next((path for path in layout.path.parent.glob(pattern) if path.suffix.lower() == kind), None)
    if beside is None:
        raise layout.build_refusal("HUB308", problem_key="damage.memo", memo=f"{layout.path.stem}{kind}")
    data = layout.read(beside)
    size = int.from_bytes(data[20:22], "little") if version in _DBASE4 else int.from_bytes(data[6:8], "big")
    if version == _DBASE3 or not size:
        size = _BLOCK
    found = [_read_block(data, pointer * size, version) if pointer else b"" for pointer in pointers]
    if None in found:
        raise layout.build_refusal("HUB308", problem_key="damage.memo_short", memo=beside.name)
    return [(text or b"").rstrip(b" \0") or None for text in found]


def _read_block(data: bytes, start: int, version: int) -> bytes | None:
    """The text of a block; None where it does not lie in the file whole."""
    if version == _DBASE3:
        end = data.find(_END_MARK, start)
        return None if start >= len(data) else data[start : end if end >= 0 else len(data)]
    if version in _DBASE4:
        if data[start : start + 4] != _SIGN4:
            return None
        end = start + int.from_bytes(data[start + 4 : start + 8], "little")
    else:
        end = start + 8 + int.from_bytes(data[start + 4 : start + 8], "big")
    return data[start + 8 : end] if start + 8 <= end <= len(data) else None


def _escape_glob(stem: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in stem)
