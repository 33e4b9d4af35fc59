"""A small university of one department and three receivers: PostgreSQL, MariaDB and a folder, all real."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from campus.servers import processes
from contracts.catalog import load_catalog, read_catalog
from core.settings import get_settings
from core.store import ledger as ledger_module
from core.store import postgres
from core.store.address import parse_url
from core.store.ledger import Ledger, open_ledger
from pipeline.result import RunResult
from runs.nightly import run_night

HOME = Path(__file__).parent / "home"
BOOKS: set[Ledger] = set()
"""Ledgers that tests opened, to be closed."""


@dataclass
class University:
    """The department's database, the receivers, and the hub of one test."""

    source: str
    academic: str
    library: str
    research: Path
    home: Path
    var: Path
    hub_url: str

    def department(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """A statement in the department's own database."""
        with psycopg.connect(self.source) as connection:
            connection.execute(statement.encode(), parameters or None)

    def hire(self, *people: tuple[str, str, str, str]) -> None:
        """Add staff: number, name, sex, unit."""
        with psycopg.connect(self.source) as connection, connection.cursor() as cursor:
            cursor.executemany(
                "insert into jzg values (%s, %s, %s, '20200901', 1234.50, %s, clock_timestamp()::timestamp)", people
            )

    def source_rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the department's own database says."""
        return self.source_rows_of(self.source, query)

    def source_rows_of(self, url: str, query: str) -> list[tuple[Any, ...]]:
        """What a PostgreSQL database says."""
        with psycopg.connect(url) as connection:
            return connection.execute(query.encode()).fetchall()

    def forget(self) -> None:
        """Drop what this process has read of settings, catalogue and databases."""
        forget()

    def library_rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every table of the MariaDB receiver with its rows."""
        with self._library() as db, db.cursor() as cursor:
            cursor.execute("show tables")
            tables = sorted(row[0] for row in cursor.fetchall())
            rows: dict[str, list[tuple[Any, ...]]] = {}
            for table in tables:
                cursor.execute(f"select * from `{table}` order by 1, 2")
                rows[table] = list(cursor.fetchall())
            return rows

    def library_restore(self, rows: dict[str, list[tuple[Any, ...]]]) -> None:
        """Put the MariaDB receiver's tables back to these rows."""
        with self._library() as db, db.cursor() as cursor:
            for table, content in rows.items():
                cursor.execute(f"delete from `{table}`")
                if content:
                    cursor.executemany(f"insert into `{table}` values ({', '.join(['%s'] * len(content[0]))})", content)
            db.commit()

    def in_library(self, query: str) -> list[tuple[Any, ...]]:
        """What the MariaDB receiver says."""
        with self._library() as db, db.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def in_academic(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """A statement in the PostgreSQL receiver, by somebody who is not the hub."""
        with psycopg.connect(self.academic) as connection:
            connection.execute(statement.encode(), parameters or None)

    def _library(self) -> Any:
        target = parse_url("library", self.library)
        return pymysql.connect(unix_socket=target.options["unix_socket"], user="root", database=target.database)

    def reset(self) -> None:
        """Back to before the first night: everybody empty but the department, which has its five units and forty people."""
        with psycopg.connect(self.ledger.url) as connection:
            for schema in ("ops", "hub", "hub_at", "hub_current"):
                connection.execute(f"drop schema if exists {schema} cascade".encode())
        with psycopg.connect(self.academic) as connection:
            for table in ("hub_staff", "_hub_sent", "_hub_delivery"):
                connection.execute(f"drop table if exists {table}".encode())
        target = parse_url("library", self.library)
        with self._library() as db, db.cursor() as cursor:
            cursor.execute(f"drop database {target.database}")
            cursor.execute(f"create database {target.database}")
        for folder in (self.research, self.var):
            shutil.rmtree(folder, ignore_errors=True)
        self.research.mkdir()
        forget()
        self.populate()

    def populate(self) -> None:
        """The department's tables, as they were before anything happened."""
        self.department("drop table if exists dw, jzg")
        self.department("create table dw (dwh varchar(10) primary key, dwmc varchar(60))")
        self.department(
            "create table jzg (gh varchar(20), xm varchar(50), xb varchar(4), lxrq char(8), gz numeric(12,2), dwh varchar(10),"
            " gxsj timestamp)"
        )
        self.department("insert into dw select 'U' || n, '单位' || n from generate_series(1, 5) n")
        self.department(
            "insert into jzg select 'T' || lpad(n::text, 4, '0'), '张' || chr(20000 + n),"
            " case n % 2 when 0 then '男' else '女' end, '2019' || lpad((1 + n % 12)::text, 2, '0') || '15',"
            " 5000 + n / 100.0, 'U' || (1 + n % 5), timestamp '2026-09-01 08:00' from generate_series(1, 40) n"
        )

    def night(self, day: int = 1) -> RunResult:
        """One night; day 1 is 2026-09-07."""
        BOOKS.add(self.ledger)
        return run_night(date(2026, 9, 6 + day))

    @property
    def ledger(self) -> Ledger:
        BOOKS.add(open_ledger())
        return open_ledger()

    def hub(self, entity: str = "staff") -> list[tuple[Any, ...]]:
        """The current rows of an entity, business columns in contract order."""
        names = ", ".join(column.name for column in load_catalog().entity(entity).columns)
        with postgres.connect() as connection:
            return connection.execute(f"select {names} from hub_current.{entity} order by 1".encode()).fetchall()

    def received(self) -> list[tuple[Any, ...]]:
        """What the PostgreSQL receiver holds."""
        with psycopg.connect(self.academic) as connection:
            return connection.execute("select staff_no, name, joined_on, unit_name from hub_staff order by 1").fetchall()

    def accepted(self) -> dict[str, int]:
        return {f"{row['edge']}": row["version"] for row in self.ledger.rows("select * from ops.accepted")}

    def held(self) -> set[tuple[str, str, str]]:
        rows = self.ledger.rows("select entity, source_key, rule_id from ops.held where state = 'open'")
        return {(row["entity"], row["source_key"], row["rule_id"]) for row in rows}


def forget() -> None:
    """Drop what this process has read of settings, catalogue and databases."""
    for book in BOOKS:
        book.close()
    BOOKS.clear()
    for cached in (
        get_settings,
        read_catalog,
        ledger_module.migrate_ledger,
        ledger_module._get_ledger,
        postgres.ensure_database,
    ):
        cached.cache_clear()


@pytest.fixture
def university(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_server: str, mariadb_server: str
) -> Iterator[University]:
    """The department with five units and forty people, before the first night."""
    name = f"t{abs(hash(tmp_path)) % 10**10}"
    source, academic, hub = (postgres.ensure_database(postgres_server, f"{name}_{kind}") for kind in ("hr", "academic", "hub"))
    library = processes.create_mariadb_database(mariadb_server, f"{name}_library")
    home = tmp_path / "home"
    shutil.copytree(HOME, home)
    research = tmp_path / "research"
    research.mkdir()
    for variable, value in {
        "HUB_HOME": str(home),
        "HUB_VAR": str(tmp_path / "var"),
        "HUB_URL": hub,
        "AIRFLOW_CONN_SRC_HR": source,
        "AIRFLOW_CONN_DST_ACADEMIC": academic,
        "AIRFLOW_CONN_DST_LIBRARY": library,
        "AIRFLOW_CONN_DST_RESEARCH": f"file://{research}",
    }.items():
        monkeypatch.setenv(variable, value)
    forget()
    made = University(source, academic, library, research, home, tmp_path / "var", hub)
    made.populate()
    yield made
    forget()
