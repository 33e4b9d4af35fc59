"""The shipped catalogue and a place to run a check: empty tables compiled from the contracts, filled row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import pytest
from canon_cases import Check, Row

from contracts.catalog import Catalog, load_catalog
from core.dialects import spell_sql_type

HOME = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def home() -> Path:
    return HOME


@pytest.fixture(scope="session")
def shipped() -> Catalog:
    """The catalogue of this repository."""
    return load_catalog(HOME)


@pytest.fixture(scope="session")
def tables(shipped: Catalog) -> Iterator[duckdb.DuckDBPyConnection]:
    """Every entity as an empty table with `source_system` and `source_row`, and the codes as `codes.code`."""
    with duckdb.connect(":memory:") as db:
        for entity in shipped.entities.values():
            columns = ", ".join(f"{column.name} {spell_sql_type(column.type, 'duckdb')}" for column in entity.columns)
            db.execute(f"create table {entity.name} ({columns}, source_system varchar, source_row bigint)")
        db.execute("create schema codes")
        db.execute("create table codes.code (list varchar, code varchar, name_zh varchar, name_en varchar)")
        db.executemany(
            "insert into codes.code values (?, ?, ?, ?)", [[c.list, c.code, c.name_zh, c.name_en] for c in shipped.codes]
        )
        yield db


@pytest.fixture
def bad(tables: duckdb.DuckDBPyConnection, shipped: Catalog) -> Iterator[Check]:
    """`bad(check, {entity: rows})`: the source rows that a check finds among rows numbered from 1; unnamed columns are null."""

    def run(check: str, rows: Mapping[str, Sequence[Row]]) -> list[int]:
        for entity, given in rows.items():
            for number, row in enumerate(given, 1):
                whole = {"source_system": "test", "source_row": number, **row}
                marks = ", ".join("?" * len(whole))
                tables.execute(f"insert into {entity} ({', '.join(whole)}) values ({marks})", list(whole.values()))
        found = tables.execute(shipped.check_file(check).read_text("utf-8"))
        assert [column[0] for column in found.description or []] == ["source_system", "source_row"]
        return sorted(row for _, row in found.fetchall())

    yield run
    for name in shipped.entities:
        tables.execute(f"delete from {name}")
