"""`hub draft` against real servers: what it proposes, what it leaves to a person, and that the filled draft passes lint."""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
import yaml

from campus.servers import processes
from campus.servers.stores_local import SqlServerSource
from contracts.catalog import load_catalog, read_catalog
from contracts.contract import Column
from core.dialects import LogicalType
from core.errors import ContractError, Denied, Unavailable
from core.settings import ROOT, get_settings
from core.store import postgres
from core.store.address import parse_url
from extractors.databases import mysql_session
from lint.lint import lint_home
from onboarding.draft import write_drafts
from onboarding.draft_words import choose_dataset_names

TABLE = """
    create table t_jzg (
        gh varchar(20) not null primary key,
        xm varchar(50) not null,
        xbm char(1),
        csrq date,
        sfzjh char(18),
        dwh varchar(10),
        yddh varchar(30),
        dzxx varchar(40),
        mzm char(2),
        bgsdh varchar(20),
        gz decimal(10,2),
        qtxx varchar(10)
    )
"""
OTHER = "create table kq_log (id integer, bz varchar(200))"


@pytest.fixture
def fresh_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The shipped entities, codes, flows and checks without any source: a university before its first department."""
    for folder in ("schemas/hub", "schemas/codes", "schemas/flows", "schemas/calendar", "sql/checks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    monkeypatch.setenv("HUB_HOME", str(tmp_path))
    get_settings.cache_clear()
    read_catalog.cache_clear()
    yield tmp_path
    get_settings.cache_clear()
    read_catalog.cache_clear()


@pytest.fixture(params=["postgresql", "mysql"])
def hr_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """HR's database with one table that looks like the standard's and one that does not; its family."""
    if request.param == "postgresql":
        url = postgres.ensure_database(request.getfixturevalue("postgres_server"), "draft")
        with psycopg.connect(url) as link:
            link.execute("drop table if exists t_jzg, kq_log")
            for statement in (TABLE, OTHER, "comment on column t_jzg.xm is '教工姓名'"):
                link.execute(statement.encode())
    else:
        url = processes.create_mariadb_database(request.getfixturevalue("mariadb_server"), "draft")
        connection = parse_url("draft", url)
        link_ = pymysql.connect(
            unix_socket=connection.options["unix_socket"], user=connection.user, database=connection.database, autocommit=True
        )
        with link_, link_.cursor() as cursor:
            cursor.execute("drop table if exists t_jzg, kq_log")
            for statement in (TABLE.replace("xm varchar(50) not null", "xm varchar(50) not null comment '教工姓名'"), OTHER):
                cursor.execute(statement)
    monkeypatch.setenv("AIRFLOW_CONN_SRC_HR", url)
    return str(request.param)


def test_a_draft_says_what_it_knows_and_marks_the_rest(fresh_home: Path, hr_database: str) -> None:
    files = write_drafts("src_hr", fresh_home)
    assert [path.relative_to(fresh_home).as_posix() for path in files] == [
        "schemas/sources/hr/kq_log.odcs.yaml",
        "schemas/sources/hr/t_jzg.odcs.yaml",
        "sql/conform/staff/hr.sql",
    ]
    contract = yaml.safe_load(files[1].read_text("utf-8"))
    columns = {item["physicalName"]: item for item in contract["schema"][0]["properties"]}
    assert contract["team"]["name"] == "人事处"
    assert columns["gh"] | {"physicalType": ""} == {
        "name": "staff_no",
        "physicalName": "gh",
        "businessName": "工号",
        "logicalType": "string",
        "physicalType": "",
        "classification": "P1",
        "primaryKey": True,
        "primaryKeyPosition": 1,
        "required": True,
    }
    assert columns["xm"]["businessName"] == "教工姓名"
    assert columns["csrq"]["logicalType"] == "date"
    classes = {name: columns[name]["classification"] for name in ("sfzjh", "bgsdh", "gz", "qtxx")}
    assert classes == {"sfzjh": "P3", "bgsdh": "P2", "gz": "P3", "qtxx": "待填 P0-P3"}
    assert columns["gz"]["physicalType"] == "decimal(10,2)"


def test_lint_refuses_the_draft_and_accepts_it_filled_in(fresh_home: Path, hr_database: str) -> None:
    files = write_drafts("src_hr", fresh_home, ["t_jzg"])
    assert {finding.code for finding in lint_home(fresh_home)} == {"HUB129"}
    for path in files:
        content = path.read_text("utf-8").replace("待填 中文名", "教职工").replace("待填 P0-P3", "P2")
        path.write_text(re.sub(r" -- 待填.*", "", content), "utf-8")
    assert [str(finding) for finding in lint_home(fresh_home)] == []


def test_a_table_without_a_key_is_marked(fresh_home: Path, hr_database: str) -> None:
    (path,) = write_drafts("src_hr", fresh_home, ["kq_log"])
    assert {finding.code for finding in lint_home(fresh_home)} == {"HUB118", "HUB129"}
    assert "primaryKey" in path.read_text("utf-8")


def test_the_same_database_gives_the_same_draft_and_never_overwrites(fresh_home: Path, hr_database: str) -> None:
    first = {path.relative_to(fresh_home / "a"): path.read_bytes() for path in write_drafts("src_hr", fresh_home / "a")}
    second = {path.relative_to(fresh_home / "b"): path.read_bytes() for path in write_drafts("src_hr", fresh_home / "b")}
    assert first == second
    with pytest.raises(Denied, match="HUB750"):
        write_drafts("src_hr", fresh_home / "a")


def test_an_unknown_system_or_table_is_named(fresh_home: Path, hr_database: str) -> None:
    with pytest.raises(ContractError, match=r"HUB892 src_nobody: (?s:.*)schemas/flows/"):
        write_drafts("src_nobody", fresh_home)
    with pytest.raises(ContractError, match=r"HUB104 src_hr\.nothing"):
        write_drafts("src_hr", fresh_home, ["nothing"])


def test_a_file_that_is_not_utf8_is_drafted_with_the_encoding_it_seems_to_have(
    fresh_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "fees.csv").write_bytes("学号,姓名,金额(元)\n26010101,王五,12.50\n".encode("gb18030"))
    (folder / "units.csv").write_bytes("单位号,单位名称\n01,校医院\n".encode())
    monkeypatch.setenv("AIRFLOW_CONN_SRC_HR", f"file://{folder}")
    made = drafts(write_drafts("src_hr", fresh_home))
    assert made["fees.csv"]["schema"][0]["customProperties"] == [{"property": "encoding", "value": "gb18030"}]
    assert "gb18030" in made["fees.csv"]["description"]["limitations"]
    assert [item["physicalName"] for item in made["fees.csv"]["schema"][0]["properties"]] == ["学号", "姓名", "金额(元)"]
    assert "customProperties" not in made["units.csv"]["schema"][0]


def test_types_that_say_less_than_they_seem_to_are_told(
    fresh_home: Path, foreign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = parse_url("draft", foreign)
    link = pymysql.connect(unix_socket=at.options["unix_socket"], user=at.user, database=at.database, autocommit=True)
    with link, link.cursor() as cursor:
        cursor.execute("drop table if exists `体检表`")
        cursor.execute(
            "create table `体检表` (`号` int primary key, `已缴费` tinyint(1), `体重` float, `位图` bit(8), `片` blob)"
        )
    try:
        said = drafts(write_drafts("src_hr", fresh_home, ["体检表"]))["体检表"]["description"]["limitations"]
    finally:
        with pymysql.connect(unix_socket=at.options["unix_socket"], user=at.user, database=at.database) as again:
            again.cursor().execute("drop table `体检表`")
    assert all(words in said for words in ("是否起草：已缴费", "浮点列：体重", "二进制列：片"))
    assert "位图" not in said


def test_a_draft_of_a_sqlite_file_knows_its_types_and_key(
    fresh_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "hr.db")) as link:
        link.execute(TABLE)
    monkeypatch.setenv("AIRFLOW_CONN_SRC_HR", f"sqlite:///{tmp_path}/hr.db")
    contract = yaml.safe_load(write_drafts("src_hr", fresh_home)[0].read_text("utf-8"))
    columns = {item["physicalName"]: item for item in contract["schema"][0]["properties"]}
    assert (columns["gh"]["primaryKeyPosition"], columns["gh"]["required"]) == (1, True)
    assert [columns[name]["logicalType"] for name in ("csrq", "gz", "xm")] == ["date", "number", "string"]
    assert (columns["gz"]["physicalType"], columns["xm"]["businessName"]) == ("decimal(10,2)", "姓名")


def test_a_draft_of_a_sqlserver_takes_its_titles(
    fresh_home: Path, mssql_server: str, server_room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = {
        "GH": "nvarchar(20)",
        "XM": "nvarchar(50)",
        "CSRQ": "date",
        "GZ": "decimal(10,2)",
        "ZZ": "bit",
        "GXSJ": "datetime2",
    }
    columns = tuple(
        Column(name, name, f"{name}题名", LogicalType("string"), physical_type=kind) for name, kind in kinds.items()
    )
    store = SqlServerSource(server_room / "sqlserver_hr")
    store.create_table(replace(load_catalog(ROOT).source("hr.units"), physical="JZG_DRAFT", columns=columns, key=("GH",)))
    monkeypatch.setenv("AIRFLOW_CONN_SRC_HR", mssql_server)
    contract = yaml.safe_load(write_drafts("src_hr", fresh_home, ["JZG_DRAFT"])[0].read_text("utf-8"))
    found = {item["physicalName"]: item for item in contract["schema"][0]["properties"]}
    assert {item["businessName"] for item in found.values()} == {f"{name}题名" for name in kinds}
    assert found["GH"]["primaryKeyPosition"] == 1
    assert [item["logicalType"] for item in found.values()] == ["string", "string", "date", "number", "boolean", "timestamp"]
    assert [item["physicalType"] for item in found.values()] == list(kinds.values())


FOREIGN = (
    "create table `学生表` (`学号` varchar(20) primary key, `姓名` varchar(50), `宿舍` varchar(20))",
    "create table `课程表` (`课程号` varchar(20) primary key, `学分` float)",
    "create table Student (studentID int(10) unsigned zerofill primary key, gibbonSchoolYearID int, birthDate date not null"
    " default '0000-00-00', passwordStrong varchar(255), passwordStrongSalt varchar(50), mfaSecret varchar(20),"
    " refresh_token text, last_update timestamp not null default current_timestamp on update current_timestamp)",
    "create table enrolment (no int not null, term int not null, mark double, note varchar(9), unique key (no, term))",
    "create sequence numbers_seq",
)


@pytest.fixture
def foreign(mariadb_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database on MariaDB that nobody of this university designed."""
    url = processes.create_mariadb_database(mariadb_server, "foreign")
    connection = parse_url("draft", url)
    link = pymysql.connect(
        unix_socket=connection.options["unix_socket"], user=connection.user, database=connection.database, autocommit=True
    )
    with link, link.cursor() as cursor:
        cursor.execute("set sql_mode = ''")
        cursor.execute("drop table if exists `学生表`, `课程表`, Student, student, enrolment")
        cursor.execute("drop sequence if exists numbers_seq")
        for statement in FOREIGN:
            cursor.execute(statement)
    monkeypatch.setenv("AIRFLOW_CONN_SRC_HR", url)
    return url


