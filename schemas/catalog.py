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

from core.errors import ContractError, HubError
from core.settings import settings
from schemas import reading
from schemas.contract import Code, Entity, FeedDataset, SourceDataset

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
    broken: Mapping[str, HubError] = field(default_factory=dict)
    sql: Path = Path("sql")
    codes_folder: Path = Path("schemas/codes")

    def source(self, id: str) -> SourceDataset:
        return _find("source dataset", self.sources, id)

    def entity(self, name: str) -> Entity:
        return _find("entity", self.entities, name)

    def feed(self, id: str) -> FeedDataset:
        return _find("feed", self.feeds, id)

    def conform_file(self, entity: str, system: str) -> Path:
        return self.sql / "conform" / entity / f"{system}.sql"

    def systems_of(self, entity: str) -> list[str]:
        """The systems that have a SELECT for an entity, in name order."""
        return sorted(path.stem for path in (self.sql / "conform" / entity).glob("*.sql"))

    def entities_of(self, system: str) -> list[str]:
        """The entities that a system gives rows to, parents first."""
        return [name for name in self.entities if self.conform_file(name, system).is_file()]

    def feed_file(self, feed: FeedDataset) -> Path | None:
        """The SELECT of a feed's dataset, or None when the dataset is an entity as it is."""
        path = self.sql / "feeds" / feed.flow.lower() / f"{feed.dataset}.sql"
        return path if path.is_file() else None

    def source_systems(self) -> list[str]:
        return sorted({dataset.system for dataset in self.sources.values()})

    @functools.cached_property
    def codes(self) -> list[Code]:
        """Every code of every list in `schemas/codes/*.csv`; the folder `maps` beside them holds the systems' own codes."""
        return [code for path in sorted(self.codes_folder.glob("*.csv")) for code in _codes(path)]


@functools.lru_cache(maxsize=4)
def catalog(home: Path | None = None) -> Catalog:
    """The catalogue of a home folder (holding `schemas/` and `sql/`), default that of the settings; read once."""
    root = home or settings().home
    broken: dict[str, HubError] = {}
    folder = root / "schemas"
    sources = _load(folder.glob("sources/*/*.odcs.yaml"), reading.sources, broken)
    entities = _load(folder.glob("hub/*.odcs.yaml"), reading.entities, broken)
    feeds = _load(folder.glob("feeds/*/*.odcs.yaml"), reading.feeds, broken)
    flows = [reading.document(path) for path in sorted((folder / "flows").glob("*.yaml"))]
    return Catalog(
        sources={dataset.id: dataset for dataset in sources},
        entities=_ordered(entities, broken),
        feeds={feed.id: feed for feed in sorted(feeds, key=lambda feed: (feed.edge, feed.dataset))},
        flows={flow["code"]: flow for document in flows for flow in document.get("flows", [])},
        systems={system["code"]: system for document in flows for system in document.get("systems", [])},
        broken=broken,
        sql=root / "sql",
        codes_folder=folder / "codes",
    )


def _load(paths: Iterable[Path], read: Callable[[Path], list[T]], broken: dict[str, HubError]) -> list[T]:
    found: list[T] = []
    for path in sorted(paths):
        try:
            found += read(path)
        except ContractError as error:
            broken[path.name] = error
    return found


def _ordered(entities: list[Entity], broken: dict[str, HubError]) -> dict[str, Entity]:
    """Parents before children and parts before their sums, by name within a rank; a circle breaks every entity in it."""
    by_name = {entity.name: entity for entity in sorted(entities, key=lambda entity: entity.name)}
    sorter = TopologicalSorter(
        {name: (entity.parents | set(entity.after)) & by_name.keys() for name, entity in by_name.items()}
    )
    try:
        return {name: by_name[name] for name in sorter.static_order()}
    except ValueError as error:
        circle = " -> ".join(error.args[1])
        raise ContractError("HUB103", "schemas/hub", circle=circle) from error


def _codes(path: Path) -> Iterable[Code]:
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


def _find(kind: str, things: Mapping[str, T], name: str) -> T:
    if name not in things:
        raise ContractError("HUB104", name, kind=kind, known=nearest(name, things))
    return things[name]


def nearest(name: str, known: Iterable[str]) -> str:
    """The names that exist, as a message lists them: all when they are few, else those most like the one that was given."""
    names = list(known)
    if len(names) <= NAMES_SHOWN:
        return ", ".join(names)
    return ", ".join(difflib.get_close_matches(name, names, NAMES_SHOWN, cutoff=0.0)) + ", …"
