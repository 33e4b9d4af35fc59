"""XLS (BIFF in an OLE compound file): the cells that the reading library gives as something else than they are.

They are found in the records of the sheet's substream: error values, formulas that were never calculated, texts that go on in
another record, numbers whose format the workbook says itself, and every text of Excel 5 and 95, which is bytes in the code page
of the machine that wrote it. Source: [MS-XLS] 2.4.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from core.dialects import UNREADABLE
from extractors.files.compound import find_offset, list_streams, read_stream, rename_stream
from extractors.files.encoding import replace_misread
from extractors.files.excel_formats import (
    format_ambiguous,
    format_number,
    format_padded,
    is_ambiguous,
    is_day,
    is_hidden_date,
    is_invalid_day,
    is_mistaken_for_date,
)
from extractors.files.excel_xlsx import NEVER_CALCULATED, CellPlace

_BOF, _EOF, _BOUNDSHEET, _FORMAT, _XF, _CONTINUE = 0x0809, 0x000A, 0x0085, 0x041E, 0x00E0, 0x003C
_CODEPAGE, _LABEL, _RSTRING, _FILEPASS, _DATEMODE = 0x0042, 0x0204, 0x00D6, 0x002F, 0x0022
_FORMULA, _BOOLERR, _STRING, _NUMBER, _RK, _MULRK = 0x0006, 0x0205, 0x0207, 0x0203, 0x027E, 0x00BD
_BETWEEN = (_STRING, 0x04BC, 0x0221, 0x0236)
"""What stands between a formula and the continuation of its text: shared formulas, arrays, tables."""
_OLD_FORMULAS = (0x0206, 0x0406)
"""Formulas as older versions number them; the library passes them over."""
_BIFF8 = 0x0600
_STREAMS = ("workbook", "book")
_UTF16, _WESTERN = 1200, 1252
_CODE_PAGES: dict[int, str] = {936: "gb18030", 10008: "gb18030", 950: "cp950", 10002: "cp950", 932: "cp932", 949: "cp949"} | {
    **{page: f"cp{page}" for page in (437, 850, 852, 866, 874, *range(1250, 1259))},
    367: "ascii",
    10000: "mac_roman",
    10006: "mac_greek",
    10007: "mac_cyrillic",
    10029: "mac_latin2",
    0x8000: "mac_roman",
    0x8001: "cp1252",
}
_UNASKED = frozenset({"cp437", "cp850", "cp1252", "ascii", "mac_roman"})
_ASSUMED = "gb18030"
"""What a machine of a Chinese department wrote, where neither contract nor file says."""
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
_TEXT, _ERROR, _EMPTY = 0, 2, 3
"""Kinds of a formula's result that is no number."""
_CUT = UNREADABLE + "…"


@dataclass
class _Workbook:
    """What the globals say: where sheets begin, own formats, and the format of every style."""

    version: int = 0
    starts: list[int] = field(default_factory=list)
    forms: dict[int, str] = field(default_factory=dict)
    styles: list[int] = field(default_factory=list)
    from_1904: bool = False
    page: int = 0
    page_at: int = -1
    """The code page and where in the stream it stands."""

    def format_cell(self, style: int, number: float) -> str | None:
        """The text of a number whose format the workbook says itself; None where the library reads it right."""
        id = self.styles[style] if style < len(self.styles) else 0
        form = self.forms.get(id, "")
        if is_day(id, form) and is_invalid_day(number, from_1904=self.from_1904):
            return UNREADABLE + format_number(number)
        if is_ambiguous(id, form):
            return format_ambiguous(id, form, number, from_1904=self.from_1904)
        if not form:
            return None
        if is_hidden_date(id, form):
            return UNREADABLE + format_number(number)
        return format_padded(form, number) or (format_number(number) if is_mistaken_for_date(id, form) else None)


def is_protected(data: bytes) -> bool:
    """Whether the workbook opens with a password only. Raises as `settled`."""
    content = read_stream(data, _STREAMS)
    globals = itertools.takewhile(lambda record: record[0] != _EOF, _iterate_records(content, 0))
    return any(kind == _FILEPASS for kind, _ in globals)


def repair_workbook(data: bytes) -> bytes:
    """The file as the library reads it rightly: with its stream's name in the usual capitals, and with the code page that its
    version implies. The library takes the page's word for texts that are UTF-16 whatever it says, and does not know most pages.

    Raises:
        LookupError, struct.error: the parts do not fit together.
    """
    data = rename_stream(rename_stream(data, "Workbook"), "Book")
    name = next(one for one in _STREAMS if one in list_streams(data))
    book = _read_globals(read_stream(data, (name,)))
    page = (_UTF16 if book.version == _BIFF8 else _WESTERN).to_bytes(2, "little")
    if book.page_at < 0 or book.page == int.from_bytes(page, "little"):
        return data
    changed = bytearray(data)
    for place, byte in enumerate(page):
        changed[find_offset(data, name, book.page_at + place)] = byte
    return bytes(changed)


