"""The rehearsal on real servers and files: what is in them is what the generator says, day by day."""

from __future__ import annotations

import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import dbf
import psycopg
import pyarrow as pa
import pymysql
import pytest
import yaml
from python_calamine import CalamineWorkbook

from campus.rehearsal import Rehearsal
from campus.servers.stores import PostgresSource
from campus.simulate.changes import find_differences
from campus.simulate.places import TARGETS
from contracts.catalog import Catalog
from core.settings import get_settings
from core.store import postgres
from core.store.address import parse_url
from core.store.connections import get_connection

PERSONS = 600


@pytest.fixture
def rehearsal(own_settings: Path, mariadb_server: str) -> Iterator[Rehearsal]:
    """A started university. Its servers stand where a socket's path is short and another user may read."""
    assert mariadb_server
    folder = Path(tempfile.mkdtemp(prefix="hub-campus-"))
    folder.chmod(0o711)
    university = Rehearsal(folder, PERSONS)
    university.start()
    yield university
    university.stop()
    shutil.rmtree(folder, ignore_errors=True)


def postgres_rows(id: str, table: str, key: str) -> dict[str, tuple[object, ...]]:
    with psycopg.connect(get_connection(id).url) as db:
        found = db.execute(f"select {key}, * from {table}".encode()).fetchall()
    return {str(row[0]): row[1:] for row in found}


def hr_rows(table: str, query: str = "") -> list[tuple[object, ...]]:
    at = get_connection("src_hr")
    door = at.options["unix_socket"]
    with pymysql.connect(user="root", database=at.database, unix_socket=door) as db, db.cursor() as cursor:
        cursor.execute(f"select * from {table} {query}")
        return list(cursor.fetchall())


def test_the_sources_hold_what_the_systems_say(rehearsal: Rehearsal, shipped: Catalog) -> None:
    assert rehearsal.load(1) == []
    tables: Mapping[str, pa.Table] = rehearsal._loaded
    students = postgres_rows("src_academic", '"xsxxb"', '"XH"')
    wanted = {row["XH"]: tuple(row.values()) for row in tables["academic.student_record"].to_pylist()}
    assert students == wanted
    payments = postgres_rows("src_finance", '"cw_sfls"', '"LSH"')
    assert payments == {row["LSH"]: tuple(row.values()) for row in tables["finance.payment_ledger"].to_pylist()}
    staff = hr_rows("t_jzg_jbxx")
    assert {row[:2] for row in staff} == {(row["GH"], row["XM"]) for row in tables["hr.staff_record"].to_pylist()}
    assert hr_rows("t_jzg_jbxx", "where cast(QXRQ as char) = '0000-00-00'")
    _check_files(tables, shipped)


def _check_files(tables: Mapping[str, pa.Table], shipped: Catalog) -> None:
    uploads = Path(get_connection("src_finance_upload").path)
    sheet = CalamineWorkbook.from_path(str(uploads / "工资202608.xlsx")).get_sheet_by_name("工资明细").to_python()
    contract = shipped.source("finance.payroll")
    assert sheet[contract.header_row - 1] == [column.physical for column in contract.columns]
    payroll = tables["finance.payroll"].to_pylist()
    assert [row[0] for row in sheet[contract.header_row :]] == [row["工号"] for row in payroll]
    dorms = (Path(get_connection("src_logistics").path) / "宿舍分配2026.csv").read_bytes().decode("gb18030").splitlines()
    assert dorms[0] == ",".join(column.physical for column in shipped.source("logistics.dorm_allocation").columns)
    assert [line.split(",")[0].strip('"') for line in dorms[1:]] == tables["logistics.dorm_allocation"]["学号"].to_pylist()
    photos = (Path(get_connection("src_it_centre").path) / "zpcj_20260907.csv").read_text("utf-8").splitlines()
    assert len(photos) == 1 + tables["it_centre.photo_register"].num_rows
    with dbf.Table(str(Path(get_connection("src_finance_legacy").path) / "xsjf.dbf")) as table:
        legacy = [(str(record.XH).strip(), str(record.XM).strip(), record.YSJE) for record in table]
    assert legacy == [(row["XH"], row["XM"], float(row["YSJE"])) for row in tables["finance.legacy_fee"].to_pylist()]


