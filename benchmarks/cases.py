"""What is measured side by side: jobs, and for each job the ways of doing it. The first way of a job is its yardstick.

A way is one command line, run as a whole process tree, with what makes it ready before and what proves it after: a copy
that lost a row or a cent has failed, however quick it was.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any
from urllib.parse import quote as url_quote

import duckdb
import psycopg

from benchmarks import environments, students
from benchmarks.environments import find_program
from core.settings import ROOT
from core.store import embedded

PEERS = ROOT / "benchmarks" / "peers"
HOME = ROOT / "benchmarks" / "million" / "home"
"""Contracts and SQL of the one table, as the hub's own bench has them."""
COPY = "copy student from stdin with (null 'NULL')"
LOAD = "copy student from stdin (format binary)"
EXPORT = "copy student to stdout"
RAW = "mariadb | psql"
DLT, DLT_DEFAULT = "dlt scd2", "dlt scd2, default"
"""Its history by its fastest loader that takes the table, which has to be installed and asked for; and when nothing is said."""
FEW = 100_000
"""Rows that the slowest way does; its time per million is what counts."""
Totals = tuple[Any, ...]
MONEY = "xf"
"""The column whose sum must arrive to the cent."""


_BUNDLED = Path(embedded.find_program("postgres")).parent
"""The target's own clients, of the server's version."""


@dataclass(frozen=True)
class Place:
    """Where a round runs.

    Attributes:
        folder: files of the bench, a subfolder for each way's output.
        rows: rows of the table when it was made.
        source, target: URLs of the servers' doors (unix sockets); `port` is the source's second door.
        file, binary: the rows in Parquet, with the source's column names; and as PostgreSQL's binary COPY has them.
        conformed: the rows as the conform step leaves them.
    """

    folder: Path
    rows: int
    source: str
    target: str
    port: int

    @property
    def socket(self) -> str:
        return self.source.partition("unix_socket=")[2]

    @property
    def file(self) -> Path:
        return self.folder / "student.parquet"

    @property
    def conformed(self) -> Path:
        return self.folder / "conformed.parquet"

    @property
    def binary(self) -> Path:
        return self.folder / "student.copy"

    @property
    def sqlalchemy_url(self) -> str:
        return f"mysql+pymysql://root@localhost/{students.DATABASE}?unix_socket={url_quote(self.socket)}"

    @property
    def tcp_url(self) -> str:
        return f"mysql://bench:bench@127.0.0.1:{self.port}/{students.DATABASE}"

    def make_output_folder(self, name: str) -> Path:
        """A folder that does not exist, for what a way writes."""
        folder = self.folder / "out" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        return folder


@dataclass(frozen=True)
class Way:
    """One way of doing a job.

    Attributes:
        command: the command line, made when it is about to run; raises `environments.Missing` when the peer is not there.
        ready: what is done before, not measured. proof: what is looked at after; a text says what is wrong.
        most: above so many rows it is not run (memory, patience). first: it does only so many rows.
        own: whether it is the hub, which keeps the settings of this process.
    """

    job: str
    name: str
    command: Callable[[Place], list[str]]
    ready: Callable[[Place], None] = lambda place: None
    proof: Callable[[Place, int], str | None] = lambda place, rows: None
    most: int | None = None
    first: int | None = None
    own: bool = False


def list_ways() -> list[Way]:
    """Every way, in the order of the table that is printed."""
    return [*_list_copies(), *_list_extractions(), *_list_loads(), *_list_checks(), *_list_nights()]


def _list_copies() -> list[Way]:
    there, apart = _prove_arrived("public.student"), _prove_arrived("dlt_copy.student")
    return [
        Way("copy", RAW, lambda at: _build_shell(f"{_build_dump(at)} | {_build_psql(at, COPY)}"), _create_table, there),
        Way("copy", "ingestr", _build_ingestr, _drop_tables, there),
        Way("copy", "sling", _build_sling, _drop_tables, there),
        Way(
            "copy",
            "dlt, parquet",
            lambda at: _build_dlt(at, "copy", "dlt_copy", "parquet"),
            _drop_tables,
            apart,
            most=5_000_000,
        ),
        Way(
            "copy",
            "dlt, default",
            lambda at: _build_dlt(at, "copy", "dlt_copy", "default"),
            _drop_tables,
            apart,
            most=1_000_000,
        ),
        Way("copy", "pandas, COPY", lambda at: _build_pandas(at, at.rows, "copy"), _drop_tables, there, most=1_000_000),
        Way("copy", "pandas, to_sql", lambda at: _build_pandas(at, FEW, "insert"), _drop_tables, there, first=FEW),
    ]


