"""Departments beside their program: a SQLite file and tables on the rehearsal's SQL Server, started, changed day by day and
read as the hub reads them."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from campus.rehearsal import DepartmentSource, Rehearsal
from campus.servers import processes
from campus.servers.stores_local import SqliteSource, SqlServerSource
from campus.simulate.changes import find_differences
from contracts.contract import Column, SourceDataset
from core.dialects import LogicalType
from core.store.address import parse_url
from core.store.connections import get_connection
from extractors.base import Extractor, detect_drift, open_extractor

KINDS = {
    "project_no": LogicalType("string", length=20),
    "title": LogicalType("string", length=200),
    "funds": LogicalType("number", precision=12, scale=2),
    "begin_on": LogicalType("date"),
    "changed_at": LogicalType("timestamp"),
    "members": LogicalType("integer"),
    "is_open": LogicalType("boolean"),
}
DATASET = SourceDataset(
    system="research",
    name="project",
    physical="KY_XM",
    title="科研项目",
    owner="科研处",
    version="1.0.0",
    connection="src_research",
    columns=tuple(Column(name, name.upper(), name, kind) for name, kind in KINDS.items()),
    key=("project_no",),
    watermark="changed_at",
)
Place = tuple[DepartmentSource, Extractor]


def rows(count: int) -> pa.Table:
    numbers = range(count)
    values = [
        [f"KY{number:06}" for number in numbers],
        [f"课题𠮷{number}" if number % 3 else None for number in numbers],
        [Decimal(number) / 4 for number in numbers],
        [date(2020, 1, 1 + number % 28) for number in numbers],
        [datetime(2026, 9, 1, 8, 0, number % 60) for number in numbers],
        list(numbers),
        [number % 2 == 0 for number in numbers],
    ]
    types = [pa.string(), pa.string(), pa.decimal128(12, 2), pa.date32(), pa.timestamp("us"), pa.int64(), pa.bool_()]
    return pa.table(
        [pa.array(column, kind) for column, kind in zip(values, types, strict=True)], [name.upper() for name in KINDS]
    )


@pytest.fixture(params=["sqlite", "sqlserver"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    folder = tmp_path / "sqlserver_research"
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/office/office.db"
        store: DepartmentSource = SqliteSource(url)
    else:
        url, store = processes.start_sqlserver(folder), SqlServerSource(folder)
    yield store, open_extractor(parse_url("src_research", url))
    store.close()
    processes.stop_server(folder)


def found(extractor: Extractor) -> list[tuple[object, ...]]:
    """The rows as the hub reads them, numbers and moments in one spelling."""
    with extractor.read(DATASET) as reading:
        table = pa.Table.from_batches(list(reading.batches), reading.schema)
    assert reading.source_count == table.num_rows
    return spelled(table)


def spelled(table: pa.Table) -> list[tuple[object, ...]]:
    read: list[Callable[[str], object]] = [str, str, Decimal, str, lambda text: text.removesuffix(".000000"), int, bool_of]
    texts = [column.cast(pa.string()).to_pylist() for column in table.columns]
    spelt = [[None if text is None else one(text) for text in column] for one, column in zip(read, texts, strict=True)]
    return sorted(zip(*spelt, strict=True))


def bool_of(text: str) -> bool:
    return {"true": True, "false": False, "1": True, "0": False}[text]


def test_what_the_department_keeps_is_what_the_hub_reads(place: Place) -> None:
    store, extractor = place
    store.create_table(DATASET)
    assert detect_drift(DATASET, extractor.read_columns(DATASET.physical)) == []
    assert found(extractor) == []
    store.replace_rows(DATASET, rows(50))
    assert found(extractor) == spelled(rows(50))


def test_a_next_day_changes_what_changed(place: Place) -> None:
    store, extractor = place
    store.create_table(DATASET)
    store.replace_rows(DATASET, rows(50))
    later = pa.concat_tables([rows(60).slice(0, 10), rows(60).slice(20)])
    later = later.set_column(1, "TITLE", pa.array([None if n == 5 else "改名" for n in range(50)], pa.string()))
    changes = find_differences(DATASET, rows(50), later)
    store.change_rows(DATASET, changes.keys, changes.rows)
    assert found(extractor) == spelled(later)


def test_a_renamed_column_is_seen(place: Place) -> None:
    store, extractor = place
    store.create_table(DATASET)
    store.replace_rows(DATASET, rows(3))
    store.rename_column(DATASET, "FUNDS", "JE")
    assert [column.name for column in extractor.read_columns(DATASET.physical)][2] == "JE"


def test_a_sqlserver_starts_once_ends_and_comes_back_where_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "sqlserver_research"
    url = processes.start_sqlserver(folder)
    try:
        assert processes.start_sqlserver(folder) == url
        store = SqlServerSource(folder)
        store.create_table(DATASET)
        assert open_extractor(parse_url("src_research", url)).list_tables() == ["KY_XM"]
        pid = processes.find_process("campus.servers.sqlserver", str(folder))
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        processes._children[folder].wait()
        assert processes.start_sqlserver(folder) == url
        assert open_extractor(parse_url("src_research", url)).list_tables() == ["KY_XM"]
        assert ((folder / "login.json").stat().st_mode & 0o77) == 0
    finally:
        processes.stop_server(folder)
    assert processes._find_pid(folder) is None
    processes.stop_server(folder)


def test_systems_lie_where_the_map_of_places_says(own_settings: Path, mariadb_server: str) -> None:
    assert mariadb_server
    folder = Path(tempfile.mkdtemp(prefix="hub-campus-"))
    folder.chmod(0o711)
    university = Rehearsal(folder, 10)
    university._sources = {
        name: replace(DATASET, system=name, connection=f"src_{name}") for name in ("research", "employment", "office")
    }
    try:
        university.start()
        families = {"research": "mssql", "employment": "sqlite", "office": "sqlite"}
        for name, dataset in university._sources.items():
            university._store_table(dataset, rows(20), None)
            at = get_connection(f"src_{name}")
            assert at.family == families[name]
            assert found(open_extractor(at)) == spelled(rows(20))
    finally:
        university.stop()
        shutil.rmtree(folder)
    assert processes._find_pid(folder / "sqlserver_research") is None
