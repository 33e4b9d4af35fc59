"""Put Arrow tables where a department keeps them: PostgreSQL, MariaDB, a workbook, a Visual FoxPro table."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import dbf
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pymysql
import xlsxwriter
from psycopg import sql

from campus.render.offices.hr import ZERO_DATE
from contracts.contract import Column, SourceDataset
from core.dialects import LogicalType, quote_identifier, spell_sql_type
from core.settings import get_settings
from core.store.address import parse_url
from core.store.postgres import copy_csv
from extractors.base import expected_kind

_ROWS = 100_000


def build_definition(dataset: SourceDataset, engine: str, spelled: Callable[[Column, str], str] | None = None) -> str:
    """CREATE TABLE as the department has it: its own column types (or as `spelled` says) and, as so often, no key."""
    kind = spelled or _choose_type
    columns = ", ".join(f"{quote_identifier(column.physical, engine)} {kind(column, engine)}" for column in dataset.columns)
    return f"create table {quote_identifier(dataset.physical, engine)} ({columns})"


def _choose_type(column: Column, engine: str) -> str:
    return column.physical_type or spell_sql_type(column.type, engine)


def choose_near_type(column: Column, engine: str) -> str:
    """The type of PostgreSQL that holds what a column of another server's type holds, whatever that server calls it."""
    kind = expected_kind(column)
    declared = re.search(r"\(\s*(\d+)\s*,\s*(\d+)\s*\)", column.physical_type or "")
    if kind == "number":
        return f"numeric({declared[1]},{declared[2]})" if declared else "numeric"
    if kind == "boolean" and column.type.name != "boolean":
        return "smallint"  # a flag of one digit whose contract counts
    return {"bytes": "bytea", "time": "time"}.get(kind) or spell_sql_type(LogicalType(kind), engine)


class PostgresSource:
    """A department's database on PostgreSQL. Dates of zeros become NULL, since it has none. `guest`: its tables are those of
    another server, whose types are written in their contracts."""

    engine = "postgresql"

    def __init__(self, url: str, guest: bool = False) -> None:
        self._connection = psycopg.connect(url)
        self._spelled = choose_near_type if guest else None

    def create_table(self, dataset: SourceDataset) -> None:
        """Drop and make the table, empty."""
        table = sql.Identifier(dataset.physical)
        self._connection.execute(sql.SQL("drop table if exists {}").format(table))
        self._connection.execute(build_definition(dataset, self.engine, self._spelled).encode())
        self._connection.commit()

    def replace_rows(self, dataset: SourceDataset, rows: pa.Table) -> None:
        """All rows anew, in one transaction."""
        with self._connection.transaction():
            self._connection.execute(sql.SQL("truncate {}").format(sql.Identifier(dataset.physical)))
            self._append_rows(dataset, rows)

    def change_rows(self, dataset: SourceDataset, keys: pa.Table, rows: pa.Table) -> None:
        """Rows with the given keys (columns by physical name) give way to `rows`, in one transaction."""
        table = sql.Identifier(dataset.physical)
        columns = [sql.Identifier(name) for name in keys.column_names]
        same = sql.SQL(" and ").join(sql.SQL("t.{0} is not distinct from k.{0}").format(column) for column in columns)
        with self._connection.transaction():
            self._connection.execute(
                sql.SQL("create temporary table changed_key on commit drop as select {} from {} where false").format(
                    sql.SQL(", ").join(columns), table
                )
            )
            copy_csv(self._connection, sql.Identifier("changed_key"), keys.column_names, keys.to_reader())
            self._connection.execute(sql.SQL("delete from {} t using changed_key k where {}").format(table, same))
            self._append_rows(dataset, rows)

    def rename_column(self, dataset: SourceDataset, old: str, new: str) -> None:
        """Rename a column of the table."""
        names = map(sql.Identifier, (dataset.physical, old, new))
        self._connection.execute(sql.SQL("alter table {} rename column {} to {}").format(*names))
        self._connection.commit()

    def close(self) -> None:
        self._connection.close()

    def _append_rows(self, dataset: SourceDataset, rows: pa.Table) -> None:
        cleaned = _clear_zero_dates(dataset, rows)
        copy_csv(self._connection, sql.Identifier(dataset.physical), rows.column_names, cleaned.to_reader(_ROWS))