def _list_extractions() -> list[Way]:
    return [
        Way(
            "extract",
            "mariadb > file",
            lambda at: _build_shell(f"{_build_dump(at)} > {at.make_output_folder('dump.tsv')}"),
            _settle_target,
        ),
        Way("extract", "hub", lambda at: _build_step("extract", at.make_output_folder("landing")), _settle_target, own=True),
        Way(
            "extract postgresql",
            "psql > file",
            lambda at: _build_shell(f"{_build_psql(at, EXPORT)} > {at.make_output_folder('dump.tsv')}"),
            _fill_source,
        ),
        Way(
            "extract postgresql",
            "hub",
            lambda at: _build_step("extract", at.make_output_folder("landing"), at.target),
            _fill_source,
            own=True,
        ),
        Way("extract postgresql", "ADBC", _build_adbc, _fill_source, most=5_000_000),
    ]


def _list_loads() -> list[Way]:
    return [
        Way(
            "load",
            "psql COPY BINARY",
            lambda at: _build_shell(f"{_build_psql(at, LOAD)} < {at.binary}"),
            _create_table,
            _prove_loaded,
        ),
        Way("load", "hub", lambda at: _build_step("load", at.file, at.target), _create_table, _prove_loaded, own=True),
    ]


def _list_checks() -> list[Way]:
    return [
        Way("check", "GX on pandas", _build_gx, _settle_target, most=5_000_000),
        Way(
            "check",
            "hub",
            lambda at: _build_step("check", at.conformed, at.make_output_folder("checked")),
            _settle_target,
            own=True,
        ),
    ]


def _list_nights() -> list[Way]:
    """The peers' half of a night; the hub's own is `benchmarks.million`, whose nights are processes of their own."""
    fast, default = "dlt_history", "dlt_history_default"
    return [
        Way(
            "changed",
            DLT,
            lambda at: _build_dlt(at, "history", fast, "parquet"),
            _raise_work_mem,
            _prove_current(fast),
            most=5_000_000,
        ),
        Way(
            "unchanged",
            DLT,
            lambda at: _build_dlt(at, "history", fast, "parquet"),
            _raise_work_mem,
            _prove_current(fast),
            most=5_000_000,
        ),
        Way(
            "changed",
            DLT_DEFAULT,
            lambda at: _build_dlt(at, "history", default, "default"),
            _raise_work_mem,
            _prove_current(default),
            most=1_000_000,
        ),
    ]


def _build_shell(line: str) -> list[str]:
    return ["bash", "-o", "pipefail", "-c", line]


def _build_dump(place: Place) -> str:
    options = f"-uroot --socket={quote(place.socket)} --default-character-set=utf8mb4 --quick --batch -N"
    return f"mariadb {options} {students.DATABASE} -e {quote(f'select * from {students.TABLE}')}"


def _build_psql(place: Place, statement: str) -> str:
    return f"psql {quote(place.target)} -v ON_ERROR_STOP=1 -qc {quote(statement)}"


