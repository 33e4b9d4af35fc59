"""Bytes -> text in the encoding that the contract names: strictly, a column at a time, and never by guessing.

A wrong encoding seldom fails loudly: GBK bytes of one system read as UTF-8 of another give text that looks like
Chinese. So decoding is strict, and bytes that a contract calls GBK but that are plainly UTF-8 are refused as well.
"""

from __future__ import annotations

import codecs
import contextlib
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.contract import SourceDataset
from core.errors import Refused

_GAP = b"\x1f"
"""Stands between cells while a column is decoded at once; no multi-byte encoding of Chinese uses it inside a character."""
_CHINESE = frozenset({"gbk", "gb2312", "gb18030"})
_BIG5 = frozenset({"big5", "cp950", "big5hkscs"})
_BETWEEN_LETTERS = re.compile(
    "(?<=[A-Za-z])[\u4e00-\u9fff](?=[a-z])|(?<=[A-Za-z]{2})[\u4e00-\u9fff](?![\u4e00-\u9fff])"
    "|(?<![A-Za-z\u4e00-\u9fff])[\u4e00-\u9fff](?=[a-z]{2})"
)
"""`P閞ez`: what became of the é of Pérez and the letter after it; likewise at the end (`Espa馻`) or beginning of a word."""
_RUN = re.compile("[^\x00-\x7f]{2,}")
_ODD_SHARE = 0.5
_FIRST_LEVEL = 0xD7
"""The first byte up to which GB 2312 has the characters of every day."""
_FOREIGN_SHARE = 0.3
_HAN_IN_UTF8 = re.compile(rb"[\xe3-\xe9][\x80-\xbf]{2}")


@dataclass
class Unreadable:
    """Rows and columns that did not decode, counted over the whole read so that the owner hears of all at once. `said` is what
    the source calls the character set of text for which the contract names none, though it has to."""

    rows: int = 0
    columns: set[str] = field(default_factory=set)
    said: str = ""

    def note_column(self, column: str, said: str = "") -> None:
        self.columns.add(column)
        self.said = self.said or said

    def build_refusal(self, dataset: SourceDataset) -> Refused:
        """HUB328 where the contract must name an encoding, else HUB304, with the columns in contract order."""
        names = ", ".join(column.physical for column in dataset.columns if column.physical in self.columns)
        if self.said:
            return Refused("HUB328", dataset.id, columns=names, rows=self.rows, said=self.said, owner=dataset.owner)
        return Refused("HUB304", dataset.id, columns=names, rows=self.rows, encoding=dataset.encoding, owner=dataset.owner)


def decode_cells(cells: Sequence[bytes | None], encoding: str) -> tuple[pa.StringArray, frozenset[int]]:
    """The cells as text, and the positions of those that are not valid in `encoding` (NULL in the array)."""
    try:
        text = _GAP.join(b"" if cell is None else cell for cell in cells).decode(encoding)
        parts = replace_misread(text, encoding).split(_GAP.decode())
    except UnicodeDecodeError:
        return _decode_each(cells, encoding)
    if len(parts) != len(cells):
        return _decode_each(cells, encoding)
    empty = np.fromiter((cell is None for cell in cells), dtype=bool, count=len(cells))
    return pa.array(parts, pa.string(), mask=empty), frozenset()


def decode_utf8(cells: Sequence[bytes | None] | pa.Array[Any]) -> pa.StringArray:
    """The cells as text from a server that promises UTF-8.

    Such servers let lone surrogates through, which are not text anywhere else: those bytes land as U+FFFD and their hex
    digits, so that nothing is lost and the row can be held.
    """
    try:
        held = cells if isinstance(cells, pa.Array) else pa.array(cells, pa.binary())
        return cast(pa.StringArray, held.cast(pa.string()))
    except pa.ArrowInvalid:
        cells = cells.to_pylist() if isinstance(cells, pa.Array) else cells
        return pa.array([None if cell is None else cell.decode("utf-8", "hub_hex") for cell in cells], pa.string())


def find_not_ascii(texts: pa.Array[Any]) -> frozenset[int]:
    """The positions of texts that are more than ASCII."""
    plain: pa.Array[Any] = cast("Any", pc).string_is_ascii(texts)
    return frozenset(place for place, one in enumerate(plain.to_pylist()) if one is False)


def is_plainly_utf8(data: bytes, encoding: str) -> bool:
    """Whether bytes that should be in another encoding are valid UTF-8 with at least two Chinese characters."""
    if codec_name(encoding) == "utf-8" or len(_HAN_IN_UTF8.findall(data)) < 2:
        return False
    return _is_valid(data, "utf-8")


def is_plainly_other(data: bytes, encoding: str) -> bool:
    """Whether bytes that should be in one encoding are plainly in another: UTF-8, or Big5 that is read as GBK, or the reverse.

    Big5 read as GBK is nearly always some text, but of characters that the older GB 2312 does not have and that nobody writes
    so often.
    """
    if is_plainly_utf8(data, encoding):
        return True
    name = codec_name(encoding)
    if name in _BIG5 and not data.isascii() and _is_valid(data, "gb2312"):
        found = [one for one in data.decode(encoding, "ignore") if not one.isascii()]
        foreign = sum(1 for one in found if one not in _list_usual(name))
        return foreign >= 2 and foreign > _FOREIGN_SHARE * len(found)
    if name not in _CHINESE or data.isascii() or not _is_valid(data, "big5"):
        return False
    found = [one for one in data.decode(encoding, "ignore") if not one.isascii()]
    foreign = sum(1 for one in found if len(one.encode("gb2312", "ignore")) == 0)
    return foreign >= 2 and foreign > _FOREIGN_SHARE * len(found)


