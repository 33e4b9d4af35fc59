"""Which text columns of a landing hold plain signs only: printable ASCII, and no `E+` as in a number that lost its digits.

No text of such a column can be damaged, so nobody needs to look at its texts one by one later. Bytes in bulk are looked at
while the rows are written, at no cost worth a word, and the file itself says what was found.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    import numpy.typing as npt

_ENTRY = "hub.plain"
"""The entry of a file's metadata with the columns' names."""
_FIRST, _LAST, _PLUS = 0x20, 0x7E, 0x2B


class Plain:
    """The text columns of a file that were plain in all batches so far."""

    def __init__(self, columns: pa.Schema) -> None:
        self.names = [field.name for field in columns if pa.types.is_string(field.type)]

    def look(self, batch: pa.RecordBatch) -> None:
        """Leave out the columns that are not plain in a batch."""
        self.names = [name for name in self.names if _is_plain(_signs(batch.column(name)))]

    def told(self) -> dict[str, str]:
        """The metadata of the file."""
        return {_ENTRY: json.dumps(self.names)}


def plain(rows: Path) -> frozenset[str]:
    """The columns of a Parquet file that it says are plain; none of a file that says nothing."""
    told = pq.read_metadata(rows).metadata or {}
    return frozenset(json.loads(told.get(_ENTRY.encode(), b"[]")))


def _signs(texts: pa.Array[Any]) -> npt.NDArray[np.uint8]:
    """The bytes of all texts of an array, one behind the other."""
    _, places, data = texts.buffers()
    if data is None or places is None or not len(texts):
        return np.empty(0, np.uint8)
    ends = np.frombuffer(memoryview(places), np.int32)
    return np.frombuffer(memoryview(data), np.uint8)[ends[texts.offset] : ends[texts.offset + len(texts)]]


def _is_plain(signs: npt.NDArray[np.uint8]) -> bool:
    if not signs.size:
        return True
    if signs.min() < _FIRST or signs.max() > _LAST:
        return False
    return not (signs == _PLUS).any() or b"E+" not in signs.tobytes()
