"""Everything the linter looks at, read once: contracts with the line of each value, flows, edges and code lists.

The catalogue leaves broken contracts out so that the night can go on; the linter must see them. A file that cannot be
read at all becomes a finding here, and the others are still checked.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from contracts import odcs, yaml_lines
from contracts.contract import HUB, Entity, FeedDataset, SourceDataset
from contracts.finding import Finding
from contracts.overlay import overlay_contract
from contracts.sql import files as queries
from contracts.sql.files import SqlFile
from contracts.yaml_lines import YamlDocument
from core.errors import ContractError
from core.layers import Layers

T = TypeVar("T", SourceDataset, Entity, FeedDataset)

MAPS_FOLDER = "maps"
"""The folder in `schemas/codes` with a file a system that maps its own codes; the files beside it are lists."""
CONTRACT_KINDS = ("source", "hub", "feed")
CONTRACT_FOLDERS: Mapping[str, str] = {
    "source": "sources/*/*.odcs.yaml",
    "hub": "hub/*.odcs.yaml",
    "feed": "feeds/*/*.odcs.yaml",
}


@dataclass(frozen=True)
class LocatedContract(Generic[T]):
    """A dataset or entity together with the place of its contract: `table` is its position in the file's `schema`."""

    thing: T
    document: YamlDocument
    table: int

    @property
    def file(self) -> str:
        return self.document.file

    @property
    def raw(self) -> Mapping[str, Any]:
        """The schema object as written."""
        raw: Mapping[str, Any] = self.document.data["schema"][self.table]
        return raw

    def line(self, *place: str | int) -> int:
        return self.document.line("schema", self.table, *place)

    def column_line(self, name: str, *place: str | int) -> int:
        position = next(index for index, column in enumerate(self.thing.columns) if column.name == name)
        return self.line("properties", position, *place)


@dataclass
class LintWorkspace:
    """The contents of a home folder as the linter needs them. `broken` holds what could not be read."""

    layers: Layers
    documents: dict[str, list[YamlDocument]] = field(default_factory=lambda: {kind: [] for kind in CONTRACT_KINDS})
    sources: dict[str, LocatedContract[SourceDataset]] = field(default_factory=dict)
    entities: dict[str, LocatedContract[Entity]] = field(default_factory=dict)
    feeds: dict[str, LocatedContract[FeedDataset]] = field(default_factory=dict)
    flows: frozenset[str] = frozenset()
    systems: frozenset[str] = frozenset()
    edges: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By id: the document's edges through the hub, the additional ones, and the hand-overs outside it."""
    outside: frozenset[str] = frozenset()
    """Which of `edges` are outside the hub."""
    code_rows: Mapping[str, list[tuple[int, dict[str, str]]]] = field(default_factory=dict)
    """File -> its rows, each with its line."""
    code_lists: Mapping[str, frozenset[str]] = field(default_factory=dict)
    windows: frozenset[str] = frozenset()
    """Names of the calendar's windows, which a brake may expect."""
    calendars: list[YamlDocument] = field(default_factory=list)
    deadlines: list[tuple[YamlDocument, int, Mapping[str, Any]]] = field(default_factory=list)
    """Each with its document and its position in the section."""
    promised: frozenset[str] = frozenset()
    """The entities that the flow document's datasets are made of, whether they have a contract yet or not."""
    broken: list[Finding] = field(default_factory=list)
    lost: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in CONTRACT_KINDS})
    """Per kind, the names of contracts that are there but cannot be used: what refers to them is not judged, so that one
    slip does not show up in every file that depends on it."""
    overlays: Mapping[str, YamlDocument] = field(default_factory=dict)
    """By entity, what the site changes of it; `documents` hold the contracts so changed."""
    queries: dict[str, list[SqlFile]] = field(default_factory=dict)
    """Per kind (conform, feeds, checks) the SELECTs that could be parsed and depend on nothing that is lost."""

    def datasets_of(self, system: str) -> list[SourceDataset]:
        return [located.thing for located in self.sources.values() if located.thing.system == system]


