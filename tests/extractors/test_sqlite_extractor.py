"""Family sqlite against real files: the shared suite, and what only this family meets."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conformance import TableConformance, cells, dataset, hashes, read

from contracts.contract import Column
from core.dialects import LogicalType
from core.errors import Refused, Unavailable
from core.store.address import ConnectionAddress, parse_url
from extractors import sqlite
from extractors.base import open_extractor
from extractors.sqlite import SqliteExtractor

TYPES = {"text": "text", "integer": "integer", "number": "decimal(12,2)", "date": "date", "timestamp": "datetime"}


class SQLiteShelf:
    def __init__(self, path: Path) -> None:
        self.connection: ConnectionAddress = parse_url("src_hr", f"sqlite:///{path}")
        self._link = sqlite3.connect(path, isolation_level=None)

    def put(self, name: str, columns: dict[str, str], rows: Sequence[Sequence[Any]]) -> str:
        listed = ", ".join(f'"{column}" {TYPES[kind]}' for column, kind in columns.items())
        self.run(f'drop table if exists "{name}"')
        self.run(f'create table "{name}" ({listed}, primary key (k))')
        self._link.executemany(f'insert into "{name}" values ({", ".join("?" * len(columns))})', rows)
        return name

    def run(self, statement: str) -> None:
        self._link.execute(statement)

    def unreachable(self) -> str:
        return "sqlite:////nowhere/hr.db"

    def close(self) -> None:
        self._link.close()


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[SQLiteShelf]:
    shelf = SQLiteShelf(tmp_path / "人事 1%.db")
    yield shelf
    shelf.close()


@pytest.fixture
def extractor(shelf: SQLiteShelf) -> SqliteExtractor:
    return SqliteExtractor(shelf.connection)


class TestSQLite(TableConformance):
    pass


def only(shelf: SQLiteShelf, kind: str, values: Sequence[str]) -> None:
    """A table `t` of key `k` and one column `v` of the given declared type; the values are SQL."""
    shelf.run("drop table if exists t")
    shelf.run(f"create table t (k integer primary key, v {kind})")
    for place, value in enumerate(values):
        shelf.run(f"insert into t values ({place}, {value})")


def one(logical: str, physical_type: str | None = None) -> tuple[Column, ...]:
    return (
        Column("k", "k", "k", LogicalType("integer")),
        Column("v", "v", "v", LogicalType(logical), physical_type=physical_type),
    )


@pytest.mark.parametrize(
    ("logical", "declared", "value", "expected", "type"),
    [
        ("integer", "integer", "42", "42", pa.int64()),
        ("integer", "integer", "'forty'", "forty", pa.string()),
        ("integer", "integer", "4.5", "4.5", pa.string()),
        ("integer", "integer", "'42'", "42", pa.int64()),  # the column's affinity makes a number of it
        ("integer", "unsigned big int", "9223372036854775807", "9223372036854775807", pa.int64()),
        ("boolean", "boolean", "1", "1", pa.int64()),
        ("boolean", "boolean", "'是'", "是", pa.string()),
        ("number", "decimal(12,2)", "9999999999.99", "9999999999.99", pa.string()),
        ("number", "decimal(12,2)", "'1,000.00'", "1,000.00", pa.string()),
        ("number", "real", "0.1", "0.1", pa.string()),
        ("date", "date", "'2026/9/1'", "2026/9/1", pa.string()),
        ("date", "date", "20260901", "20260901", pa.string()),
        ("string", "char(8)", "'0012'", "0012", pa.string()),
        ("string", "", "12", "12", pa.string()),
        ("integer", "", "12", "12", pa.string()),
        ("string", "text", "x'e5ad'", "�E5AD", pa.string()),
    ],
)
def test_cells_land_as_what_they_are(
    shelf: SQLiteShelf, extractor: SqliteExtractor, logical: str, declared: str, value: str, expected: str, type: pa.DataType
) -> None:
    only(shelf, declared, [value, "null"])
    wanted = dataset("t", one(logical, declared or None))
    with extractor.read(wanted) as reading:
        assert reading.schema.field("v").type == type
    assert cells(extractor, wanted) == {"0": expected, "1": None}


def test_a_text_among_integers_changes_the_hash_of_its_own_row_only(shelf: SQLiteShelf, extractor: SqliteExtractor) -> None:
    only(shelf, "integer", ["1", "2"])
    wanted = dataset("t", one("integer"))
    with extractor.read_key_hashes(wanted) as reading:
        before = hashes(reading)
    shelf.run("update t set v = 'two' where k = 1")
    with extractor.read_key_hashes(wanted) as reading:
        after = hashes(reading)
    assert after["0"] == before["0"]
    assert after["1"] != before["1"]
    with extractor.fetch_rows(wanted, pa.table({"k": ["0"]})) as reading:
        assert hashes(reading) == {"0": before["0"]}


def test_bytes_land_as_hex_or_in_the_contracts_encoding(shelf: SQLiteShelf, extractor: SqliteExtractor) -> None:
    only(shelf, "blob", ["x'00ff'"])
    assert cells(extractor, dataset("t", one("string", "blob"))) == {"0": "00ff"}
    only(shelf, "varchar(20)", ["cast(x'B0A2B2B7' as text)"])
    assert cells(extractor, dataset("t", one("string"), encoding="gb18030")) == {"0": "阿卜"}
    only(shelf, "varchar(20)", ["cast(x'B0' as text)", "'x'"])
    with pytest.raises(Refused) as error:
        read(extractor, dataset("t", one("string"), encoding="gb18030"))
    assert (error.value.code, error.value.facts["columns"], error.value.facts["rows"]) == ("HUB304", "v", 1)


def test_count_high_and_rows_are_of_one_snapshot(shelf: SQLiteShelf, extractor: SqliteExtractor) -> None:
    shelf.run("pragma journal_mode = wal")  # without it the insert below would wait for the reader
    columns = {"k": "text", "v": "timestamp"}
    wanted = dataset(shelf.put("t", columns, [("a", "2025-09-01 08:00:00")]), columns, watermark="v")
    with extractor.read(wanted) as reading:
        shelf.run("insert into t values ('b', '2025-09-01 09:00:00')")
        assert [batch["k"].to_pylist() for batch in reading.batches] == [["a"]]
        assert (reading.source_count, reading.high) == (1, "2025-09-01 08:00:00")
    assert read(extractor, wanted).num_rows == 2


def test_a_writer_in_the_middle_is_waited_for_and_then_tried_again(
    shelf: SQLiteShelf, extractor: SqliteExtractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_SECONDS_LOCKED", 0.05)
    only(shelf, "text", ["'x'"])
    shelf.run("begin exclusive")
    with pytest.raises(Unavailable) as error:
        read(extractor, dataset("t", one("string")))
    assert (error.value.code, error.value.facts["reason"]) == ("HUB203", "SQLITE_BUSY")
    shelf.run("commit")
    assert read(extractor, dataset("t", one("string"))).num_rows == 1


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hr.db").write_text("not a database " * 100)
    with pytest.raises(Refused) as error:
        read(SqliteExtractor(parse_url("src_hr", f"sqlite:///{tmp_path}/hr.db")), dataset("t", one("string")))
    assert error.value.code == "HUB308"
    assert "SQLITE_NOTADB" in error.value.line("zh")


def test_the_source_cannot_be_written(shelf: SQLiteShelf, extractor: SqliteExtractor) -> None:
    only(shelf, "text", [])
    with pytest.raises(Unavailable, match="SQLITE_READONLY"), extractor.open_snapshot("hr", "人事处") as session:
        list(session.read_blocks("insert into t values (1, 'x')"))


def test_the_catalogue_gives_types_and_keys(shelf: SQLiteShelf, extractor: SqliteExtractor) -> None:
    shelf.run('create table j ("GH" char(8) not null, "占比%" decimal(5,2), "N" int, primary key ("N", "GH"))')
    first, second, third = extractor.read_columns("j")
    assert (first.name, first.type, first.kind, first.nullable) == ("GH", "char(8)", "string", False)
    assert (second.name, second.kind, second.nullable, third.kind) == ("占比%", "number", True, "integer")
    assert extractor.read_primary_key("j") == ["N", "GH"]
    shelf.run("insert into j values ('001', 1.5, 7)")
    listed = (Column("k", "GH", "工号", LogicalType("string")), Column("p", "占比%", "占比", LogicalType("number")))
    assert read(extractor, dataset("j", listed)).to_pylist() == [{"GH": "001", "占比%": "1.5"}]


def test_the_family_is_found_by_its_scheme(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/a.db", f"sqlite:///{str(tmp_path)[1:]}/a.db", f"sqlite:////{tmp_path}/a.db"):
        extractor = open_extractor(parse_url("src", url))
        assert isinstance(extractor, SqliteExtractor)
        assert extractor.connection.path.lstrip("/") == f"{tmp_path}/a.db".lstrip("/")
