"""The key of a row as one text, for history, held rows and every list that names a row."""

from __future__ import annotations

from collections.abc import Sequence


def build_row_key_sql(parts: Sequence[str]) -> str:
    """The DuckDB expression of a key of these expressions: the value itself, or of several with a bar between. A bar within
    a value is written `\\|` and a backslash `\\\\`, so that no two keys are one text."""
    texts = [f"cast({part} as varchar)" for part in parts]
    if len(texts) == 1:
        return texts[0]
    return " || '|' || ".join(f"replace(replace({text}, '\\', '\\\\'), '|', '\\|')" for text in texts)
