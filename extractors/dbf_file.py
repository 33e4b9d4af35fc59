"""DBF (dBase, FoxPro, Visual FoxPro): fixed-width records, read a column at a time.

The records are cut by their own header, since libraries turn exact decimals into floats and decode without being strict.
Every column lands as text, a logical one as true and false. The format has no NULL but a blank: blank is NULL, and so is
a value that Visual FoxPro's null flags mark.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from extractors.files import dbf_language, dbf_memo, file_kind
from extractors.files.encoding import decode_cells, is_plainly_other
from extractors.files.file_layout import FileLayout

ColumnArray: TypeAlias = "pa.Array[Any]"
ByteBlock = npt.NDArray[np.uint8]
"""Some bytes of every record: records x bytes."""
_FieldFlags = dict[int, npt.NDArray[np.bool_]]
_TYPES = {
    "C": "character({length})",
    "V": "varchar({length})",
    "N": "numeric({length},{decimals})",
    "F": "numeric({length},{decimals})",
    "D": "date",
    "T": "datetime",
    "L": "logical",
    "I": "integer",
    "B": "double",
    "Y": "currency",
    "M": "memo",
}
_SYSTEM, _NULLABLE, _DELETED = 0x01, 0x02, ord("*")
_VISUAL_FOXPRO = (0x30, 0x31, 0x32)
"""The versions in which a field has flags."""
_UNSUPPORTED = {0x04: "dBase 7", 0x8C: "dBase 7"}
_FOXBASE = 0x02
"""The version of FoxBASE, and of dBase II, whose header is another."""
_HEADER = 32
"""Bytes before the first field."""
_RECORD_STARTS = (ord(" "), _DELETED)
"""How a record begins."""
_BACKLINK = 264
"""Bytes between the last field and the first record in Visual FoxPro: the end mark and the database that the table is of."""
_JULIAN_1970 = 2_440_588


@dataclass(frozen=True)
class _Field:
    name: str
    kind: str
    start: int
    length: int
    decimals: int
    flags: int

    def slice_records(self, records: ByteBlock) -> ByteBlock:
        return np.ascontiguousarray(records[:, self.start : self.start + self.length])


def parse_dbf(data: bytes, layout: FileLayout) -> pa.Table:
    """Every column but pictures and objects; the metadata `type` of a field is its type in words (`numeric(12,2)`).

    Raises:
        Refused: HUB304 (text not in the contract's encoding), HUB305 (no bytes), HUB308 (cut short, or its memo file
            is missing).
    """
    if not data:
        raise layout.build_refusal("HUB305")
    if kind := file_kind.detect_other_kind(data, "dbf"):
        raise layout.build_refusal("HUB331", kind=kind)
    if len(data) <= _HEADER:
        raise layout.build_refusal("HUB308", problem_key="damage.dbf_short", bytes=len(data))
    if data[0] in _UNSUPPORTED:
        raise layout.build_refusal("HUB325", kind=_UNSUPPORTED[data[0]])
    if said := dbf_language.find_contradiction(data[29], layout.encoding):
        raise layout.build_refusal("HUB327", said=said, encoding=layout.encoding)
    fields = _read_fields(data, layout)
    records = _read_records(data, layout)
    null, partly = _read_flags(fields, records)
    texts = _TextDecoder(layout, data[29])
    shown = [field for field in fields if not field.flags & _SYSTEM and field.kind in _TYPES]
    for field in shown:
        if field.kind in "CVM" and layout.needs_column(field.name):
            texts.add(field, _read_cells(field, field.slice_records(records), partly, data[0], layout))
    columns = []
    for field in shown:
        column: ColumnArray
        if not layout.needs_column(field.name):
            column = pa.nulls(len(records), pa.string())
        elif field.kind in "CVM":
            column = texts.decode_field(field)
        else:
            column = _READERS[field.kind](field.slice_records(records))
        columns.append(pc.if_else(pa.array(null[field.start]), None, column) if field.start in null else column)
    texts.refuse_unreadable()
    words = [_TYPES[field.kind].format(length=field.length, decimals=field.decimals) for field in shown]
    schema = [
        pa.field(field.name, column.type, metadata={"type": kind})
        for field, column, kind in zip(shown, columns, words, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=pa.schema(schema))


def _read_fields(data: bytes, layout: FileLayout) -> list[_Field]:
    """The fields by the header, which ends at its mark or where the records begin. Character fields of more than 255 bytes keep
    the upper part of their length where others keep their decimals; whether they do is told by the length of a record."""
    end, length = (int.from_bytes(data[slice(*span)], "little") for span in ((8, 10), (10, 12)))
    encoding = layout.encoding or dbf_language.DEFAULT_ENCODING
    entries, place = list[bytes](), 32
    while place + 32 <= min(end, len(data)) and data[place] != ord("\r"):
        entries.append(data[place : place + 32])
        place += 32
    plain = 1 + sum(entry[16] for entry in entries)
    wide = plain + sum(entry[17] << 8 for entry in entries if entry[11:12] == b"C")
    if not entries or length not in (plain, wide):
        if data[0] == _FOXBASE:
            raise layout.build_refusal("HUB325", kind="dBase II")
        raise layout.build_refusal("HUB308", problem_key="damage.dbf_header")
    fields, start = list[_Field](), 1
    for entry in entries:
        name = entry[:11].partition(b"\0")[0].decode(encoding, "replace").strip()
        size, decimals = entry[16], entry[17]
        if length != plain and entry[11:12] == b"C":
            size, decimals = size + (decimals << 8), 0
        flags = entry[18] if data[0] in _VISUAL_FOXPRO else 0
        fields.append(_Field(name, chr(entry[11]), start, size, decimals, flags))
        start += size
    return fields


def _read_records(data: bytes, layout: FileLayout) -> ByteBlock:
    """The records that are not marked as deleted.

    Raises:
        Refused: HUB308 when there are fewer than the header counts or they begin elsewhere than it says, HUB326 when there
            are more.
    """
    count, start, length = (int.from_bytes(data[slice(*span)], "little") for span in ((4, 8), (8, 10), (10, 12)))
    if len(data) < start + count * length:
        held = max(len(data) - start, 0) // length
        raise layout.build_refusal("HUB308", problem_key="damage.dbf_records", held=held, counted=count)
    rest = data[start + count * length :]
    if len(rest) >= length and rest[0] in _RECORD_STARTS:
        more = next((place for place in range(0, len(rest), length) if rest[place] not in _RECORD_STARTS), len(rest)) // length
        raise layout.build_refusal("HUB326", counted=count, found=count + more)
    records: ByteBlock = np.frombuffer(data, np.uint8, count * length, start).reshape(count, length)
    strange = bool(np.isin(records[:, 0], _RECORD_STARTS, invert=True).any())
    if strange and data[0] in _VISUAL_FOXPRO and start != _find_header_end(data) + _BACKLINK:
        raise layout.build_refusal("HUB308", problem_key="damage.dbf_begin", start=start)
    return cast(ByteBlock, records[records[:, 0] != _DELETED])


def _find_header_end(data: bytes) -> int:
    return next((place for place in range(_HEADER, len(data), 32) if data[place] == ord("\r")), len(data))


def _read_flags(fields: list[_Field], records: ByteBlock) -> tuple[_FieldFlags, _FieldFlags]:
    """From Visual FoxPro's hidden flags, by a field's start: where it is NULL, and where a varchar is not filled up."""
    hidden = next((field for field in fields if field.kind == "0"), None)
    null, partly = _FieldFlags(), _FieldFlags()
    if hidden is None:
        return null, partly
    bits = np.unpackbits(hidden.slice_records(records), axis=1, bitorder="little").astype(bool)
    place = 0
    for field in fields:
        for marks, present in ((partly, field.kind in "VQ"), (null, bool(field.flags & _NULLABLE))):
            if present:
                marks[field.start] = bits[:, place]
                place += 1
    return null, partly


def _read_cells(field: _Field, block: ByteBlock, partly: _FieldFlags, version: int, layout: FileLayout) -> list[bytes | None]:
    if field.kind == "M":
        words = block.view("<u4").ravel().tolist() if field.length == 4 else [cell.strip() for cell in _split_cells(block)]
        return dbf_memo.read_texts([int(word or 0) for word in words], version, layout)
    if field.kind == "V" and field.start in partly:
        block = block.copy()
        filled = np.where(partly[field.start], block[:, -1], field.length)
        block[np.arange(field.length) >= filled[:, None]] = 0
    return [cell.rstrip(b" \0") or None for cell in _split_cells(block)]


class _TextDecoder:
    """Decodes the text columns and remembers what was not text, so that one refusal names all columns."""

    def __init__(self, layout: FileLayout, language: int) -> None:
        self._layout, self._language = layout, language
        self._bad: dict[str, frozenset[int]] = {}
        self._bytes: dict[_Field, list[bytes | None]] = {}

    def add(self, field: _Field, cells: list[bytes | None]) -> None:
        self._bytes[field] = cells

    @functools.cached_property
    def _all_bytes(self) -> bytes:
        return b"\n".join(cell for cells in self._bytes.values() for cell in cells if cell)

    @functools.cached_property
    def _encoding(self) -> str:
        return dbf_language.choose_encoding(self._language, self._layout.encoding, self._all_bytes)

    def decode_field(self, field: _Field) -> pa.StringArray:
        text, bad = decode_cells(self._bytes[field], self._encoding)
        if bad:
            self._bad[field.name] = bad
        return text

    def refuse_unreadable(self) -> None:
        if is_plainly_other(self._all_bytes, self._encoding):
            self._bad = {field.name: places for field, cells in self._bytes.items() if (places := _find_not_ascii(cells))}
        if self._bad:
            rows = len(frozenset().union(*self._bad.values()))
            raise self._layout.build_refusal("HUB304", columns=", ".join(self._bad), rows=rows, encoding=self._encoding)


def _find_not_ascii(cells: list[bytes | None]) -> frozenset[int]:
    return frozenset(place for place, cell in enumerate(cells) if cell and not cell.isascii())


def _split_cells(block: ByteBlock) -> list[bytes]:
    return cast(list[bytes], block.view(f"S{block.shape[1]}").ravel().tolist())


def _read_numbers(block: ByteBlock) -> ColumnArray:
    """The digits as they stand; stars of an overflow stay, since the check has to see them."""
    return pa.array([cell.decode("latin-1").strip(" \0") or None for cell in _split_cells(block)], pa.string())


def _read_dates(block: ByteBlock) -> ColumnArray:
    return pc.replace_substring_regex(_read_numbers(block), pattern=r"^(\d{4})(\d{2})(\d{2})$", replacement=r"\1-\2-\3")


def _read_logicals(block: ByteBlock) -> ColumnArray:
    cell = block.ravel()
    return pa.array(np.isin(cell, list(b"TtYy")), mask=~np.isin(cell, list(b"TtYyFfNn")))


def _read_moments(block: ByteBlock) -> ColumnArray:
    """Day number and milliseconds of the day; FoxPro keeps seconds and is a millisecond out now and then."""
    parts = block.view("<i4").reshape(-1, 2).astype(np.int64)
    seconds = (parts[:, 0] - _JULIAN_1970) * 86_400 + (parts[:, 1] + 500) // 1000
    return pa.array(seconds, pa.timestamp("s"), mask=parts[:, 0] == 0).cast(pa.string())


def _read_amounts(block: ByteBlock) -> ColumnArray:
    whole = pa.array(block.view("<i8").ravel()).cast(pa.decimal128(19, 0))
    return cast(ColumnArray, pc.multiply(whole, pa.scalar(Decimal("0.0001"))).cast(pa.string()))


_READERS: Mapping[str, Callable[[ByteBlock], ColumnArray]] = {
    "N": _read_numbers,
    "F": _read_numbers,
    "D": _read_dates,
    "L": _read_logicals,
    "T": _read_moments,
    "I": lambda block: pa.array(block.view("<i4").ravel()).cast(pa.string()),
    "B": lambda block: pa.array(block.view("<f8").ravel()).cast(pa.string()),
    "Y": _read_amounts,
}
