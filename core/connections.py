"""Where a connection id points: host, user and password, kept outside the repository.

Looked up in this order: `AIRFLOW_CONN_<ID>` in the environment, then the connections file
(`var/secrets/connections.yaml`), which has the format of Airflow's local file backend so that Airflow
and the `hub` command read the same one. A value is a URL:
`mysql://user:password@host:3306/db`, `postgresql://.../db`, `file:///folder`; or `off:` for a receiver that is known and
not connected yet.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import yaml

from core import postgres
from core.errors import Fault
from core.settings import settings

HUB = "hub"
"""The connection of the registers that the hub keeps itself and reads as a source."""


@dataclass(frozen=True)
class Connection:
    """A connection id and its URL, taken apart. `family` is the scheme: mysql, postgresql, file."""

    id: str
    family: str
    host: str
    port: int | None
    user: str
    password: str = field(repr=False)
    path: str
    options: dict[str, str]
    url: str = field(repr=False, default="")

    @property
    def database(self) -> str:
        return self.path.lstrip("/")


_FAMILIES = {"postgres": "postgresql", "mariadb": "mysql", "ldaps": "ldap"}


def connection(id: str) -> Connection:
    """The connection called `id`, for example `src_hr`; `hub` is the hub's own database.

    Raises:
        Fault: HUB801 when neither the environment nor the connections file has it.
    """
    if id == HUB:
        return parse(id, postgres.hub_url())
    url = os.environ.get(f"AIRFLOW_CONN_{id.upper()}") or _file(settings().secrets_file).get(id)
    if not url:
        raise Fault("HUB801", id, variable=f"AIRFLOW_CONN_{id.upper()}", file=settings().secrets_file.name)
    return parse(id, url)


def parse(id: str, url: str) -> Connection:
    """A URL taken apart. Airflow's `postgres` and `mariadb` schemes are read as `postgresql` and `mysql`; `ldaps` as `ldap`."""
    parts: SplitResult = urlsplit(url)
    scheme = parts.scheme.split("+")[0]
    return Connection(
        id=id,
        family=_FAMILIES.get(scheme, scheme),
        host=unquote(parts.hostname or ""),
        port=parts.port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        path=unquote(parts.path),
        options=dict(parse_qsl(parts.query)),
        url=url,
    )


def known() -> list[str]:
    """Every connection id that this process can resolve, sorted."""
    return sorted(_entries())


def switched_off() -> frozenset[str]:
    """The connection ids registered as `off:`, those of receivers that are not connected yet."""
    return frozenset(id for id, url in _entries().items() if url.startswith("off:"))


def _entries() -> dict[str, str]:
    prefix = "AIRFLOW_CONN_"
    from_environment = {name[len(prefix) :].lower(): url for name, url in os.environ.items() if name.startswith(prefix)}
    return _file(settings().secrets_file) | from_environment


def _file(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    entries = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader) or {}
    return {str(key): str(value) for key, value in entries.items()}
