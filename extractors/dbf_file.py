"""DBF (dBase, FoxPro, Visual FoxPro): fixed-width records, read a column at a time.

The records are cut by their own header, since libraries turn exact decimals into floats and decode without being strict.
Every column lands as text, a logical one as true and false. The format has no NULL but a blank: blank is NULL, and so is
a value that Visual FoxPro's null flags mark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from extractors.encoding import decode, is_plainly_utf8
from extractors.file_layout import FileLayout

Column: TypeAlias = "pa.Array[Any]"
Block = npt.NDArray[np.uint8]
"""Some bytes of every record: records x bytes."""
_ENCODING = "gb18030"
"""What FoxPro wrote on Chinese systems, and all of ASCII, where the contract does not say."""
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
_JULIAN_1970 = 2_440_588


@dataclass(frozen=True)
class _Field:
    name: str
    kind: str
    start: int
    length: int
    decimals: int
    flags: int

    def of(self, records: Block) -> Block:
        return np.ascontiguousarray(records[:, self.start : self.start + self.length])


def parse(data: bytes, layout: FileLayout) -> pa.Table:
    """Every column but pictures and objects; the metadata `type` of a field is its type in words (`numeric(12,2)`).

    Raises:
        Refused: HUB304 (text not in the contract's encoding), HUB305 (no bytes), HUB308 (cut short, or its memo file
            is missing).
    """
    if not data:
        raise layout.refused("HUB305")
    fields = _fields(data, layout)
    records = _records(data, layout)
    null, partly = _flags(fields, records)
    texts = _Texts(layout)
    columns: dict[str, Column] = {}
    for field in fields:
        if field.flags & _SYSTEM or field.kind not in _TYPES:
            continue
        block = field.of(records)
        if field.kind in "CVM":
            column: Column = texts.decoded(field, _cells(field, block, partly, layout))
        else:
            column = _READERS[field.kind](block)
        columns[field.name] = pc.if_else(pa.array(null[field.name]), None, column) if field.name in null else column
    texts.check()
    words = [
        _TYPES[field.kind].format(length=field.length, decimals=field.decimals) for field in fields if field.name in columns
    ]
    schema = [
        pa.field(name, column.type, metadata={"type": kind})
        for (name, column), kind in zip(columns.items(), words, strict=True)
    ]
    return pa.Table.from_arrays(list(columns.values()), schema=pa.schema(schema))


def _fields(data: bytes, layout: FileLayout) -> list[_Field]:
    fields, start, place = [], 1, 32
    encoding = layout.encoding or _ENCODING
    while data[place : place + 1] not in {b"\r", b""} and len(data) >= place + 32:
        entry = data[place : place + 32]
        name = entry[:11].partition(b"\0")[0].decode(encoding, "replace").strip()
        fields.append(_Field(name, chr(entry[11]), start, entry[16], entry[17], entry[18]))
        start, place = start + entry[16], place + 32
    if not fields or start != int.from_bytes(data[10:12], "little"):
        raise layout.refused("HUB308", problem="DBF header")
    return fields


def _records(data: bytes, layout: FileLayout) -> Block:
    """The records that are not marked as deleted."""
    count, start, length = (int.from_bytes(data[slice(*span)], "little") for span in ((4, 8), (8, 10), (10, 12)))
    if len(data) < start + count * length:
        raise layout.refused("HUB308", problem=f"{(len(data) - start) // length} / {count}")
    records: Block = np.frombuffer(data, np.uint8, count * length, start).reshape(count, length)
    return cast(Block, records[records[:, 0] != _DELETED])


def _flags(fields: list[_Field], records: Block) -> tuple[dict[str, npt.NDArray[np.bool_]], dict[str, npt.NDArray[np.bool_]]]:
    """From Visual FoxPro's hidden flags: where a nullable column is NULL, and where a varchar is not filled up."""
    hidden = next((field for field in fields if field.kind == "0"), None)
    null: dict[str, npt.NDArray[np.bool_]] = {}
    partly: dict[str, npt.NDArray[np.bool_]] = {}
    if hidden is None:
        return null, partly
    bits = np.unpackbits(hidden.of(records), axis=1, bitorder="little").astype(bool)
    place = 0
    for field in fields:
        for marks, present in ((partly, field.kind in "VQ"), (null, bool(field.flags & _NULLABLE))):
            if present:
                marks[field.name] = bits[:, place]
                place += 1
    return null, partly


