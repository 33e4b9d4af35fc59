"""`hub selftest` on site: what it says of a sound source, of a damaged one and of a receiver, and that it leaves nothing."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from cli.main import app
from contracts.catalog import load_catalog
from core.errors import Denied
from onboarding.connection_check import run_connection_check


def rows(connection: str, **facts: bool) -> dict[str, dict[str, Any]]:
    return {row["dataset"]: row for row in run_connection_check(load_catalog(), connection, **facts)}


def test_a_sound_source_passes_and_nothing_is_loaded(university: Any) -> None:
    found = rows("src_hr")
    assert {name: (row["ok"], row["rows"], row["notes"], row["problem"]) for name, row in found.items()} == {
        "hr.person": (True, 40, [], None),
        "hr.unit": (True, 5, [], None),
    }
    assert not (university.var / "landing").exists()
    assert list((university.var / "work").glob("selftest-*")) == []


def test_cells_that_will_be_held_are_noted_without_a_value(university: Any) -> None:
    university.department("update jzg set lxrq = '20191345' where gh in ('T0003', 'T0004')")
    university.department("insert into jzg select * from jzg where gh = 'T0007'")
    university.department("alter table jzg add column beizhu text")
    found = rows("src_hr")["hr.person"]
    assert (found["ok"], found["rows"], found["new_columns"]) == (True, 41, ["beizhu"])
    assert ["2 行" in found["notes"][0], "1 行" in found["notes"][1]] == [True, True]
    assert any(note.endswith("：lxrq") for note in found["notes"])  # as the department calls it
    assert "20191345" not in json.dumps(found, ensure_ascii=False)


def test_a_lost_column_is_the_problem_of_its_dataset_only(university: Any) -> None:
    university.department("alter table jzg rename column xm to xingming")
    found = rows("src_hr")
    assert "HUB301" in found["hr.person"]["problem"]
    assert found["hr.unit"]["ok"]


def test_a_receivers_tables_are_looked_at_and_only_looked_at(university: Any) -> None:
    found = rows("dst_academic")
    assert [(row["ok"], len(row["notes"])) for row in found.values()] == [(True, 1)] * len(found)
    university.night(1)
    assert [row["notes"] for row in rows("dst_academic").values()] == [[]] * len(found)
    with psycopg.connect(university.academic, autocommit=True) as link:
        link.execute("alter table hub_staff rename column name to xm")
    assert "name" in str([row["problem"] for row in rows("dst_academic").values()])


@pytest.mark.parametrize("target", ["dst_academic", "dst_library"])
def test_writing_proves_a_receiver_and_tidies_up(university: Any, target: str) -> None:
    university.night(1)
    before = university.accepted()
    found = rows(target, write=True)
    assert len(found) == 10
    assert all(row["ok"] for row in found.values())
    assert university.accepted() == before
    assert university.night(2).problems == []


def test_what_cannot_be_tested_says_so(university: Any) -> None:
    with pytest.raises(Denied, match="HUB825 dst_research"):
        run_connection_check(load_catalog(), "dst_research", write=True)
    with pytest.raises(Denied, match="HUB825 src_hr"):
        run_connection_check(load_catalog(), "src_hr", write=True)
    with pytest.raises(Denied, match="HUB709 src_nobody"):
        run_connection_check(load_catalog(), "src_nobody")


def test_the_command_fails_when_a_proof_does(university: Any) -> None:
    assert CliRunner().invoke(app, ["selftest", "src_hr"]).exit_code == 0
    university.department("alter table dw rename column dwmc to mc")
    found = CliRunner().invoke(app, ["selftest", "src_hr", "--json"])
    assert found.exit_code == 1
    assert [row["ok"] for row in json.loads(found.stdout) if row["dataset"] == "hr.unit"] == [False]
