"""Where a connection id points: host, user and password, kept outside the repository.

Looked up in this order: `AIRFLOW_CONN_<ID>` in the environment, then the connections file
(`var/secrets/connections.yaml`), which has the format of Airflow's local file backend so that Airflow
and the `hub` command read the same one. A value is a URL:
`mysql://user:password@host:3306/db`, `postgresql://.../db`, `file:///folder`; or `off:` for a department's system that
is known and not connected yet, as source or receiver. `edge_e44` as `off:<reason>` switches one edge off.

Encryption of a database connection is written the same for every family: `?ssl=required` encrypts, whoever answers;
`?ssl_ca=/path/ca.pem` also demands a certificate of that authority for that host; with `&ssl=verify_ca` for any host.
"""

from __future__ import annotations

import functools
import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import yaml

from core.errors import Fault
from core.settings import settings

HUB = "hub"
"""The connection of the registers that the hub keeps itself and reads as a source."""
TLS_OPTIONS = ("ssl", "ssl_ca")


@dataclass(frozen=True)
class Tls:
    """What is demanded of an encrypted connection: a certificate of `ca` (a PEM file; None: any), and for this host."""

    ca: str | None
    identity: bool

    def context(self, id: str) -> ssl.SSLContext:
        """For drivers that encrypt with Python's own library.

        Raises:
            Fault: HUB807 when the file cannot be read or holds no certificate.
        """
        try:
            made = ssl.create_default_context(cafile=self.ca)
        except OSError as error:
            raise Fault("HUB807", id, value=f"ssl_ca={self.ca} ({type(error).__name__})") from None
        made.check_hostname = self.identity
        if self.ca is None:
            made.verify_mode = ssl.CERT_NONE
        return made


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

    @property
    def tls(self) -> Tls | None:
        """The encryption that the URL demands, None when it says nothing about it.

        Raises:
            Fault: HUB807 when it says something that is not known.
        """
        mode, ca = (self.options.get(name) for name in TLS_OPTIONS)
        if mode is None and ca is None:
            return None
        if mode not in (None, "required", "verify_ca") or (mode == "verify_ca" and not ca) or ca == "":
            raise Fault("HUB807", self.id, value=f"ssl={mode or ''}&ssl_ca={ca or ''}")
        return Tls(ca, identity=ca is not None and mode != "verify_ca")


_FAMILIES = {"postgres": "postgresql", "mariadb": "mysql", "ldaps": "ldap"}


def connection(id: str) -> Connection:
    """The connection called `id`, for example `src_hr`; `hub` is the hub's own database.

    Raises:
        Fault: HUB801 when neither the environment nor the connections file has it.
    """
    if id == HUB:
        from core.store import postgres  # which reads addresses by this module itself

        return parse(id, postgres.hub_url())
    url = os.environ.get(f"AIRFLOW_CONN_{id.upper()}") or _file(settings().secrets_file).get(id)
    if not url:
        raise Fault("HUB801", id, variable=f"AIRFLOW_CONN_{id.upper()}", file=settings().secrets_file.name)
    return parse(id, url)


def parse(id: str, url: str) -> Connection:
    """A URL taken apart. Airflow's `postgres` and `mariadb` schemes are read as `postgresql` and `mysql`; `ldaps` as `ldap`.

    Raises:
        Fault: HUB849 when a sign in its user or password cuts it in the wrong place. The URL itself is never repeated.
    """
    parts = _split(id, url)
    scheme = parts.scheme.split("+")[0]
    return Connection(
        id=id,
        family=_FAMILIES.get(scheme, scheme),
        host=unquote(parts.hostname or ""),
        port=parts.port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        path=unquote(parts.path),
        options=dict(parse_qsl(parts.query, keep_blank_values=True)),
        url=url,
    )


def _split(id: str, url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        cut = parts.netloc and parts.port != 0 and "@" not in parts.netloc and "@" in parts.path
    except ValueError:
        raise Fault("HUB849", id) from None
    if parts.scheme != "file" and (parts.fragment or cut):
        raise Fault("HUB849", id)
    return parts


def known() -> list[str]:
    """Every connection id that this process can resolve, sorted."""
    return sorted(_entries())


def edge_switches() -> dict[str, str]:
    """Edge (`E44`) -> what the site registered as `edge_e44`: `off:` with a reason, when it is switched off."""
    prefix = "edge_"
    return {id.removeprefix(prefix).upper(): url for id, url in _entries().items() if id.startswith(prefix)}


def switched_off() -> frozenset[str]:
    """The connection ids registered as `off:`, those of systems that are not connected yet."""
    return frozenset(id for id, url in _entries().items() if url.startswith("off:"))


def _entries() -> dict[str, str]:
    prefix = "AIRFLOW_CONN_"
    from_environment = {name[len(prefix) :].lower(): url for name, url in os.environ.items() if name.startswith(prefix)}
    return _file(settings().secrets_file) | from_environment


def _file(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    seen = path.stat()
    return _read(path, (seen.st_ino, seen.st_mtime_ns, seen.st_size))


@functools.lru_cache(maxsize=4)
def _read(path: Path, seen: tuple[int, ...]) -> dict[str, str]:
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
        raise Fault("HUB318", path.name, problem=problem)
    return {str(key): str(value) for key, value in entries.items()}
