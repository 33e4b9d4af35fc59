"""What every extractor family must do, written once and inherited by each family's test class."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import pyarrow as pa
import pytest

from contracts.contract import Column, SourceDataset
from core.dialects import LogicalType
from core.errors import HubError, Refused, Unavailable
from core.settings import get_settings
from core.store.address import ConnectionAddress, parse_url
from extractors.base import SOURCE_HASH, Extractor, Reading, detect_drift, open_extractor
from onboarding.source_conformance import prove_source

KINDS = {
    "text": LogicalType("string"),
    "integer": LogicalType("integer"),
    "number": LogicalType("number", precision=12, scale=2),
    "date": LogicalType("date"),
    "timestamp": LogicalType("timestamp"),
}


class Shelf(Protocol):
    """A place of one family where a test puts a table."""

    connection: ConnectionAddress

    def put(self, name: str, columns: dict[str, str], rows: Sequence[Sequence[Any]]) -> str:
        """Make the table anew (columns by name -> kind of `KINDS`; `k` is the key) and return its physical name."""

    def unreachable(self) -> str:
        """The URL of a server or folder that is not there."""


class Tables(Shelf, Protocol):
    def run(self, statement: str) -> None: ...


class Database(Tables, Protocol):
    def slow(self, name: str) -> str:
        """A view of 1,000 rows (`k` integer, `v`) that takes seconds to read."""

    def kill_readers(self) -> int:
        """End every other session of the database that is running a query; how many there were."""


def dataset(physical: str, columns: dict[str, str] | tuple[Column, ...], **facts: Any) -> SourceDataset:
    if isinstance(columns, dict):
        columns = tuple(Column(name, name, name, KINDS[kind]) for name, kind in columns.items())
    fixed = {"system": "hr", "name": "t", "title": "表", "owner": "人事处", "version": "1.0.0", "connection": "src_hr"}
    return SourceDataset(physical=physical, **{**fixed, "columns": columns, "key": ("k",), **facts})


def table(reading: Reading) -> pa.Table:
    """The rows as text, however they landed."""
    found = pa.Table.from_batches(list(reading.batches), reading.schema)
    assert reading.source_count == found.num_rows
    return pa.table({name: found[name].cast(pa.string()) for name in found.column_names})


def read(extractor: Extractor, wanted: SourceDataset, low: str | None = None) -> pa.Table:
    with extractor.read(wanted, low) as reading:
        return table(reading)


def cells(extractor: Extractor, wanted: SourceDataset, column: str = "v") -> dict[str, str | None]:
    found = read(extractor, wanted)
    return dict(zip(found["k"].to_pylist(), found[column].to_pylist(), strict=True))


def hashes(reading: Reading) -> dict[str, str]:
    found = table(reading)
    return dict(zip(found["k"].to_pylist(), found[SOURCE_HASH].to_pylist(), strict=True))


class Conformance:
    """Inherited by every family. A family gives the fixture `shelf`."""

    longest = 70_000
    """Characters of the longest text that the family's sources can hold in one cell."""
    keeps_empty_text = True
    keeps_microseconds = True

    @pytest.fixture
    def own_work(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Scratch files of the proofs go to a folder of this test."""
        monkeypatch.setenv("HUB_VAR", str(tmp_path / "var"))
        get_settings.cache_clear()
        yield
        monkeypatch.undo()
        get_settings.cache_clear()

    @pytest.fixture
    def extractor(self, shelf: Shelf) -> Extractor:
        return open_extractor(shelf.connection)

    def given(self, shelf: Shelf, kind: str, values: Sequence[Any], **facts: Any) -> SourceDataset:
        columns = {"k": "text", "v": kind}
        rows = [(f"{place:03}", value) for place, value in enumerate(values)]
        return dataset(shelf.put("t", columns, rows), columns, **facts)

    def test_decimals_are_exact(self, shelf: Shelf, extractor: Extractor) -> None:
        wanted = self.given(shelf, "number", ["0.10", "1234567890.12", "-0.01", "0.00", None])
        found = [None if value is None else f"{float(value):.2f}" for value in cells(extractor, wanted).values()]
        assert found == ["0.10", "1234567890.12", "-0.01", "0.00", None]

    def test_integers_are_whole(self, shelf: Shelf, extractor: Extractor) -> None:
        assert list(cells(extractor, self.given(shelf, "integer", [0, -1, 2, 20250901, None])).values()) == [
            "0",
            "-1",
            "2",
            "20250901",
            None,
        ]

    def test_dates_are_iso(self, shelf: Shelf, extractor: Extractor) -> None:
        wanted = self.given(shelf, "date", ["2024-02-29", "1950-01-01", None])
        assert list(cells(extractor, wanted).values()) == ["2024-02-29", "1950-01-01", None]

    def test_timestamps_keep_what_the_source_keeps(self, shelf: Shelf, extractor: Extractor) -> None:
        tail = ".123456" if self.keeps_microseconds else ""
        wanted = self.given(shelf, "timestamp", [f"2025-09-01 08:00:01{tail}", None])
        assert list(cells(extractor, wanted).values()) == [f"2025-09-01 08:00:01{tail}", None]

    @pytest.mark.parametrize(
        "text",
        [
            "阿卜杜拉·买买提",
            "𠮷野家",
            "汉" + "\U0002a6d6",
            "tab\there",
            "line\nbreak",
            "quote\"s and 's",
            "back\\slash \\N \\n",
            "\\N",
            "NULL",
            "null",
            "%s %d 100%",
            "a,b;c|d",
            "01",
            "1e5",
            "true",
            "x\u3000y",
        ],
    )
    def test_text_comes_as_it_is(self, shelf: Shelf, extractor: Extractor, text: str) -> None:
        assert cells(extractor, self.given(shelf, "text", [text, None])) == {"000": text, "001": None}

    def test_long_text_is_whole(self, shelf: Shelf, extractor: Extractor) -> None:
        text = ("学籍" * self.longest)[: self.longest]
        assert cells(extractor, self.given(shelf, "text", [text]))["000"] == text

    def test_null_and_empty_text(self, shelf: Shelf, extractor: Extractor) -> None:
        empty = "" if self.keeps_empty_text else None
        assert cells(extractor, self.given(shelf, "text", [None, ""])) == {"000": None, "001": empty}

    def test_an_empty_table_has_its_columns_and_no_rows(self, shelf: Shelf, extractor: Extractor) -> None:
        wanted = self.given(shelf, "number", [])
        with extractor.read(wanted) as reading:
            assert reading.schema.names == ["k", "v"]
            assert (reading.source_count, reading.high, list(reading.batches)) == (0, None, [])

    def test_columns_come_in_contract_order_and_no_others(self, shelf: Shelf, extractor: Extractor) -> None:
        physical = shelf.put("t", {"k": "text", "a": "text", "b": "integer"}, [("1", "x", 2)])
        found = read(extractor, dataset(physical, {"b": "integer", "k": "text"}))
        assert found.to_pylist() == [{"b": "2", "k": "1"}]

    def test_batches_are_bounded(self, shelf: Shelf, extractor: Extractor, monkeypatch: pytest.MonkeyPatch) -> None:
        wanted = self.given(shelf, "integer", range(10))
        monkeypatch.setenv("HUB_BATCH_ROWS", "4")
        get_settings.cache_clear()
        try:
            with extractor.read(wanted) as reading:
                assert [batch.num_rows for batch in reading.batches] == [4, 4, 2]
        finally:
            monkeypatch.undo()
            get_settings.cache_clear()

    def test_a_reading_may_be_left_early(self, shelf: Shelf, extractor: Extractor) -> None:
        wanted = self.given(shelf, "integer", range(1000))
        with extractor.read(wanted) as reading:
            assert reading.source_count == 1000
        with pytest.raises(KeyError), extractor.read(wanted) as reading:
            next(reading.batches)
            raise KeyError

    def test_a_lost_column_is_refused(self, shelf: Shelf, extractor: Extractor) -> None:
        physical = shelf.put("t", {"k": "text", "a": "text"}, [("1", "x")])
        wanted = dataset(physical, {"k": "text", "xm": "text", "dwh": "text"})
        for attempt in (
            lambda: detect_drift(wanted, extractor.read_columns(physical, wanted)),
            lambda: read(extractor, wanted),
        ):
            with pytest.raises(Refused) as error:
                attempt()
            assert error.value.code == "HUB301"
            assert error.value.facts["columns"] == "xm, dwh → a?"  # a column that only the source has may be one of them
            assert error.value.facts["owner"] == "人事处"

    def test_a_lost_table_is_refused(self, shelf: Shelf, extractor: Extractor) -> None:
        missing = self.given(shelf, "text", []).physical.replace("t", "gone", 1)
        wanted = dataset(missing, {"k": "text"})
        assert list(extractor.read_columns(missing, wanted)) == []
        with pytest.raises(Refused) as error:
            read(extractor, wanted)
        assert error.value.code == "HUB303"

    def test_a_new_column_is_reported(self, shelf: Shelf, extractor: Extractor) -> None:
        physical = shelf.put("t", {"k": "text", "v": "text", "sjh": "text"}, [("1", "x", "y")])
        wanted = dataset(physical, {"k": "text", "v": "text"})
        assert detect_drift(wanted, extractor.read_columns(physical, wanted)) == ["sjh"]
        assert read(extractor, wanted).to_pylist() == [{"k": "1", "v": "x"}]

    def test_what_cannot_be_reached_is_tried_again(self, shelf: Shelf) -> None:
        wanted = self.given(shelf, "text", [])
        extractor = open_extractor(parse_url("src_hr", shelf.unreachable()))
        with pytest.raises(Unavailable) as error:
            read(extractor, wanted)
        assert error.value.code == "HUB202"
        assert error.value.recovery == "retry"
        assert "src_hr" in error.value.line("zh")
        assert "Error" not in error.value.line("zh")  # words, not a driver's class

    def test_tables_are_listed(self, shelf: Shelf, extractor: Extractor) -> None:
        assert self.given(shelf, "text", []).physical in extractor.list_tables()

    def test_a_window_reads_from_low_on_and_what_has_no_watermark(self, shelf: Shelf, extractor: Extractor) -> None:
        stamps = [f"2025-09-01 08:00:0{second}" for second in (1, 2, 3)]
        wanted = self.given(shelf, "timestamp", [*stamps, None], mode="window", watermark="v")
        with extractor.read(wanted) as reading:
            high = reading.high
            assert sorted(hashes(reading)) == ["000", "001", "002", "003"]
        assert high is not None
        assert high.startswith(stamps[2])
        with extractor.read(wanted, stamps[1]) as reading:
            assert sorted(hashes(reading)) == ["001", "002", "003"]
        with extractor.read(wanted, high) as reading:
            assert sorted(hashes(reading)) == ["002", "003"]
            assert reading.high == high

    def test_the_sweep_finds_what_the_window_could_not(self, shelf: Shelf, extractor: Extractor) -> None:
        columns = {"k": "text", "v": "text", "at": "timestamp"}
        early, late = "2025-09-01 08:00:00", "2025-09-02 08:00:00"
        wanted = dataset(shelf.put("t", columns, [("a", "1", late)]), columns, mode="window", watermark="at")
        with extractor.read(wanted) as reading:
            high, known = reading.high, hashes(reading)
        shelf.put("t", columns, [("a", "1", late), ("b", None, early)])
        with extractor.read(wanted, high) as reading:
            assert hashes(reading) == known
        with extractor.read_key_hashes(wanted) as reading:
            assert reading.schema.names == ["k", SOURCE_HASH]
            swept = hashes(reading)
        assert sorted(swept) == ["a", "b"]
        assert swept["a"] == known["a"]
        with extractor.fetch_rows(wanted, pa.table({"k": ["b", "no such"]})) as reading:
            assert hashes(reading) == {"b": swept["b"]}
        with extractor.fetch_rows(wanted, pa.table({"k": pa.array([], pa.string())})) as reading:
            assert hashes(reading) == {}

    def test_the_proofs_of_the_selftest_hold(self, shelf: Shelf, extractor: Extractor, own_work: None) -> None:
        columns = {"k": "text", "n": "integer", "v": "number", "d": "date", "at": "timestamp"}
        rows: list[Sequence[Any]] = [
            (f"{place:03}", place, f"{place}.25", "2024-02-29", f"2025-09-01 08:00:{place:02}") for place in range(30)
        ]
        rows.append(("阿", None, None, None, None))
        wanted = dataset(shelf.put("t", columns, rows), columns, mode="window", watermark="at")
        found = prove_source(extractor, wanted)
        assert (found.rows, found.problems, found.notes, found.new_columns) == (31, [], [], [])

    def test_hashes_tell_rows_apart(self, shelf: Shelf, extractor: Extractor) -> None:
        columns = {"k": "text", "a": "text", "b": "text"}
        rows = [("1", None, "x"), ("2", "x", None), ("3", "x", "y"), ("4", "xy", None)]
        wanted = dataset(shelf.put("t", columns, rows), {"k": "text", "a": "text", "b": "text"})
        with extractor.read_key_hashes(wanted) as reading:
            found = hashes(reading)
        assert len(set(found.values())) == 4
        assert all(len(value) == 32 for value in found.values())


class TableConformance(Conformance):
    """What families with tables and a catalogue do beyond. Its `shelf` holds `Tables`."""

    def test_snapshots_come_in_key_order(self, shelf: Tables, extractor: Extractor) -> None:
        columns = {"k": "text", "v": "text"}
        wanted = dataset(shelf.put("t", columns, [("c", "1"), ("a", "2"), ("b", "3")]), columns)
        assert read(extractor, wanted)["k"].to_pylist() == ["a", "b", "c"]

    def test_keys_of_several_columns_are_fetched(self, shelf: Tables, extractor: Extractor) -> None:
        columns = {"k": "text", "n": "integer", "v": "text"}
        wanted = dataset(shelf.put("t", columns, [("a", 1, "x"), ("b", 2, "y"), ("c", 3, None)]), columns, key=("k", "n"))
        with extractor.fetch_rows(wanted, pa.table({"k": ["a", "c", "b"], "n": ["1", "3", "1"]})) as reading:
            assert table(reading).select(["k", "v"]).to_pylist() == [{"k": "a", "v": "x"}, {"k": "c", "v": None}]

    def test_a_retyped_column_is_refused(self, shelf: Tables, extractor: Extractor) -> None:
        physical = shelf.put("t", {"k": "text", "v": "text"}, [("1", "x")])
        with pytest.raises(Refused) as error:
            read(extractor, dataset(physical, {"k": "text", "v": "number"}))
        assert error.value.code == "HUB302"
        assert error.value.facts["column"] == "v"

    def test_the_primary_key_is_the_catalogues(self, shelf: Tables, extractor: Extractor) -> None:
        assert extractor.read_primary_key(self.given(shelf, "text", []).physical) == ["k"]
        assert extractor.read_primary_key("no_such_table") == []

    def test_views_are_read_like_tables(self, shelf: Tables, extractor: Extractor) -> None:
        self.given(shelf, "text", ["x"])
        shelf.run("drop view if exists w")
        shelf.run("create view w as select k, v from t")
        assert cells(extractor, dataset("w", {"k": "text", "v": "text"})) == {"000": "x"}
        shelf.run("drop view w")


class DatabaseConformance(TableConformance):
    """What families with a server do beyond. Its `shelf` is a `Database`."""

    def test_a_killed_session_gives_nothing(self, shelf: Database, extractor: Extractor) -> None:
        wanted = dataset(shelf.slow("slow_rows"), {"k": "integer", "v": "text"})
        given_up = threading.Event()

        def kill() -> None:
            while not given_up.wait(0.02):  # what the server does by itself may be in the way of the first look
                shelf.kill_readers()

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            with pytest.raises(Unavailable) as error:
                read(extractor, wanted)
        finally:
            given_up.set()
            killer.join()
        assert error.value.code == "HUB203"

    def test_a_wrong_account_is_named_without_its_password(self, shelf: Database) -> None:
        parts = urlsplit(shelf.connection.url)
        url = urlunsplit(parts._replace(netloc="nobody:secret@" + parts.netloc.rpartition("@")[2]))
        with pytest.raises(HubError) as error:
            open_extractor(parse_url("src_hr", url)).list_tables()
        assert error.value.code == "HUB202"
        assert error.value.facts["reason_key"] in ("reach.login", "reach.barred")
        assert "secret" not in error.value.line("zh") + error.value.line("en") + repr(error.value)


def a_missing_database_is_named(shelf: Database) -> None:
    """For families whose test server knows which databases there are."""
    parts = urlsplit(shelf.connection.url)
    with pytest.raises(Unavailable) as error:
        open_extractor(parse_url("src_hr", urlunsplit(parts._replace(path="/no_such_database")))).list_tables()
    assert (error.value.code, error.value.facts["reason_key"]) == ("HUB202", "reach.database")
    assert "没有这个数据库" in error.value.line("zh")
