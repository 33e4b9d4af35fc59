"""XLSX: the cells that the reading library gives as something else than they are, found in the sheet's own XML.

Most sheets have none, which is seen at a glance. Parts are found as leniently as the library finds them: by the relations of
the package, in any folder and any case, with either slash.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from core.dialects import UNREADABLE
from extractors.files.excel_formats import (
    format_ambiguous,
    format_number,
    format_padded,
    is_ambiguous,
    is_day,
    is_invalid_day,
    is_mistaken_for_date,
)

CellPlace = tuple[int, int]
"""Row and column, both counted from 0."""
NEVER_CALCULATED = UNREADABLE + "=?"
"""A formula of which the file has no result."""
_NO_DAY = re.compile(rb"<(\w+:)?v>\s*(-|60[.<])")
_SUSPECT = re.compile(rb"""\bt\s*=\s*["']e["']|<(\w+:)?f[\s/>]""")


@dataclass(frozen=True)
class _Styles:
    """By the number of a cell's style: the format that pads with zeros, the styles that are numbers against their id, and
    those whose every number is looked at (the format's id and form)."""

    padded: Mapping[int, str]
    numbers: frozenset[int]
    doubtful: Mapping[int, tuple[int, str]]
    from_1904: bool = False
    dates: frozenset[int] = frozenset()


def find_misread_cells(data: bytes, sheet: int) -> Iterator[tuple[CellPlace, str]]:
    """The cells of the sheet at this position (from 0) that land as another text, and that text.

    Raises:
        KeyError, IndexError, zipfile.BadZipFile, ElementTree.ParseError: the parts do not fit together.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = _PackageParts(archive)
        book = parts.find_workbook()
        content = parts.read_part(parts.find_sheet(book, sheet))
        styles = _read_styles(parts, book)
    odd_days = bool(styles.dates) and _NO_DAY.search(content) is not None
    if not (odd_days or _SUSPECT.search(content) or styles.padded or styles.numbers or styles.doubtful):
        return
    row = column = -1
    # The library has read this XML before, and the parser itself limits what entities may grow to.
    for event, node in ElementTree.iterparse(io.BytesIO(content), ("start", "end")):  # noqa: S314
        kind = node.tag.rpartition("}")[2]
        if event == "start" and kind == "row":
            row, column = int(node.get("r", row + 2)) - 1, -1
        elif event == "start" and kind == "c":
            column = _parse_column(node.get("r", "")) if node.get("r") else column + 1
        elif event == "end" and kind == "c":
            text = _correct_cell(node, styles)
            if text is not None:
                yield (row, column), text
        elif event == "end" and kind == "row":
            node.clear()


def _correct_cell(cell: ElementTree.Element, styles: _Styles) -> str | None:
    inner = {node.tag.rpartition("}")[2]: node for node in cell}
    value = inner["v"].text if "v" in inner else None
    kind = cell.get("t", "n")
    if kind == "e":
        return UNREADABLE + (value or "#N/A")
    if value is None:
        # a text that is empty is a result, and is written as such
        return NEVER_CALCULATED if "f" in inner and not (kind == "str" and "v" in inner) else None
    style = int(cell.get("s", 0))
    if kind == "n" and style in styles.dates and is_invalid_day(float(value), from_1904=styles.from_1904):
        return UNREADABLE + format_number(float(value))
    if kind != "n" or not (style in styles.padded or style in styles.numbers or style in styles.doubtful):
        return None
    number = float(value)
    if style in styles.doubtful:
        return format_ambiguous(*styles.doubtful[style], number, from_1904=styles.from_1904)
    return format_padded(styles.padded.get(style, ""), number) or (format_number(number) if style in styles.numbers else None)


def _read_styles(parts: _PackageParts, book: str) -> _Styles:
    part = next((target for kind, target in parts.read_relations(book).values() if kind == "styles"), None)
    if part is None or not parts.has(part):
        return _Styles({}, frozenset(), {})
    root = parts.read_xml(part)
    forms = {int(one.get("numFmtId", -1)): one.get("formatCode", "") for one in root.iter() if one.tag.endswith("}numFmt")}
    given = next((list(one) for one in root.iter() if one.tag.endswith("}cellXfs")), [])
    ids = [int(one.get("numFmtId", 0)) for one in given]
    return _Styles(
        {style: forms[id] for style, id in enumerate(ids) if id in forms and format_padded(forms[id], 0) is not None},
        frozenset(style for style, id in enumerate(ids) if id in forms and is_mistaken_for_date(id, forms[id])),
        {style: (id, forms.get(id, "")) for style, id in enumerate(ids) if is_ambiguous(id, forms.get(id, ""))},
        any(one.get("date1904") in ("1", "true") for one in parts.read_xml(book).iter() if one.tag.endswith("}workbookPr")),
        frozenset(style for style, id in enumerate(ids) if is_day(id, forms.get(id, ""))),
    )


class _PackageParts:
    """The parts of a package by the names that its relations use."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = {_normalize_name(name): name for name in archive.namelist()}
        if len(self._names) < len(archive.namelist()):  # another reader may take the other one
            raise zipfile.BadZipFile("two parts of one name")

    def has(self, part: str) -> bool:
        return part in self._names

    def read_part(self, part: str) -> bytes:
        return self._archive.read(self._names[part])

    def read_xml(self, part: str) -> ElementTree.Element:
        return ElementTree.fromstring(self.read_part(part))  # noqa: S314

    def read_relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Of a part (`""`: the package): id -> the kind of a relation and the part that it names."""
        folder, name = posixpath.split(part)
        listed = posixpath.join(folder, "_rels", f"{name}.rels")
        found: dict[str, tuple[str, str]] = {}
        for node in self.read_xml(listed) if self.has(listed) else []:
            target = posixpath.join(f"/{folder}", node.get("Target", "").replace("\\", "/"))
            kind = node.get("Type", "").rpartition("/")[2].lower()
            found[node.get("Id", "")] = (kind, _normalize_name(posixpath.normpath(target)))
        return found

    def find_workbook(self) -> str:
        named = [target for kind, target in self.read_relations("").values() if kind == "officedocument" and self.has(target)]
        return named[0] if named else next(name for name in self._names if posixpath.basename(name) == "workbook.xml")

    def find_sheet(self, book: str, number: int) -> str:
        sheets = [node for node in self.read_xml(book).iter() if node.tag.endswith("}sheet")]
        ids: dict[str, Any] = {name.rpartition("}")[2]: value for name, value in sheets[number].attrib.items()}
        return self.read_relations(book)[ids["id"]][1]


def _normalize_name(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def _parse_column(reference: str) -> int:
    """`B2` -> 1."""
    number = 0
    for letter in reference.rstrip("0123456789"):
        number = number * 26 + ord(letter.upper()) - 64
    return number - 1
