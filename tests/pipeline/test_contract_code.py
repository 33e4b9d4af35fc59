"""A contract and a SELECT describe; nothing in them runs, reads a file, asks the network or sees another feed's rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.catalog import load_catalog

FEED = "schemas/feeds/sjgxlc01/e01_hr_academic.odcs.yaml"
SECRET = "root:x:0:0"
"""What a machine's list of accounts begins with."""


def replaced(home: Path, file: str, old: str, new: str) -> None:
    path = home / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def told(university: Any) -> set[str]:
    """The secret's places among everything that a night writes."""
    folders = [university.var, university.research, university.home.parent]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.stat().st_size < 1 << 22]
    return {path.name for path in files if SECRET.encode() in path.read_bytes()}


FILTERS = [
    "1 = 1; copy (select * from read_text('/etc/passwd')) to '{out}' (format csv)",
    "1 = 1; attach '{out}.db' as other",
    "1 = 1; set threads = 1",
    "1 = 1 union all select content, content, null, content from read_text('/etc/passwd')",
    "exists (select 1 from read_text('/etc/passwd') where content like 'root%')",
    "name = (select max(content) from read_text('/etc/passwd'))",
    "staff_no in (from read_csv('/etc/passwd'))",
    "staff_no in (select staff_no from read_parquet('{var}/*/**/*.parquet'))",
    "getenv('HUB_URL') like 'postgresql%'",
    "current_setting('temp_directory') <> ''",
    "read_text('/etc/passwd') is not null",
    "name = 'a' order by (select content from read_text('/etc/passwd'))",
    "1 = 1 -- \n; copy (select 1) to '{out}'",
    "1 = 1 /* */ ; copy (select 1) to '{out}' /* */",
    "1 = 1) union select * from read_text('/etc/passwd') where (1 = 1",
    "e'\\'' = name; copy (select 1) to '{out}' --'",
    "$$ ' $$ = name; copy (select 1) to '{out}' --'",
    "(select true from 'https://127.0.0.1:9/x.parquet')",
    "count(*) over () > 0",
    "name",
]


@pytest.mark.parametrize("text", FILTERS)
def test_a_filter_is_one_condition_and_runs_nothing(university: Any, text: str) -> None:
    out = university.home.parent / "taken.csv"
    bad = json.dumps(text.format(out=out, var=university.var))
    drop = "- {property: drop, value: delete}"
    replaced(university.home, FEED, drop, f"{drop}\n      - {{property: filter, value: {bad}}}")
    outcome = university.night(1)
    assert [problem.code for problem in outcome.problems] == ["HUB158"]
    assert not out.exists() and told(university) == set()
    assert set(university.accepted()) == {"E05", "E06"}, "the others go on"


CONFORM, DATASET = "sql/conform/staff/hr.sql", "sql/feeds/sjgxlc01/staff_basic.sql"
SELECTS = [
    (CONFORM, "; copy (select * from read_text('/etc/passwd')) to '{out}' (format csv)", "HUB162"),
    (CONFORM, " union all select content, content, null, null, null, null, 0 from read_text('/etc/passwd')", "HUB160"),
    (CONFORM, " union all select content, null, null, null, null, null, 0 from '/etc/passwd'", "HUB161"),
    (CONFORM, " union all select * from other.person", "HUB161"),
    (CONFORM, " union all select * from information_schema.tables", "HUB161"),
    (DATASET, "; copy (select 1) to program 'touch {out}'", "HUB162"),
    (DATASET, " union all select pg_read_file('/etc/passwd'), null, null, null, null, null, null", "HUB160"),
    (DATASET, " union all select rolname, null, null, null, null, null, null from pg_catalog.pg_authid", "HUB161"),
    (DATASET, " union all select usename, null, null, null, null, null, null from pg_user", "HUB161"),
    (DATASET, " union all select subject, null, null, null, null, null, null from ops.step", "HUB161"),
]


@pytest.mark.parametrize(("file", "more", "code"), SELECTS)
def test_a_select_is_one_select_over_what_it_was_given(university: Any, file: str, more: str, code: str) -> None:
    out = university.home.parent / "taken.csv"
    path = university.home / file
    path.write_text(path.read_text("utf-8").rstrip().rstrip(";") + more.format(out=out), "utf-8")
    outcome = university.night(1)
    assert code in {problem.code for problem in outcome.problems}
    assert not out.exists() and told(university) == set()
    assert university.hub("org_unit") != [], "the others go on"


NAMES = [
    ("{name: unit_name,", "{name: \"unit_name from read_text('/etc/passwd') --\",", "HUB119"),
    ("- name: staff_basic", "- name: ../../staff_basic", "HUB119"),
    ("property: target, value: research", "property: target, value: ../research", "HUB119"),
    ("physicalName: hub_staff", "physicalName: ../hub_staff", "HUB605"),
    ("physicalName: hub_staff", "physicalName: /etc/hub_staff", "HUB605"),
    ("physicalName: hub_staff", "physicalName: 'hub_*'", "HUB605"),
]


@pytest.mark.parametrize(("old", "new", "code"), NAMES)
def test_a_name_is_a_name_and_leads_nowhere(university: Any, old: str, new: str, code: str) -> None:
    replaced(university.home, "schemas/feeds/sjgxlc01/e06_hr_research.odcs.yaml", old, new)
    around = sorted(path.name for path in university.research.parent.iterdir())
    problems = university.night(1).problems
    broken = [error for error in load_catalog().broken.values() if error.code == code]
    assert code in {problem.code for problem in [*problems, *broken]}
    assert list(university.research.iterdir()) == [] and told(university) == set()
    assert {"E01", "E05"} <= set(university.accepted()), "the others go on"
    assert {path.name for path in university.research.parent.iterdir()} - set(around) <= {"var"}
