"""What a file is that is named like a workbook and is none: said before a library only says that it cannot read it."""

from __future__ import annotations

from extractors import compound, excel_xls

_ARCHIVE = b"PK"
_OLD_BOOKS = (b"\x09\x00", b"\x09\x02", b"\x09\x04")
"""The first record of Excel 2 to 4, which had no compound files yet."""
_SHOWN = 4096
_BOMS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def told_apart(data: bytes) -> str | None:
    """The code of the refusal of bytes that are no workbook at all, or of one that nobody can read without more; None for
    what may be one."""
    if data.startswith(compound.SIGN):
        return "HUB324" if "encryptedpackage" in compound.names(data) or excel_xls.is_protected(data) else None
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
