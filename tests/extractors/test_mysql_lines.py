"""Rows joined to lines by the server and taken apart here: every cell comes back as it was, or nothing does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pymysql
import pytest
from conformance import KINDS, dataset, read
from hypothesis import given, settings
from hypothesis import strategies as st

from campus.servers import processes
from contracts.contract import Column
from core.errors import Unavailable
from core.store.address import ConnectionAddress, parse_url
from extractors import mysql
from extractors.base import open_extractor
from extractors.databases import mysql_lines

HOSTILE = st.text(st.sampled_from("a中\U0001f600\n\r\t\0\x1e\x1f\"',\\+\ufeff "), max_size=6)
CELL = st.none() | HOSTILE
ROWS = st.lists(st.tuples(CELL, CELL, st.none() | st.integers(-(2**63), 2**63 - 1)), min_size=1, max_size=8)
TYPES = (pa.string(), pa.string(), pa.int64())
Row = tuple[str | None, str | None, int | None]


def lines(rows: Sequence[Row]) -> pa.Array:
    """As the server joins them, with one fact at the end."""
    cells = [[b"\xff" if cell is None else str(cell).encode() for cell in row] for row in rows]
    return pa.array([b"\x1f".join([*row, b"7"]) + b"\n" for row in cells], pa.large_binary())


@settings(deadline=None)
@given(rows=ROWS, skipped=st.integers(0, 3))
def test_lines_come_apart_as_they_were_joined_or_are_called_torn(rows: list[Row], skipped: int) -> None:
    held = lines([("x", "\n", 1)] * skipped + rows).slice(skipped)
    if any("\x1f" in cell for row in rows for cell in row if isinstance(cell, str)):
        with pytest.raises(mysql_lines.TornLine):
            mysql_lines.split_lines(held, TYPES, 1)
        return
    found = [column.cast(pa.string()) for column in mysql_lines.split_lines(held, TYPES, 1)]
    assert list(zip(*(column.to_pylist() for column in found), strict=True)) == [
        (one, other, None if number is None else str(number)) for one, other, number in rows
    ]
    assert mysql_lines.read_facts(held, 1) == ["7"]


def test_a_line_that_the_server_gave_up_is_torn() -> None:
    held = pa.array([None], pa.large_binary())
    with pytest.raises(mysql_lines.TornLine):
        mysql_lines.split_lines(held, TYPES, 1)
    with pytest.raises(mysql_lines.TornLine):
        mysql_lines.read_facts(held, 1)


def test_bytes_of_an_unknown_encoding_never_look_like_null() -> None:
    held = pa.array([b"+\xff\x1f7\n", b"\xff\x1f7\n", b"+\x1f7\n", b"+\n\x1f7\n"], pa.binary())
    (found,) = mysql_lines.split_lines(held, [pa.binary()], 1)
    assert found == [b"\xff", None, b"", b"\n"]


@pytest.fixture(scope="module")
def university(mariadb_server: str) -> str:
    return processes.create_mariadb_database(mariadb_server, "lines")


@pytest.fixture(scope="module")
def link(university: str) -> Iterator[pymysql.Connection]:
    door = parse_url("src_hr", university).options["unix_socket"]
    with pymysql.connect(user="root", unix_socket=door, database="lines", charset="utf8mb4", autocommit=True) as link:
        yield link


@pytest.fixture(autouse=True)
def nothing_given_up() -> None:
    mysql._GIVEN_UP.clear()


def by(university: str, reader: str) -> ConnectionAddress:
    return parse_url("src_hr", f"{university}&reader={reader}")


def run(link: pymysql.Connection, *statements: str) -> None:
    with link.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_both_readers_give_the_same_of_a_hostile_table(university: str, link: pymysql.Connection) -> None:
    """Columns that may not be empty are joined as they are, so they have every collation, character set and type here."""
    table = """
        create or replace table t (
            k int primary key, a varchar(40) character set utf8mb4 collate utf8mb4_bin not null,
            b varchar(40) character set utf8mb4 collate utf8mb4_unicode_ci not null,
            c varchar(40) character set utf8mb3 not null, d varchar(40) character set gbk not null,
            e text character set ucs2 not null, f decimal(12,2) not null, g date not null, h time(3) not null,
            i double not null, j float not null, l bit(9) not null, m year not null, n enum('男','女') not null,
            o datetime(6), p int(5) unsigned zerofill, q varchar(20))
    """
    run(link, table, "set session sql_mode = ''")
    with link.cursor() as cursor:
        cells = ("行\n行", "\ufeff\r", "\x1e", "中\n", "文\r\n", "-0.10", "0000-00-00", "-838:59:59.5", 1e300, 1.1, 300, 2026)
        for key, last in enumerate(("x", None, "\n", "\r", "\\N", "\ufeff")):
            more = ("女", "2026-09-07 01:02:03.000004" if key % 2 else None, None if key % 2 else 42, last)
            cursor.execute(f"insert into t values ({', '.join(['%s'] * 17)})", (key, *cells, *more))
    kinds = dict.fromkeys("kabcdefghijlmnopq", "text") | {"k": "integer", "f": "number", "l": "integer", "m": "integer"}
    kinds |= {"g": "date", "i": "number", "j": "number", "o": "timestamp", "p": "integer"}
    types = {"h": "time"}
    columns = tuple(Column(name, name, name, KINDS[kind], physical_type=types.get(name)) for name, kind in kinds.items())
    wanted = dataset("t", columns)
    slow, fast = (read(open_extractor(by(university, reader)), wanted) for reader in ("pymysql", "connectorx"))
    assert fast.to_pylist() == slow.to_pylist()
    assert slow["q"].to_pylist() == ["x", None, "\n", "\r", "\\N", "\ufeff"]


def test_a_cell_with_the_separator_is_read_by_the_other_reader(university: str, link: pymysql.Connection) -> None:
    run(
        link,
        "create or replace table t (k int primary key, v varchar(20) not null)"
        " select seq as k, if(seq = 39000, concat('a', char(31), 'b'), 'x') as v from seq_1_to_40000",
        "analyze table t",
    )
    wanted, extractor = dataset("t", {"k": "integer", "v": "text"}), open_extractor(parse_url("src_hr", university))
    with pytest.raises(Unavailable) as error:
        read(extractor, wanted)
    assert error.value.code == "HUB203"
    found = read(extractor, wanted)
    assert found.num_rows == 40_000
    assert found["v"][38_999].as_py() == "a\x1fb"


def test_a_line_longer_than_the_server_lets_it_be_ends_the_reading(university: str, link: pymysql.Connection) -> None:
    run(
        link,
        "create or replace table t (k int primary key, v longtext, w longtext)"
        " select seq as k, repeat('v', 900000) as v, repeat('w', 900000) as w from seq_1_to_2",
        "set @most = @@global.max_allowed_packet",
        "set global max_allowed_packet = 1048576",
    )
    try:
        with pytest.raises(Unavailable) as error:
            read(open_extractor(by(university, "connectorx")), dataset("t", {"k": "integer", "v": "text", "w": "text"}))
    finally:
        run(link, "set global max_allowed_packet = @most", "drop table t")
    assert error.value.code == "HUB203"
