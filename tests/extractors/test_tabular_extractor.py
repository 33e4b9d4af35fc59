"""The shape that cursor families share, on an engine that gives Arrow columns and hashes rows itself (as Oracle's does): the
shared suite against DuckDB, which is no department's but a real database."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pyarrow as pa
import pytest
from conformance import TableConformance, cells, dataset, hashes

from contracts.contract import Column, SourceDataset
from core.dialects import LogicalType, arrow_type
from core.errors import Unavailable
from core.settings import get_settings
from core.store.address import ConnectionAddress, parse_url
from extractors.base import SourceColumn, classify_type
from extractors.databases.cursor import ColumnBlock, ColumnInfo, ColumnSelect, CursorExtractor, Session, _build_batch, read_rows
from extractors.files.encoding import Unreadable

TYPES = {"text": "varchar", "integer": "bigint", "number": "decimal(12,2)", "date": "date", "timestamp": "timestamp"}

KEY = """
    select unnest(constraint_column_names) from duckdb_constraints()
    where constraint_type = 'PRIMARY KEY' and table_name = ?
"""


class DuckSession:
    def __init__(self, link: duckdb.DuckDBPyConnection) -> None:
        self._link = link

    def build_row_hash(self, texts: Sequence[str]) -> str:
        return f"md5(concat_ws(chr(31), {', '.join(f'coalesce({text}, chr(30))' for text in texts)}))"

    def read_blocks(self, sql: str, bounds: Sequence[object] = ()) -> Generator[ColumnBlock, None, None]:
        for batch in self._link.sql(sql, params=list(bounds)).to_arrow_reader(get_settings().batch_rows):
            if batch.num_rows:
                yield batch.columns


class Duck(CursorExtractor):
    family: ClassVar[str] = "duckdb"

    @contextlib.contextmanager
    def open_snapshot(self, where: str, owner: str) -> Iterator[Session]:
        try:
            link = duckdb.connect(self.connection.path)
        except duckdb.IOException as error:
            raise Unavailable(
                "HUB202", where, reason=type(error).__name__, connection=self.connection.id, owner=owner
            ) from None
        with link:
            link.execute("begin")
            yield DuckSession(link)

    def list_tables(self) -> list[str]:
        with self.open_session() as session:
            return [name for (name,) in read_rows(session, "select table_name from information_schema.tables order by 1")]

    def read_primary_key(self, physical: str) -> list[str]:
        with self.open_session() as session:
            return [name for (name,) in read_rows(session, KEY, [physical])]

    def describe_table(self, session: Session, physical: str) -> list[ColumnInfo]:
        query = "select column_name, data_type from information_schema.columns where table_name = ? order by ordinal_position"
        return [
            ColumnInfo(SourceColumn(name, kind, classify_type(kind))) for name, kind in read_rows(session, query, [physical])
        ]

    def select_column(self, column: Column, seen: ColumnInfo, encoding: str | None) -> ColumnSelect:
        name = self.quote_name(column.physical)
        text = f"cast({name} as varchar)"
        if encoding:
            return ColumnSelect(column.physical, f"hex(encode({name}))", text, pa.string(), pa.string(), encoding)
        if seen.column.kind == "number":
            unfit = f"abs({name}) >= 1e10 or {name} <> round({name}, 2)"
            return ColumnSelect(column.physical, f"cast({name} as decimal(38,2))", text, arrow_type(column.type), unfit=unfit)
        kinds = {"integer": pa.int64(), "date": pa.date32(), "timestamp": pa.timestamp("us")}
        return ColumnSelect(column.physical, name, text, kinds.get(seen.column.kind, pa.string()))

    def write_placeholder(self, place: int) -> str:
        return f"${place}"

    def build_key_condition(self, names: Sequence[str], rows: int) -> str:
        width = len(names)
        tuples = [f"({', '.join(f'${row * width + place + 1}' for place in range(width))})" for row in range(rows)]
        return f"({', '.join(names)}) in ({', '.join(tuples)})" if width > 1 else f"{names[0]} in ({', '.join(tuples)})"


class DuckShelf:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection: ConnectionAddress = parse_url("src_hr", f"duckdb://{path}")

    def put(self, name: str, columns: dict[str, str], rows: Sequence[Sequence[Any]]) -> str:
        self.run(f"drop table if exists {name}")
        listed = ", ".join(f'"{column}" {TYPES[kind]}' for column, kind in columns.items())
        self.run(f"create table {name} ({listed}, primary key (k))")
        with duckdb.connect(str(self.path)) as link:
            for row in rows:
                link.execute(f"insert into {name} values ({', '.join('?' * len(columns))})", list(row))
        return name

    def run(self, statement: str) -> None:
        with duckdb.connect(str(self.path)) as link:
            link.execute(statement)

    def unreachable(self) -> str:
        return "duckdb:///nowhere/hr.db"


@pytest.fixture
def shelf(tmp_path: Path) -> DuckShelf:
    return DuckShelf(tmp_path / "hr.duckdb")


class TestTabular(TableConformance):
    @pytest.fixture
    def extractor(self, shelf: DuckShelf) -> Duck:
        return Duck(shelf.connection)

    def test_what_cannot_be_reached_is_tried_again(self, shelf: DuckShelf) -> None:
        wanted = self.given(shelf, "text", [])
        with pytest.raises(Unavailable, match="HUB202"), Duck(parse_url("src_hr", shelf.unreachable())).read(wanted):
            pass


def numbers(shelf: DuckShelf, values: Sequence[str]) -> SourceDataset:
    shelf.run("create or replace table n (k integer, v decimal(38,6))")
    for place, value in enumerate(values):
        shelf.run(f"insert into n values ({place}, {value})")
    number = LogicalType("number", precision=12, scale=2)
    columns = (Column("k", "k", "k", LogicalType("integer")), Column("v", "v", "v", number))
    return dataset("n", columns, mode="window", watermark="k")


@pytest.mark.parametrize(
    ("values", "expected", "type"),
    [
        (["1.10", "null"], ["1.10", None], pa.decimal128(12, 2)),
        (["1.105", "2"], ["1.105000", "2.000000"], pa.string()),
        (["12345678901"], ["12345678901.000000"], pa.string()),
    ],
)
def test_one_value_that_does_not_fit_lands_its_column_as_text(
    shelf: DuckShelf, values: list[str], expected: list[str | None], type: pa.DataType
) -> None:
    wanted = numbers(shelf, values)
    with Duck(shelf.connection).read(wanted) as reading:
        assert reading.schema.field("v").type == type
    assert list(cells(Duck(shelf.connection), wanted).values()) == expected


def test_a_hash_of_the_server_does_not_depend_on_how_a_column_lands(shelf: DuckShelf) -> None:
    wanted = numbers(shelf, ["1.10", "1.105"])
    extractor = Duck(shelf.connection)
    with extractor.read_key_hashes(wanted) as reading:
        swept = hashes(reading)
    with extractor.read(wanted, "1") as reading:
        assert hashes(reading) == {"1": swept["1"]}
    with extractor.fetch_rows(wanted, pa.table({"k": ["0"]})) as reading:
        assert reading.schema.field("v").type == pa.decimal128(12, 2)
        assert hashes(reading) == {"0": swept["0"]}


def test_the_drivers_arrow_types_become_the_landings() -> None:
    found = [
        pa.array(["张三", None], pa.large_string()),
        pa.array([1, None], pa.decimal128(38, 0)),
        pa.array([0, None], pa.timestamp("s")),
        pa.array([b"\x00\xff", None], pa.large_binary()),
        pa.array(["b0a2", None], pa.large_string()),
    ]
    wanted = [
        ColumnSelect("a", "", "", pa.string()),
        ColumnSelect("b", "", "", pa.int64()),
        ColumnSelect("c", "", "", pa.timestamp("us")),
        ColumnSelect("d", "", "", pa.string(), pa.binary()),
        ColumnSelect("e", "", "", pa.string(), pa.string(), "gb18030"),
    ]
    schema = pa.schema([pa.field(cell.name, cell.type) for cell in wanted])
    unreadable = Unreadable()
    batch = _build_batch(found, wanted, schema, unreadable)
    assert [column.cast(pa.string()).to_pylist()[0] for column in batch.columns] == [
        "张三",
        "1",
        "1970-01-01 00:00:00.000000",
        "00ff",
        "阿",
    ]
    assert all(column[1].as_py() is None for column in batch.columns)
    assert unreadable.rows == 0
