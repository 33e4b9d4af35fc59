"""The landing: what was read before is recognised while it is read again, and costs no second file."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loaders import landing

COLUMNS = pa.schema({"no": pa.string(), "n": pa.int64()})
THREE = [["a", "b"], ["c", "d"], ["e"]]


def reading(batches: list[list[str]], columns: pa.Schema = COLUMNS) -> pa.RecordBatchReader:
    """Batches of these numbers, the second column their length."""
    made = [pa.RecordBatch.from_arrays([pa.array(no), pa.array([len(one) for one in no])], schema=columns) for no in batches]
    return pa.RecordBatchReader.from_batches(columns, made)


@pytest.fixture
def before(tmp_path: Path) -> Path:
    landing.write(tmp_path / "before", reading(THREE))
    return tmp_path / "before" / "rows.parquet"


def test_the_same_rows_are_one_file_with_two_names(tmp_path: Path, before: Path) -> None:
    count, content = landing.write(tmp_path / "again", reading(THREE), before)
    again = tmp_path / "again" / "rows.parquet"
    assert (count, content) == landing.write(tmp_path / "afresh", reading(THREE))
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
    found = landing.write(tmp_path / "again", reading(batches), before)
    assert found == landing.write(tmp_path / "afresh", reading(batches))
    again = pq.read_table(tmp_path / "again" / "rows.parquet")
    assert again["no"].to_pylist() == [number for batch in batches for number in batch]
    assert again[landing.ROW].to_pylist() == list(range(found[0]))
    assert not (tmp_path / "again" / "rows.parquet").samefile(before)
    assert pq.read_table(before).num_rows == 5


@pytest.mark.parametrize("place", [3, 40, 150, -300, -1])
def test_an_earlier_file_that_rotted_is_no_help_and_no_harm(tmp_path: Path, before: Path, place: int) -> None:
    rotten = bytearray(before.read_bytes())
    rotten[place] ^= 0xFF
    before.write_bytes(rotten)
    found = landing.write(tmp_path / "again", reading(THREE), before)
    again = pq.read_table(tmp_path / "again" / "rows.parquet")
    assert (found[0], again["no"].to_pylist()) == (5, ["a", "b", "c", "d", "e"])


def test_no_rows_twice_are_the_same(tmp_path: Path) -> None:
    landing.write(tmp_path / "before", reading([]))
    count, _ = landing.write(tmp_path / "again", reading([]), tmp_path / "before" / "rows.parquet")
    assert count == 0
    assert (tmp_path / "again" / "rows.parquet").samefile(tmp_path / "before" / "rows.parquet")


def test_a_reading_of_other_columns_or_none_is_nothing_to_compare_with(tmp_path: Path, before: Path) -> None:
    other = pa.schema({"no": pa.string(), "m": pa.int64()})
    assert landing.write(tmp_path / "other", reading(THREE, other), before)[0] == 5
    assert pq.read_schema(tmp_path / "other" / "rows.parquet").names == ["no", "m", landing.ROW]
    assert landing.write(tmp_path / "first", reading(THREE), tmp_path / "nowhere" / "rows.parquet")[0] == 5
