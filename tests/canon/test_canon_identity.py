"""A number that was given to another person is held for a person, whatever else the row says."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

OLD = ("张三", "11010519491231002X", "1949-12-31")
NEW = ("李四", "110105199001011235", "1990-01-01")


@pytest.mark.parametrize("entity", ["staff", "student"])
def test_a_number_is_not_given_to_another_person(home: Path, entity: str) -> None:
    columns = f"{entity}_no varchar, name varchar, id_number varchar, birth_date date"
    rows = [("1", *NEW), ("2", NEW[0], *OLD[1:]), ("3", *OLD[:2], NEW[2]), ("4", OLD[0], *NEW[1:]), ("5", *NEW)]
    with duckdb.connect() as db:
        db.execute("create schema standing")
        db.execute(f"create table standing.{entity} ({columns})")
        db.execute(f"create table {entity} ({columns}, source_system varchar, source_row bigint)")
        db.executemany(f"insert into standing.{entity} values (?, ?, ?, ?)", [(number, *OLD) for number in "1234"])
        db.executemany(f"insert into {entity} values (?, ?, ?, ?, 'hr', ?)", [(*row, int(row[0])) for row in rows])
        found = db.execute((home / "sql" / "checks" / f"{entity}__number_reused.sql").read_text("utf-8")).fetchall()
    assert found == [("hr", 1)]
