"""Every dataset of every system, by id, as the table or file of its department holds it on a day."""

from __future__ import annotations

import importlib
import pkgutil

import pyarrow as pa

from campus.render import offices, students
from campus.render.base import Datasets, Keys, Uploads, Waits
from campus.simulate.world import World

_MODULES = [
    importlib.import_module(f"{package.__name__}.{module.name}")
    for package in (students, offices)
    for module in pkgutil.iter_modules(package.__path__)
]
DATASETS: Datasets = {id: dataset for module in _MODULES for id, dataset in module.DATASETS.items()}
UPLOADS: Uploads = {id: upload for module in _MODULES for id, upload in getattr(module, "UPLOADS", {}).items()}
KEYS: Keys = {entity: key for module in _MODULES for entity, key in getattr(module, "KEYS", {}).items()}
WAITS: Waits = {
    parent: tuple(row for module in _MODULES for row in getattr(module, "WAITS", {}).get(parent, ()))
    for parent in ("staff", "student")
}


def render_datasets(world: World) -> dict[str, pa.Table]:
    """All datasets of a day: columns under the physical names of the source contracts, in contract order."""
    return {id: dataset(world) for id, dataset in DATASETS.items()}
