"""Overlays: what a site changes of an entity without touching its file (`schemas/overlay/<entity>.yaml`).

    entity: staff
    authority: [personnel]                  # the systems that may give its rows
    brake: {maxDeletePercent: 5}
    heldPercent: 40
    columns: {phone: {required: true, authority: [personnel]}}
    severity: {staff__id_sex_mismatch: error}
    extra: [{name: x_badge_no, businessName: 工牌号, logicalType: string, classification: P1}]

Only what differs is written; each name is checked against the entity's current contract, so that an upgrade that removes one is
found by `hub lint` at the overlay's own line. Extra columns begin with `x_`, which no product column does.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from contracts.yaml_lines import YamlDocument, YamlPath

KEYS = frozenset({"entity", "authority", "brake", "heldPercent", "columns", "severity", "extra"})
COLUMN_KEYS = frozenset({"required", "authority"})
SEVERITIES = ("error", "warning")
EXTRA = "x_"


def overlay_contract(data: Mapping[str, Any], overlay: Mapping[str, Any] | None) -> dict[str, Any]:
    """A hub contract as the site has it. What the overlay names and the contract does not have changes nothing."""
    if not overlay:
        return dict(data)
    changed = copy.deepcopy(dict(data))
    for table in changed.get("schema") or []:
        for name in ("authority", "brake", "heldPercent"):
            if name in overlay:
                _set(table, name, overlay[name] if name != "brake" else {**_get(table, name), **overlay[name]})
        columns = overlay.get("columns") or {}
        for item in table.get("properties") or []:
            wanted = columns.get(item.get("name")) or {}
            if "required" in wanted:
                item["required"] = wanted["required"]
            if "authority" in wanted:
                _set(item, "authority", wanted["authority"])
        for item in table.get("quality") or []:
            item["severity"] = (overlay.get("severity") or {}).get(item.get("implementation"), item.get("severity"))
        table["properties"] = [*(table.get("properties") or []), *(overlay.get("extra") or [])]
    return changed


def check_overlay(
    document: YamlDocument, contract: Mapping[str, Any] | None
) -> Iterator[tuple[YamlPath, str, Collection[str]]]:
    """What in an overlay does not fit the contract of its entity: place, the name, and the names that would be right."""
    data = document.data
    yield from _unknown((), data, KEYS)
    if contract is None:
        yield ("entity",), str(data.get("entity")), ()
        return
    table = contract["schema"][0]
    names = [str(item.get("name")) for item in table.get("properties") or []]
    checks = [str(item["implementation"]) for item in table.get("quality") or [] if "implementation" in item]
    yield from _unknown(("columns",), data.get("columns"), names)
    for name, wanted in (data.get("columns") or {}).items():
        yield from _unknown(("columns", name), wanted, COLUMN_KEYS)
    yield from _unknown(("severity",), data.get("severity"), checks)
    for name, value in (data.get("severity") or {}).items():
        if value not in SEVERITIES:
            yield ("severity", name), str(value), SEVERITIES
    for position, item in enumerate(data.get("extra") or []):
        if not str(item.get("name", "")).startswith(EXTRA) or item["name"] in names:
            yield ("extra", position, "name"), str(item.get("name")), (f"{EXTRA}…",)


def _unknown(place: YamlPath, given: object, known: Collection[str]) -> Iterator[tuple[YamlPath, str, Collection[str]]]:
    if given is None:
        return
    if not isinstance(given, Mapping):
        yield place, type(given).__name__, ("{}",)
        return
    for name in given:
        if name not in known:
            yield (*place, name), str(name), known


def _get(thing: Mapping[str, Any], name: str) -> Any:
    return next((item["value"] for item in thing.get("customProperties") or [] if item.get("property") == name), {})


def _set(thing: dict[str, Any], name: str, value: Any) -> None:
    rest = [item for item in thing.get("customProperties") or [] if item.get("property") != name]
    thing["customProperties"] = [*rest, {"property": name, "value": value}]
