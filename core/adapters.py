"""Families of connections: a package has one module for each, named as the family, with one class whose `family` says so.

Presence registers it, and only the one that is asked for is imported: a driver costs its start.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any


def find_adapter(package: ModuleType, family: str) -> type[Any] | None:
    """The class that handles a family, None when no module does."""
    if family not in _list_module_names(package):
        return None
    found = vars(importlib.import_module(f"{package.__name__}.{family}")).values()
    return next((value for value in found if isinstance(value, type) and getattr(value, "family", None) == family), None)


def list_families(package: ModuleType) -> list[str]:
    """Every family of a package; this imports all of it."""
    return [name for name in sorted(_list_module_names(package)) if find_adapter(package, name)]


def _list_module_names(package: ModuleType) -> set[str]:
    return {module.name for module in pkgutil.iter_modules(package.__path__)}