def guess_encoding(data: bytes) -> str | None:
    """`gb18030` for text that is not UTF-8 and reads as Chinese in it, else None. A proposal for a person, never used to read
    what a contract describes."""
    if _is_valid(data, "utf-8") or not _is_valid(data, "gb18030") or is_plainly_other(data, "gb18030"):
        return None
    return "gb18030"


def codec_name(encoding: str) -> str:
    """The name of a codec, of UTF-8 with a mark as of UTF-8 without."""
    return codecs.lookup(encoding).name.removesuffix("-sig")


def has_misread_letters(text: str, encoding: str) -> bool:
    """Whether text holds letters of Western Europe that were read as Chinese."""
    return replace_misread(text, encoding) != text


def replace_misread(text: str, encoding: str) -> str:
    """Text in which every character that was letters of Western Europe is U+FFFD and its bytes in hex: so it is held. Such a
    character stands between Latin letters, and its bytes are two letters of Latin-1, the second one plain, or one in UTF-8."""
    name = codec_name(encoding)
    if text.isascii() or name not in _CHINESE | _BIG5:
        return text
    if name in _CHINESE:
        text = _BETWEEN_LETTERS.sub(lambda found: _replace_letter(found[0]), text)
    odd = frozenset(text) - _list_usual(name)
    if all(one.isascii() for one in odd):
        return text
    return _RUN.sub(lambda found: _replace_misread_run(found[0], name), text)


@functools.cache
def _list_characters(encoding: str, first: int, last: int) -> frozenset[str]:
    """The Chinese characters of two bytes whose first one lies between these."""
    found = set[str]()
    for lead in range(first, last + 1):
        for trail in range(0x40, 0xFF):
            with contextlib.suppress(UnicodeDecodeError):
                found.add(bytes((lead, trail)).decode(encoding))
    return frozenset(one for one in found if "\u4e00" <= one <= "\u9fff")


def _list_simplified(last: int = 0xF7) -> frozenset[str]:
    return _list_characters("gb2312", 0xB0, last)


def _list_traditional() -> frozenset[str]:
    return _list_characters("big5", 0xA4, 0xC6)


@functools.cache
def _list_usual(name: str) -> frozenset[str]:
    """The characters that people write every day in an encoding, and the signs between; in GBK both scripts are at home."""
    signs = {*"\u3000\u3001\u3002\u300a\u300b\u3010\u3011\u2014\u2018\u2019\u201c\u201d\u2026\u00b7\uffe5"}
    own = _list_traditional() if name in _BIG5 else _list_simplified() | _list_traditional()
    return own | signs | {chr(code) for code in range(0xFF01, 0xFF5F)}


def _replace_misread_run(run: str, name: str) -> str:
    """A run of characters of which at least two, and half, are seldom written, or one is none of Chinese, and whose bytes are
    everyday text in another encoding; or one that is Chinese in UTF-8. It becomes U+FFFD and its bytes in hex."""
    own = _list_simplified() | _list_traditional()
    odd = {one for one in run if one not in _list_usual(name)}
    if not odd:
        return run
    held = run.encode("gb18030" if name in _CHINESE else name, "ignore")
    many = len(odd) >= 2 and sum(one in odd for one in run) >= _ODD_SHARE * len(run)
    many = many or any(not "\u4e00" <= one <= "\u9fff" for one in odd)
    others = [
        ("utf-8", own, True),
        ("big5", _list_traditional(), many) if name in _CHINESE else ("gb2312", _list_simplified(_FIRST_LEVEL), many),
    ]
    for encoding, usual, enough in others:
        if enough and _is_valid(held, encoding) and all(one in usual for one in held.decode(encoding)):
            return f"\ufffd{held.hex().upper()}"
    return run


def _replace_letter(character: str) -> str:
    held = character.encode("gb18030")
    was_letters = len(held) == 2 and (held[1:].isalpha() or held.decode("utf-8", "ignore").isalpha())
    return f"\ufffd{held.hex().upper()}" if was_letters else character


def _is_valid(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _decode_each(cells: Sequence[bytes | None], encoding: str) -> tuple[pa.StringArray, frozenset[int]]:
    texts: list[str | None] = []
    bad: set[int] = set()
    for position, cell in enumerate(cells):
        try:
            texts.append(None if cell is None else replace_misread(cell.decode(encoding), encoding))
        except UnicodeDecodeError:
            texts.append(None)
            bad.add(position)
    return pa.array(texts, pa.string()), frozenset(bad)


def _replace_with_hex(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\ufffd" + error.object[error.start : error.end].hex().upper(), error.end


codecs.register_error("hub_hex", _replace_with_hex)
