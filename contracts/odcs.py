"""ODCS files -> contracts. Reads what is written; whether it makes sense together is for `lint.lint`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml

from contracts.contract import (
    APPLY_DAYS,
    KEEP_LANDING_DAYS,
    AbsenceRule,
    Brake,
    Column,
    CopiedField,
    DropAction,
    Entity,
    ExtractMode,
    FeedDataset,
    Rule,
    Severity,
    SourceDataset,
)
from contracts.overlay import overlay_contract
from core.dialects import MAX_DIGITS, LogicalType
from core.errors import ContractError

_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_DECIMAL_TYPE = re.compile(r"(?:decimal|numeric)\((\d+),\s*(\d+)\)", re.IGNORECASE)
_LANDING_COLUMNS = frozenset({"source_row", "source_hash", "unreadable"})
"""What the landing calls its own columns; its engine tells no upper case from lower."""
T = TypeVar("T")
DATE_RANGE = {"minimum": "1900-01-01", "maximum": "2199-12-31"}
"""What a date of an entity may be where its contract does not say."""
RETENTION_UNITS = {"d": 1, "y": 366}
_METRIC_RULES = {
    "nullValues": ("required",),
    "missingValues": ("required",),
    "duplicateValues": ("unique",),
    "invalidValues": ("code", "pattern", "range", "length"),
}


def read_document(path: Path) -> dict[str, Any]:
    """The file as plain data.

    Raises:
        ContractError: HUB101 with the line, when the file is not YAML or not a mapping.
    """
    try:
        data = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path.name}:{mark.line + 1}" if mark else path.name
        raise ContractError("HUB101", where, problem=getattr(error, "problem", None) or "utf-8") from error
    if not isinstance(data, dict):
        raise ContractError("HUB101", path.name, problem=type(data).__name__)
    return data


def read_sources(path: Path) -> list[SourceDataset]:
    """The datasets of one source contract."""
    data = read_document(path)
    return [_read_table(path, _build_source, data, table) for table in data.get("schema") or []]


def read_entities(path: Path, overlay: Mapping[str, Any] | None = None) -> list[Entity]:
    """The entities of one hub contract, with what the site's `overlay` changes of it."""
    data = overlay_contract(read_document(path), overlay)
    return [_read_table(path, _build_entity, data, table) for table in data.get("schema") or []]


def read_feeds(path: Path) -> list[FeedDataset]:
    """The datasets of one feed contract (one edge)."""
    data = read_document(path)
    return [_read_table(path, _build_feed, data, table) for table in data.get("schema") or []]


def _read_table(
    path: Path,
    read: Callable[[Path, Mapping[str, Any], Mapping[str, Any]], T],
    data: Mapping[str, Any],
    table: Mapping[str, Any],
) -> T:
    where = f"{path.name}#{table.get('name', '?') if isinstance(table, Mapping) else '?'}"
    try:
        thing = read(path, data, table)
        if wrong := [name for name in _list_identifiers(thing) if not _PLAIN_NAME.fullmatch(str(name))]:
            raise ContractError("HUB119", where, name=str(wrong[0]))
        return thing
    except ContractError as error:
        raise ContractError(error.code, where, **error.facts) from None
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise ContractError("HUB102", where, problem=f"{type(error).__name__}: {error}") from error


def _list_identifiers(thing: object) -> list[str]:
    """The names of a contract that become identifiers and parts of paths; they must be able to be nothing else."""
    own = [getattr(thing, name, "x") for name in ("name", "system", "flow", "edge", "source", "target", "dataset")]
    checks = [rule.facts["file"] for rule in getattr(thing, "rules", ()) if rule.kind == "sql"]
    return [*own, *checks, *(column.name for column in getattr(thing, "columns", ()))]


def _build_source(path: Path, data: Mapping[str, Any], table: Mapping[str, Any]) -> SourceDataset:
    extra = _read_extras(table)
    columns = tuple(
        replace(_build_column(table["name"], item), copies=_parse_copies(table, item)) for item in table["properties"]
    )
    _refuse_equal_columns(columns)
    return SourceDataset(
        system=data["domain"],
        name=table["name"],
        physical=table["physicalName"],
        title=table["businessName"],
        owner=data["team"]["name"],
        version=data["version"],
        connection=data["servers"][0]["server"],
        columns=columns,
        key=_read_key(table),
        mode=cast(ExtractMode, extra.get("mode", "snapshot")),
        watermark=extra.get("watermark"),
        overlap_seconds=int(extra.get("overlapSeconds", 0)),
        file_format=extra.get("fileFormat"),
        encoding=extra.get("encoding"),
        sheet=extra.get("sheet"),
        header_row=int(extra.get("headerRow", 1)),
        retention_days=_read_retention_days(data),
        origin=path.name,
    )


