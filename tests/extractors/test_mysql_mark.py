"""The mark of a large table of MariaDB: the same as long as nothing changed, and another one, or none, after anything did."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest
from conformance import dataset

from campus.servers import processes
from core.store.address import parse_url
from extractors.base import SupportsFingerprint, TableFingerprint
from extractors.databases.mysql_fingerprint import MINIMUM_ROWS
from extractors.mysql import MysqlExtractor

COLUMNS = {"k": "integer", "v": "text"}


class Shelf:
    def __init__(self, url: str) -> None:
        self.connection = parse_url("src_hr", url)
        door = self.connection.options["unix_socket"]
        self._link = pymysql.connect(user="root", unix_socket=door, database=self.connection.database, autocommit=True)

    def run(self, statement: str) -> None:
        with self._link.cursor() as cursor:
            cursor.execute(statement)

    def cell(self, query: str) -> str:
        with self._link.cursor() as cursor:
            cursor.execute(query)
            return str(cursor.fetchall()[0][0])

    def large(self, name: str, more: str = "") -> None:
        """A table of twice as many rows as it takes."""
        self.run(f"drop table if exists {name}")
        self.run(f"create table {name} (k int primary key, v varchar(20)) {more}")
        self.run(f"insert into {name} select seq, concat('第', seq) from seq_1_to_{2 * MINIMUM_ROWS}")
        self.run(f"analyze table {name}")

    def close(self) -> None:
        self._link.close()


@pytest.fixture(scope="module")
def shelf(mariadb_server: str) -> Iterator[Shelf]:
    shelf = Shelf(processes.create_mariadb_database(mariadb_server, "marks"))
    yield shelf
    shelf.close()


@pytest.fixture
def extractor(shelf: Shelf) -> MysqlExtractor:
    return MysqlExtractor(shelf.connection)


def settled(extractor: MysqlExtractor, table: str = "t") -> TableFingerprint:
    """The mark, as soon as the second of the last change is over."""
    deadline = time.monotonic() + 20
    while (found := extractor.read_fingerprint(dataset(table, COLUMNS))) is None:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def test_the_family_is_one_that_recognises(extractor: MysqlExtractor) -> None:
    assert isinstance(extractor, SupportsFingerprint)


def test_a_table_that_nothing_happened_to_has_the_same_mark(shelf: Shelf, extractor: MysqlExtractor) -> None:
    shelf.large("t")
    found = settled(extractor)
    shelf.run("update t set v = v")
    shelf.run("analyze table t")
    assert extractor.read_fingerprint(dataset("t", COLUMNS)) == found
    assert extractor.read_stamp(dataset("t", COLUMNS)) == found.stamp
    assert found.rows == 2 * MINIMUM_ROWS


@pytest.mark.parametrize(
    "change",
    [
        "update t set v = 'x' where k = 7",
        "update t a, t b set a.v = b.v where a.k = 1 and b.k = 2",
        "insert into t values (0, '')",
        "delete from t where k = 9",
        "update t set v = null where k = 5",
        "alter table t modify v varchar(30)",
        "rename table t to u, other to t, u to other",
        "update t set k = 100000 where k = 1",
    ],
)
def test_every_change_is_told(shelf: Shelf, extractor: MysqlExtractor, change: str) -> None:
    shelf.large("other")
    shelf.large("t")
    before = settled(extractor)
    shelf.run(change)
    assert extractor.read_stamp(dataset("t", COLUMNS)) != before.stamp
    assert extractor.read_fingerprint(dataset("t", COLUMNS)) != before


def test_a_cascade_is_a_change_of_the_other_table(shelf: Shelf, extractor: MysqlExtractor) -> None:
    shelf.run("drop table if exists t, parent")
    shelf.run("create table parent (v varchar(20) primary key)")
    shelf.run("insert into parent values ('a'), ('b')")
    shelf.run("create table t (k int primary key, v varchar(20), foreign key (v) references parent (v) on update cascade)")
    shelf.run(f"insert into t select seq, if(seq = 5, 'b', 'a') from seq_1_to_{2 * MINIMUM_ROWS}")
    shelf.run("analyze table t")
    before = settled(extractor)
    shelf.run("update parent set v = 'c' where v = 'b'")
    assert extractor.read_stamp(dataset("t", COLUMNS)) != before.stamp
    assert settled(extractor).checksum != before.checksum
    shelf.run("drop table t, parent")


def test_what_the_stamp_does_not_see_the_count_or_the_checksum_does(
    shelf: Shelf, extractor: MysqlExtractor, server_room: Path
) -> None:
    shelf.large("t")
    before = settled(extractor)
    shelf.run("drop table if exists other")
    shelf.run("create table other like t")
    shelf.run("insert into other select k, if(k = 77, 'x', v) from t")
    folder = Path(shelf.cell("select @@datadir")) / "marks"
    shelf.run("flush tables other for export")
    for end in ("ibd", "cfg"):
        shutil.copy(folder / f"other.{end}", server_room / f"kept.{end}")
    shelf.run("unlock tables")
    shelf.run("alter table t discard tablespace")
    for end in ("ibd", "cfg"):
        shutil.copy(server_room / f"kept.{end}", folder / f"t.{end}")
    shelf.run("alter table t import tablespace")
    assert settled(extractor).checksum != before.checksum
    shelf.run("truncate table t")
    found = extractor.read_fingerprint(dataset("t", COLUMNS))
    assert found is None or found.rows == 0


def test_a_change_of_this_second_leaves_no_mark_yet(shelf: Shelf, extractor: MysqlExtractor) -> None:
    shelf.large("t")
    before = settled(extractor)
    shelf.run("update t set v = 'y' where k = 3")
    assert extractor.read_stamp(dataset("t", COLUMNS)) is None
    assert settled(extractor) != before


@pytest.mark.parametrize("kind", ["engine = aria", "partition by hash (k) partitions 2"])
def test_a_table_of_another_kind_has_no_mark(shelf: Shelf, extractor: MysqlExtractor, kind: str) -> None:
    shelf.large("t", kind)
    time.sleep(3)
    assert extractor.read_fingerprint(dataset("t", COLUMNS)) is None


def test_neither_a_view_nor_a_small_table_has_one(shelf: Shelf, extractor: MysqlExtractor) -> None:
    shelf.large("t")
    settled(extractor)
    shelf.run("create or replace view seen as select * from t")
    shelf.run("create or replace table small (k int primary key, v varchar(20)) select 1 as k")
    time.sleep(3)
    assert extractor.read_fingerprint(dataset("seen", COLUMNS)) is None
    assert extractor.read_fingerprint(dataset("small", COLUMNS)) is None
