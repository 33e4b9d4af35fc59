"""Settings of this process, from `HUB_*` environment variables. Everything has a default that works on one machine."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

ROOT = Path(__file__).resolve().parent.parent
"""Where the rooms lie: the repository, or the folder of installed packages."""
SITE_FILE = "hub.toml"


def get_product_folder() -> Path:
    """The folder with the product's own `schemas/` and `sql/`: the repository, else what the installed package brought."""
    return ROOT if (ROOT / "schemas").is_dir() else ROOT / "campus_hub_data"


def _find_var() -> Path:
    """Where a process writes that was told nothing: in the repository, else in the folder in which it works."""
    return (ROOT if get_product_folder() == ROOT else Path.cwd()) / "var"


class Site(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a site's `hub.toml` says: one university's choices, kept with its contracts.

    Attributes:
        name: the university, as reports name it.
        language: of texts: zh or en.
        time_zone: of every date, deadline and report (IANA name).
        holidays: the country whose public holidays apply (ISO 3166 code).
        profile: the way of working that the site follows, such as zzuli; empty for none.
        store: PostgreSQL as a URL; empty starts the embedded one under `var/`.
    """

    name: str = ""
    language: Literal["zh", "en"] = "zh"
    time_zone: str = "Asia/Shanghai"
    holidays: str = "CN"
    profile: str = ""
    store: str = ""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are and how much of the machine may be used.

    Attributes:
        home: the room of contracts and SQL: holds schemas/ and sql/; default the nearest folder above with a hub.toml.
        var: everything that is written: databases, landing, reports.
        url: PostgreSQL of the hub as a URL; empty starts the embedded one.
        lang: language of texts: zh or en.
        secrets: connections file, as Airflow's local file backend reads it.
        duckdb_memory, duckdb_threads: memory limit (such as 352MB) and threads of the process's DuckDB.
        batch_rows: rows in one Arrow record batch while reading a source.
        refresh_rows: largest dataset without a watermark, in rows, that is read in real time.
        workers: datasets or edges handled side by side.
        checks: who judges rows: scan (one SQL scan) or gx.
        audited: entities a night on whose rows Great Expectations verifies the scan.
        time_zone, holidays: of the university: an IANA name, and the country whose public holidays apply.
    """

    home: Path = msgspec.field(default_factory=get_product_folder)
    var: Path = msgspec.field(default_factory=_find_var)
    url: str = ""
    lang: Literal["zh", "en"] = "zh"
    secrets: Path | None = None
    duckdb_memory: str = "352MB"
    duckdb_threads: Annotated[int, Meta(ge=1)] = 2
    batch_rows: Annotated[int, Meta(ge=1)] = 20_000
    refresh_rows: Annotated[int, Meta(ge=0)] = 50_000
    workers: Annotated[int, Meta(ge=1)] = 2
    checks: Literal["scan", "gx"] = "scan"
    audited: Annotated[int, Meta(ge=0)] = 2
    time_zone: str = "Asia/Shanghai"
    holidays: str = "CN"

    @property
    def schemas(self) -> Path:
        return self.home / "schemas"

    @property
    def sql(self) -> Path:
        return self.home / "sql"

    @property
    def landing(self) -> Path:
        return self.var / "landing"

    @property
    def work(self) -> Path:
        return self.var / "work"

    @property
    def secrets_file(self) -> Path:
        return self.secrets or self.var / "secrets" / "connections.yaml"


@functools.lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once; wrong ones end the process, each told in both languages, since the language
    itself may be what is wrong."""
    wrong: list[str] = []
    values = _site_values(wrong)
    for name, kind in get_type_hints(Settings, include_extras=True).items():
        given = os.environ.get(_variable_name(name))
        if given is None:
            continue
        try:
            values[name] = msgspec.convert(given, kind, strict=False, dec_hook=_convert_path)
        except msgspec.ValidationError as error:
            choices = ", ".join(map(str, get_args(kind))) if get_origin(kind) is Literal else ""
            wrong.append(f"{_variable_name(name)}: {error}" + (f" ({choices})" if choices else ""))
    if wrong:
        said = "; ".join(wrong)
        raise SystemExit(f"HUB800 设置有误,请改正环境变量 / a setting is wrong, correct the environment: {said}")
    return Settings(**values)


def read_site(home: Path) -> Site | None:
    """The site that a folder is, None for one without `hub.toml`.

    Raises:
        ValueError: what in the file cannot be read, or is no setting of a site.
    """
    file = home / SITE_FILE
    if not file.is_file():
        return None
    try:
        return msgspec.toml.decode(file.read_bytes(), type=Site)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None


def _site_values(wrong: list[str]) -> dict[str, Any]:
    """What the site says, for a process that works in one: `HUB_HOME`, else the nearest folder above that has a `hub.toml`."""
    here = Path.cwd()
    above = next((folder for folder in (here, *here.parents) if (folder / SITE_FILE).is_file()), None)
    home = Path(given) if (given := os.environ.get("HUB_HOME")) else above
    if home is None:
        return {}
    try:
        site = read_site(home)
    except ValueError as error:
        wrong.append(f"{home / SITE_FILE}: {error}")
        return {}
    if site is None:
        return {}
    said = {"url": site.store, "lang": site.language, "time_zone": site.time_zone, "holidays": site.holidays}
    return {"home": home, "var": home / "var", **said}


def _variable_name(name: str) -> str:
    return f"HUB_{name.upper()}"


def _convert_path(_: type[Any], value: Any) -> Path:
    """The only type of a setting that the library does not know."""
    return Path(value)
