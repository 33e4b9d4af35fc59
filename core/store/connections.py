"""Where a connection id points: host, user and password, kept outside the repository.

Looked up in this order: `AIRFLOW_CONN_<ID>` in the environment, then the connections file
(`var/secrets/connections.yaml`), which has the format of Airflow's local file backend so that Airflow
and the `hub` command read the same one. A value is a URL:
`mysql://user:password@host:3306/db`, `postgresql://.../db`, `file:///folder`; or `off:` for a department's system that
is known and not connected yet, as source or receiver. `edge_e44` as `off:<reason>` switches one edge off.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path

import yaml

from core.errors import MachineFault
from core.settings import get_settings
from core.store import postgres
from core.store.address import ConnectionAddress, parse_url

HUB_CONNECTION = "hub"
"""The connection of the registers that the hub keeps itself and reads as a source."""


def get_connection(id: str) -> ConnectionAddress:
    """The connection called `id`, for example `src_hr`; `hub` is the hub's own database.

    Raises:
        Fault: HUB801 when neither the environment nor the connections file has it.
    """
    if id == HUB_CONNECTION:
        return parse_url(id, postgres.get_hub_url())
    url = os.environ.get(f"AIRFLOW_CONN_{id.upper()}") or _read_entries(get_settings().secrets_file).get(id)
    if not url:
        raise MachineFault("HUB801", id, variable=f"AIRFLOW_CONN_{id.upper()}", file=get_settings().secrets_file.name)
    return parse_url(id, url)


def list_connections() -> list[str]:
    """Every connection id that this process can resolve, sorted."""
    return sorted(_collect_entries())


def read_edge_switches() -> dict[str, str]:
    """Edge (`E44`) -> what the site registered as `edge_e44`: `off:` with a reason, when it is switched off."""
    prefix = "edge_"
    return {id.removeprefix(prefix).upper(): url for id, url in _collect_entries().items() if id.startswith(prefix)}


def list_switched_off() -> frozenset[str]:
    """The connection ids registered as `off:`, those of systems that are not connected yet."""
    return frozenset(id for id, url in _collect_entries().items() if url.startswith("off:"))


def _collect_entries() -> dict[str, str]:
    prefix = "AIRFLOW_CONN_"
    from_environment = {name[len(prefix) :].lower(): url for name, url in os.environ.items() if name.startswith(prefix)}
    return _read_entries(get_settings().secrets_file) | from_environment


def _read_entries(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    seen = path.stat()
    return _parse_entries(path, (seen.st_ino, seen.st_mtime_ns, seen.st_size))


@functools.lru_cache(maxsize=4)
def _parse_entries(path: Path, seen: tuple[int, ...]) -> dict[str, str]:
    """The entries of the file as it was `seen`; every feed and dataset asks, and the file changes once in a while.

    Raises:
        Fault: HUB318 when it is no mapping of names to addresses. Nothing of what stands in it is repeated.
    """
    try:
        entries = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader) or {}
        problem = "" if isinstance(entries, dict) else type(entries).__name__
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:  # whose texts quote the line
        mark = getattr(error, "problem_mark", None)
        problem = f"{type(error).__name__}" + (f", line {mark.line + 1}" if mark else "")
    if problem:
        raise MachineFault("HUB318", path.name, problem=problem)
    return {str(key): str(value) for key, value in entries.items()}
