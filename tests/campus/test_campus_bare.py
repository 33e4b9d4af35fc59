"""A rehearsal university on a machine that has neither MariaDB nor a directory: everything has a place all the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg
import pytest

from campus.rehearsal import Rehearsal
from campus.servers.stores import choose_near_type
from campus.simulate import places
from contracts.catalog import load_catalog
from contracts.contract import Column
from core.dialects import LogicalType
from core.store.connections import get_connection
from extractors.base import open_extractor

KINDS = {
    "datetime": ("timestamp", "2026-09-07 08:00:00"),
    "tinyint(1)": ("boolean", "1"),
    "int(10) unsigned zerofill": ("integer", "12"),
    "mediumtext": ("string", "文字"),
    "enum('a','b')": ("string", "a"),
    "decimal(20,4)": ("number", "1.2500"),
    "double": ("number", "1.5"),
    "year": ("integer", "2026"),
    "longblob": ("string", "\\xff"),
    "time": ("time", "08:00:00"),
}


def test_what_lives_on_a_missing_program_finds_another_place(
    own_settings: Path, server_room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert shutil.which("mariadbd") is None
    assert shutil.which("slapd") is None
    university = Rehearsal(server_room / "bare", 120, 7)
    try:
        elsewhere = university.start()
        university.load(1)
        wanted = {name for name, kind in (places.SOURCES | places.TARGETS).items() if kind in ("mariadb", "directory")}
        assert set(elsewhere) == wanted
        assert get_connection("dst_directory").family == "file"
        placed = [dataset for dataset in load_catalog().sources.values() if dataset.connection in wanted]
        assert placed
        for dataset in placed:
            seen = open_extractor(get_connection(dataset.connection)).read_columns(dataset.physical)
            assert [column.name for column in seen] == [column.physical for column in dataset.columns], dataset.id
    finally:
        university.stop()


@pytest.mark.parametrize("declared", KINDS)
def test_a_type_of_another_server_has_one_here_that_holds_its_values(postgres_server: str, declared: str) -> None:
    logical, value = KINDS[declared]
    kind = choose_near_type(Column("v", "v", "v", LogicalType(logical), physical_type=declared), "postgresql")
    with psycopg.connect(postgres_server) as server:
        found = server.execute(f"select cast(cast(%s as {kind}) as text)".encode(), [value]).fetchone()
    assert found == ({("1", "boolean"): "true"}.get((value, kind), value),)
