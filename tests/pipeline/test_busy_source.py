"""Ten thousand commits of four writers while windows are read: what was committed when a reading began is in what it landed.

The writers do everything that makes a watermark useless: transactions that stay open over a reading, moments of the past,
no moment at all, updates that leave the moment as it was, rows deleted and made again. Of every row its writer knows the last
state that was surely committed and the last one that may have been; the landed state lies between the two.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pymysql
import pytest

from campus.servers import processes
from contracts.catalog import load_catalog
from core.store.address import parse_url
from pipeline.context import resume_run
from pipeline.ingest.extract import extract_dataset
from runs.nightly import close_run, open_run

COMMITS, WRITERS, ROWS = 10_000, 4, 60
MOMENTS = ("localtimestamp", "null", "timestamp '2026-09-01 08:00:00'", "gxsj", "gxsj")
SEED = random.SystemRandom().randrange(2**31)


class Writer(threading.Thread):
    """Owns its rows: `sure` and `maybe` are the numbers of each row's last state committed, and of the last one begun."""

    def __init__(self, number: int, connect: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self.connect = connect
        self.dice = random.Random(SEED + number)
        self.keys = [f"W{number}{place:04d}" for place in range(ROWS)]
        self.there: dict[str, list[bool]] = {key: [False] for key in self.keys}
        self.sure, self.maybe = dict.fromkeys(self.keys, 0), dict.fromkeys(self.keys, 0)
        self.commits = 0

    def run(self) -> None:
        link = self.connect()
        while self.commits < COMMITS // WRITERS:
            changed = self.dice.sample(self.keys, self.dice.randint(1, 3))
            cursor = link.cursor()
            for key in changed:
                self.change(cursor, key)
            if self.dice.random() < 0.005:
                time.sleep(self.dice.uniform(0.1, 0.8))  # begun before a reading, committed during or after it
            link.commit()
            self.sure.update({key: self.maybe[key] for key in changed})
            self.commits += 1
        link.close()

    def change(self, cursor: Any, key: str) -> None:
        state = self.maybe[key] + 1
        stands = self.there[key][-1]
        stays = not stands or self.dice.random() < 0.8
        self.there[key].append(stays)
        self.maybe[key] = state
        moment = self.dice.choice(MOMENTS)
        if not stays:
            cursor.execute("delete from jzg where gh = %s", [key])
        elif stands:
            cursor.execute(f"update jzg set gz = %s, gxsj = {moment} where gh = %s", [state, key])
        else:
            moment = "null" if moment == "gxsj" else moment
            cursor.execute(f"insert into jzg values (%s, '张三', '男', '20200901', %s, 'U1', {moment})", [key, state])

    def missed(self, landed: dict[str, int], sure: dict[str, int]) -> list[str]:
        """Rows whose landed state is older than `sure`, newer than any begun, or absent though it always stood."""
        maybe = dict(self.maybe)
        return [key for key in self.keys if not self.possible(landed.get(key), self.there[key], sure[key], maybe[key])]

    @staticmethod
    def possible(state: int | None, there: list[bool], first: int, last: int) -> bool:
        if state is None:
            return not all(there[first : last + 1])
        return first <= state <= last and there[state]


@pytest.fixture(params=["postgresql", "mariadb"])
def connect(
    request: pytest.FixtureRequest, university: Any, mariadb_server: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Any]]:
    """Opens connections to the department's table, on each of the two servers."""
    university.department("delete from jzg")
    if request.param == "postgresql":
        yield lambda: psycopg.connect(university.source)
        return
    url = processes.create_mariadb_database(mariadb_server, f"{university.source.rsplit('/', 1)[-1].split('?')[0]}_busy")
    target = parse_url("src_hr", url)

    def opened() -> Any:
        return pymysql.connect(unix_socket=target.options["unix_socket"], user="root", database=target.database)

    with opened() as link, link.cursor() as cursor:
        cursor.execute(
            "create table jzg (gh varchar(20) primary key, xm varchar(50), xb varchar(4), lxrq char(8), gz decimal(12,2),"
            " dwh varchar(10), gxsj datetime)"
        )
    monkeypatch.setenv("AIRFLOW_CONN_SRC_HR", url)
    university.forget()
    yield opened


def read_window() -> dict[str, int]:
    """One reading of the table by window: state of each row landed."""
    run = open_run("pull", date(2026, 9, 7), ["hr.person"])
    night = resume_run(run)
    try:
        landed = extract_dataset(night, "hr.person")
        rows = pq.read_table(landed.find_file(night.landing), columns=["gh", "gz"])
    finally:
        close_run(run)
    assert load_catalog().source("hr.person").mode == "window"
    keys = rows["gh"].to_pylist()
    assert len(set(keys)) == len(keys)
    return {key: int(state) for key, state in zip(keys, rows["gz"].to_pylist(), strict=True)}


def test_no_commit_is_missed(university: Any, connect: Callable[[], Any]) -> None:
    writers = [Writer(number, connect) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    readings = 0
    while any(writer.is_alive() for writer in writers):
        sure = [dict(writer.sure) for writer in writers]
        landed = read_window()
        missed = [key for writer, known in zip(writers, sure, strict=True) for key in writer.missed(landed, known)]
        assert missed == [], f"seed {SEED}, reading {readings}"
        readings += 1
    for writer in writers:
        writer.join()
    assert sum(writer.commits for writer in writers) == COMMITS
    assert readings > 3
    wanted = {key: writer.sure[key] for writer in writers for key in writer.keys if writer.there[key][-1]}
    assert read_window() == wanted
