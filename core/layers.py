"""Product, profile and site: where a contract, a SELECT or a code list lies, and which of several of one name is read.

A **site** is a folder with a `hub.toml`: a university's own sources, feeds, maps, overlays and calendar. Under it lie a
**profile** (a published way of working as data) when the site names one, and the **product**: entities, code lists,
checks. The nearest layer wins, file by file. A folder without `hub.toml` is one layer by itself, which holds everything.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.errors import ContractError
from core.settings import SITE_FILE, get_product_folder, get_settings, read_site

PRODUCT, SITE = "product", "site"
PROFILES = "schemas/profiles"
"""The folder of the product in which each profile has a `<profile>.toml`: its names and the files that it holds."""
PRODUCT_HOLDS = ("schemas/hub/*.yaml", "schemas/codes/*.csv", "sql/checks/*.sql", "sql/conform/*/hub.sql")
"""What of the repository is everybody's. The rest of it is a profile's or the rehearsal's own site."""


@dataclass(frozen=True)
class Layer:
    """A folder that holds `schemas/` and `sql/`, or the part of it that `holds` (glob patterns) names; () is all of it."""

    name: str
    root: Path
    holds: tuple[str, ...] = ()

    def glob(self, pattern: str) -> dict[str, Path]:
        """The layer's files of a pattern by their names relative to it."""
        found = {path.relative_to(self.root).as_posix(): path for path in self.root.glob(pattern)}
        if not self.holds:
            return found
        held = _held(self)
        return {name: path for name, path in found.items() if name in held}

    def find(self, name: str) -> Path | None:
        """The layer's file of a name relative to it, None when it has none."""
        path = self.root / name
        return path if path.is_file() and (not self.holds or name in _held(self)) else None


@dataclass(frozen=True)
class Layers:
    """The layers of a home folder, the nearest first."""

    layers: tuple[Layer, ...]

    @property
    def home(self) -> Path:
        return self.layers[0].root

    @property
    def is_site(self) -> bool:
        return self.layers[0].name == SITE

    def glob(self, pattern: str) -> list[Path]:
        """The files of a pattern, by name; of several of one name the nearest layer's."""
        found: dict[str, Path] = {}
        for layer in reversed(self.layers):
            found |= layer.glob(pattern)
        return [found[name] for name in sorted(found)]

    def find(self, name: str) -> Path | None:
        """The file of a name such as `sql/conform/staff/hr.sql`, None when no layer has it."""
        return next((path for layer in self.layers if (path := layer.find(name))), None)

    def locate(self, name: str) -> Path:
        """The file of a name, or where the home folder would have it."""
        return self.find(name) or self.home / name

    def layer_of(self, path: Path) -> Layer:
        """The layer in which a file lies: of those with one root, the first that holds it."""
        for layer in self.layers:
            if path.is_relative_to(layer.root) and layer.find(path.relative_to(layer.root).as_posix()):
                return layer
        return self.layers[0]

    def file_name(self, path: Path) -> str:
        """A file as findings name it: relative to the home folder; of another layer, behind that layer's name."""
        layer = self.layer_of(path)
        name = path.relative_to(layer.root).as_posix()
        return name if layer is self.layers[0] else f"{layer.name}:{name}"

    def shadowed(self) -> Iterator[tuple[Path, Layer]]:
        """Each file of the home folder that takes the place of one of a farther layer, with that layer."""
        for pattern in ("schemas/**/*.yaml", "schemas/**/*.csv", "sql/**/*.sql"):
            for name, path in sorted(self.layers[0].glob(pattern).items()):
                if farther := next((layer for layer in self.layers[1:] if layer.find(name)), None):
                    yield path, farther


def layers_of(home: Path | None = None) -> Layers:
    """The layers of a home folder, default that of the settings.

    Raises:
        ContractError: HUB894 when `hub.toml` cannot be read, HUB895 when it names a profile that does not exist.
    """
    root = home or get_settings().home
    file = root / SITE_FILE
    seen = file.stat().st_mtime_ns if file.is_file() else 0
    return _layers(root, seen)


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A profile: its names, and glob patterns of the files that it holds."""

    name_zh: str
    name_en: str
    holds: tuple[str, ...]


def profiles() -> Mapping[str, Profile]:
    """The profiles that the product comes with, by id."""
    files = sorted((get_product_folder() / PROFILES).glob("*.toml"))
    return {path.stem: msgspec.toml.decode(path.read_bytes(), type=Profile) for path in files}


@functools.lru_cache(maxsize=8)
def _layers(root: Path, seen: int) -> Layers:
    if not seen:
        return Layers((Layer("home", root),))
    try:
        site = read_site(root)
    except ValueError as error:
        raise ContractError("HUB894", SITE_FILE, problem=str(error)) from None
    layers = [Layer(SITE, root)]
    if site and site.profile:
        known = profiles()
        if site.profile not in known:
            raise ContractError("HUB895", SITE_FILE, name=site.profile, known=", ".join(known) or "-")
        layers.append(Layer(site.profile, get_product_folder(), known[site.profile].holds))
    return Layers((*layers, Layer(PRODUCT, get_product_folder(), PRODUCT_HOLDS)))


@functools.lru_cache(maxsize=8)
def _held(layer: Layer) -> frozenset[str]:
    """The names of all files of a layer that is a part of its folder; the product's files do not change while it runs."""
    return frozenset(path.relative_to(layer.root).as_posix() for hold in layer.holds for path in layer.root.glob(hold))
