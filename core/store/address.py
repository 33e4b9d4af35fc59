"""A connection's address: a URL taken apart, and the encryption that it demands.

Encryption of a database connection is written the same for every family: `?ssl=required` encrypts, whoever answers;
`?ssl_ca=/path/ca.pem` also demands a certificate of that authority for that host; with `&ssl=verify_ca` for any host.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from core.errors import MachineFault

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
            raise MachineFault("HUB807", id, value=f"ssl_ca={self.ca} ({type(error).__name__})") from None
        made.check_hostname = self.identity
        if self.ca is None:
            made.verify_mode = ssl.CERT_NONE
        return made


@dataclass(frozen=True)
class ConnectionAddress:
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
            raise MachineFault("HUB807", self.id, value=f"ssl={mode or ''}&ssl_ca={ca or ''}")
        return Tls(ca, identity=ca is not None and mode != "verify_ca")


_FAMILY_ALIASES = {"postgres": "postgresql", "mariadb": "mysql", "ldaps": "ldap"}


def parse_url(id: str, url: str) -> ConnectionAddress:
    """A URL taken apart. Airflow's `postgres` and `mariadb` schemes are read as `postgresql` and `mysql`; `ldaps` as `ldap`.

    Raises:
        Fault: HUB849 when a sign in its user or password cuts it in the wrong place. The URL itself is never repeated.
    """
    parts = _split_url(id, url)
    scheme = parts.scheme.split("+")[0]
    return ConnectionAddress(
        id=id,
        family=_FAMILY_ALIASES.get(scheme, scheme),
        host=unquote(parts.hostname or ""),
        port=parts.port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        path=unquote(parts.path),
        options=dict(parse_qsl(parts.query, keep_blank_values=True)),
        url=url,
    )


def _split_url(id: str, url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        cut = parts.netloc and parts.port != 0 and "@" not in parts.netloc and "@" in parts.path
    except ValueError:
        raise MachineFault("HUB849", id) from None
    if parts.scheme != "file" and (parts.fragment or cut):
        raise MachineFault("HUB849", id)
    return parts
