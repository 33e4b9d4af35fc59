"""Departments that keep their data beside their program: one SQLite file, or the tables that the rehearsal's SQL Server
serves. Both take Arrow tables as the stores on real servers do."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from campus.servers.sqlserver import split_type
from campus.servers.stores import build_definition
from contracts.contract import Column, SourceDataset
from core.dialects import quote_identifier, spell_sql_type
from core.store.address import parse_url


class SqliteSource:
    """A department's SQLite file. Its program indexes the key, and as so often declares none."""

    engine = "sqlite"

    def __init__(self, url: str) -> None:
        path = Path("/" + parse_url("rehearsal", url).path.lstrip("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        self._link = sqlite3.connect(path, isolation_level=None, timeout=30)
        self._link.execute("pragma journal_mode = wal")  # the office works on while the hub reads

    def create_table(self, dataset: SourceDataset) -> None:
        """Drop and make the table, empty."""
        table = self._quote_name(dataset.physical)
        key = ", ".join(self._quote_name(column.physical) for column in dataset.columns if column.name in dataset.key)
        self._link.execute(f"drop table if exists {table}")
        self._link.execute(build_definition(dataset, self.engine))
        if key:
            self._link.execute(f"create index {self._quote_name(f'{dataset.physical}_key')} on {table} ({key})")

    def replace_rows(self, dataset: SourceDataset, rows: pa.Table) -> None:
        """All rows anew, in one transaction."""
        with self._begin_transaction():
            self._link.execute(f"delete from {self._quote_name(dataset.physical)}")
            self._append_rows(dataset, rows)

    def change_rows(self, dataset: SourceDataset, keys: pa.Table, rows: pa.Table) -> None:
        """Rows with the given keys (columns by physical name) give way to `rows`, in one transaction."""
        same = " and ".join(f"{self._quote_name(name)} is ?" for name in keys.column_names)
        with self._begin_transaction():
            self._link.executemany(f"delete from {self._quote_name(dataset.physical)} where {same}", _iterate_values(keys))
            self._append_rows(dataset, rows)

    def rename_column(self, dataset: SourceDataset, old: str, new: str) -> None:
        """Rename a column of the table."""
        table, before, after = map(self._quote_name, (dataset.physical, old, new))
        self._link.execute(f"alter table {table} rename column {before} to {after}")

    def close(self) -> None:
        self._link.close()

    def _append_rows(self, dataset: SourceDataset, rows: pa.Table) -> None:
        names, marks = ", ".join(map(self._quote_name, rows.column_names)), ", ".join("?" * rows.num_columns)
        self._link.executemany(
            f"insert into {self._quote_name(dataset.physical)} ({names}) values ({marks})", _iterate_values(rows)
        )

    def _begin_transaction(self) -> sqlite3.Connection:
        """The connection itself, which commits at the end of a `with` block or rolls back."""
        self._link.execute("begin immediate")
        return self._link

    def _quote_name(self, name: str) -> str:
        return quote_identifier(name, self.engine)


class SqlServerSource:
    """The folder of a SQL Server of the rehearsal: a table is a file, changed by putting a new one in its place."""

    engine = "mssql"

    def __init__(self, folder: Path) -> None:
        self._tables = folder / "tables"

    def create_table(self, dataset: SourceDataset) -> None:
        """Make the table anew, empty."""
        fields = [pa.field(column.physical, _choose_arrow_type(self._find_declared_type(column))) for column in dataset.columns]
        self._write_table(dataset, pa.schema(fields).empty_table())

    def replace_rows(self, dataset: SourceDataset, rows: pa.Table) -> None:
        """All rows anew, at once."""
        self._write_table(dataset, rows)

    def change_rows(self, dataset: SourceDataset, keys: pa.Table, rows: pa.Table) -> None:
        """Rows with the given keys (columns by physical name) give way to `rows`, at once."""
        before = pq.read_table(self._find_table_file(dataset))
        fresh = self._fit_rows(dataset, rows)
        gone = keys.cast(pa.schema([before.schema.field(name) for name in keys.column_names]))
        same = " and ".join(f'b."{name}" is not distinct from g."{name}"' for name in keys.column_names)
        with duckdb.connect() as db:
            for name, table in {"before": before, "gone": gone, "fresh": fresh}.items():
                db.register(name, table)
            query = f"select * from before b where not exists (select 1 from gone g where {same}) union all select * from fresh"
            self._write_table(dataset, db.sql(query).to_arrow_table())

    def rename_column(self, dataset: SourceDataset, old: str, new: str) -> None:
        """Rename a column of the table."""
        table = pq.read_table(self._find_table_file(dataset))
        pq.write_table(table.rename_columns({old: new}), self._find_table_file(dataset))

    def close(self) -> None:
        """Nothing is open: the server reads the files by itself."""

    def _write_table(self, dataset: SourceDataset, rows: pa.Table) -> None:
        path = self._find_table_file(dataset)
        part = path.with_suffix(".part")
        pq.write_table(self._fit_rows(dataset, rows), part)
        part.replace(path)

    def _fit_rows(self, dataset: SourceDataset, rows: pa.Table) -> pa.Table:
        """The rows in the declared types, each field with its declaration, its title and its place in the key."""
        fields = []
        for column in dataset.columns:
            declared = self._find_declared_type(column)
            facts = {"declared": declared, "title": column.title}
            if column.name in dataset.key:
                facts["key"] = str(dataset.key.index(column.name) + 1)
            fields.append(pa.field(column.physical, _choose_arrow_type(declared), metadata=facts))
        return rows.select([field.name for field in fields]).cast(pa.schema(fields))

    def _find_declared_type(self, column: Column) -> str:
        return column.physical_type or spell_sql_type(column.type, self.engine)

    def _find_table_file(self, dataset: SourceDataset) -> Path:
        return self._tables / f"{dataset.physical}.parquet"


def _choose_arrow_type(declared: str) -> pa.DataType:
    name, size, scale = split_type(declared)
    if name in {"decimal", "numeric"}:
        return pa.decimal128(int(size or 18), int(scale or 0))
    if name.startswith(("datetime", "smalldatetime")):
        return pa.timestamp("us")
    simple: dict[str, pa.DataType] = {
        "date": pa.date32(),
        "bit": pa.bool_(),
        "float": pa.float64(),
        "money": pa.decimal128(19, 4),
    }
    whole = {"tinyint", "smallint", "int", "bigint"}
    return pa.int64() if name in whole else simple.get(name, pa.binary() if name.endswith("binary") else pa.string())


def _iterate_values(rows: pa.Table) -> Any:
    """Rows as SQLite takes them: decimals, dates and moments as text (the column's type makes numbers of numbers)."""
    plain = pa.types.is_integer, pa.types.is_boolean, pa.types.is_floating, pa.types.is_binary
    columns = (
        column if any(is_plain(column.type) for is_plain in plain) else column.cast(pa.string()) for column in rows.columns
    )
    return zip(*(column.to_pylist() for column in columns), strict=True)
