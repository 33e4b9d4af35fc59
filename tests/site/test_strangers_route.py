"""A university that nobody here knows, by the documented commands alone: `hub init`, two databases of foreign shape,
`hub draft`, a few edited lines, two nights with deletes, and what a table and a CSV receiver hold, row by row."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
from signing import signed_in
from typer.testing import CliRunner

from campus.servers.processes import create_mariadb_database
from cli.main import app
from contracts.catalog import read_catalog
from core.settings import Site, get_settings
from core.store import ledger as ledger_module
from core.store import postgres
from core.store.address import parse_url
from core.store.ledger import open_ledger
from onboarding.site import create_site

CACHES = (get_settings, read_catalog, ledger_module.migrate_ledger, ledger_module._get_ledger, postgres.ensure_database)
REGISTRY = """
create table xs_jbxx (xh varchar(12) not null, xm varchar(60) not null, xbm char(1), csrq date not null default '0000-00-00',
  sfzjh char(18), mzm char(2), bh varchar(10), rxny char(6), xz decimal(3,1) zerofill, zxbz tinyint(1), pjcj float, bz text,
  gxsj timestamp not null default current_timestamp on update current_timestamp, unique key uk_xh (xh));
create table jzg_jbxx (gh varchar(10) primary key, xm varchar(60), xbm char(1), csrq datetime, dwh varchar(10),
  sfzjh varchar(18), mm char(32), jb bit(1), sg bigint unsigned)
"""
OFFICES = """
create table "单位" ("单位号" varchar(10) primary key, "单位名称" text not null, "单位类别码" char(1), "建立年月" char(6),
  "预算" money, "层级" numeric)
"""
FLOWS = """
systems:
  - {code: sis, name_zh: 学籍人事系统, name_en: Registry, kind: system, owner_zh: 教务处, owner_en: Registry}
  - {code: offices, name_zh: 机构系统, name_en: Offices, kind: system, owner_zh: 校办, owner_en: Office}
  - {code: lib, name_zh: 图书馆, name_en: Library, kind: system, owner_zh: 图书馆, owner_en: Library}
  - {code: archive, name_zh: 档案馆, name_en: Archive, kind: system, owner_zh: 档案馆, owner_en: Archive}
flows: [{code: OURS01, kind: data_sharing, title_zh: 本校数据共享, title_en: Our sharing, system: sis, steps: []}]
additional_edges:
  - {id: N01, source: sis, target: lib, datasets: [student], declared_by: hub, declarations: [{step: OURS01/1, side: hub}],
     publish_mode: automatic, deliver_mode: automatic, apply_mode: automatic, technician_check: none, reason_zh: 借书,
     reason_en: loans}
  - {id: N02, source: sis, target: archive, datasets: [staff], declared_by: hub, declarations: [{step: OURS01/1, side: hub}],
     publish_mode: automatic, deliver_mode: automatic, apply_mode: automatic, technician_check: none, reason_zh: 归档,
     reason_en: archive}
"""
FEED = """apiVersion: v3.1.0
kind: DataContract
id: {edge}_sis_{target}
name: 学籍人事系统至图书馆
version: 1.0.0
status: active
domain: sis
servers: [{{server: dst_{target}, type: custom}}]
customProperties:
  - {{property: flow, value: OURS01}}
  - {{property: edge, value: {number}}}
  - {{property: source, value: sis}}
  - {{property: target, value: {target}}}
schema:
  - name: {name}
    physicalName: hub_{name}
    physicalType: table
    businessName: {title}
    logicalType: object
    customProperties:
      - {{property: mode, value: {mode}}}
      - {{property: schedule, value: nightly}}
      - {{property: technicianCheck, value: false}}{more}
    properties:
      - {{name: {key}, businessName: 号, primaryKey: true, primaryKeyPosition: 1, logicalType: string,
         physicalType: varchar(20), logicalTypeOptions: {{maxLength: 20}}, required: true, classification: P1}}
      - {{name: name, businessName: 姓名, logicalType: string, physicalType: varchar(50),
         logicalTypeOptions: {{maxLength: 50}}, classification: P1}}
"""


@dataclass
class Stranger:
    """The stranger's site and databases, and the command line in them."""

    home: Path
    registry: Any
    offices: str
    library: str
    edited: int = 0

    def hub(self, *words: str, well: tuple[int, ...] = (0,)) -> str:
        """What a command says; `well` are the exit codes that it may end with."""
        for cached in CACHES:
            cached.cache_clear()
        found = CliRunner().invoke(app, list(words), catch_exceptions=False)
        assert found.exit_code in well, found.output
        return found.output

    def edit(self, file: str, pattern: str, new: str) -> None:
        """Change every line of a file in which the pattern stands; each counts as one edited line."""
        path = self.home / file
        lines = path.read_text("utf-8").splitlines()
        changed = [re.sub(pattern, new, line) for line in lines]
        self.edited += sum(old != line for old, line in zip(lines, changed, strict=True))
        path.write_text("\n".join(changed) + "\n", "utf-8")

    def change(self, statement: str) -> None:
        with self.registry.cursor() as cursor:
            cursor.execute(statement)

    def received(self) -> set[tuple[str, str]]:
        with psycopg.connect(self.library) as connection:
            return set(connection.execute("select student_no, name from hub_student").fetchall())

    def received_file(self) -> set[tuple[str, str]]:
        newest = max((self.home / "out").rglob("*.csv"), key=lambda path: path.stat().st_mtime_ns)
        with newest.open(encoding="utf-8", newline="") as file:
            return {(row["staff_no"], row["name"]) for row in csv.DictReader(file)}


def resident_number(day: str, serial: int) -> str:
    """A number by GB 11643, whose last sign is the check character over the seventeen before."""
    head = f"410102{day}{serial:03d}"
    total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(head))
    return head + "10X98765432"[total % 11]


