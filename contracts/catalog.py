"""The catalogue: every contract, code list, flow and SELECT that is present. Presence is registration."""

from __future__ import annotations

import csv
import difflib
import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, TypeVar

from contracts import odcs
from contracts.contract import HUB, TONIGHT_TABLE, Code, Entity, FeedDataset, SourceDataset
from contracts.deadlines import DEFAULT_REMINDERS
from core.errors import ContractError, HubError
from core.layers import Layer, Layers, layers_of
from core.schedule import FEED_SCHEDULES
from core.settings import get_settings

T = TypeVar("T")
NAMES_SHOWN = 12


@dataclass(frozen=True)
class Catalog:
    """What the hub knows. Names are looked up here, never parsed apart. `broken` maps a file to what is wrong in it."""

    sources: Mapping[str, SourceDataset]
    """By id, `hr.staff_record`."""
    entities: Mapping[str, Entity]
    """By name, parents before children."""
    feeds: Mapping[str, FeedDataset]
    """By id, `E01.staff_basic`."""
    flows: Mapping[str, Mapping[str, Any]]
    systems: Mapping[str, Mapping[str, Any]]
    edges: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By id, `E01`, as the flow document has them."""
    deadlines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By id, `DL01`."""
    reminders: Mapping[str, Any] = field(default_factory=lambda: DEFAULT_REMINDERS)
    """When people are told of deadlines and what counts as real time (`flows/deadlines.yaml`)."""
    outside: Mapping[str, FeedDataset] = field(default_factory=dict)
    """By id, `X4.card_photo`: what a hand-over outside the hub may hold. No verb sees these, so none is ever delivered."""
    broken: Mapping[str, HubError] = field(default_factory=dict)
    layers: Layers = field(default_factory=lambda: Layers((Layer("home", Path()),)))
    """Where all of it was read, and where SELECTs and code lists are."""

    def source(self, id: str) -> SourceDataset:
        return _look_up("source dataset", self.sources, id)

    def entity(self, name: str) -> Entity:
        return _look_up("entity", self.entities, name)

    def feed(self, id: str) -> FeedDataset:
        return _look_up("feed", self.feeds, id)

    def conform_file(self, entity: str, system: str) -> Path:
        """The SELECT that maps a system's rows to an entity, or where it would lie."""
        return self.layers.locate(f"sql/conform/{entity}/{system}.sql")

    def check_file(self, name: str) -> Path:
        """The SELECT of a check (`staff__contract_dates`), or where it would lie."""
        return self.layers.locate(f"sql/checks/{name}.sql")

    def systems_of(self, entity: str) -> list[str]:
        """The systems that have a SELECT for an entity, in name order."""
        return sorted(path.stem for path in self.layers.glob(f"sql/conform/{entity}/*.sql"))

    def entities_of(self, system: str) -> list[str]:
        """The entities that a system gives rows to, parents first."""
        return [name for name in self.entities if self.conform_file(name, system).is_file()]

    def is_derived(self, entity: str) -> bool:
        """Whether the hub itself makes an entity, from others."""
        return self.conform_file(entity, HUB).is_file()

    def inputs_of(self, entity: str) -> frozenset[str]:
        """The entities that a derived entity is made from, perhaps its own last state among them; empty for others."""
        return _list_read_entities(self.conform_file(entity, HUB)) - {TONIGHT_TABLE}

    def is_date_dependent(self, entity: str) -> bool:
        """Whether a derived entity depends on the business date as well."""
        return TONIGHT_TABLE in _list_read_entities(self.conform_file(entity, HUB))

    def add_derived(self, names: Iterable[str]) -> list[str]:
        """These entities and every one that is derived from them, in order."""
        wanted = set(names)
        for name in self.entities:
            if self.inputs_of(name) & wanted:
                wanted.add(name)
        return [name for name in self.entities if name in wanted]

    def feed_file(self, feed: FeedDataset) -> Path | None:
        """The SELECT of a feed's dataset, or None when the dataset is an entity as it is."""
        return self.layers.find(f"sql/feeds/{feed.flow.lower()}/{feed.dataset}.sql")

    def source_systems(self) -> list[str]:
        return sorted({dataset.system for dataset in self.sources.values()})

    def connections_of(self, system: str) -> frozenset[str]:
        """The connections from which a system's datasets are read; none for one that only receives."""
        return frozenset(dataset.connection for dataset in self.sources.values() if dataset.system == system)

    def is_switched_off(self, feed: FeedDataset, off: frozenset[str]) -> bool:
        """Whether a feed's edge is switched off, by a contract or as `edge_<id>` among what is `off`; or its receiver, or
        everything that its source is read from, is among the connections that are `off`."""
        if feed.edge in self.edges_off or f"edge_{feed.edge.lower()}" in off:
            return True
        giving = self.connections_of(feed.source)
        return feed.connection in off or (bool(giving) and giving <= off)

    @functools.cached_property
    def edges_off(self) -> dict[str, str]:
        """Edge -> why a contract of it says that it is switched off; of an edge in several contracts, one is enough."""
        return {feed.edge: feed.off for feed in self.feeds.values() if feed.off}

    def served_feeds(self) -> list[FeedDataset]:
        """The feeds whose schedule word exists; the others are shown as broken."""
        return [feed for feed in self.feeds.values() if feed.schedule in FEED_SCHEDULES]

    def realtime_systems(self) -> list[str]:
        """The sources that the flow document wants in real time, as far as they have datasets here."""
        wanted = {
            edge["source"]
            for edge in self.edges.values()
            for item in edge.get("schedule") or []
            if item.get("kind") in ("real_time", "source_real_time")
        }
        return sorted(wanted & set(self.source_systems()))

    def refreshed_systems(self) -> list[str]:
        """The sources that may be refreshed between nights: real-time ones, and those of feeds with several times a day."""
        often = {feed.source for feed in self.served_feeds() if len(FEED_SCHEDULES[feed.schedule].times) > 1}
        return sorted({*self.realtime_systems(), *(often & set(self.source_systems()))})

    def owner(self, system: str, language: str = "zh") -> str:
        """The department that owns a system, else the system's own name."""
        found = self.systems.get(system, {})
        return str(found.get(f"owner_{language}") or found.get(f"name_{language}") or system)

    def obligation_file(self, deadline: str) -> Path | None:
        """The SELECT that proves a deadline, or None when a person confirms it."""
        return self.layers.find(f"sql/obligations/{deadline.lower()}.sql")

    @functools.cached_property
    def codes(self) -> list[Code]:
        """Every code of every list in `schemas/codes/*.csv`."""
        return [code for path in self.code_lists for code in _read_codes(path)]

    @property
    def code_lists(self) -> list[Path]:
        """The files of code lists."""
        return self.layers.glob("schemas/codes/*.csv")

    @property
    def code_maps(self) -> list[Path]:
        """The files in which systems map their own codes to the hub's."""
        return self.layers.glob("schemas/codes/maps/*.csv")


