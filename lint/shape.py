"""Does a contract have the shape of the standard (ODCS v3.1) and the fields that the house needs?

The standard's models accept unknown keys silently, so the JSON Schema shipped with them is asked. It is asked piece by
piece (contract, object, column, check), since equal pieces are common and then cost nothing, and a fault in one piece
does not make its whole surroundings look unknown.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, cast

from jsonschema import Draft201909Validator
from jsonschema.exceptions import ValidationError

from contracts.finding import Finding, nearest_names
from contracts.yaml_lines import YamlDocument, YamlPath
from core.dialects import LOGICAL_TYPES

_PIECE_DEFINITIONS: Mapping[str, Mapping[str, str]] = {
    "Contract": {"schema": "SchemaObject", "servers": "Server", "customProperties": "CustomProperty"},
    "SchemaObject": {"properties": "SchemaProperty", "quality": "DataQuality", "customProperties": "CustomProperty"},
    "SchemaProperty": {
        "relationships": "RelationshipPropertyLevel",
        "quality": "DataQuality",
        "customProperties": "CustomProperty",
    },
    "RelationshipPropertyLevel": {"customProperties": "CustomProperty"},
}
_FREE_TEXTS = frozenset({"name", "businessName", "physicalName", "physicalType", "description", "classification"})
_NEEDED_FIELDS: Mapping[str, tuple[YamlPath, ...]] = {
    "source": (("domain",), ("team", "name"), ("servers", 0, "server"), ("schema", 0)),
    "hub": (("schema", 0),),
    "feed": (("servers", 0, "server"), ("schema", 0)),
}
_NEEDED_OBJECT_FIELDS = {
    "source": ("physicalName", "businessName", "properties"),
    "hub": ("businessName", "properties"),
    "feed": ("physicalName", "businessName", "properties"),
}
_NEEDED_COLUMN_FIELDS = {
    "source": ("physicalName", "businessName", "logicalType", "classification"),
    "hub": ("businessName", "logicalType", "classification"),
    "feed": ("businessName", "logicalType", "classification"),
}


def lint_shape(document: YamlDocument, kind: str) -> Iterator[Finding]:
    """Findings HUB110 to HUB114 and HUB117 of one contract; `kind` is source, hub or feed."""
    for place in document.repeated:
        yield Finding("HUB117", document.file, document.line(*place), {"name": str(place[-1]), "first": document.file})
    standard = False
    for place, piece, definition in _split_pieces((), document.data, "Contract"):
        for code, inner, facts in _find_faults(definition, _render_canonical(piece)):
            standard = True
            yield Finding(code, document.file, document.line(*place, *inner), dict(facts))
    if not standard:
        yield from _lint_needed_fields(document, kind)


def _lint_needed_fields(document: YamlDocument, kind: str) -> Iterator[Finding]:
    for place in _NEEDED_FIELDS[kind]:
        if not _get_value_at(document.data, place):
            name = ".".join(str(part) for part in place if isinstance(part, str))
            yield Finding("HUB112", document.file, document.line(*place), {"name": name})
    for position, table in enumerate(document.data.get("schema") or []):
        here = ("schema", position)
        missing = [name for name in _NEEDED_OBJECT_FIELDS[kind] if not table.get(name)]
        yield from (Finding("HUB112", document.file, document.line(*here), {"name": name}) for name in missing)
        columns = table.get("properties") or []
        for index, column in enumerate(columns):
            missing = [name for name in _NEEDED_COLUMN_FIELDS[kind] if not column.get(name)]
            line = document.line(*here, "properties", index)
            yield from (Finding("HUB112", document.file, line, {"name": f"{column['name']}.{name}"}) for name in missing)


def _get_value_at(value: Any, place: YamlPath) -> Any:
    for part in place:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _split_pieces(
    place: YamlPath, value: Mapping[str, Any], definition: str
) -> Iterator[tuple[YamlPath, Mapping[str, Any], str]]:
    rest = dict(value)
    for name, inner in _PIECE_DEFINITIONS.get(definition, {}).items():
        items = rest.get(name)
        if isinstance(items, list) and items and all(isinstance(item, dict) for item in items):
            del rest[name]
            for position, item in enumerate(items):
                yield from _split_pieces((*place, name, position), item, inner)
    yield place, rest, definition


def _render_canonical(piece: Mapping[str, Any]) -> str:
    """The piece as text, with the texts that the standard leaves free made equal, so that most columns are one piece."""
    plain = {name: "-" if name in _FREE_TEXTS and isinstance(value, str) else value for name, value in piece.items()}
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, default=str)


@functools.lru_cache(maxsize=8192)
def _find_faults(definition: str, piece: str) -> tuple[tuple[str, YamlPath, tuple[tuple[str, Any], ...]], ...]:
    """Code, place inside the piece and facts of everything the standard says against it."""
    content = json.loads(piece)
    if definition == "SchemaProperty" and "logicalType" not in content:
        # The standard's options depend on the type; without one it would complain about every type's options at once.
        content = {**content, "logicalType": "string", "logicalTypeOptions": {}}
    errors = [leaf for error in _get_validator(definition).iter_errors(content) for leaf in _find_leaf_errors(error)]
    faults = {fault for error in errors for fault in _explain_error(error, errors)}
    return tuple(sorted(faults, key=str))


def _find_leaf_errors(error: ValidationError) -> Iterator[ValidationError]:
    """The error itself, or of a choice (`anyOf`, `oneOf`) the errors of the alternative that came nearest."""
    if not error.context or error.validator not in {"anyOf", "oneOf"}:
        yield error
        return
    deepest = max(len(inner.absolute_path) for inner in error.context)
    inner = next(inner for inner in error.context if len(inner.absolute_path) == deepest)
    yield from _find_leaf_errors(inner)


def _explain_error(
    error: ValidationError, errors: list[ValidationError]
) -> Iterator[tuple[str, YamlPath, tuple[tuple[str, Any], ...]]]:
    place: YamlPath = tuple(error.absolute_path)
    name = str(place[-1]) if place else "-"
    if error.validator in {"unevaluatedProperties", "additionalProperties"}:
        known = _list_known_keys(cast(Mapping[str, Any], error.schema))
        spoilt = any(other is not error and tuple(other.absolute_path)[: len(place)] == place for other in errors)
        for key in re.findall(r"'([^']+)'", error.message.rpartition("(")[2]):
            if key not in known or not spoilt:
                yield "HUB111", (*place, key), (("name", key), ("known", nearest_names(key, known)))
    elif error.validator == "required":
        missing = re.findall(r"'([^']+)'", error.message)
        yield "HUB112", place, (("name", missing[0] if missing else "-"),)
    elif error.validator in {"enum", "const"}:
        standard = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
        allowed = LOGICAL_TYPES if name == "logicalType" else standard
        facts = (("name", name), ("value", str(error.instance)), ("allowed", nearest_names(error.instance, map(str, allowed))))
        yield "HUB113", place, facts
    elif error.validator == "type":
        kinds = error.validator_value
        expected = " | ".join(kinds) if isinstance(kinds, list) else str(kinds)
        yield "HUB114", place, (("name", name), ("found", type(error.instance).__name__), ("expected", expected))
    else:
        yield "HUB110", place, (("name", name), ("problem", " ".join(error.message.split())[:160]))


def _list_known_keys(schema: Mapping[str, Any]) -> frozenset[str]:
    """The keys that a piece of the standard knows, through its references and alternatives."""
    names: set[str] = set()
    followed = {"#/"}
    open_parts = [schema]
    while open_parts:
        part = open_parts.pop()
        names |= set(part.get("properties", {}))
        for choice in ("allOf", "oneOf", "anyOf"):
            open_parts += part.get(choice, [])
        if "then" in part:
            open_parts.append(part["then"])
        target = str(part.get("$ref", "#/"))
        if target not in followed:
            followed.add(target)
            names_on_the_way = [name for name in target.removeprefix("#/").split("/") if name]
            open_parts.append(functools.reduce(lambda inner, name: inner[name], names_on_the_way, _load_standard()))
    return frozenset(names)


@functools.cache
def _get_validator(definition: str) -> Draft201909Validator:
    standard = _load_standard()
    if definition == "Contract":
        return Draft201909Validator(standard)
    return Draft201909Validator({"$ref": f"#/$defs/{definition}", "$defs": standard["$defs"]})


@functools.lru_cache(maxsize=1)
def _load_standard() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8"))
    return content
