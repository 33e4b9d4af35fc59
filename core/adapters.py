"""Families of connections: a package has one module for each, named as the family, with one class whose `family` says so.

Presence registers it, and only the one that is asked for is imported: a driver costs its start.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import pkgutil
from types import ModuleType
from typing import Any

from core.errors import MachineFault

EXTRAS = frozenset({"airflow", "demo", "mssql", "oracle"})
"""What is installed on request only, as `pip install campus-hub[<extra>]`."""


def find_adapter(package: ModuleType, family: str) -> type[Any] | None:
    """The class that handles a family, None when no module does.

    Raises:
        MachineFault: HUB861 when its driver is not installed.
    """
    if family not in _list_module_names(package):
        return None
    try:
        found = vars(importlib.import_module(f"{package.__name__}.{family}")).values()
    except ModuleNotFoundError as error:
        raise explain_missing(error, family) from None
    return next((value for value in found if isinstance(value, type) and getattr(value, "family", None) == family), None)


def list_families(package: ModuleType) -> list[str]:
    """Every family of a package whose driver is installed; this imports all of it."""
    found = []
    for name in sorted(_list_module_names(package)):
        with contextlib.suppress(MachineFault):
            found += [name] if find_adapter(package, name) else []
    return found


def explain_missing(error: ModuleNotFoundError, extra: str) -> MachineFault:
    """What to say of a package that comes with an extra of this one only.

    Raises:
        ModuleNotFoundError: what is missing is our own.
    """
    package = str(error.name).partition(".")[0]
    if importlib.util.find_spec(package) is not None or extra not in EXTRAS:
        raise error
    return MachineFault("HUB861", extra, package=package, extra=extra)


def _list_module_names(package: ModuleType) -> set[str]:
    return {module.name for module in pkgutil.iter_modules(package.__path__)}
