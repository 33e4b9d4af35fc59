"""Family postgresql against a real server: the shared suite, and what only this family meets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from conformance import KINDS, DatabaseConformance, a_missing_database_is_named, cells, dataset, read

from contracts.contract import Column
from core.dialects import LogicalType
from core.errors import Refused
from core.store import postgres
from core.store.address import ConnectionAddress, parse_url
from extractors.base import open_extractor
from extractors.postgresql import PostgresExtractor

TYPES = {"text": "text", "integer": "bigint", "number": "numeric(12,2)", "date": "date", "timestamp": "timestamp"}


class PostgreSQLShelf:
    def __init__(self, connection: ConnectionAddress) -> None:
        self.connection = connection
        self._link = psycopg.connect(connection.url, autocommit=True, prepare_threshold=None)

    def put(self, name: str, columns: dict[str, str], rows: Sequence[Sequence[Any]]) -> str:
        listed = ", ".join(f'"{column}" {TYPES[kind]}' for column, kind in columns.items())
        self.run(f'drop table if exists "{name}"')
        self.run(f'create table "{name}" ({listed}, primary key (k))')
        with self._link.cursor() as cursor:
            cursor.executemany(f'insert into "{name}" values ({", ".join(["%s"] * len(columns))})', rows)
        return name

    def run(self, statement: str) -> None:
        self._link.execute(statement.encode())

    def slow(self, name: str) -> str:
        self.run(
            f"create or replace view {name} as select k::bigint as k, pg_sleep(0.01)::text as v from generate_series(1, 1000) k"
        )
        return name

    def kill_readers(self) -> int:
        found = self._link.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where pid <> pg_backend_pid() and datname = current_database() and state = 'active'"
            " and backend_type = 'client backend'"
        ).fetchone()
        return found[0] if found else 0

    def unreachable(self) -> str:
        return "postgresql://postgres:@/hr?host=/nowhere"

    def close(self) -> None:
        self._link.close()


@pytest.fixture(scope="module")
def shelf(postgres_server: str) -> Iterator[PostgreSQLShelf]:
    shelf = PostgreSQLShelf(parse_url("src_hr", postgres.ensure_database(postgres_server, "extractor_hr")))
    yield shelf
    shelf.close()


@pytest.fixture
def extractor(shelf: PostgreSQLShelf) -> PostgresExtractor:
    return PostgresExtractor(shelf.connection)


class TestPostgreSQL(DatabaseConformance):
    pass


def test_a_database_that_is_not_there_is_named_as_such(shelf: PostgreSQLShelf) -> None:
    a_missing_database_is_named(shelf)


def only(shelf: PostgreSQLShelf, kind: str, values: Sequence[str]) -> None:
    """A table `t` of key `k` and one column `v` of the given type; the values are SQL."""
    shelf.run("drop table if exists t")
    shelf.run(f"create table t (k int primary key, v {kind})")
    for place, value in enumerate(values):
        shelf.run(f"insert into t values ({place}, {value})")


@pytest.mark.parametrize(
    ("logical", "kind", "values", "expected", "type"),
    [
        ("number", "numeric(12,2)", ["1.10", "null"], ["1.10", None], pa.decimal128(12, 2)),
        ("number", "numeric(10)", ["7"], ["7.00"], pa.decimal128(12, 2)),
        ("number", "numeric", ["1.10", "-0.01"], ["1.10", "-0.01"], pa.decimal128(12, 2)),
        ("number", "numeric", ["1.10", "'NaN'"], ["1.10", "NaN"], pa.string()),
        ("number", "numeric(12,2)", ["'NaN'"], ["NaN"], pa.string()),
        ("number", "numeric", ["'Infinity'"], ["Infinity"], pa.string()),
        ("number", "numeric", ["1.105"], ["1.105"], pa.string()),
        ("number", "numeric", ["12345678901.00"], ["12345678901.00"], pa.string()),
        ("number", "numeric(40,20)", ["1.5"], ["1.50000000000000000000"], pa.string()),
        ("number", "double precision", ["0.1"], ["0.1"], pa.string()),
        ("date", "date", ["'2025-09-01'"], ["2025-09-01"], pa.date32()),
        ("date", "date", ["'infinity'", "'2025-09-01'"], ["infinity", "2025-09-01"], pa.string()),
        ("date", "date", ["'0044-03-15 BC'"], ["0044-03-15 BC"], pa.string()),
        ("date", "date", ["'12025-01-01'"], ["12025-01-01"], pa.string()),
        ("timestamp", "timestamp", ["'2025-09-01 08:00:00.1'"], ["2025-09-01 08:00:00.100000"], pa.timestamp("us")),
        ("timestamp", "timestamp(0)", ["'2025-09-01 08:00:00'"], ["2025-09-01 08:00:00.000000"], pa.timestamp("us")),
        ("timestamp", "timestamp", ["'-infinity'"], ["-infinity"], pa.string()),
        ("timestamp", "timestamptz", ["'2025-09-01 08:00:00+08'"], ["2025-09-01 00:00:00.000000"], pa.timestamp("us")),
        ("timestamp", "timestamptz", ["'infinity'"], ["infinity"], pa.string()),
        ("time", "time", ["'08:00'"], ["08:00:00"], pa.string()),
        ("time", "interval", ["'30 hours'"], ["30:00:00"], pa.string()),
        ("boolean", "boolean", ["true", "false", "null"], ["true", "false", None], pa.bool_()),
        ("string", "char(5)", ["'ab'"], ["ab"], pa.string()),
        ("string", "text[]", ["array['a','b']"], ["{a,b}"], pa.string()),
        ("string", "jsonb", ["""'{"a":1}'"""], ['{"a": 1}'], pa.string()),
        ("string", "uuid", ["'00000000-0000-0000-0000-000000000001'"], ["00000000-0000-0000-0000-000000000001"], pa.string()),
        ("string", "bit(4)", ["b'0101'"], ["0101"], pa.string()),
    ],
)
def test_types_are_exact_or_text(
    shelf: PostgreSQLShelf,
    extractor: PostgresExtractor,
    logical: str,
    kind: str,
    values: list[str],
    expected: list[str | None],
    type: pa.DataType,
) -> None:
    only(shelf, kind, values)
    column = Column("v", "v", "v", KINDS.get(logical, LogicalType(logical)), physical_type="bit(4)" if "bit" in kind else None)
    wanted = dataset("t", (Column("k", "k", "k", LogicalType("integer")), column))
    with extractor.read(wanted) as reading:
        assert reading.schema.field("v").type == type
    assert list(cells(extractor, wanted).values()) == expected


def test_bytes_land_as_hex(shelf: PostgreSQLShelf, extractor: PostgresExtractor) -> None:
    only(shelf, "bytea", ["'\\x00ff'"])
    column = Column("v", "v", "v", LogicalType("string"), physical_type="bytea")
    assert list(cells(extractor, dataset("t", (Column("k", "k", "k", LogicalType("integer")), column))).values()) == ["00ff"]


def test_a_single_column_keeps_its_nulls(shelf: PostgreSQLShelf, extractor: PostgresExtractor) -> None:
    only(shelf, "text", ["null", "'x'", "''", "null"])
    found = read(extractor, dataset("t", {"v": "text"}, key=()))
    assert found["v"].to_pylist() == ["", "x", None, None]


def test_more_columns_than_a_function_takes(shelf: PostgreSQLShelf, extractor: PostgresExtractor) -> None:
    columns = {"k": "text"} | {f"c{place}": "text" for place in range(150)}
    wanted = dataset(shelf.put("wide", columns, [["1"] * 151]), columns)
    with extractor.read_key_hashes(wanted) as reading:
        assert reading.source_count == 1


def test_a_table_that_may_not_be_read_says_so(shelf: PostgreSQLShelf, extractor: PostgresExtractor) -> None:
    only(shelf, "text", [])
    shelf.run("drop role if exists hub_reader")
    shelf.run("create role hub_reader login")
    url = shelf.connection.url.replace("postgres@", "hub_reader@")
    with pytest.raises(Refused) as error:
        read(PostgresExtractor(parse_url("src_hr", url)), dataset("t", {"k": "integer", "v": "text"}))
    assert error.value.code == "HUB309"
    assert "人事处" in error.value.line("zh")
    shelf.run("drop role hub_reader")


@pytest.fixture
def reader(shelf: PostgreSQLShelf) -> Iterator[PostgresExtractor]:
    """The extractor of an account that owns nothing."""
    shelf.run("create role hub_partly login")
    yield PostgresExtractor(parse_url("src_hr", shelf.connection.url.replace("postgres@", "hub_partly@")))
    shelf.run("drop owned by hub_partly")
    shelf.run("drop role hub_partly")


def test_a_table_of_which_the_account_sees_a_part_is_refused(shelf: PostgreSQLShelf, reader: PostgresExtractor) -> None:
    only(shelf, "text", ["'a'", "'b'"])
    shelf.run("drop view if exists w")
    shelf.run("create view w with (security_invoker) as select k, v from t")
    shelf.run("grant select on t, w to hub_partly")
    wanted = [dataset(name, {"k": "integer", "v": "text"}) for name in ("t", "w")]
    assert [cells(reader, one) for one in wanted] == [{"0": "a", "1": "b"}] * 2
    shelf.run("create policy part on t for select to hub_partly using (k = 0)")
    shelf.run("alter table t enable row level security")
    for one in wanted:
        for attempt in (reader.read(one), reader.read_key_hashes(one), reader.fetch_rows(one, pa.table({"k": ["0"]}))):
            with pytest.raises(Refused) as error, attempt:
                pass
            assert error.value.code == "HUB329"
            assert "BYPASSRLS" in error.value.line("zh")
    shelf.run("alter role hub_partly bypassrls")
    assert cells(reader, wanted[0]) == {"0": "a", "1": "b"}
    shelf.run("drop view w")
    shelf.run("drop table t")


def test_a_database_without_an_encoding_is_read_by_the_contracts(shelf: PostgreSQLShelf) -> None:
    url = shelf.connection.url.replace("extractor_hr", "extractor_blind")
    shelf.run("create database extractor_blind template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'")
    blind = PostgreSQLShelf(parse_url("src_hr", url))
    try:
        blind.run("create table t (k text primary key, v text, n int, at timestamp)")
        blind.run("insert into t values ('a', 'plain', 1, '2026-09-01'), ('b', null, 2, '2026-09-01')")
        columns = {"k": "text", "v": "text", "n": "integer", "at": "timestamp"}
        plain, gbk = (dataset("t", columns, mode="window", watermark="at", encoding=one) for one in (None, "gbk"))
        extractor = PostgresExtractor(blind.connection)
        assert cells(extractor, plain) == {"a": "plain", "b": None}
        name = "convert_from(decode('{}', 'hex'), 'SQL_ASCII')".format("张三".encode("gbk").hex())
        blind.run(f"insert into t values ({name}, {name}, 3, '2026-09-02')")
        blind.run(f"do $$ begin execute format('comment on column t.v is %L', {name}); end $$")
        assert cells(extractor, gbk) == {"a": "plain", "b": None, "张三": "张三"}
        with extractor.fetch_rows(gbk, pa.table({"k": ["张三", "a"]})) as reading:
            assert sum(batch.num_rows for batch in reading.batches) == 2
        for wanted, code in ((plain, "HUB328"), (dataset("t", columns, encoding="utf-8"), "HUB304")):
            with pytest.raises(Refused) as error:
                read(extractor, wanted)
            assert (error.value.code, error.value.facts["columns"], error.value.facts["rows"]) == (code, "k, v", 1)
    finally:
        blind.close()


def test_text_that_is_none_is_the_tables_own_fault_and_names_its_columns(shelf: PostgreSQLShelf) -> None:
    """Bytes that the database's encoding allows and for which it has no character (EUC_CN leaves rows of GB 2312 empty)."""
    shelf.run("create database extractor_euc template template0 encoding 'EUC_CN' lc_collate 'C' lc_ctype 'C'")
    euc = PostgreSQLShelf(parse_url("src_hr", shelf.connection.url.replace("extractor_hr", "extractor_euc")))
    try:
        euc.run("set client_encoding to 'UTF8'")
        euc.run("create table t (k int primary key, v text, w text)")
        euc.run("insert into t values (1, '李四', '张三'), (2, E'\\xd5\\xc5\\xaa\\xa1', 'x')")
        with pytest.raises(Refused) as error:
            read(PostgresExtractor(euc.connection), dataset("t", {"k": "integer", "v": "text", "w": "text"}))
        assert (error.value.code, error.value.facts["columns"]) == ("HUB332", "v")
        assert "22P05" in error.value.line("zh")
        assert read(PostgresExtractor(euc.connection), dataset("t", {"k": "integer", "w": "text"}))["w"].to_pylist() == [
            "张三",
            "x",
        ]
    finally:
        euc.close()