def read_workspace(layers: Layers) -> LintWorkspace:
    """Read a home folder, all of its layers. Never raises for what is in the files."""
    found = LintWorkspace(layers)
    for kind in CONTRACT_KINDS:
        paths = layers.glob(f"schemas/{CONTRACT_FOLDERS[kind]}")
        found.documents[kind] = list(_read_documents(found, paths))
        read = {document.path for document in found.documents[kind]}
        found.lost[kind] |= {_contract_name(kind, path) for path in paths if path not in read}
    found.overlays = {
        document.path.stem: document for document in _read_documents(found, layers.glob("schemas/overlay/*.yaml"))
    }
    found.documents["hub"] = [_overlaid(found, document) for document in found.documents["hub"]]
    flows = list(_read_documents(found, layers.glob("schemas/flows/*.yaml")))
    found.flows = frozenset(item["code"] for item in _list_items(found, flows, "flows", ("code",)))
    found.systems = frozenset(item["code"] for item in _list_items(found, flows, "systems", ("code",)))
    ends = ("id", "source", "target", "datasets")
    found.edges = {item["id"]: item for item in _list_items(found, flows, "edges", ends)}
    outside = {item["id"]: item for item in _list_items(found, flows, "feeds_outside_the_hub", ends)}
    own = ("declared_by", "declarations", "publish_mode", "deliver_mode", "apply_mode", "technician_check")  # a site's, by hand
    told = (*ends, *own, "reason_zh", "reason_en")
    added = {item["id"]: item for item in _list_items(found, flows, "additional_edges", told)}
    found.edges, found.outside = {**found.edges, **added, **outside}, frozenset(outside)
    found.code_rows = _read_code_rows(found)
    found.code_lists = _collect_code_lists(found)
    found.calendars = list(_read_documents(found, layers.glob("schemas/calendar/*.yaml")))
    found.windows = frozenset(item["name"] for item in _list_items(found, found.calendars, "windows", ("name",)))
    found.deadlines = [
        (document, position, item)
        for document in flows
        for position, item in enumerate(document.data.get("deadlines") or [])
        if isinstance(item, Mapping) and item.get("id")
    ]
    datasets = (item for document in flows for item in document.data.get("datasets") or [] if isinstance(item, Mapping))
    found.promised = frozenset(name for item in datasets for name in item.get("entities") or [])
    return found


def assemble_contracts(found: LintWorkspace, sound: frozenset[str]) -> None:
    """Turn the documents whose shape is sound (`file` names) into datasets and entities, keeping their places."""
    found.sources = _locate_contracts(found, "source", sound, odcs.read_sources, lambda thing: thing.id)
    changes = {name: document.data for name, document in found.overlays.items()}
    found.entities = _locate_contracts(
        found,
        "hub",
        sound,
        lambda path: odcs.read_entities(path, changes.get(path.name.removesuffix(".odcs.yaml"))),
        lambda thing: thing.name,
    )
    found.feeds = _locate_contracts(found, "feed", sound, odcs.read_feeds, lambda thing: thing.id)
    for kind, (pattern, dialect) in queries.SQL_FOLDERS.items():
        parsed = [
            queries.parse_file(path, found.layers.file_name(path), dialect) for path in found.layers.glob(f"sql/{pattern}")
        ]
        found.broken += [item for item in parsed if isinstance(item, Finding)]
        found.queries[kind] = [item for item in parsed if isinstance(item, SqlFile) and not _depends_on_lost(found, kind, item)]


def _read_documents(found: LintWorkspace, paths: Iterable[Path]) -> Iterator[YamlDocument]:
    for path in paths:
        try:
            yield yaml_lines.read_yaml(path, found.layers.file_name(path))
        except ContractError as error:
            file, _, line = error.where.rpartition(":")
            found.broken.append(Finding(error.code, file, int(line), error.facts))