def _read_retention_days(data: Mapping[str, Any]) -> int:
    """Days that the contract's service level gives landings, in days (`d`) or years (`y`)."""
    for level in data.get("slaProperties", []):
        if level["property"] == "retention":
            return int(level["value"]) * RETENTION_UNITS[level.get("unit", "d")]
    return KEEP_LANDING_DAYS


def _build_entity(path: Path, data: Mapping[str, Any], table: Mapping[str, Any]) -> Entity:
    extra = _read_extras(table)
    columns = tuple(_add_date_range(table["name"], _build_column(table["name"], item)) for item in table["properties"])
    own = tuple(_build_sql_rule(table["name"], item) for item in table.get("quality", []))
    return Entity(
        name=table["name"],
        title=table["businessName"],
        version=data["version"],
        columns=columns,
        key=_read_key(table),
        authority=tuple(extra["authority"]),
        rules=_build_key_rules(table) + tuple(rule for column in columns for rule in column.rules) + own,
        gone=cast(AbsenceRule, extra.get("gone", "absent_once")),
        after=tuple(extra.get("after", ())),
        brake=_parse_brake(extra.get("brake"), Brake()),
        held_percent=float(extra["heldPercent"]) if "heldPercent" in extra else None,
        origin=path.name,
    )


def _build_feed(path: Path, data: Mapping[str, Any], table: Mapping[str, Any]) -> FeedDataset:
    edge, extra = _read_extras(data), _read_extras(table)
    default = FeedDataset.__dataclass_fields__["brake"].default
    return FeedDataset(
        flow=edge["flow"],
        edge=edge["edge"],
        source=edge["source"],
        target=edge["target"],
        dataset=table["name"],
        physical=table["physicalName"],
        title=table["businessName"],
        version=data["version"],
        connection=data["servers"][0]["server"],
        columns=tuple(_build_column(table["name"], item) for item in table["properties"]),
        key=_read_key(table),
        mode=extra.get("mode", "delta"),
        drop=cast(DropAction, extra.get("drop", "delete")),
        filter=extra.get("filter"),
        brake=_parse_brake(extra.get("brake"), cast(Brake, default)),
        file_format=extra.get("fileFormat"),
        encoding=extra.get("encoding"),
        guard_formulas=extra.get("guardFormulas") is True,
        schedule=extra.get("schedule", "nightly"),
        technician_check=bool(extra.get("technicianCheck", True)),
        checked_before_use=extra.get("technicianCheck") == "before",
        applied_by_hand=extra.get("applyMode") == "manual",
        apply_days=int(extra.get("applyDays", APPLY_DAYS)),
        off=edge.get("switchedOff", ""),
        origin=path.name,
    )


def _build_column(table: str, item: Mapping[str, Any]) -> Column:
    options, extra = item.get("logicalTypeOptions", {}), _read_extras(item)
    relation = next(iter(item.get("relationships", [])), None)
    column = Column(
        name=item["name"],
        physical=str(item.get("physicalName", item["name"])),
        title=item.get("businessName", item["name"]),
        type=_parse_type(item, options),
        required=bool(item.get("required", False)),
        unique=bool(item.get("unique", False)),
        pii=item.get("classification", "P0"),
        pattern=options.get("pattern"),
        minimum=None if options.get("minimum") is None else str(options["minimum"]),
        maximum=None if options.get("maximum") is None else str(options["maximum"]),
        code_list=extra.get("codeList"),
        references=cast(tuple[str, str], tuple(relation["to"].split("."))) if relation else None,
        authority=tuple(extra.get("authority", ())),
        null_values=tuple(str(value) for value in extra.get("nullValues", ())),
        physical_type=item.get("physicalType"),
        multiple=extra.get("multiple") is True,
    )
    return Column(**{**column.__dict__, "rules": _build_column_rules(table, column, item)})


def _add_date_range(table: str, column: Column) -> Column:
    """A column of dates with a range that a university's data can have, where its contract states none: year 1582 and year 9999
    are slips of a keyboard, or what a system writes for nothing."""
    if column.type.name not in ("date", "timestamp"):
        return column
    stated = next((rule for rule in column.rules if rule.kind == "range"), None)
    facts = {name: value for name, value in (stated.facts if stated else {}).items() if value is not None}
    severity: Severity = stated.severity if stated else "error"
    rule = Rule(f"{table}.{column.name}.range", "range", (column.name,), severity, {**DATE_RANGE, **facts})
    return replace(column, rules=(*(rule for rule in column.rules if rule.kind != "range"), rule))


