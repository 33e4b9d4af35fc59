"""What a file is by its first bytes, where its name says something else."""

from __future__ import annotations

import io
import zipfile

from extractors.files import compound

_SIGNATURES = (
    (b"%PDF-", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"{\\rtf", "RTF"),
    (b"SQLite format 3\0", "SQLite"),
)
_PACKAGES = (("word/", "Word (.docx)"), ("ppt/", "PowerPoint (.pptx)"), ("mimetype", "OpenDocument"), ("", "ZIP"))
_DOCUMENTS = (("worddocument", "Word (.doc)"), ("powerpoint document", "PowerPoint (.ppt)"))
_BINARY = bytes(range(4))
"""Bytes that the beginning of no text holds: a text may well begin with the letters BM."""


def detect_other_kind(data: bytes, expected: str) -> str | None:
    """What these bytes plainly are instead of a `workbook`, `csv` or `dbf`; None where they may be what is expected."""
    for sign, name in _SIGNATURES:
        if data.startswith(sign) and (len(sign) > 2 or any(byte in _BINARY for byte in data[:64])):
            return name
    if data.startswith(b"PK\x03\x04"):
        return _detect_package(data, expected)
    if data.startswith(compound.SIGNATURE):
        found = compound.list_streams(data)
        known = next((kind for name, kind in _DOCUMENTS if name in found), None)
        return known or (None if expected == "workbook" else "Excel (.xls)")
    return None


def _detect_package(data: bytes, expected: str) -> str | None:
    """What an archive holds; that one is damaged its reader says better."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = [name.replace("\\", "/").lower() for name in archive.namelist()]
    except zipfile.BadZipFile:
        return None
    if any(part.rpartition("/")[2] in ("workbook.xml", "workbook.bin") for part in parts):
        return None if expected == "workbook" else "Excel (.xlsx)"
    return next((kind for start, kind in _PACKAGES if any(part.startswith(start) for part in parts)), "ZIP")