@pytest.fixture
def stranger(tmp_path: Path, mariadb_server: str, postgres_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stranger]:
    create_site(tmp_path / "ours", Site(name="外校"))
    address = parse_url("src", create_mariadb_database(mariadb_server, "strangers_sis"))
    registry = pymysql.connect(
        unix_socket=address.options["unix_socket"], user=address.user, password=address.password, database=address.database,
        charset="utf8mb4", autocommit=True,
    )  # fmt: skip
    offices, library = (postgres.ensure_database(postgres_server, name) for name in ("strangers_offices", "strangers_library"))
    with psycopg.connect(offices) as connection:
        connection.execute(OFFICES)
        for code, name in (("D01", "数学学院"), ("D02", "图书馆")):
            connection.execute("""insert into "单位" values (%s, %s, '1', '195509', 1200.5, 2)""", [code, name])
    with registry.cursor() as cursor:
        cursor.execute("set sql_mode = ''")
        for statement in REGISTRY.split(";"):
            cursor.execute(statement)
        for n in range(40):
            day = f"2007{n % 12 + 1:02d}{n % 28 + 1:02d}"
            row = (f"2026{n:06d}", f"学生{chr(0x4E00 + n)}", day, resident_number(day, n * 2 + 1))
            cursor.execute(
                "insert into xs_jbxx (xh, xm, xbm, csrq, sfzjh, mzm, rxny, xz, zxbz, pjcj)"
                " values (%s, %s, '1', %s, %s, '01', '202609', 4, 1, 3.7)",
                row,
            )
        for n in range(12):
            day = f"1980{n + 1:02d}15"
            cursor.execute(
                "insert into jzg_jbxx values (%s, %s, '1', %s, 'D01', %s, 'secret', b'1', %s)",
                (f"J{n:04d}", f"教师{chr(0x4E00 + n)}", day, resident_number(day, n * 2 + 1), 2**63 + n),
            )
    secrets = tmp_path / "ours" / "var" / "secrets" / "connections.yaml"
    secrets.parent.mkdir(parents=True)
    files = f"file://{tmp_path / 'ours' / 'out'}"
    places = {"src_sis": address.url, "src_offices": offices, "dst_lib": library, "dst_archive": files}
    secrets.write_text("".join(f"{id}: {url}\n" for id, url in places.items()), "utf-8")
    monkeypatch.chdir(tmp_path / "ours")
    for name in ("HUB_HOME", "HUB_VAR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HUB_URL", postgres.ensure_database(postgres_server, "strangers_hub"))
    yield Stranger(tmp_path / "ours", registry, offices, library)
    open_ledger().close()
    registry.close()
    for cached in CACHES:
        cached.cache_clear()


def test_a_stranger_brings_students_staff_and_units_to_two_receivers_in_two_nights(stranger: Stranger) -> None:
    (stranger.home / "schemas" / "flows" / "site.yaml").write_text(FLOWS, "utf-8")
    assert "student/sis.sql" in stranger.hub("draft", "src_sis")
    assert "org_unit/offices.sql" in stranger.hub("draft", "src_offices")
    for path in sorted((stranger.home / "schemas" / "sources").rglob("*.yaml")):
        stranger.edit(path.relative_to(stranger.home).as_posix(), "待填 中文名", "未用")
        stranger.edit(path.relative_to(stranger.home).as_posix(), "待填 P0-P3", "P2")
    for path in (stranger.home / "sql" / "conform").rglob("*.sql"):
        path.write_text(re.sub(r" *-- 待填[^\n]*", "", path.read_text("utf-8")), "utf-8")
    stranger.edit(
        "sql/conform/staff/sis.sql", r"cast\(null as date\) as birth_date", "cast(s.birth_date as date) as birth_date"
    )
    assert stranger.edited <= 30
    feeds = stranger.home / "schemas" / "feeds" / "ours01"
    feeds.mkdir()
    for number, target, name, title, key, mode, more in (
        ("N01", "lib", "student", "学生", "student_no", "delta", ""),
        ("N02", "archive", "staff", "教职工", "staff_no", "full", "\n      - {property: fileFormat, value: csv}"),
    ):
        facts = {"number": number, "edge": number.lower(), "target": target, "name": name, "title": title, "key": key}
        path = feeds / f"{number.lower()}_sis_{target}.odcs.yaml"
        path.write_text(FEED.format(**facts, mode=mode, more=more), "utf-8")
    stranger.hub("lint")
    stranger.hub("night", "--as-of", "2026-09-07", well=(0, 3))  # 3: the roles of staff whose kind nobody told are held
    students = {(f"2026{n:06d}", f"学生{chr(0x4E00 + n)}") for n in range(40)}
    staff = {(f"J{n:04d}", f"教师{chr(0x4E00 + n)}") for n in range(12)}
    assert stranger.received() == students and stranger.received_file() == staff
    stranger.change("delete from xs_jbxx where xh = '2026000007'")
    stranger.change("update xs_jbxx set xm = '改名' where xh = '2026000008'")
    stranger.change("update xs_jbxx set csrq = '0000-00-00', xm = '不该送' where xh = '2026000009'")
    stranger.change("delete from jzg_jbxx where gh = 'J0003'")
    for day in ("2026-09-08", "2026-09-09"):
        stranger.hub("night", "--as-of", day, well=(0, 3))
    left = {row for row in students if row[0] not in ("2026000007", "2026000008")} | {("2026000008", "改名")}
    assert stranger.received() == left
    assert stranger.received_file() == {row for row in staff if row[0] != "J0003"}
    signed_in("核查员")
    status = stranger.hub("status")
    assert "OURS01" in status and "SJGXLC" not in status
