"""Settings of this process, from `HUB_*` environment variables. Everything has a default that works on one machine."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

ROOT = Path(__file__).resolve().parent.parent


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are and how much of the machine may be used.

    Attributes:
        home: the room of contracts and SQL: holds schemas/ and sql/.
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
    """

    home: Path = ROOT
    var: Path = ROOT / "var"
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
def settings() -> Settings:
    """The settings of this process, read once; wrong ones end the process, each told in both languages, since the language
    itself may be what is wrong."""
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for name, kind in get_type_hints(Settings, include_extras=True).items():
        given = os.environ.get(_variable(name))
        if given is None:
            continue
        try:
            values[name] = msgspec.convert(given, kind, strict=False, dec_hook=_path)
        except msgspec.ValidationError as error:
            choices = ", ".join(map(str, get_args(kind))) if get_origin(kind) is Literal else ""
            wrong.append(f"{_variable(name)}: {error}" + (f" ({choices})" if choices else ""))
    if wrong:
        said = "; ".join(wrong)
        raise SystemExit(f"HUB800 设置有误,请改正环境变量 / a setting is wrong, correct the environment: {said}")
    return Settings(**values)


def _variable(name: str) -> str:
    return f"HUB_{name.upper()}"


def _path(_: type[Any], value: Any) -> Path:
    """The only type of a setting that the library does not know."""
    return Path(value)
