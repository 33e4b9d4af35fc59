"""A store of its own for each test, with accounts and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from accounts_house import CHIEF, PASSWORD, PEOPLE, Clock, House, Hub
from click.testing import Result
from typer.testing import CliRunner

from cli.main import app
from contracts.catalog import read_catalog
from core.settings import get_settings
from core.store import accounts, postgres
from core.store import ledger as ledger_module
from core.store.ledger import open_ledger

CACHES = (get_settings, read_catalog, ledger_module.migrate_ledger, ledger_module._get_ledger, postgres.ensure_database)


@pytest.fixture
def empty(postgres_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    url = postgres.ensure_database(postgres_server, f"accounts_{abs(hash(tmp_path)) % 10**9}")
    for name in ("HUB_HOME", "HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HUB_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("HUB_URL", url)
    for cached in CACHES:
        cached.cache_clear()
    clock = Clock()
    yield House(open_ledger(clock), clock, tmp_path / "var")
    open_ledger(clock).close()
    open_ledger().close()
    for cached in CACHES:
        cached.cache_clear()


@pytest.fixture
def house(empty: House) -> House:
    """A hub in which everybody has an account."""
    for account in (CHIEF, *PEOPLE):
        accounts.add_account(empty.book, account, PASSWORD, CHIEF)
    return empty


@pytest.fixture
def hub(house: House, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A function that runs a line of `hub` as an account that has signed in, or as nobody."""

    tokens: dict[str, str] = {}

    def run(line: str, by: str | None = None, input: str | None = None) -> Result:
        if by is None:
            monkeypatch.delenv("HUB_TOKEN", raising=False)
        else:
            tokens[by] = tokens.get(by) or accounts.sign_in(open_ledger(), by, PASSWORD)[1]
            monkeypatch.setenv("HUB_TOKEN", tokens[by])
        return CliRunner().invoke(app, line.split(), input=input)

    return run
