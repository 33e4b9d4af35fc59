"""Does a contract use the house's own words: extra properties and their values, names, and the place of the file?

The standard leaves `customProperties` open; here every one must be in `contracts.contract.VOCABULARY`, since a misspelt
`brake` would otherwise be a brake that is not there.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_args

from contracts.contract import VOCABULARY, Drop, Gone, Mode, Severity
from contracts.finding import Finding, near
from contracts.odcs import RETENTION_UNITS
from contracts.sql.files import MARK
from contracts.yaml_lines import Document, Place
from core.dialects import LOGICAL
from core.schedule import FEED_SCHEDULES

PROVENANCE = frozenset(
    {"source_system", "source_key", "source_row", "unreadable", "batch_id", "row_hash", "from_version", "to_version"}
)
CLASSES = ("P0", "P1", "P2", "P3")

_SNAKE = re.compile(r"[a-z][a-z0-9_]*")
_FIELD = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,2}")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_LEVELS: Mapping[str, tuple[str, str, str]] = {
    "source": ("-", "source", "source_column"),
    "hub": ("-", "hub", "hub_column"),
    "feed": ("feed", "feed_dataset", "feed_column"),
}
_WORDS: Mapping[tuple[str, str], Sequence[str]] = {
    ("source", "mode"): get_args(Mode),
    ("source", "fileFormat"): ("csv", "xlsx", "xls", "dbf"),
    ("hub", "gone"): get_args(Gone),
    ("relationship", "severity"): get_args(Severity),
    ("feed_dataset", "mode"): ("full", "delta"),
    ("feed_dataset", "drop"): get_args(Drop),
    ("feed_dataset", "fileFormat"): ("csv", "xlsx", "parquet", "ldap", "oneroster"),
    ("feed_dataset", "applyMode"): ("automatic", "manual", "not_stated"),
    ("feed_dataset", "schedule"): (*FEED_SCHEDULES, "outside"),
}
_BRAKE = ("maxDeletePercent", "maxUpdatePercent", "floor", "expect", "mayBeEmpty")


def words(document: Document, kind: str) -> Iterator[Finding]:
    """Findings HUB113, HUB115, HUB117 to HUB119, HUB128 and HUB129 of one contract of sound shape."""
    data = document.data
    contract, table_level, column_level = _LEVELS[kind]
    yield from _marks(document, (), data)
    yield from _word(document, ("version",), data["version"], _VERSION.fullmatch, "1.0.0")
    yield from _extras(document, (), data, contract)
    if kind == "source":
        yield from _retention(document)
    for position, table in enumerate(data["schema"]):
        here: Place = ("schema", position)
        yield from _name(document, (*here, "name"), table["name"], frozenset())
        yield from _extras(document, here, table, table_level)
        yield from _checks(document, here, table)
        if not any(column.get("primaryKey") for column in table["properties"]):
            yield Finding("HUB118", document.file, document.line(*here), {"name": table["name"]})
        seen: set[str] = set()
        for index, column in enumerate(table["properties"]):
            at = (*here, "properties", index)
            if column["name"] in seen:
                yield Finding("HUB117", document.file, document.line(*at), {"name": column["name"], "first": table["name"]})
            seen.add(column["name"])
            yield from _column(document, at, column, column_level)


def _retention(document: Document) -> Iterator[Finding]:
    """How long landings are kept; what else the standard's service levels say is for people."""
    for index, level in enumerate(document.data.get("slaProperties") or []):
        value, unit = level.get("value"), level.get("unit", "d")
        if level["property"] == "retention" and not (_is_count(1)(value) and unit in RETENTION_UNITS):
            line = document.line("slaProperties", index)
            facts = {
                "name": "retention",
                "value": f"{value} {unit}",
                "allowed": f"value >= 1, unit {' | '.join(RETENTION_UNITS)}",
            }
            yield Finding("HUB113", document.file, line, facts)


def _column(document: Document, at: Place, column: Mapping[str, Any], level: str) -> Iterator[Finding]:
    yield from _name(document, (*at, "name"), column["name"], PROVENANCE)
    yield from _word(document, (*at, "logicalType"), column["logicalType"], LOGICAL.__contains__, ", ".join(LOGICAL))
    yield from _word(document, (*at, "classification"), column["classification"], CLASSES.__contains__, ", ".join(CLASSES))
    yield from _extras(document, at, column, level)
    yield from _checks(document, at, column)
    for index, relation in enumerate(column.get("relationships") or []):
        yield from _extras(document, (*at, "relationships", index), relation, "relationship")
    pattern = (column.get("logicalTypeOptions") or {}).get("pattern")
    if pattern is not None and (problem := pattern_problem(str(pattern))):
        line = document.line(*at, "logicalTypeOptions", "pattern")
        yield Finding("HUB128", document.file, line, {"name": column["name"], "problem": problem})


def pattern_problem(pattern: str) -> str | None:
    """What keeps a regular expression from meaning the same in every engine (the RE2 subset), or None."""
    for piece in ("(?=", "(?!", "(?<=", "(?<!", "(?P=", "(?>"):
        if piece in pattern:
            return piece
    if found := re.search(r"(?<!\\)\\[1-9]", pattern):
        return found[0]
    try:
        re.compile(re.sub(r"\\p\{\w+\}", r"\\w", pattern))
    except re.error as error:
        return str(error)
    return None


def _checks(document: Document, place: Place, item: Mapping[str, Any]) -> Iterator[Finding]:
    allowed = get_args(Severity)
    for index, check in enumerate(item.get("quality") or []):
        if "severity" in check:
            at = (*place, "quality", index, "severity")
            yield from _word(document, at, check["severity"], allowed.__contains__, ", ".join(allowed))


