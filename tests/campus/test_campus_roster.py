"""The rehearsal's roster: what the learning platform gets on two days keeps to the specification, bulk and delta."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from campus.generate.university import build_world
from campus.render.students.courses import VENDOR_TERMS, render_course_section, render_course_selection
from campus.simulate.world import date_of
from campus.simulate.year import SPRING
from contracts.catalog import Catalog
from core.engine import quote_literal
from core.store.address import parse_url
from loaders.base import Delivery, open_target
from loaders.tables.control_totals import compute_totals
from onboarding.oneroster_validator import find_violations

ENTITIES = (
    "term", "course", "course_section", "course_selection", "org_unit", "admin_class", "staff", "student", "student_status",
)  # fmt: skip
FEED = "N01.oneroster"


@dataclass
class Platform:
    """The platform's folder, and the dataset of its feed on a day."""

    shipped: Catalog
    sources: Callable[[int], duckdb.DuckDBPyConnection]
    folder: Path

    def rows(self, day: int) -> Path:
        """The feed's rows as its SELECT gives them from what the systems say."""
        db = self.sources(day).cursor()
        for entity in ENTITIES:
            parts = [self.shipped.conform_file(entity, system).read_text("utf-8") for system in self.shipped.systems_of(entity)]
            db.execute(f"create or replace temp view {entity} as " + " union all by name ".join(f"({part})" for part in parts))
        feed = self.shipped.feed(FEED)
        file = self.shipped.feed_file(feed)
        assert file is not None
        names = ", ".join(column.name for column in feed.columns)
        path = self.folder / f"rows-{day}.parquet"
        query = file.read_text("utf-8").rstrip()
        db.execute(
            f"copy (select {names} from ({query}) q order by file, sourced_id) to {quote_literal(path)} (format parquet)"
        )
        return path

    def deliver(self, day: int, before: Path | None) -> Path:
        """Send what differs from `before`; returns the day's rows."""
        feed, after = self.shipped.feed(FEED), self.rows(day)
        upserts, deletes = self.folder / f"upserts-{day}.parquet", self.folder / f"deletes-{day}.parquet"
        key = ", ".join(feed.key)
        now = f"select * from read_parquet({quote_literal(after)})"
        then = f"select * from read_parquet({quote_literal(before or after)})" + ("" if before else " where false")
        with duckdb.connect() as db:
            db.execute(f"copy ({now} except {then}) to {quote_literal(upserts)} (format parquet)")
            db.execute(
                f"copy (select {key} from ({then}) except select {key} from ({now}))"
                f" to {quote_literal(deletes)} (format parquet)"
            )
        delivery = Delivery(
            id=f"{feed.id}.{day}", feed=feed, mode="delta", from_version=day - 1 if before else 0, to_version=day,
            upserts=upserts, deletes=deletes, as_of=dt.date(2026, 9, 6 + day), run_id=f"run-{day}",
        )  # fmt: skip
        target = open_target(parse_url("dst_learning_space", f"file://{self.folder / 'out'}"))
        applied = target.apply(delivery)
        assert target.read_receipt(delivery) == compute_totals(upserts, feed, applied.rows_delete)
        assert target.read_totals(feed) == compute_totals(after, feed)
        return after


@pytest.fixture
def platform(shipped: Catalog, sources: Callable[[int], duckdb.DuckDBPyConnection], own_settings: Path) -> Platform:
    folder = own_settings / "work"  # the engine reads no rows outside the working files
    folder.mkdir()
    return Platform(shipped, sources, folder)


def test_the_bundles_of_two_nights_keep_to_the_specification(platform: Platform) -> None:
    platform.deliver(2, platform.deliver(1, None))
    bulk, delta = sorted((platform.folder / "out").glob("*.zip"))
    assert find_violations([bulk]) == []
    assert find_violations([bulk, delta]) == []


def test_a_roster_is_a_university(platform: Platform) -> None:
    with duckdb.connect() as db:
        db.execute(f"create view r as select * from read_parquet({quote_literal(platform.rows(2))})")
        assert db.execute("select file, sourced_id from r group by all having count(*) > 1").fetchall() == []
        counts = dict(db.execute("select file || coalesce('/' || role, ''), count(*) from r group by all").fetchall())
        assert counts["orgs"] == 17
        assert min(counts["roles/student"], counts["enrollments/student"]) > 2_000
        assert counts["enrollments/teacher"] > 100
        for names in ("length(family_name) = 2 and given_name <> '-'", "given_name = '-'"):
            assert db.execute(f"select count(*) > 0 from r where file = 'users' and {names}").fetchall() == [(True,)]


def test_the_springs_sections_take_the_autumns_place_when_its_check_in_begins() -> None:
    begins = SPRING.checkin.first
    for day, code in (
        (begins - 1, VENDOR_TERMS["1"]),
        (begins, VENDOR_TERMS["2"]),
        (SPRING.registration.last, VENDOR_TERMS["2"]),
    ):
        there = build_world(1_500, day=day)
        sections, chosen = render_course_section(there).to_pydict(), render_course_selection(there).to_pydict()
        assert set(sections["XQ"]) == {code}
        assert set(chosen["JXBH"]) <= set(sections["JXBH"])
        assert len(set(zip(chosen["JXBH"], chosen["XH"], strict=True))) == len(chosen["XH"]) > 1_000
        assert all(moment.date() <= date_of(day) for moment in chosen["XKSJ"])