def load_catalog(home: Path | None = None) -> Catalog:
    """The catalogue of a home folder (holding `schemas/` and `sql/`), default that of the settings; read once."""
    return read_catalog(home or get_settings().home)


@functools.lru_cache(maxsize=4)
def read_catalog(root: Path) -> Catalog:
    """The catalogue of a home folder, read once; `read_catalog.cache_clear()` forgets it after its contracts were changed."""
    broken: dict[str, HubError] = {}
    layers = layers_of(root)
    sources = _load_contracts(layers.glob("schemas/sources/*/*.odcs.yaml"), odcs.read_sources, broken)
    changes = {path.stem: odcs.read_document(path) for path in layers.glob("schemas/overlay/*.yaml")}
    entities = _load_contracts(
        layers.glob("schemas/hub/*.odcs.yaml"),
        lambda path: odcs.read_entities(path, changes.get(path.name.removesuffix(".odcs.yaml"))),
        broken,
    )
    feeds = _load_contracts(layers.glob("schemas/feeds/*/*.odcs.yaml"), odcs.read_feeds, broken)
    by_id = {feed.id: feed for feed in sorted(feeds, key=lambda feed: (feed.edge, feed.dataset))}
    flows = [odcs.read_document(path) for path in layers.glob("schemas/flows/*.yaml")]
    return Catalog(
        sources={dataset.id: dataset for dataset in sources},
        entities=_order_entities(entities, layers),
        feeds={id: feed for id, feed in by_id.items() if feed.schedule != "outside"},
        outside={id: feed for id, feed in by_id.items() if feed.schedule == "outside"},
        flows={flow["code"]: flow for document in flows for flow in document.get("flows", [])},
        systems={system["code"]: system for document in flows for system in document.get("systems", [])},
        edges={edge["id"]: edge for document in flows for edge in document.get("edges", [])},
        deadlines={deadline["id"]: deadline for document in flows for deadline in document.get("deadlines", [])},
        reminders=DEFAULT_REMINDERS
        | {name: value for document in flows for name, value in document.get("reminders", {}).items()},
        broken=broken,
        layers=layers,
    )


