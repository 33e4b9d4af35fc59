"""Does a contract use the house's own words: extra properties and their values, names, and the place of the file?

The standard leaves `customProperties` open; here every one must be in `contracts.contract.VOCABULARY`, since a misspelt
`brake` would otherwise be a brake that is not there.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_args

from contracts.contract import VOCABULARY, AbsenceRule, DropAction, ExtractMode, Severity
from contracts.finding import Finding, nearest_names
from contracts.odcs import RETENTION_UNITS
from contracts.sql.files import PLACEHOLDER
from contracts.yaml_lines import YamlDocument, YamlPath
from core.dialects import LOGICAL_TYPES
from core.schedule import FEED_SCHEDULES

PROVENANCE_COLUMNS = frozenset(
    {"source_system", "source_key", "source_row", "unreadable", "batch_id", "row_hash", "from_version", "to_version"}
)
DATA_CLASSES = ("P0", "P1", "P2", "P3")

_SNAKE_CASE = re.compile(r"[a-z][a-z0-9_]*")
_FIELD_PATH = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,2}")
_VERSION_NUMBER = re.compile(r"\d+\.\d+\.\d+")
_VOCABULARY_LEVELS: Mapping[str, tuple[str, str, str]] = {
    "source": ("-", "source", "source_column"),
    "hub": ("-", "hub", "hub_column"),
    "feed": ("feed", "feed_dataset", "feed_column"),
}
_ALLOWED_WORDS: Mapping[tuple[str, str], Sequence[str]] = {
    ("source", "mode"): get_args(ExtractMode),
    ("source", "fileFormat"): ("csv", "xlsx", "xls", "dbf"),
    ("hub", "gone"): get_args(AbsenceRule),
    ("relationship", "severity"): get_args(Severity),
    ("feed_dataset", "mode"): ("full", "delta"),
    ("feed_dataset", "drop"): get_args(DropAction),
    ("feed_dataset", "fileFormat"): ("csv", "xlsx", "parquet", "ldap", "oneroster"),
    ("feed_dataset", "applyMode"): ("automatic", "manual", "not_stated"),
    ("feed_dataset", "schedule"): (*FEED_SCHEDULES, "outside"),
}
_BRAKE_FIELDS = ("maxDeletePercent", "maxUpdatePercent", "floor", "expect", "mayBeEmpty")


def lint_vocabulary(document: YamlDocument, kind: str) -> Iterator[Finding]:
    """Findings HUB113, HUB115, HUB117 to HUB119, HUB128 and HUB129 of one contract of sound shape."""
    data = document.data
    contract, table_level, column_level = _VOCABULARY_LEVELS[kind]
    yield from _lint_placeholders(document, (), data)
    yield from _lint_word(document, ("version",), data["version"], _VERSION_NUMBER.fullmatch, "1.0.0")
    yield from _lint_extras(document, (), data, contract)
    if kind == "source":
        yield from _lint_retention(document)
    for position, table in enumerate(data["schema"]):
        here: YamlPath = ("schema", position)
        yield from _lint_name(document, (*here, "name"), table["name"], frozenset())
        yield from _lint_extras(document, here, table, table_level)
        yield from _lint_checks(document, here, table)
        if not any(column.get("primaryKey") for column in table["properties"]):
            yield Finding("HUB118", document.file, document.line(*here), {"name": table["name"]})
        seen: set[str] = set()
        for index, column in enumerate(table["properties"]):
            at = (*here, "properties", index)
            if column["name"] in seen:
                yield Finding("HUB117", document.file, document.line(*at), {"name": column["name"], "first": table["name"]})
            seen.add(column["name"])
            yield from _lint_column(document, at, column, column_level)


def _lint_retention(document: YamlDocument) -> Iterator[Finding]:
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


def _lint_column(document: YamlDocument, at: YamlPath, column: Mapping[str, Any], level: str) -> Iterator[Finding]:
    yield from _lint_name(document, (*at, "name"), column["name"], PROVENANCE_COLUMNS)
    yield from _lint_word(
        document, (*at, "logicalType"), column["logicalType"], LOGICAL_TYPES.__contains__, ", ".join(LOGICAL_TYPES)
    )
    yield from _lint_word(
        document, (*at, "classification"), column["classification"], DATA_CLASSES.__contains__, ", ".join(DATA_CLASSES)
    )
    yield from _lint_extras(document, at, column, level)
    yield from _lint_checks(document, at, column)
    for index, relation in enumerate(column.get("relationships") or []):
        yield from _lint_extras(document, (*at, "relationships", index), relation, "relationship")
    pattern = (column.get("logicalTypeOptions") or {}).get("pattern")
    if pattern is not None and (problem := find_pattern_problem(str(pattern))):
        line = document.line(*at, "logicalTypeOptions", "pattern")
        yield Finding("HUB128", document.file, line, {"name": column["name"], "problem": problem})


def find_pattern_problem(pattern: str) -> str | None:
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


def _lint_checks(document: YamlDocument, place: YamlPath, item: Mapping[str, Any]) -> Iterator[Finding]:
    allowed = get_args(Severity)
    for index, check in enumerate(item.get("quality") or []):
        if "severity" in check:
            at = (*place, "quality", index, "severity")
            yield from _lint_word(document, at, check["severity"], allowed.__contains__, ", ".join(allowed))


def _lint_extras(document: YamlDocument, place: YamlPath, item: Mapping[str, Any], level: str) -> Iterator[Finding]:
    known = frozenset({"severity"}) if level == "relationship" else VOCABULARY.get(level, frozenset())
    seen: set[str] = set()
    for index, extra in enumerate(item.get("customProperties") or []):
        at = (*place, "customProperties", index)
        name, value = extra["property"], extra["value"]
        line = document.line(*at)
        if name not in known:
            yield Finding("HUB115", document.file, line, {"name": name, "known": nearest_names(name, known)})
        elif name in seen:
            yield Finding("HUB117", document.file, line, {"name": name, "first": document.file})
        elif (right := _find_right_value(level, name, value)) is not None:
            at_value = document.line(*at, "value")
            yield Finding("HUB113", document.file, at_value, {"name": name, "value": str(value), "allowed": right})
        seen.add(name)


def _find_right_value(level: str, name: str, value: Any) -> str | None:
    """What would be right for the value of an extra property, or None when it is."""
    if allowed := _ALLOWED_WORDS.get((level, name)):
        return None if value in allowed else ", ".join(allowed)
    test, right = _VALUE_TESTS.get(name, (None, ""))
    return None if test is None or test(value) else right


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str | int) for item in value)


def _is_copy(value: Any) -> bool:
    paths = [value] if isinstance(value, str) else value
    return _is_list(paths) and all(isinstance(path, str) and _FIELD_PATH.fullmatch(path) for path in paths)


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
        and set(value) <= set(_BRAKE_FIELDS)
        and all(_is_percent(value.get(name, 0)) for name in _BRAKE_FIELDS[:2])
        and _is_count(0)(value.get("floor", 0))
        and isinstance(value.get("expect", []), list)
        and isinstance(value.get("mayBeEmpty", False), bool)
    )


_VALUE_TESTS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
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


def _lint_word(
    document: YamlDocument, at: YamlPath, value: Any, is_right: Callable[[Any], object], allowed: str
) -> Iterator[Finding]:
    if isinstance(value, str) and value.startswith(PLACEHOLDER):
        return
    if not isinstance(value, str) or not is_right(value):
        facts = {"name": str(at[-1]), "value": str(value), "allowed": allowed}
        yield Finding("HUB113", document.file, document.line(*at), facts)


def _lint_name(document: YamlDocument, at: YamlPath, name: str, taken: frozenset[str]) -> Iterator[Finding]:
    if not _SNAKE_CASE.fullmatch(name) or name in taken:
        yield Finding("HUB119", document.file, document.line(*at), {"name": name})


def _lint_placeholders(document: YamlDocument, place: YamlPath, value: Any) -> Iterator[Finding]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _lint_placeholders(document, (*place, str(key)), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _lint_placeholders(document, (*place, index), inner)
    elif isinstance(value, str) and value.startswith(PLACEHOLDER):
        yield Finding("HUB129", document.file, document.line(*place), {"mark": value})


def lint_file_place(document: YamlDocument, kind: str) -> Iterator[Finding]:
    """Findings HUB116: what a contract calls itself and the folder and file in which it lies must agree."""
    stem = document.path.name.removesuffix(".odcs.yaml")
    data, tables = document.data, document.data["schema"]
    expected: list[tuple[YamlPath, object, tuple[str, ...]]] = []
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
