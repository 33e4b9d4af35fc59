"""Keys of several columns whose values hold the bar that stands between them: two rows stay two, everywhere."""

from __future__ import annotations

from typing import Any

import duckdb

from core.keys import build_row_key_sql

PAIRS = [
    ("A|b", "c"),
    ("A", "b|c"),
    ("A\\", "b"),
    ("A", "\\b"),
    ("A\\|b", "c"),
    ("A\\", "b|c"),
    ("A", "b\\|c"),
    ("", "|"),
    ("|", ""),
]


def test_no_two_keys_are_one_text() -> None:
    with duckdb.connect() as db:
        db.execute("create table t (a varchar, b varchar)")
        db.executemany("insert into t values (?, ?)", PAIRS)
        assert db.execute(f"select count(distinct {build_row_key_sql(['a', 'b'])}) from t").fetchall() == [(len(PAIRS),)]
        assert db.execute(f"select {build_row_key_sql(['a', 'b'])} from (select 'T1' as a, 'U1' as b)").fetchall() == [
            ("T1|U1",)
        ]
        assert db.execute(f"select {build_row_key_sql(['a'])} from (select 'T|1' as a)").fetchall() == [("T|1",)]


def test_rows_whose_values_hold_the_bar_live_side_by_side(university: Any) -> None:
    path = university.home / "schemas" / "hub" / "staff.odcs.yaml"
    contract = path.read_text("utf-8").replace(', pattern: "^[A-Za-z0-9]{4,20}$"', "")
    unit = "{name: unit_code, businessName: 单位号, logicalType: string, required: true,"
    assert unit in contract
    path.write_text(contract.replace(unit, f"{unit} primaryKey: true, primaryKeyPosition: 2,"), "utf-8")
    university.forget()
    university.department("insert into dw values ('c', '丙'), ('b|c', '乙丙')")
    university.hire(("K001|b", "甲", "男", "c"), ("K001", "乙", "女", "b|c"))
    university.night(1)
    found = {(row[0], row[1]) for row in university.hub() if row[0].startswith("K001")}
    assert found == {("K001|b", "甲"), ("K001", "乙")}
    university.department("update jzg set xm = '丁', gxsj = clock_timestamp() where gh = 'K001'")
    university.department("delete from jzg where gh = 'K001|b'")
    university.night(2)
    university.night(3)  # away twice
    found = {(row[0], row[1]) for row in university.hub() if row[0].startswith("K001")}
    assert found == {("K001", "丁")}
    assert {row[1] for row in university.received() if row[0].startswith("K001")} == {"丁"}
