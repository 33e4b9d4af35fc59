"""A department's SQL Server for the rehearsal: a process that speaks the real wire protocol and serves a folder of tables.

`python -m campus.servers.sqlserver <folder>` answers logins and SELECTs on a free port of this machine. The protocol and the
SQL come from pysqlbridge, which reads only. It types columns by what they hold; here every column has the type that its
department declared, also decimals, dates and moments, so that the hub meets on the wire what it meets on site. A
table is a Parquet file `<folder>/tables/<name>.parquet` whose fields carry the declared type, and a new file is
served from the next statement on.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pysqlbridge import information_schema
from pysqlbridge.catalog import Catalog
from pysqlbridge.logins import from_document
from pysqlbridge.server import BridgeServer
from pysqlbridge.source import Table
from pysqlbridge.tds.result import (
    Bit,
    Column,
    ColumnType,
    Float,
    Integer,
    NVarChar,
    Query,
    QueryResult,
    UniqueIdentifier,
    VarBinary,
)

_DAYS = dt.date(1, 1, 1).toordinal()
_TYPE = re.compile(r"(\w+)(?:\((\w+)(?:,\s*(\d+))?\))?")


@dataclass(frozen=True)
class DateType(ColumnType):
    """DATENTYPE of the protocol: three bytes of days since 1 January of year 1."""

    def type_info(self) -> bytes:
        return b"\x28"

    def encode(self, value: Any) -> bytes:
        return b"\x00" if value is None else b"\x03" + (value.toordinal() - _DAYS).to_bytes(3, "little")


@dataclass(frozen=True)
class DateTime2Type(ColumnType):
    """DATETIME2NTYPE with seven digits: ticks of 100 ns since midnight, then the day."""

    def type_info(self) -> bytes:
        return b"\x2a\x07"

    def encode(self, value: Any) -> bytes:
        if value is None:
            return b"\x00"
        seconds = (value.hour * 60 + value.minute) * 60 + value.second
        ticks = (seconds * 10**7 + value.microsecond * 10).to_bytes(5, "little")
        moment: bytes = b"\x08" + ticks + (value.toordinal() - _DAYS).to_bytes(3, "little")
        return moment


@dataclass(frozen=True)
class DecimalType(ColumnType):
    """DECIMALNTYPE: a sign and the unscaled number, as wide as its precision needs."""

    precision: int
    scale: int

    @property
    def width(self) -> int:
        return next(width for digits, width in ((9, 5), (19, 9), (28, 13), (38, 17)) if self.precision <= digits)

    def type_info(self) -> bytes:
        return bytes([0x6A, self.width, self.precision, self.scale])

    def encode(self, value: Any) -> bytes:
        if value is None:
            return b"\x00"
        number = int(Decimal(str(value)).scaleb(self.scale).to_integral_value())
        return bytes([self.width, number >= 0]) + abs(number).to_bytes(self.width - 1, "little")


class _TerminatedNVarChar(NVarChar):
    """The library ends an empty long text without the terminator that the protocol wants, which breaks the connection."""

    def _encode_max(self, value: object) -> bytes:
        encoded: bytes = _encode_long(self, value)
        return encoded + bytes(4) if value == "" else encoded


_encode_long = NVarChar._encode_max


def split_type(declared: str) -> tuple[str, str | None, str | None]:
    """Name, size and scale of a declared type: `decimal(12,2)`, `nvarchar(max)`."""
    found = _TYPE.match(declared.lower())
    return (found[1], found[2], found[3]) if found else (declared, None, None)


def choose_wire_type(declared: str) -> ColumnType:
    """The protocol's type of a declared type; what it does not know is served as text."""
    name, size, scale = split_type(declared)
    if name in {"decimal", "numeric"}:
        return DecimalType(int(size or 18), int(scale or 0))
    if name in {"varbinary", "binary"}:
        return VarBinary(8000)
    if name in {"char", "nchar", "varchar", "nvarchar"} and size and size.isdigit() and int(size) <= 4000:
        return NVarChar(int(size))
    simple: dict[str, Callable[[], ColumnType]] = {
        "bit": Bit,
        "tinyint": lambda: Integer(4),
        "smallint": lambda: Integer(4),
        "int": lambda: Integer(4),
        "bigint": lambda: Integer(8),
        "float": lambda: Float(8),
        "money": lambda: DecimalType(19, 4),
        "date": DateType,
        "datetime": DateTime2Type,
        "datetime2": DateTime2Type,
        "smalldatetime": DateTime2Type,
        "uniqueidentifier": UniqueIdentifier,
    }
    return simple.get(name, lambda: NVarChar(None))()


