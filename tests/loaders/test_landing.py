"""The landing: what was read before is recognised while it is read again, and costs no second file."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loaders import landing
from loaders.plain import plain

COLUMNS = pa.schema({"no": pa.string(), "n": pa.int64()})
THREE = [["a", "b"], ["c", "d"], ["e"]]


def reading(batches: list[list[str]], columns: pa.Schema = COLUMNS) -> pa.RecordBatchReader:
    """Batches of these numbers, the second column their length."""
    made = [pa.RecordBatch.from_arrays([pa.array(no), pa.array([len(one) for one in no])], schema=columns) for no in batches]
    return pa.RecordBatchReader.from_batches(columns, made)


@pytest.fixture
def before(tmp_path: Path) -> Path:
    landing.write_landing(tmp_path / "before", reading(THREE))
    return tmp_path / "before" / "rows.parquet"


def test_the_same_rows_are_one_file_with_two_names(tmp_path: Path, before: Path) -> None:
    count, content = landing.write_landing(tmp_path / "again", reading(THREE), before)
    again = tmp_path / "again" / "rows.parquet"
    assert (count, content) == landing.write_landing(tmp_path / "afresh", reading(THREE))
    assert again.samefile(before)
    before.unlink()
    assert pq.read_table(again)["no"].to_pylist() == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    "batches",
    [
        [["x", "b"], ["c", "d"], ["e"]],
        [["a", "b"], ["c", "x"], ["e"]],
        [["a", "b"], ["c", "d"], ["x"]],
        [["a", "b"], ["c", "d"]],
        [["a", "b"], ["c", "d"], ["e"], ["f"]],
        [["a", "b"], ["c", "d", "e"]],
        [],
    ],
)
def test_other_rows_are_written_as_if_nothing_had_been_before(tmp_path: Path, before: Path, batches: list[list[str]]) -> None:
    found = landing.write_landing(tmp_path / "again", reading(batches), before)
    assert found == landing.write_landing(tmp_path / "afresh", reading(batches))
    again = pq.read_table(tmp_path / "again" / "rows.parquet")
    assert again["no"].to_pylist() == [number for batch in batches for number in batch]
    assert again[landing.SOURCE_ROW].to_pylist() == list(range(found[0]))
    assert not (tmp_path / "again" / "rows.parquet").samefile(before)
    assert pq.read_table(before).num_rows == 5


@pytest.mark.parametrize("place", [3, 40, 150, -300, -1])
def test_an_earlier_file_that_rotted_is_no_help_and_no_harm(tmp_path: Path, before: Path, place: int) -> None:
    rotten = bytearray(before.read_bytes())
    rotten[place] ^= 0xFF
    before.write_bytes(rotten)
    found = landing.write_landing(tmp_path / "again", reading(THREE), before)
    again = pq.read_table(tmp_path / "again" / "rows.parquet")
    assert (found[0], again["no"].to_pylist()) == (5, ["a", "b", "c", "d", "e"])


def test_no_rows_twice_are_the_same(tmp_path: Path) -> None:
    landing.write_landing(tmp_path / "before", reading([]))
    count, _ = landing.write_landing(tmp_path / "again", reading([]), tmp_path / "before" / "rows.parquet")
    assert count == 0
    assert (tmp_path / "again" / "rows.parquet").samefile(tmp_path / "before" / "rows.parquet")


def test_a_reading_of_other_columns_or_none_is_nothing_to_compare_with(tmp_path: Path, before: Path) -> None:
    other = pa.schema({"no": pa.string(), "m": pa.int64()})
    assert landing.write_landing(tmp_path / "other", reading(THREE, other), before)[0] == 5
    assert pq.read_schema(tmp_path / "other" / "rows.parquet").names == ["no", "m", landing.SOURCE_ROW]
    assert landing.write_landing(tmp_path / "first", reading(THREE), tmp_path / "nowhere" / "rows.parquet")[0] == 5


@pytest.mark.parametrize(
    ("cells", "is_plain"),
    [
        (["001", None, "", " ~", "a+b E"], True),
        ([None, None], True),
        ([], True),
        (["001", "1.2E+11"], False),
        (["001", "002", "\x1a003"], False),
        (["001", "002", "00\t3"], False),
        (["001", "002", "003\x7f"], False),
        (["张三", "001"], False),
        (["001", "002", "003", "00\u00a04"], False),
    ],
)
def test_a_file_says_which_of_its_columns_are_plain(tmp_path: Path, cells: list[str | None], is_plain: bool) -> None:
    columns = pa.schema({"no": pa.string(), "n": pa.int64()})
    rows = pa.record_batch([pa.array(["\x00", *cells, "无"], pa.string()), pa.array(range(len(cells) + 2))], schema=columns)
    pieces = [rows[place : min(place + 2, len(cells) + 1)] for place in range(1, len(cells) + 1, 2)]
    landing.write_landing(tmp_path / "landed", pa.RecordBatchReader.from_batches(columns, pieces))
    assert plain(tmp_path / "landed" / "rows.parquet") == ({"no"} if is_plain else set())


def test_of_a_file_that_says_nothing_no_column_is_plain(tmp_path: Path) -> None:
    pq.write_table(pa.table({"no": ["001"]}), tmp_path / "rows.parquet")
    assert plain(tmp_path / "rows.parquet") == frozenset()


def test_what_is_taken_from_an_earlier_file_is_looked_at_again(tmp_path: Path, before: Path) -> None:
    landing.write_landing(tmp_path / "again", reading([["a", "b"], ["c", "戊"]]), before)
    assert plain(before) == {"no"}
    assert plain(tmp_path / "again" / "rows.parquet") == set()