@pytest.mark.parametrize(
    ("made", "word", "columns"),
    [
        ("select 1 as k, convert_from(decode('ff', 'hex'), 'UTF8') as v", "source.letters", "v"),
        ("select 1 as k, (1 / (select count(*) from t where false))::text as v", "source.values", ""),
        ("select 1 as k, ('x' || k)::int::text as v from t", "source.values", ""),
    ],
)
def test_what_a_view_cannot_compute_is_no_broken_connection(
    shelf: PostgreSQLShelf, extractor: PostgresExtractor, made: str, word: str, columns: str
) -> None:
    only(shelf, "text", ["'x'"])
    shelf.run("drop view if exists odd")
    shelf.run(f"create view odd as {made}")
    try:
        with pytest.raises(Refused) as error:
            read(extractor, dataset("odd", {"k": "integer", "v": "text"}))
        facts = error.value.facts
        assert (error.value.code, facts["reason_key"], facts["columns"]) == ("HUB332", word, columns)
    finally:
        shelf.run("drop view odd")


def test_money_is_a_number_and_a_float_has_all_its_digits(shelf: PostgreSQLShelf, extractor: PostgresExtractor) -> None:
    shelf.run("alter database extractor_hr set extra_float_digits to 0")
    shelf.run("drop table if exists t")
    shelf.run("create table t (k int primary key, v money, r real, d double precision)")
    shelf.run("insert into t values (1, -1234.5, 88.3, 1234567.8901234567)")
    wanted = dataset("t", {"k": "integer", "v": "number", "r": "number", "d": "number"})
    [row] = read(extractor, wanted).to_pylist()
    assert (row["v"], row["r"], row["d"]) == ("-1234.50", "88.3", "1234567.8901234567")
    shelf.run("alter database extractor_hr reset extra_float_digits")


