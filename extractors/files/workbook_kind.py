"""What a file is that is named like a workbook and is none, and what is wrong with one: a library only says that it fails."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from xml.etree import ElementTree

from extractors.files import compound, excel_xls

_ARCHIVE = b"PK"
_OLD_BOOKS = (b"\x09\x00", b"\x09\x02", b"\x09\x04")
"""The first record of Excel 2 to 4, which had no compound files yet."""
_SHOWN = 4096
_NAME_SHOWN = 60
_BOMS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def find_refusal_code(data: bytes) -> str | None:
    """The code of the refusal of bytes that are no workbook at all, or of one that nobody can read without more; None for
    what may be one."""
    if data.startswith(compound.SIGNATURE):
        return "HUB324" if "encryptedpackage" in compound.list_streams(data) or excel_xls.is_protected(data) else None
    if data.startswith(_ARCHIVE):
        return None
    if data.startswith(_OLD_BOOKS):
        return "HUB323"
    head = data[:_SHOWN].decode(_BOMS.get(data[:2], "latin-1"), "replace").lstrip("\ufeff\xef\xbb\xbf \r\n\t").lower()
    if any(sign in head for sign in ("<html", "<table", "<!doctype html", "mime-version:")):
        return "HUB320"
    if head.startswith("<?xml") and "spreadsheet" in head:
        return "HUB321"
    return "HUB322" if head and not any(sign in head for sign in "\0\x01\x02\x03") else None


def diagnose_damage(data: bytes) -> tuple[str, dict[str, str | int]]:
    """What is wrong with a workbook that cannot be read, as the last word of a message under `damage` and its facts. A library
    only says that it failed."""
    if data.startswith(_ARCHIVE):
        return _diagnose_package(data)
    if not data.startswith(compound.SIGNATURE):
        return "unknown", {}
    try:
        found = compound.list_streams(data)
    except (struct.error, LookupError, ValueError):
        return "compound", {}
    return ("records", {}) if {"workbook", "book"} & set(found) else ("no_book", {})


def _diagnose_package(data: bytes) -> tuple[str, dict[str, str | int]]:
    part = ""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.namelist()
            plain = [name.replace("\\", "/").lower() for name in parts]
            if len(set(plain)) < len(plain):
                return "part_twice", {"part": next(name for name in plain if plain.count(name) > 1)[:_NAME_SHOWN]}
            if any(info.flag_bits & 1 for info in archive.infolist()):
                return "locked_parts", {}
            for part in parts:
                content = archive.read(part)
                if part.lower().endswith((".xml", ".rels")):
                    ElementTree.fromstring(content)  # noqa: S314 - what it says is not used
    except ElementTree.ParseError as error:
        return "xml", {"part": part[:_NAME_SHOWN], "line": error.position[0]}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, struct.error):
        return ("part", {"part": part[:_NAME_SHOWN]}) if part else ("cut", {})
    if not any(name.rpartition("/")[2] in ("workbook.xml", "workbook.bin") for name in plain):
        return "no_book", {}
    return "parts", {}