def _extras(document: Document, place: Place, item: Mapping[str, Any], level: str) -> Iterator[Finding]:
    known = frozenset({"severity"}) if level == "relationship" else VOCABULARY.get(level, frozenset())
    seen: set[str] = set()
    for index, extra in enumerate(item.get("customProperties") or []):
        at = (*place, "customProperties", index)
        name, value = extra["property"], extra["value"]
        line = document.line(*at)
        if name not in known:
            yield Finding("HUB115", document.file, line, {"name": name, "known": near(name, known)})
        elif name in seen:
            yield Finding("HUB117", document.file, line, {"name": name, "first": document.file})
        elif (right := _wrong_value(level, name, value)) is not None:
            at_value = document.line(*at, "value")
            yield Finding("HUB113", document.file, at_value, {"name": name, "value": str(value), "allowed": right})
        seen.add(name)


def _wrong_value(level: str, name: str, value: Any) -> str | None:
    """What would be right for the value of an extra property, or None when it is."""
    if allowed := _WORDS.get((level, name)):
        return None if value in allowed else ", ".join(allowed)
    test, right = _TESTS.get(name, (None, ""))
    return None if test is None or test(value) else right


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str | int) for item in value)


def _is_copy(value: Any) -> bool:
    paths = [value] if isinstance(value, str) else value
    return _is_list(paths) and all(isinstance(path, str) and _FIELD.fullmatch(path) for path in paths)


def _is_percent(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100


def _is_count(least: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_encoding(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(codecs.lookup(value))
    except LookupError:
        return False


def _is_brake(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) <= set(_BRAKE)
        and all(_is_percent(value.get(name, 0)) for name in _BRAKE[:2])
        and _is_count(0)(value.get("floor", 0))
        and isinstance(value.get("expect", []), list)
        and isinstance(value.get("mayBeEmpty", False), bool)
    )


_TESTS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "authority": (_is_list, "[hr]"),
    "copyOf": (_is_copy, "staff.name, staff.unit_code.name, [student.name, staff.name]"),
    "copyKey": (lambda value: _is_text(value) or _is_list(value), "staff_no"),
    "nullValues": (_is_list, "['0000-00-00']"),
    "after": (_is_list, "[bill_line]"),
    "brake": (_is_brake, "{maxDeletePercent: 0-100, maxUpdatePercent: 0-100, floor: >= 0, expect: [...], mayBeEmpty: true}"),
    "guardFormulas": (lambda value: isinstance(value, bool), "true, false"),
    "multiple": (lambda value: isinstance(value, bool), "true, false"),
    "heldPercent": (_is_percent, "0-100"),
    "overlapSeconds": (_is_count(0), ">= 0"),
    "headerRow": (_is_count(1), ">= 1"),
    "applyDays": (_is_count(1), ">= 1"),
    "encoding": (_is_encoding, "utf-8, gb18030"),
    "technicianCheck": (lambda value: isinstance(value, bool) or value == "before", "true, false, before"),
    **{
        name: (_is_text, "...")
        for name in ("watermark", "sheet", "codeList", "copyPrefix", "stdCode", "filter", "purpose", "switchedOff")
    },
}


def _word(document: Document, at: Place, value: Any, is_right: Callable[[Any], object], allowed: str) -> Iterator[Finding]:
    if isinstance(value, str) and value.startswith(MARK):
        return
    if not isinstance(value, str) or not is_right(value):
        facts = {"name": str(at[-1]), "value": str(value), "allowed": allowed}
        yield Finding("HUB113", document.file, document.line(*at), facts)


def _name(document: Document, at: Place, name: str, taken: frozenset[str]) -> Iterator[Finding]:
    if not _SNAKE.fullmatch(name) or name in taken:
        yield Finding("HUB119", document.file, document.line(*at), {"name": name})


def _marks(document: Document, place: Place, value: Any) -> Iterator[Finding]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _marks(document, (*place, str(key)), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _marks(document, (*place, index), inner)
    elif isinstance(value, str) and value.startswith(MARK):
        yield Finding("HUB129", document.file, document.line(*place), {"mark": value})


def place_in_tree(document: Document, kind: str) -> Iterator[Finding]:
    """Findings HUB116: what a contract calls itself and the folder and file in which it lies must agree."""
    stem = document.path.name.removesuffix(".odcs.yaml")
    data, tables = document.data, document.data["schema"]
    expected: list[tuple[Place, object, tuple[str, ...]]] = []
    if kind == "source":
        system = document.path.parent.name
        expected = [(("domain",), data.get("domain"), (system,)), (("schema", 0, "name"), tables[0]["name"], (stem,))]
        expected.append((("id",), data["id"], (stem, f"{system}.{stem}")))
    elif kind == "hub":
        expected = [(("schema", 0, "name"), tables[0]["name"], (stem,)), (("id",), data["id"], (stem,))]
    else:
        extra = {item["property"]: item["value"] for item in data.get("customProperties") or []}
        flow, edge, source, target = (str(extra.get(name, "")) for name in ("flow", "edge", "source", "target"))
        own = f"{edge.lower()}_{source}_{target}"
        expected = [(("id",), data["id"], (stem,)), (("customProperties",), own, (stem,))]
        expected.append((("customProperties",), flow.lower(), (document.path.parent.name,)))
    for place, value, right in expected:
        if value not in right:
            facts = {"name": str(place[-1]), "value": str(value), "expected": right[0]}
            yield Finding("HUB116", document.file, document.line(*place), facts)
    if kind != "feed" and len(tables) > 1:
        facts = {"name": "schema", "value": str(len(tables)), "expected": "1"}
        yield Finding("HUB116", document.file, document.line("schema", 1), facts)
