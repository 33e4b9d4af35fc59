"""Whatever statement reaches the engine, it reads and writes nothing but landings, working files and deliveries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from core.engine import open_engine
from core.settings import get_settings

SECRET = pa.table({"password": ["in the open"]})
"""A table of this program that no statement may see by its name."""


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("HUB_VAR", str(tmp_path / "var"))
    get_settings.cache_clear()
    (tmp_path / "var" / "secrets").mkdir(parents=True)
    (tmp_path / "var" / "secrets" / "connections.yaml").write_text("src_hr: secret", "utf-8")
    yield tmp_path / "var"
    get_settings.cache_clear()


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_text('/etc/passwd')",
        "select * from read_csv('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from glob('/etc/*')",
        "select * from read_text('{var}/secrets/connections.yaml')",
        "select * from read_text('{var}/landing/../secrets/connections.yaml')",
        "select * from read_text('{var}/landing/link')",
        "select * from read_parquet('https://127.0.0.1:9/x.parquet')",
        "copy (select 1) to '{var}/../out.csv'",
        "copy (select 1) to '/tmp/out.csv'",
        "attach '{var}/../other.db' as other",
        "export database '{var}/../out'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set allowed_directories = ['/']",
        "set lock_configuration = false",
        "set temp_directory = '/tmp'",
        "select * from SECRET",
        "select getenv('HUB_VAR')",
        "select * from duckdb_secrets()",
    ],
)
def test_a_statement_gets_at_nothing_outside(var: Path, statement: str) -> None:
    with open_engine("shut") as db:
        (var / "landing").mkdir()
        (var / "landing" / "link").symlink_to("/etc/passwd")
        with pytest.raises(duckdb.Error):
            db.execute(statement.format(var=var))
    assert not (var.parent / "out.csv").exists() and not (var.parent / "other.db").exists()


def test_its_own_folders_are_open(var: Path) -> None:
    with open_engine("open") as db:
        for place in ("landing", "work", "deliveries"):
            (var / place).mkdir(exist_ok=True)
            db.execute(f"copy (select 1 as a) to '{var / place}/x.parquet' (format parquet)")
            assert db.execute(f"select a from read_parquet('{var / place}/x.parquet')").fetchall() == [(1,)]
