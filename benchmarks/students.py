"""The table that the hub and its peers are measured on: `student`, any number of rows x 23 columns, in a private MariaDB.

Everything is drawn a column at a time from the seed and the number of the first row of a piece, so that the same row has
the same facts whatever the size of the table, and 20 million rows need no more memory than one piece. A few cells in ten
thousand break a rule, as in real tables. What no plain pipe can carry (a tab, a carriage return, the text NULL) is left
out: the peers are to be measured, not to be stopped.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.csv as pacsv
import pymysql

from campus.servers import processes
from campus.simulate.arrays import (
    Ints,
    build_amounts,
    build_dates,
    build_identity_numbers,
    choose_texts,
    format_digits,
    format_numbers,
    join_bytes,
    join_texts,
    kernels,
    pick_texts,
)
from campus.simulate.lists import GIVEN, MAJORS, REGIONS, SURNAMES
from campus.simulate.people import find_major_units, format_major_codes, format_unit_codes
from core.settings import get_settings
from core.store.address import parse_url

SEED = 20260907
DATABASE = "bench"
TABLE = "student"
KEY = "xh"
WATERMARK = "updated_at"
SHARE = 0.012
"""What a day changes: ten parts of twelve are updates, one is new, one is gone."""
_PIECE = 250_000
_BYTES_A_ROW = 400
"""Of the table and of what a subscriber on the same server keeps of it, about."""
_STRIDE = 7_368_787
"""A prime: steps of it through the rows reach every row once, so that each day finds rows of its own."""
_REGIONS = np.array([int(region) for region in REGIONS])
_SYLLABLES = (
    "an",
    "bo",
    "chen",
    "dong",
    "fei",
    "gang",
    "hui",
    "jing",
    "kai",
    "lei",
    "ming",
    "ning",
    "ping",
    "qi",
    "rui",
    "tao",
)
_FIRST_BIRTH, _DAYS_OF_BIRTH = 10_592, 3_652  # 1999-01-01, ten years
_FIRST_CHANGE, _SECONDS_OF_CHANGE = 1_756_684_800, 31_000_000  # 2025-09-01, most of a year
_FIRST_DAY = 1_788_742_800  # 2026-09-07 01:00


@dataclass(frozen=True)
class Column:
    """A column as MariaDB and as PostgreSQL write its type."""

    name: str
    title: str
    source: str
    target: str
    nullable: bool = False


COLUMNS = (
    Column("xh", "学号", "varchar(12)", "varchar(12)"),
    Column("xm", "姓名", "varchar(60)", "varchar(60)"),
    Column("xmpy", "姓名拼音", "varchar(80)", "varchar(80)", True),
    Column("xbm", "性别码", "char(1)", "char(1)"),
    Column("csrq", "出生日期", "date", "date", True),
    Column("zjlxm", "身份证件类型码", "char(1)", "char(1)"),
    Column("zjhm", "身份证件号", "varchar(20)", "varchar(20)"),
    Column("mzm", "民族码", "char(2)", "char(2)"),
    Column("zzmmm", "政治面貌码", "char(2)", "char(2)", True),
    Column("gjm", "国籍码", "char(3)", "char(3)"),
    Column("sjh", "手机号", "varchar(20)", "varchar(20)", True),
    Column("dzyx", "电子邮箱", "varchar(80)", "varchar(80)", True),
    Column("yxm", "院系码", "varchar(10)", "varchar(10)"),
    Column("zym", "专业码", "varchar(10)", "varchar(10)"),
    Column("bjm", "班级码", "varchar(14)", "varchar(14)"),
    Column("nj", "年级", "smallint", "smallint"),
    Column("xjztm", "学籍状态码", "char(2)", "char(2)"),
    Column("rxrq", "入学日期", "date", "date"),
    Column("yjbyrq", "预计毕业日期", "date", "date", True),
    Column("xf", "应缴学费", "decimal(12,2)", "numeric(12,2)"),
    Column("qf", "欠缴学费", "decimal(12,2)", "numeric(12,2)", True),
    Column("sfzx", "是否在校", "tinyint", "smallint"),
    Column("updated_at", "更新时间", "datetime(6)", "timestamp(6)"),
)
NAMES = tuple(column.name for column in COLUMNS)
STATUSES = ("01", "02", "04", "07")
"""Statuses that a sound row may have; a broken one has 99."""
UNKNOWN_UNIT = "X99"
"""The unit of a broken row, which no list of units has."""


def build_rows(first: int, count: int, seed: int = SEED) -> pa.Table:
    """Rows `first` to `first + count`, 23 columns, as the source has them; within one piece (see `pieces`)."""
    draw = np.random.default_rng((seed, first))
    row = np.arange(first, first + count, dtype=np.int64)
    birth = _FIRST_BIRTH + draw.integers(0, _DAYS_OF_BIRTH, count)
    sex = draw.integers(0, 2, count)
    major, grade = draw.integers(0, len(MAJORS), count), 2019 + draw.integers(0, 8, count)
    years = np.where(draw.random(count) < 0.8, 4, 3)
    fee = draw.integers(3_000_00, 12_000_00, count)
    foreign = draw.random(count) < 0.01
    resident = build_identity_numbers(
        _REGIONS[draw.integers(0, len(REGIONS), count)], birth, draw.integers(0, 500, count) * 2 + sex
    )
    cells = {
        "xh": format_numbers(row, 12),
        "xm": _draw_names(draw, count),
        "xmpy": _set_nulls(draw, 0.02, _draw_spellings(draw, count)),
        "xbm": pick_texts(("2", "1"), sex),
        "csrq": build_dates(birth, draw.random(count) < 0.001),
        "zjlxm": choose_texts(foreign, "A", "1"),
        "zjhm": choose_texts(foreign, format_numbers(row % 10**8, 8, "M"), resident),
        "mzm": format_numbers(1 + np.minimum(draw.geometric(0.6, count), 56) - 1, 2),
        "zzmmm": _set_nulls(draw, 0.05, pick_texts(("01", "02", "03", "13"), draw.integers(0, 4, count))),
        "gjm": choose_texts(foreign, "KOR", "CHN"),
        "sjh": _set_nulls(
            draw, 0.03, choose_texts(draw.random(count) < 0.0005, "无", format_numbers(_draw_mobiles(draw, count), 11))
        ),
        "dzyx": _set_nulls(draw, 0.2, choose_texts(draw.random(count) < 0.0005, "没有邮箱", _build_addresses(row))),
        "yxm": choose_texts(draw.random(count) < 0.0005, UNKNOWN_UNIT, format_unit_codes(find_major_units(major))),
        "zym": format_major_codes(major),
        "bjm": join_texts(
            format_numbers(grade % 100, 2), format_major_codes(major), format_numbers(draw.integers(1, 13, count), 2)
        ),
        "nj": pa.array(grade.astype(np.int16)),
        "xjztm": choose_texts(
            draw.random(count) < 0.0005, "99", pick_texts(STATUSES, np.minimum(draw.geometric(0.8, count) - 1, 3))
        ),
        "rxrq": build_dates(_find_first_days(grade, 9)),
        "yjbyrq": build_dates(_find_first_days(grade + years, 7), draw.random(count) < 0.01),
        "xf": build_amounts(fee),
        "qf": _set_nulls(draw, 0.5, build_amounts(np.where(draw.random(count) < 0.9, 0, fee // 2))),
        "sfzx": pa.array((draw.random(count) < 0.97).astype(np.int8)),
        "updated_at": _build_timestamps(_FIRST_CHANGE * 10**6 + draw.integers(0, _SECONDS_OF_CHANGE * 10**6, count)),
    }
    return pa.table({name: cells[name] for name in NAMES})


def build_pieces(rows: int, seed: int = SEED) -> Iterator[pa.Table]:
    """All rows of the table, ascending by key, in pieces of at most 250,000."""
    for first in range(0, rows, _PIECE):
        yield build_rows(first, _PIECE, seed).slice(0, rows - first)


def build_ddl(name: str = TABLE, keyed: bool = True, side: str = "source") -> str:
    """The statement that makes the table, in the words of the `source` (MariaDB) or the `target` (PostgreSQL)."""
    columns = [f"{one.name} {getattr(one, side)}{'' if one.nullable else ' not null'}" for one in COLUMNS]
    key = [f"primary key ({KEY})"] if keyed else []
    return f"create table {name} ({', '.join(columns + key)})"


def start_source(folder: Path, port: int | None = None, rows: int = 1_000_000) -> str:
    """Start the source's server on `folder` unless it runs, and return the URL of its database. It has the memory that its
    keeper would give a table of so many rows: what was read once is not read from the disk again.

    With a port it listens there too, on this machine only, for readers that know no unix socket.
    """
    memory = min(max(2 << 30, rows * _BYTES_A_ROW), psutil.virtual_memory().total // 3)
    options = (f"--innodb-buffer-pool-size={memory}", f"--innodb-log-file-size={memory // 4}")
    network = () if port is None else ("--skip-networking=0", "--bind-address=127.0.0.1", f"--port={port}")
    server = processes.start_mariadb(folder, (*options, *network))
    if server is None:
        raise SystemExit("The bench needs MariaDB: install the package mariadb-server.")
    return processes.create_mariadb_database(server, DATABASE)


def fill_table(url: str, rows: int, seed: int = SEED) -> None:
    """Make the table anew with this many rows."""
    with open_connection(url) as connection, connection.cursor() as cursor:
        cursor.execute(f"drop table if exists {TABLE}")
        cursor.execute(build_ddl())
        for piece in build_pieces(rows, seed):
            _append_rows(cursor, TABLE, piece)
        cursor.execute(f"analyze table {TABLE}")


def change_rows(url: str, rows: int, day: int = 1, share: float = SHARE, seed: int = SEED) -> dict[str, int]:
    """One day's changes to a table made with `rows` rows: how many were `updated`, `inserted`, `deleted`.

    Updated rows get another mobile, another debt and the day's moment; inserted rows continue the numbers. The rows of
    a day are others than those of the days before, until all have had their turn.
    """
    twelfth = max(1, round(rows * share / 12))
    turn = np.arange(11 * twelfth, dtype=np.int64) + (day - 1) * 11 * twelfth
    if math.gcd(rows, _STRIDE) != 1:
        raise ValueError(f"choose another number of rows than {rows}")
    keys = format_numbers(turn * _STRIDE % rows, 12)
    draw = np.random.default_rng((seed, rows, day))
    chosen = pa.table(
        {
            "xh": keys,
            "sjh": format_numbers(_draw_mobiles(draw, len(keys)), 11),
            "qf": build_amounts(draw.integers(1, 3_000_00, len(keys))),
            "updated_at": _build_timestamps((_FIRST_DAY + day * 86_400) * 10**6 + np.arange(len(keys))),
        }
    )
    new = build_rows(rows + (day - 1) * twelfth, twelfth, seed)
    moments = _build_timestamps((_FIRST_DAY + day * 86_400) * 10**6 + np.arange(twelfth))
    with open_connection(url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "create temporary table chosen"
            " (xh varchar(12) primary key, sjh varchar(20), qf decimal(12,2), updated_at datetime(6))"
        )
        _append_rows(cursor, "chosen", chosen.slice(twelfth))
        assign = ", ".join(f"s.{name} = chosen.{name}" for name in ("sjh", "qf", "updated_at"))
        updated = cursor.execute(f"update {TABLE} s join chosen using (xh) set {assign}")
        cursor.execute("truncate table chosen")
        _append_rows(cursor, "chosen", chosen.slice(0, twelfth))
        deleted = cursor.execute(f"delete s from {TABLE} s join chosen using (xh)")
        inserted = _append_rows(cursor, TABLE, new.set_column(new.num_columns - 1, WATERMARK, moments))
    return {"updated": updated, "inserted": inserted, "deleted": deleted}


def open_connection(url: str) -> pymysql.Connection[pymysql.cursors.Cursor]:
    """A connection to the database of this URL, each statement its own transaction."""
    address = parse_url("bench", url)
    return pymysql.connect(
        user="root",
        unix_socket=address.options["unix_socket"],
        database=DATABASE,
        charset="utf8mb4",
        autocommit=True,
        local_infile=True,
    )


def _append_rows(cursor: Any, table: str, rows: pa.Table) -> int:
    """Write rows behind those of a table, by way of a file that the server reads."""
    nullable = {column.name for column in COLUMNS if column.nullable}
    read = ", ".join(f"@{name}" if name in nullable else name for name in rows.column_names)
    filled = ", ".join(f"{name} = nullif(@{name}, '')" for name in rows.column_names if name in nullable)
    get_settings().work.mkdir(parents=True, exist_ok=True)  # the hub's driver lets a server have files of this folder only
    with tempfile.TemporaryDirectory(prefix="bench-", dir=get_settings().work) as folder:
        file = Path(folder) / "rows.csv"
        pacsv.write_csv(rows, file, pacsv.WriteOptions(include_header=False, quoting_style="none"))
        cursor.execute(
            f"load data local infile '{file}' into table {table} character set utf8mb4"
            f" fields terminated by ',' ({read}) {'set ' + filled if filled else ''}"
        )
    return int(cursor.rowcount)


def _draw_names(draw: np.random.Generator, count: int) -> Any:
    """Names of two or three characters, one in a thousand with a character of four bytes."""
    given = pick_texts(GIVEN, draw.integers(0, len(GIVEN), count))
    second = pick_texts((*GIVEN, ""), np.where(draw.random(count) < 0.3, -1, draw.integers(0, len(GIVEN), count)))
    rare = choose_texts(draw.random(count) < 0.001, "𠮷", given)
    return join_texts(pick_texts(SURNAMES, draw.integers(0, len(SURNAMES), count)), rare, second)


def _draw_spellings(draw: np.random.Generator, count: int) -> Any:
    parts = [pick_texts(_SYLLABLES, draw.integers(0, len(_SYLLABLES), count)) for _ in range(3)]
    return join_texts(parts[0], " ", parts[1], parts[2])


def _draw_mobiles(draw: np.random.Generator, count: int) -> Ints:
    return draw.integers(13_000_000_000, 19_900_000_000, count)


def _build_addresses(row: Ints) -> Any:
    return join_texts("s", join_bytes(format_digits(row, 10)), "@stu.example.edu.cn")


def _set_nulls(draw: np.random.Generator, share: float, cells: Any) -> Any:
    return kernels.if_else(pa.array(draw.random(len(cells)) < share), pa.scalar(None, cells.type), cells)


def _find_first_days(years: Ints, month: int) -> Ints:
    """The first of a month of each year, in days since 1970-01-01."""
    return ((years - 1970) * 12 + month - 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _build_timestamps(microseconds: Ints) -> Any:
    """Microseconds since 1970-01-01 (campus wall clock) as Arrow timestamps."""
    return pa.array(microseconds, pa.int64()).cast(pa.timestamp("us"))
