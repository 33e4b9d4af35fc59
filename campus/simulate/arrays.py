"""Numbers into text, a whole column at a time: digits, identity numbers, dates, names.

A column of fixed-width text is a matrix of ASCII bytes, which becomes an Arrow array without a copy per cell; that is
what lets a million people be written down in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
Text: TypeAlias = "pa.Array[Any]"
Frame = dict[str, Ints]
"""Columns of equal length by name; every truth of the rehearsal is kept as whole numbers."""

kernels = cast(Any, pyarrow.compute)
"""Arrow's compute functions, untyped: their stubs know fewer kinds of arguments than they take."""
_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
_CHECKS = np.frombuffer(b"10X98765432", dtype=np.uint8)


def take_rows(frame: Frame, rows: Ints | Bools) -> Frame:
    """The given rows (indices or mask) of every column."""
    return {name: column[rows] for name, column in frame.items()}


def format_digits(values: Ints, width: int) -> Bytes:
    """Non-negative numbers as ASCII digits with leading zeros, shape (rows, width)."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (values[:, None] // powers % 10 + 48).astype(np.uint8)


def repeat_text(text: str, rows: int) -> Bytes:
    """The same ASCII text in every row, shape (rows, len(text))."""
    return np.broadcast_to(np.frombuffer(text.encode("ascii"), dtype=np.uint8), (rows, len(text)))


def join_bytes(*parts: Bytes) -> Text:
    """Byte matrices side by side as one column of text."""
    matrix = np.ascontiguousarray(np.concatenate(parts, axis=1))
    rows, width = matrix.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(width)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets.data), pa.py_buffer(matrix.data))


def format_numbers(values: Ints, width: int, prefix: str = "") -> Text:
    """Numbers with leading zeros behind an ASCII prefix."""
    return join_bytes(repeat_text(prefix, len(values)), format_digits(values, width))


def pick_texts(values: Sequence[str | None], indices: Ints) -> Text:
    """The text at each index of a short list; -1 picks the last."""
    return pa.array(values, pa.string()).take(np.where(indices < 0, len(values) - 1, indices))


def choose_texts(mask: Bools, yes: Text | str | None, no: Text | str | None) -> Text:
    """Per row one of two columns or constants."""
    as_text = [pa.scalar(side, pa.string()) if side is None or isinstance(side, str) else side for side in (yes, no)]
    return cast(Text, kernels.if_else(pa.array(mask), *as_text))


def join_texts(*parts: Text | str) -> Text:
    """Text columns and constants put together row by row; a null part makes the row null."""
    return cast(Text, kernels.binary_join_element_wise(*parts, ""))


def encode_dates(days: Ints) -> Ints:
    """Days since 1970-01-01 as the number YYYYMMDD."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    year = months.astype("datetime64[Y]").astype(np.int64) + 1970
    month = months.astype(np.int64) % 12 + 1
    day = (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    return np.asarray(year * 10_000 + month * 100 + day)


def format_compact_dates(days: Ints) -> Text:
    """Dates as char(8), `20260907`."""
    return format_numbers(encode_dates(days), 8)


def format_iso_dates(days: Ints) -> Text:
    """Dates as `2026-09-07`."""
    figures = format_digits(encode_dates(days), 8)
    dash = repeat_text("-", len(days))
    return join_bytes(figures[:, :4], dash, figures[:, 4:6], dash, figures[:, 6:])


def build_dates(days: Ints, missing: Bools | None = None) -> Text:
    """Dates as Arrow date32, null where `missing`."""
    return pa.array(days.astype(np.int32), pa.int32(), mask=missing).cast(pa.date32())


def build_timestamps(seconds: Ints, missing: Bools | None = None) -> Text:
    """Seconds since 1970-01-01 (campus wall clock) as Arrow timestamps of microseconds, null where `missing`."""
    return pa.array(seconds * 1_000_000, pa.int64(), mask=missing).cast(pa.timestamp("us"))


def build_amounts(fen: Ints) -> Text:
    """Amounts in fen as decimal(12,2) yuan: the unscaled value of such a decimal is the number of fen."""
    words = np.stack([fen, fen >> 63], axis=1)  # low and high half of 128 bits, the sign in both
    return pa.Array.from_buffers(pa.decimal128(12, 2), len(fen), [None, pa.py_buffer(words.data)])


def build_identity_numbers(region: Ints, birth: Ints, sequence: Ints) -> Text:
    """Resident identity numbers of 18 characters with their check character (GB 11643-1999, MOD 11-2).

    Args:
        region: six-digit region numbers. birth: days since 1970-01-01. sequence: 0 to 999, odd for men.
    """
    body = np.concatenate([format_digits(region, 6), format_digits(encode_dates(birth), 8), format_digits(sequence, 3)], axis=1)
    total = (body.astype(np.int64) - 48) @ _WEIGHTS
    return join_bytes(body, _CHECKS[total % 11][:, None])


def build_card_numbers(body: Ints) -> Text:
    """Card numbers of 16 digits that satisfy Luhn: 62, twelve digits of `body`, a filler digit and the check digit."""
    figures = format_digits(62 * 10**13 + body, 15).astype(np.int64) - 48
    doubled = figures.copy()
    doubled[:, ::2] *= 2
    doubled[doubled > 9] -= 9
    check = (10 - doubled.sum(axis=1) % 10) % 10
    return join_bytes((figures + 48).astype(np.uint8), format_digits(check, 1))


def rank_in_groups(*groups: Ints) -> Ints:
    """The rank (from 0, in row order) of every row among the rows of its group."""
    order = np.lexsort(groups[::-1])
    changed = np.zeros(len(order), dtype=np.bool_)
    for group in groups:
        changed[1:] |= group[order][1:] != group[order][:-1]
    starts = np.maximum.accumulate(np.where(changed, np.arange(len(order)), 0))
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order)) - starts
    return ranks
