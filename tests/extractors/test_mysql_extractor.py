"""Family mysql against a real MariaDB, by each of its readers: the shared suite, and what only this family meets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pymysql
import pytest
from conformance import DatabaseConformance, a_missing_database_is_named, cells, dataset, read

from campus.servers import processes
from contracts.contract import Column
from core.dialects import LogicalType
from core.errors import MachineFault, Refused, Unavailable
from core.store.address import ConnectionAddress, parse_url
from extractors import mysql
from extractors.base import open_extractor
from extractors.mysql import READERS, MysqlExtractor

TYPES = {
    "text": "longtext",
    "integer": "bigint",
    "number": "decimal(12,2)",
    "date": "date",
    "timestamp": "datetime(6)",
}


class MySQLShelf:
    def __init__(self, connection: ConnectionAddress) -> None:
        self.connection = connection
        door = connection.options["unix_socket"]
        self._link = pymysql.connect(user="root", unix_socket=door, database="hr", charset="utf8mb4", autocommit=True)

    def put(self, name: str, columns: dict[str, str], rows: Sequence[Sequence[Any]]) -> str:
        types = {column: "varchar(50)" if column == "k" and kind == "text" else TYPES[kind] for column, kind in columns.items()}
        listed = ", ".join(f"`{column}` {kind}" for column, kind in types.items())
        self.run(f"drop table if exists `{name}`")
        self.run(f"create table `{name}` ({listed}, primary key (k)) character set utf8mb4")
        if rows:
            with self._link.cursor() as cursor:
                cursor.executemany(f"insert into `{name}` values ({', '.join(['%s'] * len(columns))})", rows)
        return name

    def run(self, statement: str, bounds: Sequence[Any] | None = None) -> None:
        with self._link.cursor() as cursor:
            cursor.execute(statement, bounds)

    def slow(self, name: str) -> str:
        self.run(f"create or replace view {name} as select seq as k, concat(sleep(0.01), '') as v from seq_1_to_1000")
        return name

    def kill_readers(self) -> int:
        with self._link.cursor() as cursor:
            cursor.execute(
                "select id from information_schema.processlist"
                " where id <> connection_id() and db = 'hr' and command in ('Query', 'Execute')"
            )
            readers = [id for (id,) in cursor.fetchall()]
            for id in readers:
                cursor.execute(f"kill {id}")
        return len(readers)

    def unreachable(self) -> str:
        return "mysql://root@localhost/hr?unix_socket=/nowhere/mariadb.sock"

    def close(self) -> None:
        self._link.close()


@pytest.fixture(scope="module", params=READERS)
def shelf(mariadb_server: str, request: pytest.FixtureRequest) -> Iterator[MySQLShelf]:
    shelf = MySQLShelf(parse_url("src_hr", f"{processes.create_mariadb_database(mariadb_server, 'hr')}&reader={request.param}"))
    yield shelf
    shelf.close()


@pytest.fixture(autouse=True)
def nothing_given_up() -> None:
    """What one test broke says nothing to the next."""
    mysql._GIVEN_UP.clear()


@pytest.fixture
def extractor(shelf: MySQLShelf) -> MysqlExtractor:
    return MysqlExtractor(shelf.connection)


class TestMySQL(DatabaseConformance):
    pass


def only(shelf: MySQLShelf, kind: str, values: Sequence[str]) -> None:
    """A table `t` of key `k` and one column `v` of the given type; the values are SQL."""
    shelf.run("drop table if exists t")
    shelf.run(f"create table t (k int primary key, v {kind}) character set utf8mb4")
    for place, value in enumerate(values):
        shelf.run(f"insert into t values ({place}, {value})")


@pytest.mark.parametrize(
    ("kind", "physical_type", "value", "expected"),
    [
        ("date", "date", "'0000-00-00'", "0000-00-00"),
        ("date", "date", "'2024-05-00'", "2024-05-00"),
        ("datetime", "datetime", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00"),
        ("timestamp", "timestamp", "'2025-09-01 08:00:00'", "2025-09-01 08:00:00"),
        ("time", "time", "'838:59:59'", "838:59:59"),
        ("time", "time", "'-01:00:00'", "-01:00:00"),
        ("tinyint(1)", "tinyint(1)", "2", "2"),
        ("bit(1)", "bit(1)", "b'1'", "1"),
        ("bit(8)", "bit(8)", "b'101'", "5"),
        ("bit(64)", "bit(64)", "18446744073709551615", "18446744073709551615"),
        ("bigint unsigned", "bigint", "18446744073709551615", "18446744073709551615"),
        ("int unsigned zerofill", "int", "42", "0000000042"),
        ("bigint(20) zerofill", "bigint", "9007199254740993", "00009007199254740993"),
        ("decimal(65,30)", "decimal(65,30)", "'1.000000000000000000000000000001'", "1.000000000000000000000000000001"),
        ("decimal(30,15)", "decimal(30,15)", "'-0.000000000000001'", "-0.000000000000001"),
        ("double", "double", "0.1", "0.1"),
        ("float", "float", "123456.78", "123456.78"),
        ("float", "float", "88.3", "88.3"),
        ("float unsigned", "float", "0.1", "0.1"),
        ("float", "float", "85", "85"),
        ("float(8,2)", "float", "3.5", "3.50"),
        ("year", "year", "2025", "2025"),
        ("json", "json", """'{"a": 1}'""", '{"a": 1}'),
        ("set('a','b')", "set", "'a,b'", "a,b"),
        ("varbinary(4)", "varbinary(4)", "x'00ff'", "00ff"),
        ("varchar(9)", "varchar(9)", "'a\\0b'", "a\0b"),
        ("varchar(9)", "varchar(9)", "_utf8mb4 x'61EDA08062'", "a\ufffdED\ufffdA0\ufffd80b"),
        ("varchar(9) character set gbk", "varchar(9)", "'中文'", "中文"),
    ],
)
def test_types_that_drivers_damage(
    shelf: MySQLShelf, extractor: MysqlExtractor, kind: str, physical_type: str, value: str, expected: str
) -> None:
    only(shelf, kind, [value, "null"])
    logical = {"decimal": LogicalType("number", precision=12, scale=2)}.get(kind.partition("(")[0], LogicalType("string"))
    columns = (Column("k", "k", "k", LogicalType("integer")), Column("v", "v", "v", logical, physical_type=physical_type))
    wanted = dataset("t", columns)
    assert cells(extractor, wanted) == {"0": expected, "1": None}
    with extractor.read_key_hashes(wanted) as reading:
        assert all(len(value) == 32 for batch in reading.batches for value in batch["source_hash"].to_pylist())


def test_types_land_as_arrow_types_where_they_are_exact(shelf: MySQLShelf, extractor: MysqlExtractor) -> None:
    wanted = dataset(shelf.put("t", TYPES_BY_NAME, []), TYPES_BY_NAME)
    with extractor.read(wanted) as reading:
        assert reading.schema.types == [pa.string(), pa.string(), pa.int64(), pa.decimal128(12, 2), pa.string(), pa.string()]


TYPES_BY_NAME = {"k": "text", "a": "text", "b": "integer", "c": "number", "d": "date", "e": "timestamp"}


def test_a_database_that_is_not_there_is_named_as_such(shelf: MySQLShelf) -> None:
    a_missing_database_is_named(shelf)


def test_gbk_in_a_latin1_column_is_decoded_by_the_contract(shelf: MySQLShelf, extractor: MysqlExtractor) -> None:
    shelf.run("drop table if exists t")
    shelf.run("create table t (k int primary key, xm varchar(50) character set latin1, bz varchar(50) character set utf8mb4)")
    shelf.run("insert into t values (1, x'B0A2B2B7A1A4', '阿卜'), (2, null, null), (3, '', '')")
    wanted = dataset("t", {"k": "integer", "xm": "text", "bz": "text"}, encoding="gb18030")
    assert read(extractor, wanted).to_pylist() == [
        {"k": "1", "xm": "阿卜·", "bz": "阿卜"},
        {"k": "2", "xm": None, "bz": None},
        {"k": "3", "xm": "", "bz": ""},
    ]


def test_bytes_that_are_not_the_contracts_encoding_are_refused(shelf: MySQLShelf, extractor: MysqlExtractor) -> None:
    shelf.run("drop table if exists t")
    shelf.run("create table t (k int primary key, xm varchar(50) character set latin1, dz varchar(50) character set latin1)")
    shelf.run("insert into t values (1, x'B0A2', x'B0A2'), (2, x'B0', 'x'), (3, x'FFFF', 'y')")
    with pytest.raises(Refused) as error:
        read(extractor, dataset("t", {"k": "integer", "xm": "text", "dz": "text"}, encoding="gb18030"))
    assert error.value.code == "HUB304"
    assert (error.value.facts["columns"], error.value.facts["rows"]) == ("xm", 2)
    assert "xm" in error.value.line("zh")
    assert "gb18030" in error.value.line("en")


def test_a_number_with_zeros_is_the_text_that_the_server_shows(shelf: MySQLShelf, extractor: MysqlExtractor) -> None:
    shelf.run("drop table if exists t")
    shelf.run("create table t (k int(8) zerofill primary key, v int(4) zerofill, w decimal(6,2) zerofill)")
    shelf.run("insert into t values (7, 1, 1.5), (123456789, 2, 2)")
    kinds = (("k", "string", "int"), ("v", "integer", "int"), ("w", "string", "decimal"))
    wanted = dataset("t", tuple(Column(name, name, name, LogicalType(kind), physical_type=it) for name, kind, it in kinds))
    assert read(extractor, wanted).to_pylist() == [
        {"k": "00000007", "v": "1", "w": "0001.50"},
        {"k": "123456789", "v": "2", "w": "0002.00"},
    ]
    with extractor.fetch_rows(wanted, pa.table({"k": ["00000007", "8"]})) as reading:
        assert [batch["k"].to_pylist() for batch in reading.batches] == [["00000007"]]


def test_text_of_a_blind_character_set_needs_an_encoding(shelf: MySQLShelf, extractor: MysqlExtractor) -> None:
    shelf.run("drop table if exists t")
    shelf.run("create table t (k int primary key, xm varchar(20), bm varchar(20), bz varchar(9)) character set latin1")
    shelf.run("insert into t values (1, 'a', 'b', null), (2, cast(0xD5C5C8FD as char character set latin1), 'b', 'c')")
    wanted = dataset("t", {"k": "integer", "xm": "text", "bm": "text", "bz": "text"})
    with pytest.raises(Refused) as error:
        read(extractor, wanted)
    assert (error.value.code, error.value.facts["columns"], error.value.facts["rows"]) == ("HUB328", "xm", 1)
    assert "latin1" in error.value.line("zh")
    shelf.run("delete from t where k = 2")
    assert read(extractor, wanted).to_pylist() == [{"k": "1", "xm": "a", "bm": "b", "bz": None}]


def test_a_view_that_broke_and_a_column_that_is_closed_are_no_outage(shelf: MySQLShelf, extractor: MysqlExtractor) -> None:
    only(shelf, "varchar(9)", ["'x'"])
    shelf.run("create or replace user gone@localhost")
    shelf.run("create or replace definer = gone@localhost sql security definer view w as select k, v from t")
    for broken in ("select 1", "drop table t"):
        shelf.run(broken)
        with pytest.raises(Refused) as error:
            read(extractor, dataset("w", {"k": "integer", "v": "text"}))
        assert error.value.code == "HUB330"
        assert "人事处" in error.value.line("zh")
    shelf.run("drop view w")
    shelf.run("drop user gone@localhost")


def test_a_session_killed_between_batches_gives_up_the_read(shelf: MySQLShelf, extractor: MysqlExtractor) -> None:
    shelf.run("create or replace view wide as select seq as k, repeat('x', 200) as v from seq_1_to_200000")
    wanted = dataset("wide", {"k": "integer", "v": "text"})
    with pytest.raises(Unavailable) as error, extractor.read(wanted) as reading:
        next(reading.batches)
        assert shelf.kill_readers() == 1
        list(reading.batches)
    assert error.value.code == "HUB203"


def test_count_high_and_rows_are_of_one_snapshot(shelf: MySQLShelf, extractor: MysqlExtractor) -> None:
    columns = {"k": "text", "v": "timestamp"}
    wanted = dataset(shelf.put("t", columns, [("a", "2025-09-01 08:00:00")]), columns, watermark="v")
    with extractor.read(wanted) as reading:
        shelf.run("insert into t values ('b', '2025-09-01 09:00:00')")
        assert [batch["k"].to_pylist() for batch in reading.batches] == [["a"]]
        assert (reading.source_count, reading.high) == (1, "2025-09-01 08:00:00.000000")


def test_the_catalogue_gives_types_and_comments(shelf: MySQLShelf, extractor: MysqlExtractor) -> None:
    shelf.run("drop table if exists t")
    shelf.run("create table t (`GH` char(8) not null comment '工号', `占比%` decimal(5,2), primary key (`GH`))")
    first, second = extractor.read_columns("t")
    assert (first.name, first.type, first.kind, first.nullable, first.title) == ("GH", "char(8)", "string", False, "工号")
    assert (second.name, second.kind, second.nullable) == ("占比%", "number", True)
    shelf.run("insert into t values ('001', 1.50)")
    listed = (Column("k", "GH", "工号", LogicalType("string")), Column("p", "占比%", "占比", LogicalType("number")))
    assert read(extractor, dataset("t", listed)).to_pylist() == [{"GH": "001", "占比%": "1.50"}]
    assert read(extractor, dataset("hr.t", listed)).num_rows == 1


def test_the_reader_is_the_one_that_the_setting_names(shelf: MySQLShelf, extractor: MysqlExtractor) -> None:
    wanted = dataset(shelf.put("t", {"k": "text", "v": "text"}, [("a", "x")]), {"k": "text", "v": "text"})
    for reading_of in (extractor.read, extractor.read_key_hashes):
        with reading_of(wanted) as reading:
            assert reading.reader == shelf.connection.options["reader"]


def test_a_large_table_is_read_fast_and_a_strange_type_slowly(shelf: MySQLShelf) -> None:
    url = shelf.connection.url.partition("&reader")[0]
    shelf.run(
        "create or replace table t (k int primary key, v varchar(20))"
        " select seq as k, concat('第', seq) as v from seq_1_to_40000"
    )
    shelf.run("create or replace table u (k int primary key, v inet6) select seq as k, '::1' as v from seq_1_to_40000")
    shelf.run("analyze table t, u")
    for table, kind in (("t", "connectorx"), ("u", "pymysql")):
        with open_extractor(parse_url("src_hr", url)).read(dataset(table, {"k": "integer", "v": "text"})) as reading:
            assert reading.reader == kind
            assert sum(batch.num_rows for batch in reading.batches) == reading.source_count == 40_000
    shelf.run("drop table u")


def test_an_unknown_reader_is_named(shelf: MySQLShelf) -> None:
    url = shelf.connection.url.partition("&reader")[0] + "&reader=fastest"
    wanted = dataset(shelf.put("t", {"k": "text"}, []), {"k": "text"})
    with pytest.raises(MachineFault) as error:
        read(open_extractor(parse_url("src_hr", url)), wanted)
    assert (error.value.code, error.value.facts["known"]) == ("HUB880", "connectorx, pymysql")


def test_the_family_is_found_by_its_scheme(shelf: MySQLShelf) -> None:
    assert isinstance(open_extractor(parse_url("src", "mariadb://root@localhost/hr")), MysqlExtractor)
