"""Rows by reference: those of a file, without some, and some more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.engine import open_engine
from core.row_set import RowSet, restore_row_set
from core.settings import get_settings


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RowSet]:
    monkeypatch.setenv("HUB_VAR", str(tmp_path))
    get_settings.cache_clear()
    folder = get_settings().work
    folder.mkdir()
    found = RowSet(folder / "file.parquet", folder / "without.parquet", folder / "plus.parquet")
    assert found.without and found.plus
    pq.write_table(pa.table({"no": ["a", "b", "c"], "n": [1, 2, 3], "source_row": [7, 8, 9]}), found.file)
    pq.write_table(pa.table({"position": [1]}), found.without)
    pq.write_table(pa.table({"no": ["z"], "n": [26]}), found.plus)
    yield found
    get_settings.cache_clear()


def asked(query: str) -> list[tuple[object, ...]]:
    with open_engine("rows") as db:
        return db.execute(f"select * from ({query}) order by 1").fetchall()


def test_what_is_left_out_is_out_and_what_is_added_is_in(rows: RowSet) -> None:
    assert asked(rows.query(["no", "n"])) == [("a", 1), ("c", 3), ("z", 26)]


def test_without_names_every_column_is_there_and_the_position_in_the_file(rows: RowSet) -> None:
    assert asked(rows.query()) == [("a", 1, 7, 0), ("c", 3, 9, 2), ("z", 26, None, None)]


def test_a_file_of_its_own_needs_nothing_else(rows: RowSet) -> None:
    assert asked(RowSet(rows.file).query(["no"])) == [("a",), ("b",), ("c",)]


def test_the_ledger_keeps_them_as_paths(rows: RowSet) -> None:
    assert restore_row_set(rows.facts()) == rows
    assert restore_row_set(RowSet(rows.file).facts()) == RowSet(rows.file)


@pytest.mark.parametrize("part", ["file", "without", "plus"])
def test_rows_of_which_a_part_was_removed_are_not_there(rows: RowSet, part: str) -> None:
    assert rows.has_all_files
    getattr(rows, part).unlink()
    assert not rows.has_all_files
