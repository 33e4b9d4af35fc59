"""The standards' pinyin codes (`XH`, `DWH`), as the hub contracts give them, looked up from the other side.

Departments' systems name their columns after the same standards, more or less. `hub draft` uses this to propose what a
column means; the contracts' `stdCode` stays the one place where the code of a column is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from contracts import odcs
from contracts.contract import Column

DataDictionary = Mapping[str, Mapping[str, Column]]
"""Pinyin code in capitals -> entity -> its column of that code."""


def read_dictionary(files: Iterable[Path]) -> DataDictionary:
    """Read every `stdCode` of the hub contracts in `files` (`schemas/hub/*.odcs.yaml`)."""
    found: dict[str, dict[str, Column]] = {}
    for path in files:
        for table, entity in zip(odcs.read_document(path)["schema"], odcs.read_entities(path), strict=True):
            for raw, column in zip(table["properties"], entity.columns, strict=True):
                extras = {extra["property"]: extra["value"] for extra in raw.get("customProperties", [])}
                if "stdCode" in extras:
                    found.setdefault(str(extras["stdCode"]).upper(), {})[entity.name] = column
    return found


def find_hub_column(physical: str, words: DataDictionary) -> Column | None:
    """The hub column that a source column of this name most likely is: of several, the name that most entities use."""
    columns = words.get(physical.upper(), {}) or _find_by_title(physical, words)
    names = Counter(column.name for column in columns.values())
    best = min(names, key=lambda name: (-names[name], name), default=None)
    return next((column for column in columns.values() if column.name == best), None)


def _find_by_title(title: str, words: DataDictionary) -> Mapping[str, Column]:
    """The hub columns whose Chinese title a source gives its column as a name."""
    return {
        f"{code}.{entity}": column
        for code, columns in words.items()
        for entity, column in columns.items()
        if column.title == title
    }
