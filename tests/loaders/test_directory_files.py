"""The shipped edge to the directory where there is no directory: its entries as a file, several values of one attribute too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from contracts.catalog import load_catalog
from contracts.contract import FeedDataset
from loaders import ldif

ZHANG = {
    "uid": "20010101",
    "name": "张三",
    "surname": "张",
    "affiliation": "faculty",
    "affiliations": "faculty;employee;教师",
    "unit_code": "D0301",
    "unit_name": "计算机学院",
    "language": "zh-CN",
    "expires_on": None,
}
LI = {**ZHANG, "uid": "26010101", "name": "李四", "affiliations": "student", "unit_name": None, "expires_on": "21031"}


@pytest.fixture
def feed() -> FeedDataset:
    return next(feed for feed in load_catalog().feeds.values() if feed.file_format == "ldap")


def written(feed: FeedDataset, rows: Sequence[Mapping[str, str | None]], path: Path) -> Path:
    with duckdb.connect() as db:
        schema = pa.schema([(name, pa.string()) for name in rows[0]])
        db.register("entries", pa.Table.from_pylist([dict(row) for row in rows], schema))
        ldif.write_ldif(db, feed, "entries", path)
    return path


def test_several_values_are_several_lines_and_come_back_as_one_cell(feed: FeedDataset, tmp_path: Path) -> None:
    path = written(feed, [ZHANG, LI], tmp_path / "whole.ldif")
    lines = path.read_text("ascii").splitlines()
    assert [line for line in lines if line.startswith("eduPersonAffiliation:")] == [
        "eduPersonAffiliation: faculty",
        "eduPersonAffiliation: employee",
        "eduPersonAffiliation:: 5pWZ5biI",
        "eduPersonAffiliation: student",
    ]
    found = ldif.read_ldif(path, feed, [column.physical for column in feed.columns]).to_pylist()
    assert found == [{column.physical: row[column.name] for column in feed.columns} for row in (ZHANG, LI)]


def test_changes_remove_and_add_an_entry_with_all_its_values(feed: FeedDataset, tmp_path: Path) -> None:
    path = written(feed, [{"_op": "U", **ZHANG}, {"_op": "D", **LI}], tmp_path / "changes.ldif")
    found = ldif.read_ldif(path, feed, ["_op", "uid", "eduPersonAffiliation"]).to_pylist()
    assert found == [
        {"_op": "U", "uid": "20010101", "eduPersonAffiliation": "faculty;employee;教师"},
        {"_op": "D", "uid": "26010101", "eduPersonAffiliation": None},
    ]