def find_misread_cells(data: bytes, sheet: int, encoding: str | None = None) -> Iterator[tuple[CellPlace, str]]:
    """The cells of the sheet at this position (from 0) that land as another text, and that text. `encoding` is the contract's,
    for the texts of old workbooks that do not say theirs.

    Raises:
        LookupError, struct.error: the parts do not fit together.
    """
    content = read_stream(data, _STREAMS)
    book = _read_globals(content)
    old = _choose_encoding(book.page, encoding) if book.version < _BIFF8 else None
    calculated = any(kind == _FORMULA and not _is_special(body, _EMPTY) for kind, body in _iterate_records(content, 0))
    depth, last = 0, None
    for kind, body in _iterate_records(content, book.starts[sheet]):
        depth += (kind == _BOF) - (kind == _EOF)
        if not depth:
            return
        if kind == _CONTINUE and last is not None:
            yield last, _CUT
        if kind == _FORMULA:
            last = _read_place(body) if _is_special(body, _TEXT) else None
        elif kind == _STRING and old and last is not None:
            yield last, _decode_text(body, 0, old)
        elif kind in (_LABEL, _RSTRING) and old:
            yield _read_place(body), _decode_text(body, 6, old)
        elif kind not in _BETWEEN:
            last = None
        yield from _correct_record(kind, body, book, calculated=calculated)


def _choose_encoding(page: int, encoding: str | None) -> str:
    """How texts of an old workbook are read: by its code page. That of Western Europe is what many programs write without being
    asked, so there the contract goes before it."""
    said = _CODE_PAGES.get(page)
    if said and said not in _UNASKED:
        return said
    return encoding or said or _ASSUMED


def _decode_text(body: bytes, at: int, encoding: str) -> str:
    """The text whose length stands at a place of a record; what cannot be read in the encoding is lost."""
    (length,) = struct.unpack_from("<H", body, at)
    held: bytes = body[at + 2 : at + 2 + length]
    try:
        return replace_misread(held.decode(encoding), encoding)
    except UnicodeDecodeError:
        return UNREADABLE + held.decode("ascii", "hub_hex")


def _correct_record(kind: int, body: bytes, book: _Workbook, *, calculated: bool) -> Iterator[tuple[CellPlace, str]]:
    if kind == _BOOLERR and body[7] == 1:
        yield _read_place(body), UNREADABLE + _ERRORS.get(body[6], "#N/A")
    elif kind in _OLD_FORMULAS and book.version == _BIFF8:
        yield _read_place(body), NEVER_CALCULATED
    elif kind == _FORMULA and _is_special(body, _ERROR):
        yield _read_place(body), UNREADABLE + _ERRORS.get(body[8], "#N/A")
    elif kind == _FORMULA and _is_special(body, _EMPTY) and not calculated:
        yield _read_place(body), NEVER_CALCULATED  # no formula of the workbook has a result: its writer cannot calculate
    else:
        for place, style, number in _read_numbers(kind, body):
            text = book.format_cell(style, number)
            if text is not None:
                yield place, text


def _read_numbers(kind: int, body: bytes) -> Iterator[tuple[CellPlace, int, float]]:
    """The numbers of a record: where, in which style, and how much."""
    if kind == _NUMBER or (kind == _FORMULA and body[12:14] != b"\xff\xff"):
        yield _read_place(body), struct.unpack_from("<H", body, 4)[0], struct.unpack_from("<d", body, 6)[0]
    elif kind == _RK:
        yield _read_place(body), struct.unpack_from("<H", body, 4)[0], _unpack_number(body, 6)
    elif kind == _MULRK:
        row, first = _read_place(body)
        for count in range((len(body) - 6) // 6):
            yield (row, first + count), struct.unpack_from("<H", body, 4 + 6 * count)[0], _unpack_number(body, 6 + 6 * count)


def _unpack_number(body: bytes, at: int) -> float:
    """A number in four bytes: a whole one or the upper half of a float, perhaps in hundredths."""
    (value,) = struct.unpack_from("<i", body, at)
    number: float = value >> 2 if value & 2 else struct.unpack("<d", bytes(4) + struct.pack("<i", value & ~3))[0]
    return number / 100 if value & 1 else number


def _is_special(body: bytes, kind: int) -> bool:
    return body[12:14] == b"\xff\xff" and body[6] == kind


def _read_place(body: bytes) -> CellPlace:
    row, column = struct.unpack_from("<HH", body)
    return row, column


def _read_globals(content: bytes) -> _Workbook:
    book, at = _Workbook(), 0
    for kind, body in _iterate_records(content, 0):
        at += 4 + len(body)
        if kind == _CODEPAGE:
            (book.page,), book.page_at = struct.unpack_from("<H", body), at - len(body)
        elif kind == _DATEMODE:
            book.from_1904 = body[:1] == b"\x01"
        elif kind == _BOF:
            (book.version,) = struct.unpack_from("<H", body)
        elif kind == _BOUNDSHEET:
            book.starts += struct.unpack_from("<I", body)
        elif kind == _XF:
            book.styles += struct.unpack_from("<H", body, 2)
        elif kind == _FORMAT:
            id, form = _read_format(body, book.version)
            book.forms[id] = form
        elif kind == _EOF:
            break
    return book


def _read_format(body: bytes, version: int) -> tuple[int, str]:
    (id,) = struct.unpack_from("<H", body)
    if version < _BIFF8:
        return id, body[3 : 3 + body[2]].decode("latin-1")
    length, wide = struct.unpack_from("<HB", body, 2)
    return id, body[5 : 5 + 2 * length].decode("utf-16-le") if wide & 1 else body[5 : 5 + length].decode("latin-1")


def _iterate_records(book: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + 4 <= len(book):
        kind, length = struct.unpack_from("<HH", book, at)
        yield kind, book[at + 4 : at + 4 + length]
        at += 4 + length
