"""Settings of this process, from `HUB_*` environment variables. Everything has a default that works on one machine."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Where things are and how much of the machine may be used. Sizes in bytes or rows as named."""

    model_config = SettingsConfigDict(env_prefix="HUB_", extra="ignore", frozen=True)

    home: Path = Field(default=ROOT, description="the room of contracts and SQL: holds schemas/ and sql/")
    var: Path = Field(default=ROOT / "var", description="everything that is written: databases, landing, reports")
    url: str = Field(default="", description="PostgreSQL of the hub as a URL; empty starts the embedded one")
    lang: Literal["zh", "en"] = Field(default="zh", description="language of texts: zh or en")
    secrets: Path | None = Field(default=None, description="connections file, as Airflow's local file backend reads it")
    duckdb_memory: str = Field(default="352MB", description="memory limit of one DuckDB connection")
    duckdb_threads: int = Field(default=2, ge=1, description="threads of one DuckDB connection")
    batch_rows: int = Field(default=20_000, ge=1, description="rows in one Arrow record batch while reading a source")
    refresh_rows: int = Field(default=50_000, ge=0, description="largest dataset without a watermark that is read in real time")
    workers: int = Field(default=2, ge=1, description="datasets or edges handled side by side")

    checks: Literal["scan", "gx"] = Field(default="scan", description="who judges rows: scan (one SQL scan) or gx")
    audited: int = Field(default=2, ge=0, description="entities a night on whose rows Great Expectations verifies the scan")

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
    """The settings of this process, read once; a wrong one ends the process with one line in both languages, since the
    language itself may be what is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(f"HUB_{'.'.join(map(str, item['loc'])).upper()}: {item['msg']}" for item in error.errors())
        raise SystemExit(f"HUB800 设置有误,请改正环境变量 / a setting is wrong, correct the environment: {wrong}") from None