def _cells(field: _Field, block: Block, partly: Mapping[str, npt.NDArray[np.bool_]], layout: FileLayout) -> list[bytes | None]:
    if field.kind == "M":
        return _memos(field, block, layout)
    if field.kind == "V" and field.name in partly:
        block = block.copy()
        filled = np.where(partly[field.name], block[:, -1], field.length)
        block[np.arange(field.length) >= filled[:, None]] = 0
    return [cell.rstrip(b" \0") or None for cell in _texts(block)]


def _memos(field: _Field, block: Block, layout: FileLayout) -> list[bytes | None]:
    """The texts that the records point at, in the file beside: blocks of a size given there, a length before each text."""
    beside = next(
        (path for path in layout.path.parent.glob(f"{_escaped(layout.path.stem)}.*") if path.suffix.lower() == ".fpt"), None
    )
    pointers = block.view("<u4").ravel().tolist() if field.length == 4 else [int(cell.strip() or 0) for cell in _texts(block)]
    if not any(pointers):
        return [None] * len(pointers)
    if beside is None:
        raise layout.refused("HUB308", problem=f"{layout.path.stem}.fpt ?")
    data = layout.read(beside)
    size = int.from_bytes(data[6:8], "big")
    return [_memo(data, pointer * size) if pointer else None for pointer in pointers]


def _memo(data: bytes, start: int) -> bytes | None:
    length = int.from_bytes(data[start + 4 : start + 8], "big")
    return data[start + 8 : start + 8 + length].rstrip(b" \0") or None


def _escaped(stem: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in stem)


class _Texts:
    """Decodes the text columns and remembers what was not text, so that one refusal names all columns."""

    def __init__(self, layout: FileLayout) -> None:
        self._layout = layout
        self._encoding = layout.encoding or _ENCODING
        self._bad: dict[str, frozenset[int]] = {}
        self._bytes: dict[str, list[bytes | None]] = {}

    def decoded(self, field: _Field, cells: list[bytes | None]) -> pa.StringArray:
        text, bad = decode(cells, self._encoding)
        self._bytes[field.name] = cells
        if bad:
            self._bad[field.name] = bad
        return text

    def check(self) -> None:
        joined = b"\n".join(cell for cells in self._bytes.values() for cell in cells if cell)
        if is_plainly_utf8(joined, self._encoding):
            self._bad = {name: places for name, cells in self._bytes.items() if (places := _not_ascii(cells))}
        if self._bad:
            rows = len(frozenset().union(*self._bad.values()))
            raise self._layout.refused("HUB304", columns=", ".join(self._bad), rows=rows, encoding=self._encoding)


def _not_ascii(cells: list[bytes | None]) -> frozenset[int]:
    return frozenset(place for place, cell in enumerate(cells) if cell and not cell.isascii())


def _texts(block: Block) -> list[bytes]:
    return cast(list[bytes], block.view(f"S{block.shape[1]}").ravel().tolist())


def _number(block: Block) -> Column:
    """The digits as they stand; stars of an overflow stay, since the check has to see them."""
    return pa.array([cell.decode("latin-1").strip(" \0") or None for cell in _texts(block)], pa.string())


def _date(block: Block) -> Column:
    return pc.replace_substring_regex(_number(block), pattern=r"^(\d{4})(\d{2})(\d{2})$", replacement=r"\1-\2-\3")


def _logical(block: Block) -> Column:
    cell = block.ravel()
    return pa.array(np.isin(cell, list(b"TtYy")), mask=~np.isin(cell, list(b"TtYyFfNn")))


def _instant(block: Block) -> Column:
    """Day number and milliseconds of the day; FoxPro keeps seconds and is a millisecond out now and then."""
    parts = block.view("<i4").reshape(-1, 2).astype(np.int64)
    seconds = (parts[:, 0] - _JULIAN_1970) * 86_400 + (parts[:, 1] + 500) // 1000
    return pa.array(seconds, pa.timestamp("s"), mask=parts[:, 0] == 0).cast(pa.string())


def _currency(block: Block) -> Column:
    whole = pa.array(block.view("<i8").ravel()).cast(pa.decimal128(19, 0))
    return cast(Column, pc.multiply(whole, pa.scalar(Decimal("0.0001"))).cast(pa.string()))


_READERS: Mapping[str, Callable[[Block], Column]] = {
    "N": _number,
    "F": _number,
    "D": _date,
    "L": _logical,
    "T": _instant,
    "I": lambda block: pa.array(block.view("<i4").ravel()).cast(pa.string()),
    "B": lambda block: pa.array(block.view("<f8").ravel()).cast(pa.string()),
    "Y": _currency,
}
