"""A large table that the source knows again is not read: nothing is lost by it, and whatever is doubtful is read."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pymysql
import pytest

from campus.servers import processes
from core.settings import get_settings
from core.store.address import parse_url
from core.store.ledger import Ledger
from extractors.databases import mysql_fingerprint
from pipeline.context import resume_run
from pipeline.ingest import fingerprint


@pytest.fixture
def registry(university: Any, mariadb_server: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """The department's units, in a MariaDB of its own, where five rows are many; runs a statement there."""
    url = processes.create_mariadb_database(mariadb_server, f"{Path(university.var).parent.name[:40]}_units")
    monkeypatch.setenv("AIRFLOW_CONN_SRC_UNITS", url)
    monkeypatch.setattr(mysql_fingerprint, "MINIMUM_ROWS", 0)
    contract = university.home / "schemas/sources/hr/unit.odcs.yaml"
    contract.write_text(contract.read_text("utf-8").replace("server: src_hr", "server: src_units"), "utf-8")
    university.forget()

    def run(statement: str) -> None:
        where = parse_url("units", url)
        with pymysql.connect(user="root", unix_socket=where.options["unix_socket"], database=where.database) as connection:
            connection.cursor().execute(statement)
            connection.commit()

    run("create or replace table dw (dwh varchar(10) primary key, dwmc varchar(60)) character set utf8mb4")
    run("insert into dw select concat('U', seq), concat('单位', seq) from seq_1_to_5")
    run("analyze table dw")
    return run


def settle() -> None:
    """Wait until the second of the last change is over."""
    time.sleep(3)


def reading(university: Any) -> dict[str, Any]:
    return dict(university.ledger.latest("extract", "hr.unit")["hr.unit"])


def file(university: Any) -> Path:
    return Path(get_settings().landing) / reading(university)["folder"] / "rows.parquet"


def test_a_table_that_did_not_change_is_not_read_again(university: Any, registry: Callable[[str], None]) -> None:
    settle()
    assert university.night(1).problems == []
    first = file(university)
    assert reading(university)["reader"] == "pymysql"
    assert university.night(2).problems == []
    assert reading(university)["reader"] == "checksum"
    assert file(university) != first
    assert file(university).samefile(first)
    assert (reading(university)["rows"], reading(university)["source_count"]) == (5, 5)
    assert university.ledger.version() == 1


def test_a_change_after_such_a_night_arrives(university: Any, registry: Callable[[str], None]) -> None:
    settle()
    university.night(1)
    university.night(2)
    registry("update dw set dwmc = '改名' where dwh = 'U3'")
    settle()
    assert university.night(3).problems == []
    assert reading(university)["reader"] == "pymysql"
    assert ("U3", "改名") in [row[:2] for row in university.hub("org_unit")]
    university.night(4)
    assert reading(university)["reader"] == "checksum"
    assert ("U3", "改名") in [row[:2] for row in university.hub("org_unit")]


def test_a_change_of_the_very_second_of_the_reading_is_not_taken_for_the_landing(
    university: Any, registry: Callable[[str], None]
) -> None:
    registry("update dw set dwmc = '一' where dwh = 'U1'")
    university.night(1)
    registry("update dw set dwmc = '二' where dwh = 'U1'")
    settle()
    university.night(2)
    assert reading(university)["reader"] == "pymysql"
    assert ("U1", "二") in [row[:2] for row in university.hub("org_unit")]


def test_a_landing_that_is_gone_is_read_again(university: Any, registry: Callable[[str], None]) -> None:
    settle()
    university.night(1)
    file(university).unlink()
    assert university.night(2).problems == []
    assert reading(university)["reader"] == "pymysql"


def test_a_checksum_that_differs_has_the_table_read(university: Any, registry: Callable[[str], None]) -> None:
    settle()
    university.night(1)
    with university.ledger.transaction() as connection:
        connection.execute(
            "update ops.step set output = jsonb_set(output, '{checksum}', '\"1\"') where verb = 'mark' and subject = 'hr.unit'"
        )
    university.night(2)
    assert reading(university)["reader"] == "pymysql"


def test_a_table_that_changed_during_the_night_gets_no_mark(
    university: Any, registry: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from runs import stages

    settle()
    plain = stages.evaluate_entities

    def meanwhile(*given: Any) -> Any:
        registry("update dw set dwmc = '后来' where dwh = 'U2'")
        return plain(*given)

    monkeypatch.setattr(stages, "evaluate_entities", meanwhile)
    university.night(1)
    assert university.ledger.latest("mark") == {}


def test_a_store_that_is_gone_while_marks_are_taken_is_told_by_who_needs_it(university: Any, tmp_path: Path) -> None:
    here = resume_run(university.night(1).run_id)
    gone = Ledger(f"postgresql://postgres@/hub?host={tmp_path}")
    with fingerprint.take_in_background(replace(here, ledger=gone)):  # what a thread raises by itself fails this test
        assert here.ledger.version() == 1