def drafts(files: list[Path]) -> dict[str, dict[str, Any]]:
    """The drafted contracts by the table that they are of."""
    found = [yaml.safe_load(path.read_text("utf-8")) for path in files if path.suffix == ".yaml"]
    return {contract["schema"][0]["physicalName"]: contract for contract in found}


def test_tables_that_would_have_one_name_are_drafted_each(fresh_home: Path, foreign: str) -> None:
    files = write_drafts("src_hr", fresh_home)
    made = drafts(files)
    assert set(made) == {"学生表", "课程表", "Student", "enrolment"}  # a sequence is no table
    assert len({contract["id"] for contract in made.values()}) == len(set(files)) == 4
    assert made["学生表"]["schema"][0]["businessName"] == "学生表"
    titles = {item["physicalName"]: item for item in made["学生表"]["schema"][0]["properties"]}
    assert (titles["学号"]["name"], titles["宿舍"]["businessName"]) == ("student_no", "宿舍")


def test_names_differ_whatever_the_tables_are_called() -> None:
    tables = ["学生", "课程", "Student", "student", "STUDENT", "学生A", "课程A", "2026", "学生2", "a-b", "a_b", "table_1", "$"]
    names = choose_dataset_names(tables)
    assert len(set(names.values())) == len(tables)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names.values())
    assert names == choose_dataset_names(tables[::-1])


