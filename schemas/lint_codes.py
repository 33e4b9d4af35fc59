"""Are the code lists tables of codes: the right columns, no code twice, and every mapped code one that exists?"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from schemas.finding import Finding, near
from schemas.shelf import Shelf

LIST_COLUMNS = ("list", "code", "name_zh", "name_en", "parent", "valid_from", "valid_to", "basis")
MAP_COLUMNS = ("system", "list", "source_code", "code")
MAPS = "maps.csv"


def codes(found: Shelf) -> Iterator[Finding]:
    """Findings HUB121, HUB123 and HUB127 over `schemas/codes/*.csv`."""
    seen: set[tuple[str, ...]] = set()
    for path in sorted((found.home / "schemas" / "codes").glob("*.csv")):
        is_map = path.name == MAPS
        columns = MAP_COLUMNS if is_map else LIST_COLUMNS
        file = path.relative_to(found.home).as_posix()
        for line, row in _rows(path):
            if set(row) != set(columns):
                yield Finding("HUB127", file, 1, {"problem": ", ".join(map(str, row)), "right": ", ".join(columns)})
                break
            key = (path.name if is_map else "", *(row[name] for name in columns[: 3 if is_map else 2]))
            if key in seen or not all(key[1:]):
                yield Finding("HUB127", file, line, {"problem": " ".join(key).strip(), "right": ", ".join(columns)})
            seen.add(key)
            yield from _mapping(found, file, line, row) if is_map else _dates(file, line, row)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, restval="")
        for row in reader:
            yield reader.line_num, row


def _mapping(found: Shelf, file: str, line: int, row: dict[str, str]) -> Iterator[Finding]:
    name, code = row["list"], row["code"]
    if row["system"] not in found.systems:
        yield Finding("HUB123", file, line, {"name": row["system"], "known": near(row["system"], found.systems)})
    if name not in found.code_lists:
        yield Finding("HUB121", file, line, {"name": name, "known": near(name, found.code_lists)})
    elif code not in found.code_lists[name]:
        yield Finding("HUB127", file, line, {"problem": f"{name} {code}", "right": near(code, found.code_lists[name])})


def _dates(file: str, line: int, row: dict[str, str]) -> Iterator[Finding]:
    for name in ("valid_from", "valid_to"):
        try:
            _ = date.fromisoformat(row[name]) if row[name] else None
        except ValueError:
            yield Finding("HUB127", file, line, {"problem": f"{name} {row[name]}", "right": "2026-09-01"})
