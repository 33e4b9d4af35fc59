"""The language byte of a DBF: in which character set its writer says the text is.

Its word counts where the contract has none. Where both speak and differ, the file is refused: one of them is wrong, and nobody
can tell which from the text alone. Marks of Western Europe are what many programs write without being asked, on Chinese
machines too: they are believed only where the bytes are not Chinese.
"""

from __future__ import annotations

import codecs

from extractors.files.encoding import has_misread_letters

DEFAULT_ENCODING = "gb18030"
"""What FoxPro wrote on Chinese systems, and all of ASCII, where neither contract nor file says."""
_WESTERN = {0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x08: "cp865", 0x57: "cp1252", 0x58: "cp1252", 0x59: "cp1252"}
_OTHERS = {
    **dict.fromkeys((0x4D, 0x7A), "gb18030"),
    **dict.fromkeys((0x4F, 0x78), "cp950"),
    **dict.fromkeys((0x13, 0x7B), "cp932"),
    **dict.fromkeys((0x4E, 0x79), "cp949"),
    **dict.fromkeys((0x26, 0x65), "cp866"),
    **dict.fromkeys((0x64, 0x87), "cp852"),
    **dict.fromkeys((0x50, 0x7C), "cp874"),
    0x66: "cp865",
    0x6A: "cp737",
    0x6B: "cp857",
    0x7D: "cp1255",
    0x7E: "cp1256",
    0xC8: "cp1250",
    0xC9: "cp1251",
    0xCA: "cp1254",
    0xCB: "cp1253",
    0xCC: "cp1257",
}
_FAMILIES = ({"gbk", "gb2312", "gb18030"}, {"big5", "cp950", "big5hkscs"}, {"cp932", "shift_jis"}, {"cp949", "euc_kr"})


def find_contradiction(byte: int, encoding: str | None) -> str | None:
    """What the language byte says, where the contract's encoding is another; else None."""
    said = _OTHERS.get(byte)
    if encoding is None or said is None:
        return None
    both = {codecs.lookup(said).name, codecs.lookup(encoding).name}
    return None if len(both) == 1 or any(both <= family for family in _FAMILIES) else said


def choose_encoding(byte: int, encoding: str | None, text: bytes) -> str:
    """The encoding to read `text`, all of the table's, in."""
    if encoding is not None or byte in _OTHERS:
        return encoding or _OTHERS[byte]
    if byte not in _WESTERN or text.isascii():
        return DEFAULT_ENCODING
    try:
        return _WESTERN[byte] if has_misread_letters(text.decode(DEFAULT_ENCODING), DEFAULT_ENCODING) else DEFAULT_ENCODING
    except UnicodeDecodeError:
        return _WESTERN[byte]
