"""An Airflow of its own for these tests: metadata in SQLite, home in a temporary folder, the real DAG files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from contracts.catalog import read_catalog
from core.settings import ROOT, get_settings

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

# Airflow reads these when it is first imported, which is before any fixture runs.
AIRFLOW = Path(tempfile.mkdtemp(prefix="airflow-"))
os.environ.update(
    {
        "AIRFLOW_HOME": str(AIRFLOW),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{AIRFLOW}/airflow.db",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(AIRFLOW / "logs"),
    }
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Airflow and what it imports warn about each other; our own modules must still be free of warnings."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore"))
            item.add_marker(pytest.mark.filterwarnings("error:::(core|schemas|dags|pipeline)"))


@pytest.fixture(scope="session", autouse=True)
def remove_home() -> Iterator[None]:
    yield
    shutil.rmtree(AIRFLOW, ignore_errors=True)


@pytest.fixture(scope="session")
def metadata() -> None:
    """Airflow's own tables."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def hub_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[Path], Path]]:
    """A function that makes a folder the home of contracts and SQL, with everything written under `tmp_path/var`."""

    def use(home: Path) -> Path:
        monkeypatch.setenv("HUB_HOME", str(home))
        monkeypatch.setenv("HUB_VAR", str(tmp_path / "var"))
        get_settings.cache_clear()
        read_catalog.cache_clear()
        return home

    yield use
    monkeypatch.undo()
    get_settings.cache_clear()
    read_catalog.cache_clear()


@pytest.fixture
def dag_bag() -> Callable[[], DagBag]:
    """A function that parses the DAG files as the scheduler does."""

    def parse() -> DagBag:
        from airflow.dag_processing.dagbag import DagBag

        return DagBag(str(ROOT / "dags"))

    return parse