def test_a_draft_says_what_the_database_knows(fresh_home: Path, foreign: str) -> None:
    made = drafts(write_drafts("src_hr", fresh_home))
    student = {item["physicalName"]: item for item in made["Student"]["schema"][0]["properties"]}
    assert set(student) == {"studentID", "gibbonSchoolYearID", "birthDate", "last_update"}  # nothing that opens an account
    assert "mfaSecret" in made["Student"]["description"]["limitations"]
    assert "last_update" in made["Student"]["description"]["usage"]
    assert student["gibbonSchoolYearID"]["name"] == "gibbon_school_year_id"
    assert student["studentID"]["logicalType"] == "string"  # zeros before a number stay
    assert student["birthDate"]["customProperties"] == [{"property": "nullValues", "value": ["0000-00-00"]}]
    assert "required" not in student["birthDate"]
    enrolment = {item["physicalName"]: item for item in made["enrolment"]["schema"][0]["properties"]}
    assert [enrolment[name].get("primaryKeyPosition") for name in ("no", "term", "note")] == [1, 2, None]
    assert enrolment["mark"]["physicalType"] == "decimal(38,10)"


def test_a_whole_database_is_drafted_over_one_connection(
    fresh_home: Path, foreign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    connect = mysql_session._connect
    monkeypatch.setattr(mysql_session, "_connect", lambda *given: (opened.append("one"), connect(*given))[1])
    write_drafts("src_hr", fresh_home)
    assert opened == ["one"]


def test_tables_that_the_account_may_not_read_are_told_and_left_out(
    fresh_home: Path, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.ensure_database(postgres_server, "guarded")
    with psycopg.connect(url) as link:
        link.execute("drop schema if exists secret cascade")
        link.execute("drop table if exists open_one, shut_one")
        link.execute("create schema secret")
        link.execute("create table secret.pay (no int primary key)")
        link.execute("create table open_one (no int not null unique, at timestamp)")
        link.execute("create table shut_one (no int primary key)")
        link.execute("do $$ begin create role drafter login; exception when duplicate_object then null; end $$")
        link.execute("grant usage on schema public to drafter")
        link.execute("grant select on open_one to drafter")
    monkeypatch.setenv("AIRFLOW_CONN_SRC_HR", f"{url}{'&' if '?' in url else '?'}options=-c%20role%3Ddrafter")
    told: list[str] = []
    made = drafts(write_drafts("src_hr", fresh_home, warn=lambda error: told.append(f"{error.code} {error.where}")))
    assert set(made) == {"open_one"}
    assert made["open_one"]["schema"][0]["properties"][0]["primaryKey"]
    assert told == ["HUB890 src_hr.secret.pay", "HUB890 src_hr.shut_one"]


@pytest.mark.parametrize(("url", "code"), [("file://{folder}", "HUB877"), ("off:", "HUB878")])
def test_a_connection_with_nothing_to_draft_says_so(
    fresh_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, code: str
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("AIRFLOW_CONN_SRC_HR", url.format(folder=tmp_path / "empty"))
    with pytest.raises((ContractError, Denied), match=code):
        write_drafts("src_hr", fresh_home)


def test_a_connection_without_a_database_and_a_wrong_account_are_told_in_words(
    fresh_home: Path, foreign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = parse_url("draft", foreign)
    socket = f"unix_socket={at.options['unix_socket']}"
    monkeypatch.setenv("AIRFLOW_CONN_SRC_HR", f"mysql://{at.user}@localhost/?{socket}")
    with pytest.raises(ContractError, match="HUB877"):
        write_drafts("src_hr", fresh_home)
    monkeypatch.setenv("AIRFLOW_CONN_SRC_HR", f"mysql://nobody_here:wrong@localhost/{at.database}?{socket}")
    with pytest.raises(Unavailable, match="口令"):
        write_drafts("src_hr", fresh_home)