class ServedTable:
    """One table: its columns are known at once, its rows are read when somebody asks."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self._path = path
        self.fields = [field for field in pq.read_schema(path)]

    def find_declared_type(self, field: pa.Field[Any]) -> str:
        return (field.metadata or {}).get(b"declared", b"nvarchar(max)").decode()

    def read_fact(self, field: pa.Field[Any], name: bytes) -> str:
        return (field.metadata or {}).get(name, b"").decode()

    @cached_property
    def _columns(self) -> list[Column]:
        return [Column(field.name, choose_wire_type(self.find_declared_type(field))) for field in self.fields]

    def schema(self) -> Table:
        return Table(self.name, self._columns, [])

    def load(self) -> Table:
        return Table(self.name, self._columns, self._rows)

    @cached_property
    def _rows(self) -> list[list[object]]:
        table = pq.read_table(self._path)
        # Dates are kept as moments, since the server's functions know those; the column says that they are dates.
        kept = [column.cast(pa.timestamp("us")) if pa.types.is_date(column.type) else column for column in table.columns]
        return [list(row) for row in zip(*(column.to_pylist() for column in kept), strict=True)]


class DeclaredCatalog(Catalog):
    """A catalogue that tells the declared types, keys and titles where the library would tell what it guesses."""

    def get(self, name: str, schema: str | None = None, parameters: dict[str, Any] | None = None) -> Table:
        told = {
            ("information_schema", "columns"): self._columns,
            ("information_schema", "key_column_usage"): self._build_keys,
            ("information_schema", "table_constraints"): self._build_constraints,
            ("sys", "columns"): self._build_positions,
            ("sys", "extended_properties"): self._build_titles,
        }.get(((schema or "").lower(), name.lower()))
        found: Table = told() if told else super().get(name, schema, parameters)
        return found

    def _columns(self) -> Table:
        rows = []
        for served, place, field in self._list_fields():
            kind, size, scale = split_type(served.find_declared_type(field))
            text = kind.endswith(("char", "binary"))
            length = (-1 if size == "max" else int(size)) if text and size else None
            digits = (int(size or 18), int(scale or 0)) if kind in {"decimal", "numeric"} else (None, None)
            collation = "Chinese_PRC_CI_AS" if kind.endswith("char") else None
            key = served.read_fact(field, b"key")
            rows.append([served.name, field.name, place, "NO" if key else "YES", kind, length, *digits, collation])
        return _build_view(
            "TABLE_SCHEMA TABLE_NAME COLUMN_NAME *ORDINAL_POSITION IS_NULLABLE DATA_TYPE *CHARACTER_MAXIMUM_LENGTH"
            " *NUMERIC_PRECISION *NUMERIC_SCALE COLLATION_NAME",
            [["dbo", *row] for row in rows],
        )

    def _build_keys(self) -> Table:
        rows = [
            ["dbo", f"PK_{served.name}", served.name, field.name, int(served.read_fact(field, b"key"))]
            for served, _, field in self._list_fields()
            if served.read_fact(field, b"key")
        ]
        return _build_view("TABLE_SCHEMA CONSTRAINT_NAME TABLE_NAME COLUMN_NAME *ORDINAL_POSITION", rows)

    def _build_constraints(self) -> Table:
        rows = [["dbo", f"PK_{source.name}", source.name, "PRIMARY KEY"] for source in self._list_served()]
        return _build_view("TABLE_SCHEMA CONSTRAINT_NAME TABLE_NAME CONSTRAINT_TYPE", rows)

    def _build_positions(self) -> Table:
        rows = [[information_schema.object_id(served.name), field.name, place] for served, place, field in self._list_fields()]
        return _build_view("*object_id name *column_id", rows)

    def _build_titles(self) -> Table:
        rows = [
            [information_schema.object_id(served.name), place, "MS_Description", served.read_fact(field, b"title")]
            for served, place, field in self._list_fields()
            if served.read_fact(field, b"title")
        ]
        return _build_view("*major_id *minor_id name value", rows)

    def _list_served(self) -> list[ServedTable]:
        return [source for source in self.sources.values() if isinstance(source, ServedTable)]

    def _list_fields(self) -> list[tuple[ServedTable, int, Any]]:
        return [
            (served, place, field) for served in self._list_served() for place, field in zip(itertools.count(1), served.fields)
        ]


def _build_view(names: str, rows: list[list[Any]]) -> Table:
    """A view of the catalogue; a star marks columns of whole numbers."""
    columns = [Column(name.removeprefix("*"), Integer(4) if name.startswith("*") else NVarChar(128)) for name in names.split()]
    return Table("view", columns, rows)


class TableFolder:
    """The tables of a folder, read again when a file was put there or taken away."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[str, tuple[int, int]] = {}
        self._catalog = DeclaredCatalog()
        self._lock = threading.Lock()

    def answer(self, query: Query) -> QueryResult:
        with self._lock:  # every client is a thread, and none may be told what was there before
            catalog = self._refresh_catalog()
        answered: QueryResult = catalog.answer(query)
        return answered

    def _refresh_catalog(self) -> DeclaredCatalog:
        seen = {
            entry.name: (entry.stat().st_mtime_ns, entry.stat().st_ino)
            for entry in os.scandir(self._folder)
            if entry.name.endswith(".parquet")
        }
        if seen != self._seen:
            catalog = DeclaredCatalog()
            before = {source.name: source for source in self._catalog.sources.values()}
            for name in sorted(seen):
                kept = before.get(name.removesuffix(".parquet")) if self._seen.get(name) == seen[name] else None
                catalog.add_source(kept or ServedTable(self._folder / name))
            self._seen, self._catalog = seen, catalog
        return self._catalog


def main(folder: Path) -> None:
    """Serve `<folder>/tables` until told to end. The port that was ours before is taken again when it is free."""
    logins = from_document({"logins": [json.loads((folder / "login.json").read_text("utf-8"))]}, "login.json")
    NVarChar._encode_max = _TerminatedNVarChar._encode_max
    note = folder / "port"
    handler = TableFolder(folder / "tables").answer
    try:
        server = BridgeServer("127.0.0.1", int(note.read_text()), query_handler=handler, logins=logins)
    except (OSError, ValueError):
        server = BridgeServer("127.0.0.1", 0, query_handler=handler, logins=logins)
    part = folder / ".port"
    part.write_text(str(server.server_address[1]))
    part.replace(note)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # nothing is kept that would have to be put away
    with server:
        server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
