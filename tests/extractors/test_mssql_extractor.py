"""Family mssql over the real protocol: the shared suite against a server that speaks it and reads only, and the SQL that only
a real SQL Server has, compiled and parsed.

What that server cannot carry: it has no views (a table stands for one here), no session that another can end (the whole
server is ended instead), no HASHBYTES (so hashes are computed here, as for servers before 2016; the text that a newer
server hashes is compared over the wire), no snapshot isolation, and no conversion to or from varbinary.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlglot
from conformance import Database, DatabaseConformance, cells, dataset, hashes, read, table

from campus.servers import processes
from campus.servers.stores_local import SqlServerSource
from contracts.contract import Column
from core.dialects import LogicalType
from core.errors import Refused, Unavailable
from core.store.address import ConnectionAddress, parse_url
from extractors.base import Extractor, SourceColumn, classify_type, open_extractor
from extractors.databases import mssql_session
from extractors.databases.cursor import ColumnInfo
from extractors.mssql import MssqlExtractor

TYPES = {
    "text": "nvarchar(max)",
    "integer": "bigint",
    "number": "decimal(12,2)",
    "date": "date",
    "timestamp": "datetime2(6)",
}
_VALUES: dict[str, Any] = {"number": Decimal, "date": date.fromisoformat, "timestamp": datetime.fromisoformat}


class ServedShelf:
    """Tables of a server's folder, put there as a department's store puts them."""

    def __init__(self, connection: ConnectionAddress, folder: Path) -> None:
        self.connection = connection
        self.folder = folder
        self._store = SqlServerSource(folder)

    def put(self, name: str, columns: dict[str, str], rows: Sequence[Sequence[Any]]) -> str:
        types = {
            column: "nvarchar(50)" if column == "k" and kind == "text" else TYPES[kind] for column, kind in columns.items()
        }
        values = [
            [None if value is None else _VALUES.get(kind, lambda v: v)(value) for value in column]
            for kind, column in zip(columns.values(), zip(*rows, strict=True) if rows else [[]] * len(columns), strict=True)
        ]
        return self.declare(name, types, values, key=["k"])

    def declare(self, name: str, types: dict[str, str], values: Sequence[Sequence[Any]], key: Sequence[str] = ()) -> str:
        """A table of columns with their declared types, and the values column by column."""
        listed = tuple(Column(c, c, f"{c} 的题名", LogicalType("string"), physical_type=kind) for c, kind in types.items())
        self._store.replace_rows(dataset(name, listed, key=tuple(key)), pa.table([pa.array(v) for v in values], list(types)))
        return name

    def run(self, statement: str) -> None:
        """The server takes no statement that makes something: a view becomes a table of the same rows."""
        if statement == "create view w as select k, v from t":
            (self.folder / "tables" / "w.parquet").hardlink_to(self.folder / "tables" / "t.parquet")
        elif "view" in statement:
            (self.folder / "tables" / "w.parquet").unlink(missing_ok=True)

    def slow(self, name: str) -> str:
        """More than the connection holds while nobody reads on."""
        return self.put(name, {"k": "integer", "v": "text"}, [(number, "x" * 400) for number in range(45_000)])

    def kill_readers(self) -> int:
        """Sessions cannot be ended one by one here: the server as a whole is."""
        pid = processes.find_process("campus.servers.sqlserver", str(self.folder))
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return 1

    def unreachable(self) -> str:
        return "mssql://hub:x@127.0.0.1:9/hr"


@pytest.fixture
def shelf(mssql_server: str, server_room: Path) -> ServedShelf:
    folder = server_room / "sqlserver_hr"
    assert processes.start_sqlserver(folder) == mssql_server  # a test that ended the server finds it again on the same port
    return ServedShelf(parse_url("src_hr", mssql_server), folder)


@pytest.fixture
def extractor(shelf: ServedShelf) -> MssqlExtractor:
    return MssqlExtractor(shelf.connection)


class TestSQLServer(DatabaseConformance):
    def test_a_killed_session_gives_nothing(self, shelf: Database, extractor: Extractor) -> None:
        wanted = dataset(shelf.slow("slow_rows"), {"k": "integer", "v": "text"})
        with pytest.raises(Unavailable) as error, extractor.read(wanted) as reading:
            next(reading.batches)
            assert shelf.kill_readers() == 1
            list(reading.batches)
        assert error.value.code == "HUB203"


def one(logical: str, physical_type: str | None = None, **sizes: int) -> tuple[Column, ...]:
    kind = LogicalType(logical, **sizes)
    return (Column("k", "k", "k", LogicalType("integer")), Column("v", "v", "v", kind, physical_type=physical_type))


@pytest.mark.parametrize(
    ("logical", "declared", "value", "expected", "type"),
    [
        ("integer", "int", 42, "42", pa.int64()),
        ("boolean", "bit", True, "true", pa.bool_()),
        ("number", "decimal(12,2)", Decimal("-9999999999.99"), "-9999999999.99", pa.decimal128(12, 2)),
        ("number", "decimal(10,0)", Decimal(7), "7.00", pa.decimal128(12, 2)),
        ("number", "decimal(38,10)", Decimal("1.0000000001"), "1.0000000001", pa.string()),
        ("number", "decimal(20,4)", Decimal("1234567890123456.7890"), "1234567890123456.7890", pa.string()),
        ("number", "float", 0.1, "0.1", pa.string()),
        ("date", "date", date(1900, 1, 1), "1900-01-01", pa.date32()),
        ("date", "date", date(9999, 12, 31), "9999-12-31", pa.date32()),
        ("timestamp", "datetime2(7)", datetime(2025, 9, 1, 8, 0, 1, 123456), "2025-09-01 08:00:01.123456", pa.timestamp("us")),
        (
            "string",
            "uniqueidentifier",
            "6F9619FF-8B86-D011-B42D-00C04FC964FF",
            "6f9619ff-8b86-d011-b42d-00c04fc964ff",
            pa.string(),
        ),
        ("string", "varbinary(8)", b"\x00\xff", "00ff", pa.string()),
        ("string", "char(8)", "001     ", "001", pa.string()),
        ("string", "xml", "<a>学籍</a>", "<a>学籍</a>", pa.string()),
    ],
)
def test_types_land_exact_or_as_text(
    shelf: ServedShelf, extractor: MssqlExtractor, logical: str, declared: str, value: Any, expected: str, type: pa.DataType
) -> None:
    shelf.declare("t", {"k": "int", "v": declared}, [[0, 1], [value, None]])
    columns = one(logical, declared, precision=12, scale=2) if logical == "number" else one(logical, declared)
    wanted = dataset("t", columns)
    with extractor.read(wanted) as reading:
        assert reading.schema.field("v").type == type
    assert cells(extractor, wanted) == {"0": expected, "1": None}


def test_gbk_in_a_binary_column_is_decoded_by_the_contract(shelf: ServedShelf, extractor: MssqlExtractor) -> None:
    shelf.declare("t", {"k": "int", "v": "varbinary(50)"}, [[1, 2], ["阿卜·".encode("gb18030"), None]])
    assert cells(extractor, dataset("t", one("string", "varbinary(50)"), encoding="gb18030")) == {"1": "阿卜·", "2": None}
    shelf.declare("t", {"k": "int", "v": "varbinary(50)"}, [[1, 2], [b"\xb0", b"\xb0\xa2"]])
    with pytest.raises(Refused) as error:
        read(extractor, dataset("t", one("string", "varbinary(50)"), encoding="gb18030"))
    assert (error.value.code, error.value.facts["rows"]) == ("HUB304", 1)


def test_the_catalogue_gives_types_titles_and_keys(shelf: ServedShelf, extractor: MssqlExtractor) -> None:
    types = {"XH": "nchar(12)", "占比%s": "decimal(5,2)", "N": "int"}
    shelf.declare("yjs", types, [["001         "], [Decimal("1.5")], [7]], key=["N", "XH"])
    first, second, third = extractor.read_columns("yjs")
    assert (first.name, first.type, first.kind, first.nullable, first.title) == (
        "XH",
        "nchar(12)",
        "string",
        False,
        "XH 的题名",
    )
    assert (second.name, second.type, second.kind, second.nullable) == ("占比%s", "decimal(5,2)", "number", True)
    assert (third.type, extractor.read_primary_key("yjs")) == ("int", ["N", "XH"])
    listed = tuple(
        Column(name, physical, name, LogicalType(kind))
        for name, physical, kind in (("k", "XH", "string"), ("p", "占比%s", "number"), ("n", "N", "integer"))
    )
    wanted = dataset("yjs", listed, key=("k", "n"))
    for physical in ("yjs", "dbo.yjs"):
        assert read(extractor, dataset(physical, listed)).to_pylist() == [{"XH": "001", "占比%s": "1.50", "N": "7"}]
    with extractor.fetch_rows(wanted, pa.table({"XH": ["001"], "N": ["7"]})) as reading:
        assert table(reading).num_rows == 1


def test_thousands_of_keys_are_fetched_in_pieces(shelf: ServedShelf, extractor: MssqlExtractor) -> None:
    columns = {"k": "text", "v": "text"}
    wanted = dataset(shelf.put("t", columns, [(f"{number:05}", "x") for number in range(2000)]), columns)
    with extractor.fetch_rows(wanted, pa.table({"k": [f"{number:05}" for number in range(0, 2000, 2)]})) as reading:
        assert reading.source_count == 1000
        assert len(hashes(reading)) == 1000


def test_the_server_would_hash_the_text_that_is_hashed_here(shelf: ServedShelf, extractor: MssqlExtractor) -> None:
    """The pieces of the server's digest, joined over the wire: only the MD5 around them is not asked."""
    types = {"k": "nvarchar(20)", "v": "int", "d": "date", "x": "bit"}
    shelf.declare("t", types, [["甲", None], [42, -1], [date(2024, 2, 29), None], [True, None]])
    with extractor.open_session() as session:
        assert session.build_row_hash(["x"]) is None
        seen = {one.column.name: one for one in extractor.describe_table(session, "t")}
        listed = [Column(name, name, name, LogicalType("string")) for name in types]
        expression = mssql_session.build_row_hash(
            [extractor.select_column(column, seen[column.name], None).text for column in listed]
        )
        joined = expression.removeprefix("lower(convert(varchar(32), hashbytes('MD5', ").removesuffix("), 2))")
        found = [text for block in session.read_blocks(f"select {joined} from t order by v desc") for text in block[0]]
    assert found == ["甲\x1f42\x1f2024-02-29\x1f1", "\x1e\x1f-1\x1f\x1e\x1f\x1e"]


