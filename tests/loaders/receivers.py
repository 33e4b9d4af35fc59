"""A feed, its rows and deliveries for the tests of delivery targets, and the suite that every family inherits."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.contract import FeedDataset
from core.errors import HubError
from core.store.address import ConnectionAddress, parse_url
from loaders.base import ApplyResult, Delivery, Target, open_target
from loaders.tables.control_totals import compute_totals
from onboarding.target_conformance import DAY, FEED, SCHEMA, STRANGE_ROWS, Row, build_person


@dataclass
class Edge:
    """One edge under test: makes deliveries, sends them, and keeps what the receiver should have."""

    connection: ConnectionAddress
    folder: Path
    feed: FeedDataset = FEED
    schema: pa.Schema = SCHEMA
    version: int = 0
    rows: dict[tuple[Any, ...], Row] = field(default_factory=dict)
    _numbers: Iterable[int] = field(default_factory=itertools.count)

    def target(self) -> Target:
        return open_target(self.connection)

    def prepared(
        self, upserts: Sequence[Row], deletes: Sequence[Row] = (), mode: Literal["full", "delta"] = "delta", day: dt.date = DAY
    ) -> Delivery:
        """The next delivery; `rows` and `version` become what they are after it."""
        key = self.feed.key
        if mode == "full":
            self.rows = {}
        self.rows |= {tuple(row[name] for name in key): row for row in upserts}
        for row in deletes:
            self.rows.pop(tuple(row[name] for name in key), None)
        self.version += 1
        gone = pa.Table.from_pylist([{name: row[name] for name in key} for row in deletes], schema=self._schema(key))
        return Delivery(
            id=f"{self.feed.edge}.{self.feed.dataset}.{self.version - 1}-{self.version}.run-{self.version}",
            feed=self.feed,
            mode=mode,
            from_version=self.version - 1,
            to_version=self.version,
            upserts=self._parquet(pa.Table.from_pylist(list(upserts), schema=self.schema)),
            deletes=self._parquet(gone),
            as_of=day,
            run_id=f"run-{self.version}",
        )

    def apply(self, delivery: Delivery) -> ApplyResult:
        target = self.target()
        try:
            return target.apply(delivery)
        finally:
            target.close()

    def send(
        self, upserts: Sequence[Row], deletes: Sequence[Row] = (), mode: Literal["full", "delta"] = "delta"
    ) -> ApplyResult:
        """Prepare, apply, and check that receipt and whole state are what was meant."""
        delivery = self.prepared(upserts, deletes, mode)
        applied = self.apply(delivery)
        self.check(delivery)
        return applied

    def check(self, delivery: Delivery) -> None:
        target = self.target()
        try:
            deleted = pq.read_metadata(delivery.deletes).num_rows
            assert target.read_receipt(delivery) == compute_totals(delivery.upserts, self.feed, deleted)
            assert target.read_totals(self.feed) == compute_totals(self.everything(), self.feed)
            assert self.compared(target) == (0, 0, 0)
        finally:
            target.close()

    def compared(self, target: Any) -> tuple[int, int, int]:
        return target.compare_rows(self.feed, self.everything(), self.folder / "differences.parquet")

    def everything(self) -> Path:
        return self._parquet(pa.Table.from_pylist(list(self.rows.values()), schema=self.schema))

    def _schema(self, names: Sequence[str]) -> pa.Schema:
        return pa.schema([self.schema.field(name) for name in names])

    def _parquet(self, table: pa.Table) -> Path:
        path = self.folder / f"{next(iter(self._numbers))}.parquet"
        pq.write_table(table, path)
        return path


def edge(url: str, folder: Path, **changes: Any) -> Edge:
    """A new edge into a receiver: its code and its table or file have names that no other test uses."""
    number = next(_numbers)
    named = {"edge": f"E{number}", "physical": f"{changes.get('physical', FEED.physical)}_{number}"}
    return Edge(parse_url("dst_library", url), folder, replace(FEED, **changes | named))


_numbers = itertools.count()


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
_ROWS = st.fixed_dictionaries(
    {
        "full_name": st.none() | _TEXT,
        "deposit": st.none() | st.decimals(-(10**9), 10**9, places=2),
        "is_teacher": st.none() | st.booleans(),
        "birth_on": st.none() | st.dates(dt.date(1000, 1, 1), dt.date(9999, 12, 31)),
        "changed_at": st.none() | st.datetimes(dt.datetime(1000, 1, 1), dt.datetime(9999, 12, 31)),
    }
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["delta", "delta", "full"]),
        st.dictionaries(st.integers(1, 6), _ROWS, max_size=4),
        st.sets(st.integers(1, 6), max_size=3),
    ),
    min_size=1,
    max_size=3,
)


class Conformance:
    """What every delivery target does. A family gives the fixture `url` of a receiver, and `changes` of the feed."""

    changes: ClassVar[dict[str, Any]] = {}
    strange = STRANGE_ROWS

    @pytest.fixture
    def here(self, url: str, tmp_path: Path) -> Edge:
        return edge(url, tmp_path, **self.changes)

    def test_a_first_whole_delivery_arrives(self, here: Edge) -> None:
        assert here.send([build_person(n) for n in range(50)], mode="full") == ApplyResult(50, 0)

    def test_changes_and_drops_follow(self, here: Edge) -> None:
        here.send([build_person(n) for n in range(20)])
        applied = here.send([build_person(3, full_name="李四"), build_person(77)], deletes=[build_person(4), build_person(5)])
        assert (applied.rows_upsert, applied.rows_delete) == (2, 2)

    def test_a_whole_delivery_drops_what_it_does_not_list(self, here: Edge) -> None:
        here.send([build_person(n) for n in range(20)])
        here.send([build_person(n, opens="09:00") for n in range(10, 25)], mode="full")

    def test_the_same_delivery_twice_is_applied_once(self, here: Edge) -> None:
        here.send([build_person(n) for n in range(5)])
        delivery = here.prepared([build_person(1, full_name="王五")], deletes=[build_person(2)])
        first, second = here.apply(delivery), here.apply(delivery)
        assert second == replace(first, already=True)
        here.check(delivery)

    def test_nothing_to_send_is_a_delivery_too(self, here: Edge) -> None:
        here.send([])
        here.send([build_person(1)])
        here.send([])

    def test_values_that_get_damaged_elsewhere_arrive_unharmed(self, here: Edge) -> None:
        here.send(self.strange)
        here.send(self.strange[::-1], mode="full")

    def test_a_dropped_row_can_return(self, here: Edge) -> None:
        here.send([build_person(1), build_person(2)])
        here.send([], deletes=[build_person(1)])
        here.send([build_person(1, full_name="回来")])

    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps=STEPS)
    def test_any_sequence_of_deliveries_ends_where_it_should(self, url: str, tmp_path: Path, steps: Any) -> None:
        here = edge(url, tmp_path, **self.changes)
        for mode, changed, gone in steps:
            upserts = [build_person(n, **self.fitting(values)) for n, values in changed.items()]
            dropped = [build_person(n) for n in gone if n not in changed and (f"00{n:04d}", 1) in here.rows]
            here.send(upserts, dropped if mode == "delta" else [], mode)

    def fitting(self, values: Row) -> Row:
        """The values as far as the receiver's format can hold them at all."""
        return values


def line_without_values(error: HubError, *values: str) -> None:
    """A message in both languages, and the whole chain of causes, hold none of the values."""
    for language in ("zh", "en"):
        assert not [value for value in values if value in error.line(language)]
    assert error.__cause__ is None
