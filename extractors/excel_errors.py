"""Where a workbook has error cells (#N/A, #DIV/0!): the reading library gives them as empty, and a lost value is no empty one.

Only places are looked for, in the file itself: in XLSX the cells of type `e` of the sheet's XML, in XLS (BIFF in an OLE
compound file) the BOOLERR and FORMULA records of the sheet's substream. Most workbooks have none, which is seen at a glance.
"""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from xml.etree import ElementTree

Place = tuple[int, int]
"""Row and column, both counted from 0."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_END = 0xFFFFFFFA
"""Sector numbers from here on are marks (end of chain, free), not sectors."""
_BOF, _EOF, _BOUNDSHEET, _FORMULA, _BOOLERR = 0x0809, 0x000A, 0x0085, 0x0006, 0x0205
_BIFF_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}


def error_cells(data: bytes, sheet: int) -> dict[Place, str]:
    """The error cells of the sheet at this position (from 0) and what Excel shows in them.

    Raises:
        ValueError: the file is neither XLSX nor XLS, or its parts do not fit together.
    """
    try:
        return dict(_xls(data, sheet) if data.startswith(_OLE) else _xlsx(data, sheet))
    except (struct.error, LookupError, EOFError, zlib.error, zipfile.BadZipFile, ElementTree.ParseError) as error:
        raise ValueError(type(error).__name__) from None


def _xlsx(data: bytes, sheet: int) -> Iterator[tuple[Place, str]]:
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        content = parts.read(_part(parts, sheet))
    if not re.search(rb"""\bt\s*=\s*["']e["']""", content):
        return
    row = column = -1
    # The library has read this XML before, and the parser itself limits what entities may grow to.
    for event, node in ElementTree.iterparse(io.BytesIO(content), ("start", "end")):  # noqa: S314
        kind = node.tag.rpartition("}")[2]
        if event == "start" and kind == "row":
            row, column = int(node.get("r", row + 2)) - 1, -1
        elif event == "start" and kind == "c":
            column = _column(node.get("r", "")) if node.get("r") else column + 1
        elif event == "end" and kind == "c":
            if node.get("t") == "e":
                yield (row, column), next((str(inner.text) for inner in node if inner.tag.endswith("}v")), "#N/A")
        elif event == "end" and kind == "row":
            node.clear()


def _part(parts: zipfile.ZipFile, sheet: int) -> str:
    """The part that holds the sheet, through the workbook's list of sheets and its relations."""
    book = {posixpath.basename(name): name for name in parts.namelist()}["workbook.xml"]
    folder = posixpath.dirname(book)
    sheets = [node for node in ElementTree.fromstring(parts.read(book)).iter() if node.tag.endswith("}sheet")]  # noqa: S314
    id = {name.rpartition("}")[2]: value for name, value in sheets[sheet].attrib.items()}["id"]
    relations = ElementTree.fromstring(parts.read(f"{folder}/_rels/workbook.xml.rels"))  # noqa: S314
    target = {node.get("Id"): node.attrib["Target"] for node in relations}[id]
    return posixpath.normpath(posixpath.join(f"/{folder}", target)).lstrip("/")


def _column(reference: str) -> int:
    """`B2` -> 1."""
    number = 0
    for letter in reference.rstrip("0123456789"):
        number = number * 26 + ord(letter.upper()) - 64
    return number - 1


def _xls(data: bytes, sheet: int) -> Iterator[tuple[Place, str]]:
    book = _workbook_stream(data)
    starts = [struct.unpack_from("<I", body)[0] for kind, body in _records(book, 0) if kind == _BOUNDSHEET]
    depth = 0
    for kind, body in _records(book, starts[sheet]):
        depth += (kind == _BOF) - (kind == _EOF)
        if not depth:
            return
        if kind == _BOOLERR and body[7] == 1:
            yield struct.unpack_from("<HH", body), _BIFF_ERRORS.get(body[6], "#N/A")
        elif kind == _FORMULA and body[12:14] == b"\xff\xff" and body[6] == 2:
            yield struct.unpack_from("<HH", body), _BIFF_ERRORS.get(body[8], "#N/A")


def _records(book: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + 4 <= len(book):
        kind, length = struct.unpack_from("<HH", book, at)
        yield kind, book[at + 4 : at + 4 + length]
        at += 4 + length


def _workbook_stream(data: bytes) -> bytes:
    """The stream `Workbook` (or `Book`, before Excel 97) of a compound file; a short one lies in the root's mini stream."""
    shift, mini_shift = struct.unpack_from("<HH", data, 30)
    directory, cutoff, mini_table = (struct.unpack_from("<I", data, at)[0] for at in (48, 56, 60))
    table = _numbers(b"".join(_sector(data, number, shift) for number in _table_sectors(data, shift)))
    entries = _chain(data, directory, table, shift)
    streams = {}
    for at in range(0, len(entries), 128):
        length, kind = struct.unpack_from("<HB", entries, at + 64)
        name = "" if kind == 5 else entries[at : at + max(length - 2, 0)].decode("utf-16-le", "replace").lower()
        streams[name] = struct.unpack_from("<II", entries, at + 116)
    start, size = streams["workbook"] if "workbook" in streams else streams["book"]
    if size >= cutoff:
        return _chain(data, start, table, shift)[:size]
    mini = bytes(1 << mini_shift) + _chain(data, streams[""][0], table, shift)  # sector 0 follows a header's place
    return _chain(mini, start, _numbers(_chain(data, mini_table, table, shift)), mini_shift)[:size]


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