@pytest.mark.parametrize(
    ("declared", "charset", "expected"),
    [
        ("varchar(50)", "SQL_Latin1_General_CP1_CI_AS", "CONVERT(VARBINARY(MAX), [v])"),
        ("varchar(50)", "Chinese_PRC_CI_AS", "[v]"),
        ("nvarchar(50)", "SQL_Latin1_General_CP1_CI_AS", "[v]"),
        ("text", "Latin1_General_100_CI_AS_SC_UTF8", "CONVERT(NVARCHAR(MAX), [v])"),
        ("image", "", "CONVERT(VARBINARY(MAX), [v])"),
        ("rowversion", "", "CONVERT(VARBINARY(MAX), [v])"),
        ("datetimeoffset", "", "CONVERT(DATETIME2(7), SWITCHOFFSET([v], '+00:00'))"),
        ("money", "", "CONVERT(NVARCHAR(30), [v], 2)"),
        ("time", "", "CONVERT(NVARCHAR(16), [v], 121)"),
    ],
)
def test_types_that_the_test_server_lacks_are_selected_in_its_language(declared: str, charset: str, expected: str) -> None:
    family = MssqlExtractor(parse_url("src_hr", "mssql://hub@host/hr"))
    seen = ColumnInfo(SourceColumn("v", declared, classify_type(declared)), charset=charset)
    cell = family.select_column(Column("v", "v", "v", LogicalType("string")), seen, "gb18030")
    for expression in (cell.select, mssql_session.build_row_hash([cell.text])):
        sqlglot.parse_one(f"select {expression} from t", read="tsql", error_level=sqlglot.ErrorLevel.RAISE)
    assert sqlglot.parse_one(cell.select, read="tsql").sql("tsql") == sqlglot.parse_one(expected, read="tsql").sql("tsql")
    assert bool(cell.encoding) == ("VARBINARY" in expected)


def test_the_family_is_found_by_its_scheme() -> None:
    assert isinstance(open_extractor(parse_url("src", "mssql+pymssql://hub@host/hr")), MssqlExtractor)
