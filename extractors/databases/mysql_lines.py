"""A row of MySQL or MariaDB as one cell: the server joins the columns to a line, and Arrow's CSV reader takes lines apart.

A reader of rows pays for every cell that it is handed; of a line it pays once, and taking lines apart goes at the speed of
memory. Nothing is escaped, so what came apart must prove itself: Arrow must find as many lines as there were rows and as
many cells in each as were joined. A line break inside a cell breaks that proof, and such a batch is taken apart line by
line, since the reader knows where each line ends. The separator inside a cell cannot be told from one between cells: that
is `Torn`, and the rows are to be read in another way. NULL is a byte that no text in UTF-8 has; cells of unknown bytes
begin with a sign, so that no bytes of theirs can look like it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pyarrow as pa
import pyarrow.csv as pacsv

_SEPARATOR, _NULL = b"\x1f", b"\xff"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Arrow's reader drops it at the beginning of a text."""
_PARSE_OPTIONS = pacsv.ParseOptions(delimiter=_SEPARATOR.decode(), quote_char=False, ignore_empty_lines=False)


class TornLine(Exception):
    """A cell holds the separator, or a line is longer than the server lets it be."""


def build_line(cells: Sequence[str], facts: Sequence[str]) -> str:
    """The SQL expression of a line: cells, as `cell` and `unknown` spell them, then facts about the whole (SQL expressions).
    The last fact must not be NULL: it keeps a carriage return at the end of a cell away from the end of the line."""
    joined = ", ".join([*cells, *(build_cell(fact) for fact in facts)])
    return f"concat(concat_ws(cast(0x1f as binary), {joined}), 0x0a)"  # with a separator of bytes, bytes is what all become


def build_cell(text: str, nullable: bool = True) -> str:
    """The SQL expression of a cell that is text in UTF-8, or a number or a moment."""
    return f"ifnull(cast({text} as binary), 0xff)" if nullable else text


def build_raw_cell(text: str) -> str:
    """The SQL expression of a cell whose bytes may be any."""
    return build_cell(f"concat(0x2b, cast({text} as binary))")


def read_facts(lines: pa.Array[Any], count: int) -> list[str | None]:
    """The `count` facts at the end of the first line."""
    found = lines[0].as_py()
    if found is None:
        raise TornLine
    texts = found[:-1].rsplit(_SEPARATOR, count)[-count:]
    return [None if text == _NULL else text.decode() for text in texts]


def split_lines(lines: pa.Array[Any], types: Sequence[pa.DataType], facts: int) -> list[Any]:
    """The cells of lines (`binary` or `large_binary`), a column each. `types` are the columns': a column comes as an array of
    its type, or of bytes if Arrow could not read the batch as these types; as a list of bytes where the type is binary, which
    stands for `unknown`.

    Raises:
        Torn: the cells of a line cannot be told apart.
    """
    if lines.null_count:
        raise TornLine
    lines = lines.cast(pa.large_binary())
    columns = _split_as_csv(lines, types, facts) or _split_each(lines, len(types), facts)
    return [_strip_signs(one) if kind == pa.binary() else one for one, kind in zip(columns, types, strict=True)]


def _strip_signs(column: pa.Array[Any]) -> list[bytes | None]:
    return [cell and cell[1:] for cell in column.to_pylist()]


def _split_as_csv(lines: pa.Array[Any], types: Sequence[pa.DataType], facts: int) -> list[pa.Array[Any]] | None:
    """As CSV; None when that finds other lines or cells than were joined, or a value that is not of its type."""
    text = _join_lines(lines)
    if text[: len(_BYTE_ORDER_MARK)].to_pybytes() == _BYTE_ORDER_MARK:
        return None
    names = [str(place) for place in range(len(types) + facts)]
    wanted = dict(zip(names, types, strict=False))
    try:
        found = pacsv.read_csv(
            cast("Any", pa.BufferReader(text)),
            pacsv.ReadOptions(column_names=names, block_size=text.size, use_threads=False),
            _PARSE_OPTIONS,
            pacsv.ConvertOptions(
                column_types=wanted,
                include_columns=list(wanted),
                null_values=cast("list[str]", [_NULL]),
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid:
        return None
    return [column.combine_chunks() for column in found.columns] if found.num_rows == len(lines) else None


def _join_lines(lines: pa.Array[Any]) -> pa.Buffer:
    """The bytes of all lines, as they lie one behind the other."""
    _, offsets, data = cast("list[pa.Buffer]", lines.buffers())
    places = memoryview(cast("Any", offsets)).cast("q")
    start, end = places[lines.offset], places[lines.offset + len(lines)]
    return data.slice(start, end - start)


def _split_each(lines: pa.Array[Any], cells: int, facts: int) -> list[pa.Array[Any]]:
    """Every cell as bytes."""
    rows = [line[:-1].split(_SEPARATOR) for line in cast("list[bytes]", lines.to_pylist())]
    if any(len(row) != cells + facts for row in rows):
        raise TornLine
    columns = list(zip(*rows, strict=True))[:cells]
    return [pa.array([None if cell == _NULL else cell for cell in column], pa.binary()) for column in columns]
