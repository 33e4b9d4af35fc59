"""CSV: commas, quotes, one header, strict encoding. A row that does not fit its header refuses the file.

Nothing is guessed: a guessed delimiter or encoding is right until the night on which it is not. An empty cell is NULL; an
empty quoted cell is empty text.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from core.errors import Refused
from extractors.files.encoding import codec_name, is_plainly_other, is_plainly_utf8, replace_misread
from extractors.files.file_kind import detect_other_kind
from extractors.files.file_layout import BOM, FileLayout

_ENCODING = "utf-8"
_UNDECODED_BYTE = re.compile("[\udc80-\udcff]")
_REPLACEMENT = "\ufffd"
_BYTE_ORDER_MARK = "\ufeff"
"""The mark of a byte order, which every encoding of Unicode may begin with."""
csv.field_size_limit(2**31 - 1)  # a long cell is no reason to refuse what Arrow reads
_QUOTED = re.compile(r'(?:^|(?<=[,\r\n]))"(?:[^"]|"")*+"(?=[,\r\n]|\Z)')


def parse_csv(data: bytes, layout: FileLayout) -> pa.Table:
    """Every column as text under its trimmed header.

    Raises:
        Refused: HUB304 (encoding), HUB305 (no header), HUB306 (a row with more or fewer cells, or an open quote),
            HUB331 (something else under the name of a text).
    """
    stream = io.StringIO(_decode_text(data, layout), newline="")
    for _ in range(layout.header_row - 1):
        stream.readline()
    reader = csv.reader(stream)
    names = [name.strip() for name in next(reader, [])]
    if not any(names):
        raise layout.build_refusal("HUB305")
    first_line = layout.header_row + reader.line_num
    return _parse_rows(stream.read(), names, first_line, layout)


def find_row_numbers(data: bytes, layout: FileLayout) -> list[int]:
    """The line (from 1) on which every row that `parse` gives begins, in the same order."""
    stream = io.StringIO(_decode_text(data, layout), newline="")
    for _ in range(layout.header_row - 1):
        stream.readline()
    reader = csv.reader(stream)
    next(reader, None)
    before, numbers = layout.header_row - 1, list[int]()
    start = reader.line_num
    for row in reader:
        if any(row):
            numbers.append(before + start + 1)
        start = reader.line_num
    return numbers


def _parse_rows(body: str, names: list[str], first_line: int, layout: FileLayout) -> pa.Table:
    places = [f"f{position}" for position in range(len(names))]
    if not body.strip():
        return (
            pa.table({place: pa.array([], pa.string()) for place in places})
            .rename_columns(names)
            .select([place for place, name in enumerate(names) if name])
        )
    loose = _find_loose_quote(body)
    if loose is not None:
        raise layout.build_refusal("HUB306", line=first_line + loose, expected=len(names))
    ragged: list[pacsv.InvalidRow] = []

    def keep(row: pacsv.InvalidRow) -> Literal["skip"]:
        ragged.append(row)
        return "skip"

    table = pacsv.read_csv(
        io.BytesIO(body.encode()),
        read_options=pacsv.ReadOptions(column_names=places, use_threads=False),
        parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=keep),
        convert_options=pacsv.ConvertOptions(
            column_types={place: pa.string() for place in places},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    if ragged:
        raise layout.build_refusal("HUB306", line=first_line + _find_ragged_line(body, len(names)), expected=len(names))
    return _drop_unnamed(table.rename_columns(names))


def _drop_unnamed(table: pa.Table) -> pa.Table:
    """The columns that have a name and the rows that have a cell: a spreadsheet writes commas for whatever was once touched."""
    named = [place for place, name in enumerate(table.column_names) if name]
    filled = np.zeros(table.num_rows, bool)
    for column in table.columns:
        cells: Any = column.combine_chunks()
        filled |= pc.fill_null(pc.not_equal(cells, pa.scalar("")), False).to_numpy(zero_copy_only=False)
    return table.filter(pa.array(filled)).select(named)


def _find_loose_quote(body: str) -> int | None:
    """The line (from 0) of the first quote that neither encloses a cell nor is doubled in one: it would swallow rows."""
    if '"' not in body:
        return None
    rest = _QUOTED.sub(lambda cell: "\n" * cell[0].count("\n"), body)
    return rest.count("\n", 0, rest.index('"')) if '"' in rest else None


def _find_ragged_line(body: str, expected: int) -> int:
    """The line (from 0) on which the first row with more or fewer cells begins."""
    reader = csv.reader(io.StringIO(body, newline=""))
    start = 0
    for row in reader:
        if row and len(row) != expected:
            break
        start = reader.line_num
    return start


def _decode_text(data: bytes, layout: FileLayout) -> str:
    if kind := detect_other_kind(data, "csv"):
        raise layout.build_refusal("HUB331", kind=kind)
    encoding = codec_name(layout.encoding or _ENCODING)
    if encoding == "utf-8":
        data = data.removeprefix(BOM)
    if is_plainly_other(data, encoding):
        true = "utf-8" if is_plainly_utf8(data, encoding) else encoding
        raise _build_encoding_error(data.removeprefix(BOM).decode(true, "replace"), lambda cell: not cell.isascii(), layout)
    try:
        return replace_misread(data.decode(encoding).removeprefix(_BYTE_ORDER_MARK), encoding)
    except UnicodeDecodeError:
        text = data.decode(encoding, "surrogateescape")
    if _is_outside_contract(text, layout):
        return _UNDECODED_BYTE.sub(_REPLACEMENT, text)
    raise _build_encoding_error(text, _has_undecoded_bytes, layout)


def _is_outside_contract(text: str, layout: FileLayout) -> bool:
    """Whether what does not decode stands in columns only that the contract does not ask for."""
    if layout.columns is None:
        return False
    rows = list(csv.reader(io.StringIO(text, newline="")))[layout.header_row - 1 :]
    names = [name.strip() for name in rows[0]] if rows else []
    bad = {place for row in rows for place, cell in enumerate(row) if _has_undecoded_bytes(cell)}
    return layout.columns <= {name for place, name in enumerate(names) if place not in bad}


def _build_encoding_error(text: str, is_bad: Callable[[str], bool], layout: FileLayout) -> Refused:
    """Name the columns and count the rows; a header that is itself unreadable is named by its position."""
    rows = list(csv.reader(io.StringIO(text, newline="")))[layout.header_row - 1 :]
    names = (
        [f"#{place + 1}" if _has_undecoded_bytes(name) else name.strip() for place, name in enumerate(rows[0])] if rows else []
    )
    bad = [[place for place, cell in enumerate(row[: len(names)]) if is_bad(cell)] for row in rows]
    places = sorted({place for row in bad for place in row})
    columns = ", ".join(names[place] for place in places)
    count = sum(1 for row in bad[1:] if row)
    return layout.build_refusal("HUB304", columns=columns, rows=count, encoding=layout.encoding or _ENCODING)


def _has_undecoded_bytes(cell: str) -> bool:
    return _UNDECODED_BYTE.search(cell) is not None