def _refuse_equal_columns(columns: Sequence[Column]) -> None:
    """Refuse columns of a source that the landing could not tell apart from each other or from its own.

    Raises:
        ContractError: HUB317.
    """
    seen = set(_LANDING_COLUMNS)
    for column in columns:
        if column.physical.lower() in seen or column.name.lower() in _LANDING_COLUMNS:
            raise ContractError("HUB317", column.name, column=column.name, physical=column.physical)
        seen.add(column.physical.lower())


def _parse_copies(table: Mapping[str, Any], item: Mapping[str, Any]) -> tuple[CopiedField, ...]:
    """`copyOf` is one field or a list of them; `copyKey`, without which it is the dataset's own key, likewise."""
    extra = _read_extras(item)
    key = tuple(_wrap_in_list(extra["copyKey"])) if "copyKey" in extra else _read_key(table)
    return tuple(
        CopiedField(tuple(path.split(".")), key, extra.get("copyPrefix", "")) for path in _wrap_in_list(extra.get("copyOf", []))
    )


def _wrap_in_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _parse_type(item: Mapping[str, Any], options: Mapping[str, Any]) -> LogicalType:
    number = _DECIMAL_TYPE.search(str(item.get("physicalType", "")))
    sizes = {"precision": int(number[1]), "scale": int(number[2])} if number else {}
    if number and not sizes["scale"] <= sizes["precision"] <= MAX_DIGITS:
        raise ContractError("HUB316", item["name"], column=item["name"], found=number[0], digits=MAX_DIGITS)
    return LogicalType(item["logicalType"], options.get("maxLength"), **sizes)


def _build_column_rules(table: str, column: Column, item: Mapping[str, Any]) -> tuple[Rule, ...]:
    softened: dict[str, Severity] = {
        kind: _parse_severity(check)
        for check in item.get("quality", [])
        for kind in _METRIC_RULES.get(check.get("metric", ""), ())
    }
    facts: dict[str, dict[str, Any]] = {}
    if column.required:
        facts["required"] = {}
    if column.unique:
        facts["unique"] = {}
    if column.code_list:
        facts["code"] = {"list": column.code_list}
    if column.pattern:
        facts["pattern"] = {"pattern": column.pattern}
    if column.minimum is not None or column.maximum is not None:
        facts["range"] = {"minimum": column.minimum, "maximum": column.maximum}
    if column.type.name == "string" and column.type.length:
        facts["length"] = {"maximum": column.type.length}
    rules = [
        Rule(f"{table}.{column.name}.{kind}", kind, (column.name,), softened.get(kind, "error"), details)
        for kind, details in facts.items()
    ]
    for relation in item.get("relationships", []):
        entity, _, target = relation["to"].partition(".")
        severity = cast(Severity, _read_extras(relation).get("severity", "error"))
        rules.append(
            Rule(
                f"{table}.{column.name}.reference", "reference", (column.name,), severity, {"entity": entity, "column": target}
            )
        )
    return tuple(rules)


def _build_key_rules(table: Mapping[str, Any]) -> tuple[Rule, ...]:
    return (Rule(f"{table['name']}.key.unique", "unique", _read_key(table)),)


def _build_sql_rule(table: str, item: Mapping[str, Any]) -> Rule:
    """A check that needs SQL: `implementation` is the stem of its file in `sql/checks/`."""
    stem = item["implementation"]
    facts = {"file": stem, "description": item.get("description", stem)}
    return Rule(f"{table}.{stem.removeprefix(table + '__')}", "sql", (), _parse_severity(item), facts)


def _parse_severity(item: Mapping[str, Any]) -> Severity:
    return "warning" if item.get("severity") == "warning" else "error"


def _parse_brake(value: Mapping[str, Any] | None, default: Brake) -> Brake:
    if not value:
        return default
    return Brake(
        max_delete_percent=float(value.get("maxDeletePercent", default.max_delete_percent)),
        max_update_percent=float(value.get("maxUpdatePercent", default.max_update_percent)),
        floor=int(value.get("floor", default.floor)),
        expect=tuple(value.get("expect", default.expect)),
        may_be_empty=bool(value.get("mayBeEmpty", default.may_be_empty)),
    )


def _read_key(table: Mapping[str, Any]) -> tuple[str, ...]:
    marked = [item for item in table["properties"] if item.get("primaryKey")]
    return tuple(item["name"] for item in sorted(marked, key=lambda item: item.get("primaryKeyPosition", 1)))


def _read_extras(item: Mapping[str, Any]) -> dict[str, Any]:
    return {extra["property"]: extra["value"] for extra in item.get("customProperties", [])}
