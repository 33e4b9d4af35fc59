"""Are the code lists tables of codes: the right columns, no code twice, and every mapped code one that exists?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from contracts.finding import Finding, nearest_names
from lint.workspace import LintWorkspace, is_code_map

LIST_COLUMNS = ("list", "code", "name_zh", "name_en", "parent", "valid_from", "valid_to", "basis")
MAP_COLUMNS = ("system", "list", "source_code", "code")


def lint_codes(found: LintWorkspace) -> Iterator[Finding]:
    """Findings HUB121, HUB123 and HUB127 over `schemas/codes/*.csv` and `schemas/codes/maps/*.csv`."""
    seen: set[tuple[str, ...]] = set()
    for file, rows in found.code_rows.items():
        maps = is_code_map(file)
        columns = MAP_COLUMNS if maps else LIST_COLUMNS
        for line, row in rows:
            if set(row) != set(columns):
                yield Finding("HUB127", file, line, {"problem": ", ".join(map(str, row)), "right": ", ".join(columns)})
                break
            key = (str(maps), *(row[name] for name in columns[: 3 if maps else 2]))
            if key in seen or not all(key):
                yield Finding("HUB127", file, line, {"problem": " ".join(key[1:]).strip(), "right": ", ".join(columns)})
            seen.add(key)
            yield from _lint_mapping(found, file, line, row) if maps else _lint_dates(file, line, row)


def _lint_mapping(found: LintWorkspace, file: str, line: int, row: dict[str, str]) -> Iterator[Finding]:
    name, code = row["list"], row["code"]
    if row["system"] not in found.systems:
        yield Finding("HUB123", file, line, {"name": row["system"], "known": nearest_names(row["system"], found.systems)})
    if name not in found.code_lists:
        yield Finding("HUB121", file, line, {"name": name, "known": nearest_names(name, found.code_lists)})
    elif code not in found.code_lists[name]:
        yield Finding("HUB127", file, line, {"problem": f"{name} {code}", "right": nearest_names(code, found.code_lists[name])})


def _lint_dates(file: str, line: int, row: dict[str, str]) -> Iterator[Finding]:
    for name in ("valid_from", "valid_to"):
        try:
            _ = date.fromisoformat(row[name]) if row[name] else None
        except ValueError:
            yield Finding("HUB127", file, line, {"problem": f"{name} {row[name]}", "right": "2026-09-01"})