class MariadbSource:
    """A department's database on MariaDB: InnoDB, utf8mb4, zero dates and all."""

    engine = "mysql"

    def __init__(self, url: str) -> None:
        at = parse_url("rehearsal", url)
        door = at.options.get("unix_socket")
        self._connection = pymysql.connect(
            user=at.user or "root",
            password=at.password,
            database=at.database,
            charset="utf8mb4",
            local_infile=True,
            sql_mode="",  # strict modes would refuse dates of zeros
            host=at.host,
            port=at.port or 3306,
            unix_socket=door,
        )

    def create_table(self, dataset: SourceDataset) -> None:
        """Drop and make the table, empty."""
        self._run_statements(
            f"drop table if exists {quote_identifier(dataset.physical, self.engine)}",
            build_definition(dataset, self.engine) + " engine=InnoDB default charset=utf8mb4",
        )
        self._connection.commit()

    def replace_rows(self, dataset: SourceDataset, rows: pa.Table) -> None:
        """All rows anew, in one transaction."""
        self._run_statements("start transaction", f"delete from {quote_identifier(dataset.physical, self.engine)}")
        self._append_rows(dataset.physical, rows)
        self._connection.commit()

    def change_rows(self, dataset: SourceDataset, keys: pa.Table, rows: pa.Table) -> None:
        """Rows with the given keys (columns by physical name) give way to `rows`, in one transaction."""
        table, names = (
            quote_identifier(dataset.physical, self.engine),
            [quote_identifier(name, self.engine) for name in keys.column_names],
        )
        self._run_statements(
            f"create temporary table changed_key as select {', '.join(names)} from {table} where false", "start transaction"
        )
        self._append_rows("changed_key", keys)
        same = " and ".join(f"t.{name} <=> k.{name}" for name in names)
        self._run_statements(f"delete t from {table} t join changed_key k on {same}")
        self._append_rows(dataset.physical, rows)
        self._connection.commit()
        self._run_statements("drop temporary table changed_key")

    def rename_column(self, dataset: SourceDataset, old: str, new: str) -> None:
        """Rename a column of the table."""
        table, before, after = (quote_identifier(name, self.engine) for name in (dataset.physical, old, new))
        self._run_statements(f"alter table {table} rename column {before} to {after}")

    def close(self) -> None:
        self._connection.close()

    def _run_statements(self, *statements: str) -> None:
        with self._connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def _append_rows(self, physical: str, rows: pa.Table) -> None:
        """LOAD DATA of a temporary file in which a null is the word NULL and every text stands in quotes."""
        get_settings().work.mkdir(parents=True, exist_ok=True)  # the only folder that this process lets a server load from
        handle, path = tempfile.mkstemp(suffix=".csv", dir=get_settings().work)
        os.close(handle)
        try:
            pacsv.write_csv(_convert_to_text(rows), path, pacsv.WriteOptions(include_header=False, quoting_style="all_valid"))
            variables = ", ".join(f"@c{position}" for position in range(rows.num_columns))
            # An unquoted empty cell is a null; the generators write no empty text.
            filled = ", ".join(
                f"{quote_identifier(name, self.engine)} = nullif(@c{i}, '')" for i, name in enumerate(rows.column_names)
            )
            self._run_statements(
                f"load data local infile '{path}' into table {quote_identifier(physical, self.engine)} character set utf8mb4"
                f" fields terminated by ',' optionally enclosed by '\"' escaped by '' lines terminated by '\\n'"
                f" ({variables}) set {filled}"
            )
        finally:
            Path(path).unlink()


def _convert_to_text(rows: pa.Table) -> pa.Table:
    """Every column as text, booleans as 0 and 1."""
    flags = [pa.field(field.name, pa.int8()) if pa.types.is_boolean(field.type) else field for field in rows.schema]
    words = [pa.field(field.name, pa.string()) for field in flags]
    return rows.cast(pa.schema(flags)).cast(pa.schema(words))


def _clear_zero_dates(dataset: SourceDataset, rows: pa.Table) -> pa.Table:
    for position, column in enumerate(dataset.columns):
        if ZERO_DATE in column.null_values and column.physical in rows.column_names:
            cells = rows[column.physical]
            empty = pc.equal(cells, pa.scalar(ZERO_DATE))
            rows = rows.set_column(position, column.physical, pc.if_else(empty, pa.scalar(None, cells.type), cells))
    return rows


def write_csv(path: Path, title: Sequence[str], encoding: str, rows: pa.Table) -> None:
    """A CSV as clerks export it: lines of title, the header, then rows; every text in quotes, nulls bare."""
    body = pa.BufferOutputStream()
    pacsv.write_csv(rows, body, pacsv.WriteOptions(include_header=False, quoting_style="needed"))
    lines = "".join(f"{words}\n" for words in [*title, ",".join(rows.column_names)]) + body.getvalue().to_pybytes().decode()
    part = path.with_name(f".{path.name}")
    part.write_bytes(lines.encode(encoding))
    part.replace(path)


def write_workbook(path: Path, title: Sequence[str], sheet: str, rows: pa.Table) -> None:
    """A workbook as clerks make it: lines of title, the header, then rows; numbers as numbers, the rest as text."""
    part = path.with_name(f".{path.name}")
    with xlsxwriter.Workbook(part, {"constant_memory": True, "strings_to_numbers": False}) as book:
        page = book.add_worksheet(sheet)
        for line, words in enumerate(title):
            page.write_string(line, 0, words)
        page.write_row(len(title), 0, rows.column_names)
        for line, cells in enumerate(_iterate_rows(rows), start=len(title) + 1):
            page.write_row(line, 0, cells)
    part.replace(path)


def _iterate_rows(rows: pa.Table) -> Iterator[tuple[object, ...]]:
    """The writer wants cells one by one; amounts go in as numbers, as a spreadsheet has them."""
    columns = (column.cast(pa.float64()) if pa.types.is_decimal(column.type) else column for column in rows.columns)
    return zip(*(column.to_pylist() for column in columns), strict=True)


_DBF_TYPES = {"boolean": "L", "date": "D"}


def write_dbf(path: Path, dataset: SourceDataset, rows: pa.Table, codepage: str = "cp936") -> None:
    """A Visual FoxPro table; texts in the given code page, numbers of the contract's width."""
    fields = []
    for column in dataset.columns:
        kind = column.type
        spelled = f"N({kind.precision},{kind.scale})" if kind.name == "number" else column.physical_type
        fields.append(f"{column.physical} {_DBF_TYPES.get(kind.name, spelled)}")
    part = path.with_name(f"part_{path.name}")
    table = dbf.Table(str(part), "; ".join(fields), codepage=codepage, dbf_type="vfp", on_disk=True)
    table.open(mode=dbf.READ_WRITE)
    try:
        columns = [[Decimal(0) if cell is None else cell for cell in column.to_pylist()] for column in rows.columns]
        for cells in zip(*columns, strict=True):
            table.append(cells)
    finally:
        table.close()
    part.replace(path)