def test_bits_are_the_number_that_they_stand_for(shelf: PostgreSQLShelf, extractor: PostgresExtractor) -> None:
    shelf.run("drop table if exists t")
    shelf.run("create table t (k int primary key, a bit(3), w bit(64), v bit varying(5))")
    shelf.run("insert into t values (1, b'101', ~(0::bit(64)), b'0101'), (2, null, null, null)")
    kinds = [column.kind for column in extractor.read_columns("t")]
    assert kinds == ["integer", "integer", "any", "any"]  # more bits than a number has are text
    wanted = dataset("t", {"k": "integer", "a": "integer", "w": "text", "v": "text"})
    found = read(extractor, wanted).to_pylist()
    assert [tuple(row.values())[:4] for row in found] == [("1", "5", "1" * 64, "0101"), ("2", None, None, None)]


def test_names_in_other_schemas_and_in_capitals(shelf: PostgreSQLShelf, extractor: PostgresExtractor) -> None:
    shelf.run("drop schema if exists rs cascade")
    shelf.run("create schema rs")
    shelf.run('create table rs."JZG" ("GH" char(8) primary key, "占比%" numeric(5,2))')
    shelf.run("""comment on column rs."JZG"."GH" is '工号'""")
    shelf.run("""insert into rs."JZG" values ('001', 1.5)""")
    first = extractor.read_columns("rs.JZG")[0]
    assert (first.name, first.type, first.kind, first.nullable, first.title) == ("GH", "character(8)", "string", False, "工号")
    assert extractor.read_primary_key("rs.JZG") == ["GH"]
    assert "rs.JZG" in extractor.list_tables()
    listed = (Column("k", "GH", "工号", LogicalType("string")), Column("p", "占比%", "占比", LogicalType("number")))
    assert read(extractor, dataset("rs.JZG", listed)).to_pylist() == [{"GH": "001", "占比%": "1.50"}]
    shelf.run("drop schema rs cascade")


def test_the_family_is_found_by_its_scheme(shelf: PostgreSQLShelf) -> None:
    assert isinstance(open_extractor(parse_url("src", "postgres://postgres@localhost/hr")), PostgresExtractor)