def _build_step(name: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", "benchmarks.steps", name, *map(str, arguments)]


def _build_ingestr(place: Place) -> list[str]:
    ends = [
        "--source-uri",
        place.tcp_url,
        "--source-table",
        students.TABLE,
        "--dest-uri",
        place.target,
        "--dest-table",
        "public.student",
    ]
    return [str(find_program("ingestr", "ingestr")), "ingest", "--yes", *ends]


def _build_sling(place: Place) -> list[str]:
    ends = ["--src-conn", place.tcp_url, "--src-stream", f"{students.DATABASE}.{students.TABLE}", "--tgt-conn", place.target]
    return [str(find_program("sling", "sling")), "run", *ends, "--tgt-object", "public.student", "--mode", "full-refresh"]


def _build_dlt(place: Place, way: str, dataset: str, loader: str) -> list[str]:
    state = place.folder / "dlt" / dataset
    if way == "copy":
        shutil.rmtree(state, ignore_errors=True)
    script = [str(find_program("dlt")), str(PEERS / "dlt_load.py"), place.sqlalchemy_url]
    return [*script, place.target.replace("postgres:@/", "postgres:postgres@localhost/"), str(state), way, dataset, loader]


def _raise_work_mem(place: Place) -> None:
    """dlt's `not in (select ...)` is hashed only within the server's working memory; once the server has looked at the table
    and knows its size, the default would have it compare every row with every row, for hours. So it is given what it needs."""
    _run_on_target(place, "alter database postgres set work_mem = '512MB'")


def _build_pandas(place: Place, rows: int, way: str) -> list[str]:
    target = place.target.replace("postgresql://", "postgresql+psycopg2://")
    return [str(find_program("pandas")), str(PEERS / "pandas_copy.py"), place.sqlalchemy_url, target, str(rows), way]


def _build_adbc(place: Place) -> list[str]:
    return [
        str(find_program("adbc")),
        str(PEERS / "adbc_extract.py"),
        place.target,
        str(place.make_output_folder("adbc.parquet")),
    ]


def _build_gx(place: Place) -> list[str]:
    return [str(find_program("gx")), str(PEERS / "gx_pandas.py"), str(place.file)]


def _drop_tables(place: Place) -> None:
    """No tables of an earlier copy."""
    _run_on_target(
        place, "drop schema if exists public cascade", "create schema public", "drop schema if exists dlt_copy cascade"
    )


def _settle_target(place: Place) -> None:
    """The target has put away what a way before wrote, and does not begin to do so while this one is measured."""
    with psycopg.connect(embedded.administrator_url(place.target), autocommit=True) as connection:
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")


def _create_table(place: Place) -> None:
    _drop_tables(place)
    _run_on_target(place, students.build_ddl(keyed=False, side="target"))


def _fill_source(place: Place) -> None:
    """The rows as a department's PostgreSQL has them, with their key."""
    _drop_tables(place)
    _run_on_target(place, students.build_ddl(side="target"))
    subprocess.run(_build_shell(f"{_build_psql(place, LOAD)} < {place.binary}"), check=True)
    _settle_target(place)


def _run_on_target(place: Place, *statements: str) -> None:
    with psycopg.connect(place.target, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def _prove_arrived(table: str) -> Callable[[Place, int], str | None]:
    """Proves that a table has as many rows and as much money as the source, or as its first rows by key."""
    return lambda place, rows: _compare_totals(_read_target_totals(place, table), _read_source_totals(place, rows))


def _prove_current(dataset: str) -> Callable[[Place, int], str | None]:
    """Proves that the history's current rows are those of the source."""
    current = f"{dataset}.student where _dlt_valid_to is null"
    return lambda place, rows: _compare_totals(_read_target_totals(place, current), _read_source_totals(place, rows))


def _prove_loaded(place: Place, _: int) -> str | None:
    """The table has what the file has."""
    expected = duckdb.execute(f"select count(*), sum({MONEY}) from read_parquet('{place.file}')").fetchall()[0]
    return _compare_totals(_read_target_totals(place, "public.student"), expected)


def _compare_totals(found: Totals, expected: Totals) -> str | None:
    return None if found == expected else f"arrived: {found[0]} rows, {found[1]}; sent: {expected[0]} rows, {expected[1]}"


def _read_target_totals(place: Place, table: str) -> Totals:
    with psycopg.connect(place.target) as connection:
        # A peer may have made text or doubles of it: to the cent is what can be asked of those.
        found = connection.execute(f"select count(*), round(sum({MONEY}::numeric), 2) from {table}".encode()).fetchall()
    return found[0]


def _read_source_totals(place: Place, rows: int) -> Totals:
    limited = f"(select {MONEY} from {students.TABLE} order by {students.KEY} limit {rows}) as chosen"
    with students.open_connection(place.source) as connection, connection.cursor() as cursor:
        cursor.execute(f"select count(*), sum({MONEY}) from {limited}")
        return cursor.fetchall()[0]


def build_variables(way: Way, place: Place) -> dict[str, str]:
    """The environment variables of a way's process."""
    tools = {"PATH": os.pathsep.join([str(_BUNDLED), os.environ.get("PATH", os.defpath)])}
    if not way.own:
        return environments.build_variables() | tools
    own = {"HUB_HOME": str(HOME), "HUB_VAR": str(place.folder / "hub"), "AIRFLOW_CONN_SRC_REGISTRY": place.source}
    return {**os.environ, **own, **tools}


def write_binary(place: Place) -> None:
    """The rows of the source, by way of the target, in the target's binary COPY format."""
    _create_table(place)
    subprocess.run(_build_shell(f"{_build_dump(place)} | {_build_psql(place, COPY)}"), check=True)
    subprocess.run(_build_shell(f"{_build_psql(place, 'copy student to stdout (format binary)')} > {place.binary}"), check=True)
