"""The words that fixtures and tests of the canonical side share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]
Check = Callable[[str, Rows], list[int]]
"""`check(stem, {entity: rows})` -> the source rows that the check finds."""
