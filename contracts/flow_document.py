"""The flow document as it lies in `schemas/flows/`: who gives what to whom, by when, under which rules, and what is unclear.

`handling.yaml` says what the hub does about each finding; `enforcement/*.yaml` says by what each rule is enforced, one file
a subject, merged by the rule's id.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts import odcs
from core.layers import layers_of

Item = Mapping[str, Any]


@dataclass(frozen=True)
class FlowDocument:
    """Items as written. Steps are named `FLOW/number`, with the number printed in the document."""

    flows: Sequence[Item]
    systems: Mapping[str, Item]
    datasets: Mapping[str, Item]
    edges: Sequence[Item]
    additional: Sequence[Item]
    """Edges of the same shape that the document does not have, each with `reason_zh`, `reason_en`."""
    outside: Sequence[Item]
    """Hand-overs that do not pass through the hub, X1 to X4."""
    open_ended: Sequence[Item]
    """Steps that end in 等 or name no receiver."""
    deadlines: Sequence[Item]
    rules: Sequence[Item]
    findings: Sequence[Item]
    handling: Mapping[str, Item]
    """Finding -> what the hub does about it: `title_zh`, `state` (`done`, `open`), `where`, `how_zh`, `how_en`."""
    open_handling: Mapping[str, Item]
    """Open-ended step -> `how_zh`, `how_en`."""
    enforcement: Mapping[str, Item]
    """Rule -> `by` (names of things that exist), `how_zh`, `how_en`."""

    def system_name(self, code: str, language: str) -> str:
        """A system's name in `zh` or `en`, its code when it has none."""
        return str(self.systems.get(code, {}).get(f"name_{language}") or code).partition(" (")[0]

    def dataset_name(self, code: str, language: str) -> str:
        """A dataset's name in `zh` or `en` without what the English one says in brackets, its code when it has none."""
        return str(self.datasets.get(code, {}).get(f"name_{language}") or code).partition(" (")[0]

    def owner(self, code: str, language: str) -> str:
        """The office that owns a system, the system itself where the document names none."""
        return str(self.systems.get(code, {}).get(f"owner_{language}") or self.system_name(code, language))


def load_flow_document(home: Path | None = None) -> FlowDocument:
    """The flow document of a home folder, default that of the settings; read once."""
    layers = layers_of(home)
    return _read_folder(tuple(layers.glob("schemas/flows/*.yaml")), tuple(layers.glob("schemas/flows/enforcement/*.yaml")))


@functools.lru_cache(maxsize=4)
def _read_folder(files: tuple[Path, ...], enforced: tuple[Path, ...]) -> FlowDocument:
    documents = [odcs.read_document(path) for path in files]

    def items(section: str) -> list[Item]:
        return [item for document in documents for item in document.get(section, [])]

    return FlowDocument(
        flows=items("flows"),
        systems={item["code"]: item for item in items("systems")},
        datasets={item["code"]: item for item in items("datasets")},
        edges=items("edges"),
        additional=items("additional_edges"),
        outside=items("feeds_outside_the_hub"),
        open_ended=items("open_ended_declarations"),
        deadlines=items("deadlines"),
        rules=items("rules"),
        findings=items("findings"),
        handling={id: item for document in documents for id, item in document.get("handling", {}).items()},
        open_handling={step: item for document in documents for step, item in document.get("open_ended_handling", {}).items()},
        enforcement=_merge_enforcement(enforced),
    )


def _merge_enforcement(files: Sequence[Path]) -> dict[str, Item]:
    found: dict[str, dict[str, Any]] = {}
    for id, item in _read_rules(files):
        one = found.setdefault(id, {"by": [], "how_zh": "", "how_en": ""})
        one["by"] = [*one["by"], *item["by"]]
        for name in ("how_zh", "how_en"):
            one[name] = " ".join(part for part in (one[name], str(item[name])) if part)
    return dict(found)


def _read_rules(files: Sequence[Path]) -> Iterator[tuple[str, Item]]:
    for path in files:
        yield from odcs.read_document(path).get("rules", {}).items()