def test_a_second_day_touches_changed_rows_only(rehearsal: Rehearsal) -> None:
    rehearsal.load(1)
    before = postgres_rows("src_academic", '"xsxxb"', '"XH"')
    versions = postgres_rows("src_academic", "(select *, xmin::text from xsxxb) t", '"XH"')
    rehearsal.load(2)
    after = postgres_rows("src_academic", '"xsxxb"', '"XH"')
    again = postgres_rows("src_academic", "(select *, xmin::text from xsxxb) t", '"XH"')
    changed = {key for key in after if after[key] != before.get(key)}
    assert 0 < len(changed) < 0.2 * len(after)
    assert {key for key in again if again[key][-1] != versions.get(key, (None,))[-1]} == changed
    assert len(hr_rows("t_jzg_jbxx")) == rehearsal._loaded["hr.staff_record"].num_rows
    assert (Path(get_connection("src_finance_upload").path) / "工资202609.xlsx").exists()


def test_a_defect_is_there_for_its_day_and_its_mending_is_a_change(rehearsal: Rehearsal) -> None:
    rehearsal.load(1)
    found = rehearsal.load(2, {"bad_phone": 1, "staff_unknown_unit": 1})
    student = next(item.key for item in found if item.fault == "bad_phone")
    member = next(item.key for item in found if item.fault == "staff_unknown_unit")
    spoilt = postgres_rows("src_academic", '(select "XH", "YDDH", "GXSJ" from xsxxb) t', '"XH"')[student]
    assert spoilt[1] == "12345"
    assert str(spoilt[2]).startswith("2026-09-08")
    assert hr_rows("t_jzg_jbxx", f"where GH = '{member}' and DWH = '20019999'")
    rehearsal.load(3)
    mended = postgres_rows("src_academic", '(select "XH", "YDDH", "GXSJ" from xsxxb) t', '"XH"')[student]
    assert mended[1] != "12345"
    assert str(mended[2]).startswith("2026-09-09")
    assert not hr_rows("t_jzg_jbxx", "where DWH = '20019999'")


def test_faults_of_systems_are_put_right_by_the_next_day(rehearsal: Rehearsal) -> None:
    rehearsal.load(1)
    rehearsal.load(2, {"renamed_column": 1, "dead_database": 1, "dbf_wrong_encoding": 1})
    table = Path(get_connection("src_finance_legacy").path) / "xsjf.dbf"
    spoilt = table.read_bytes()
    assert get_connection("src_graduate").port == 9
    with pytest.raises(pymysql.err.OperationalError):
        hr_rows("t_jzg_jbxx", "where XM is null")
    rehearsal.load(3)
    assert table.read_bytes() != spoilt
    assert postgres_rows("src_graduate", "yjs_xs", '"XH"')
    assert hr_rows("t_jzg_jbxx", "where XM is not null")


def test_no_server_is_left_when_the_university_stops(rehearsal: Rehearsal, directory_server: str) -> None:
    assert directory_server
    at = get_connection("dst_directory")
    with socket.create_connection((at.host, at.port), 5):
        pass
    rehearsal.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((at.host, at.port), 5)


def test_connections_are_complete_and_for_their_owner_only(rehearsal: Rehearsal, shipped: Catalog) -> None:
    path = get_settings().secrets_file
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    entries = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
    needed = {feed.connection for feed in shipped.feeds.values()} | {dataset.connection for dataset in shipped.sources.values()}
    needed -= {"hub"}  # the registers that the hub keeps itself
    assert needed <= set(entries)
    for target in (name for name, kind in TARGETS.items() if kind == "folder"):
        assert Path(parse_url("x", entries[target]).path).is_dir()
    assert parse_url("x", entries["dst_library"]).family == "mysql"
    assert parse_url("x", entries["dst_portal"]).family == "postgresql"


def test_personnel_can_stand_on_postgresql_where_no_date_is_null(
    postgres_server: str, shipped: Catalog, tables: Mapping[int, Mapping[str, pa.Table]]
) -> None:
    url = postgres.ensure_database(postgres_server, "personnel")
    store = PostgresSource(url)
    for id in ("hr.units", "hr.staff_record", "hr.post_record"):
        store.create_table(shipped.source(id))
        store.replace_rows(shipped.source(id), tables[1][id])
        found = find_differences(shipped.source(id), tables[1][id], tables[5][id])
        store.change_rows(shipped.source(id), found.keys, found.rows)
    store.close()
    with psycopg.connect(url) as db:
        assert db.execute("select count(*) from t_jzg_jbxx").fetchone() == (tables[5]["hr.staff_record"].num_rows,)
        assert db.execute('select count("SXRQ") from t_dw').fetchone() == (0,)