def _load_contracts(paths: Iterable[Path], read: Callable[[Path], list[T]], broken: dict[str, HubError]) -> list[T]:
    found: list[T] = []
    for path in sorted(paths):
        try:
            found += read(path)
        except ContractError as error:
            broken[path.name] = error
        except (AttributeError, LookupError, TypeError, ValueError) as error:  # of a shape that nobody foresaw
            broken[path.name] = ContractError("HUB102", path.name, problem=type(error).__name__)
    return found


def _order_entities(entities: list[Entity], layers: Layers) -> dict[str, Entity]:
    """Parents before children, parts before their sums, and what a derived entity is made from before it; by name in a rank.

    Raises:
        ContractError: HUB103 when they go in a circle.
    """
    by_name = {entity.name: entity for entity in sorted(entities, key=lambda entity: entity.name)}
    before = {
        name: entity.parents | set(entity.after) | (_list_read_entities(layers.find(f"sql/conform/{name}/{HUB}.sql")) - {name})
        for name, entity in by_name.items()
    }
    sorter = TopologicalSorter({name: names & by_name.keys() for name, names in before.items()})
    try:
        return {name: by_name[name] for name in sorter.static_order()}
    except ValueError as error:
        circle = " -> ".join(error.args[1])
        raise ContractError("HUB103", "schemas/hub", circle=circle) from error


def _list_read_entities(path: Path | None) -> frozenset[str]:
    """The tables `hub.<name>` that the SELECT in a file reads; none when there is no file or it cannot be read."""
    if path is None or not path.is_file():
        return frozenset()
    from sqlglot.errors import SqlglotError  # a process that only reads a source or judges rows does without the parser

    from contracts.sql.files import list_tables

    try:
        return frozenset(table for schema, table in list_tables(path.read_text("utf-8")) if schema == HUB)
    except (SqlglotError, UnicodeDecodeError):
        return frozenset()  # `hub lint` and the night say what is wrong with it


def _read_codes(path: Path) -> Iterable[Code]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Code(
                list=row["list"],
                code=row["code"],
                name_zh=row["name_zh"],
                name_en=row["name_en"],
                parent=row["parent"] or None,
                valid_from=date.fromisoformat(row["valid_from"]) if row["valid_from"] else None,
                valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
            )


def _look_up(kind: str, things: Mapping[str, T], name: str) -> T:
    if name not in things:
        raise ContractError("HUB104", name, kind=kind, known=format_known_names(name, things))
    return things[name]


def format_known_names(name: str, known: Iterable[str]) -> str:
    """The names that exist, as a message lists them: all when they are few, else those most like the one that was given."""
    names = list(known)
    if len(names) <= NAMES_SHOWN:
        return ", ".join(names)
    return ", ".join(difflib.get_close_matches(name, names, NAMES_SHOWN, cutoff=0.0)) + ", …"
