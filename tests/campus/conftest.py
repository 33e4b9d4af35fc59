"""One small university for the whole session: its worlds by day and what the four systems make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from campus.generate.university import build_world
from campus.render.datasets import render_datasets
from campus.simulate.world import World
from contracts.catalog import Catalog, load_catalog
from core.settings import get_settings
from pipeline.transform.conform import create_code_views
from pipeline.transform.typed_views import create_view

PERSONS = 3_000
Tables = dict[str, pa.Table]


@pytest.fixture(scope="session")
def shipped() -> Catalog:
    """The contracts of this repository, whatever another test has made the settings say."""
    return load_catalog(Path(__file__).resolve().parents[2])


@pytest.fixture(scope="session")
def worlds() -> dict[int, World]:
    return {day: build_world(PERSONS, day=day) for day in (1, 2, 5)}


@pytest.fixture(scope="session")
def tables(worlds: dict[int, World]) -> dict[int, Tables]:
    return {day: render_datasets(there) for day, there in worlds.items()}


@pytest.fixture(scope="session")
def sources(
    shipped: Catalog, tables: dict[int, Tables], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[int], duckdb.DuckDBPyConnection]]:
    """DuckDB with the reading views of every dataset on a day and the code views, as the conform step has them."""
    opened: dict[int, duckdb.DuckDBPyConnection] = {}

    def of_day(day: int) -> duckdb.DuckDBPyConnection:
        if day not in opened:
            folder, opened[day] = tmp_path_factory.mktemp("landed"), duckdb.connect()
            for id, rows in tables[day].items():
                position = pa.array(range(rows.num_rows), pa.int64())
                pq.write_table(rows.append_column("source_row", position), folder / f"{id}.parquet")
                create_view(opened[day], shipped.source(id), folder / f"{id}.parquet")
            create_code_views(opened[day], shipped)
        return opened[day]

    yield of_day
    for connection in opened.values():
        connection.close()


@pytest.fixture
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Settings whose `var` is a folder of this test."""
    monkeypatch.setenv("HUB_VAR", str(tmp_path))
    get_settings.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    get_settings.cache_clear()