def _overlaid(found: LintWorkspace, document: YamlDocument) -> YamlDocument:
    overlay = found.overlays.get(_contract_name("hub", document.path))
    return replace(document, data=overlay_contract(document.data, overlay.data)) if overlay else document


def _find_column_line(document: YamlDocument, column: str | None) -> int:
    """The line of the first column of this name, or where the tables begin."""
    for position, table in enumerate(document.data.get("schema") or []):
        for index, item in enumerate(table.get("properties") or []):
            if column is not None and item.get("name") == column:
                return document.line("schema", position, "properties", index)
    return document.line("schema")


def _locate_contracts(
    found: LintWorkspace, kind: str, sound: frozenset[str], read: Callable[[Path], list[T]], name: Callable[[T], str]
) -> dict[str, LocatedContract[T]]:
    things: dict[str, LocatedContract[T]] = {}
    for document in found.documents[kind]:
        if document.file not in sound:
            found.lost[kind].add(_contract_name(kind, document.path))
            continue
        try:
            pairs = list(enumerate(read(document.path)))
        except ContractError as error:
            found.broken.append(
                Finding(error.code, document.file, _find_column_line(document, error.facts.get("column")), error.facts)
            )
            found.lost[kind].add(_contract_name(kind, document.path))
            continue
        for position, thing in pairs:
            if name(thing) in things:
                line = document.line("schema", position, "name")
                first = things[name(thing)].file
                found.broken.append(Finding("HUB117", document.file, line, {"name": name(thing), "first": first}))
            else:
                things[name(thing)] = LocatedContract(thing, document, position)
    return things


def _depends_on_lost(found: LintWorkspace, kind: str, query: SqlFile) -> bool:
    names = query.tables | {table.removeprefix(f"{HUB}.") for table in query.tables}
    names |= {query.path.parent.name} if kind == "conform" else frozenset()
    return bool(names & (found.lost["source"] | found.lost["hub"]))


def _contract_name(kind: str, path: Path) -> str:
    """What a contract would be called by the place where it lies."""
    stem = path.name.removesuffix(".odcs.yaml")
    return {"source": f"{path.parent.name}.{stem}", "hub": stem, "feed": f"{path.parent.name}/{stem}"}[kind]


def _list_items(
    found: LintWorkspace, documents: Iterable[YamlDocument], section: str, needed: tuple[str, ...]
) -> Iterator[Mapping[str, Any]]:
    """The items of a section that have what is needed; the others become findings (HUB112)."""
    for document in documents:
        for position, item in enumerate(document.data.get(section) or []):
            missing = [name for name in needed if not (isinstance(item, Mapping) and item.get(name))]
            line = document.line(section, position)
            found.broken += [Finding("HUB112", document.file, line, {"name": f"{section}.{name}"}) for name in missing]
            if not missing:
                yield item


def _read_code_rows(found: LintWorkspace) -> dict[str, list[tuple[int, dict[str, str]]]]:
    rows: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for path in found.layers.glob("schemas/codes/**/*.csv"):
        name = found.layers.file_name(path)
        try:
            with path.open(encoding="utf-8", newline="") as file:
                reader = csv.DictReader(file, restval="")
                rows[name] = [(reader.line_num, row) for row in reader]
        except (UnicodeDecodeError, csv.Error) as error:
            found.broken.append(Finding("HUB127", name, 1, {"problem": type(error).__name__, "right": "UTF-8 CSV"}))
    return rows


def is_code_map(file: str) -> bool:
    """Whether a file of `schemas/codes` maps a system's own codes."""
    return file.split("/")[-2] == MAPS_FOLDER


def _collect_code_lists(found: LintWorkspace) -> dict[str, frozenset[str]]:
    lists: dict[str, set[str]] = {}
    for file, rows in found.code_rows.items():
        if not is_code_map(file):
            for _, row in rows:
                lists.setdefault(row.get("list", ""), set()).add(row.get("code", ""))
    return {name: frozenset(codes) for name, codes in lists.items()}
