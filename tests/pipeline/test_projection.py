"""What a feed's dataset was at one version and is at another: both ways of finding it say the same."""

from __future__ import annotations

import itertools
import shutil
from datetime import date
from typing import Any

import pyarrow.parquet as pq
import pytest
from signing import signed_in

from contracts.catalog import load_catalog
from core.errors import ContractError
from desk import brake_release
from desk.brake_release import approve_rollback, request_rollback
from pipeline.context import RunContext, resume_run
from pipeline.delivery import feed_snapshot
from runs.nightly import close_run, open_run

ALONE = (
    "select s.staff_no, s.name, s.sex_code, s.joined_on, s.unit_code, s.unit_code as unit_name, s.source_system"
    " from staff s where s.sex_code <> '2'"
)
FEED = "E01.staff_basic"


def write_select(university: Any, query: str) -> None:
    (university.home / "sql/feeds/sjgxlc01/staff_basic.sql").write_text(query, "utf-8")
    university.forget()


def history(university: Any) -> int:
    """Rows that are born, change, leave, come back, and a rollback; the newest version."""
    university.night(1)
    university.department("update jzg set xm = '改名', gxsj = now() where gh <= 'T0004'")
    university.department("delete from jzg where gh in ('T0009', 'T0010')")
    university.hire(("T0060", "新人", "男", "U1"), ("T0061", "新人", "女", "U1"))
    university.night(2)
    university.hire(("T0009", "回来", "男", "U2"))
    university.department("update jzg set xm = '又改', xb = '男', gxsj = now() where gh in ('T0002', 'T0060')")
    university.night(3)
    run = open_run("rollback", date(2026, 9, 9), ["v2"])
    for person in ("zhang", "li"):
        signed_in(person)
    request_rollback(university.ledger, load_catalog(), 2, "zhang", "误改")
    approve_rollback(resume_run(run), 2, "li")
    close_run(run)
    frozen = university.ledger.single("select brake_id from ops.brake where reason_code = 'HUB508'")["brake_id"]
    brake_release.request_release(university.ledger, frozen, "zhang", "已改正")
    brake_release.approve_release(university.ledger, frozen, "li", date(2026, 9, 10), date(2026, 9, 9))
    university.department("delete from jzg where gh = 'T0061'")
    university.night(4)
    return int(university.ledger.version())


def states(night: RunContext, low: int, high: int) -> list[list[dict[str, Any]]]:
    """The rows before and after, in an order."""
    found = feed_snapshot.write_snapshots(night, night.catalog.feed(FEED), low, high)
    states = [sorted(pq.read_table(path).to_pylist(), key=str) for path in (found.before, found.after)]
    shutil.rmtree(found.after.parent)
    return states


def test_the_rows_of_one_entity_are_found_as_by_their_keys(university: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write_select(university, ALONE)
    newest = history(university)
    assert newest == 5
    night = resume_run(open_run("feed", date(2026, 9, 10), ["SJGXLC01"]))
    assert feed_snapshot.find_sole_entity(night.catalog, night.catalog.feed(FEED)) is not None
    pairs = list(itertools.combinations(range(1, newest + 1), 2))
    quick = {pair: states(night, *pair) for pair in pairs}
    monkeypatch.setattr(feed_snapshot, "find_sole_entity", lambda *_: None)
    assert quick == {pair: states(night, *pair) for pair in pairs}
    assert all(before or after for before, after in quick.values())
    close_run(night.run.id)


@pytest.mark.parametrize(
    "query",
    [
        "select s.staff_no, s.name, count(*) over (partition by s.unit_code) as colleagues from staff s",
        "select s.staff_no, max(s.name) as name from staff s group by s.staff_no",
        "select distinct s.staff_no, s.name from staff s",
        "select s.staff_no, s.name from staff s union all select s.staff_no, s.name from staff s where s.name is null",
        "select s.staff_no, u.name from staff s join org_unit u on u.unit_code = s.unit_code",
        "select s.staff_no, s.name from staff s where s.unit_code in (select u.unit_code from org_unit u)",
        "with s as (select staff_no, name from staff) select s.staff_no, s.name from s",
    ],
)
def test_a_select_that_is_more_than_rows_of_one_entity_goes_by_keys(university: Any, query: str) -> None:
    write_select(university, query)
    known = load_catalog()
    assert feed_snapshot.find_sole_entity(known, known.feed(FEED)) is None


@pytest.mark.parametrize(
    "query",
    [
        "select s.staff_no, s.name from staff s order by s.staff_no limit 10",
        "select s.unit_code, s.name from staff s cross join lateral (select 1) x",
    ],
)
def test_a_select_that_is_not_portable_is_no_dataset(university: Any, query: str) -> None:
    write_select(university, query)
    known = load_catalog()
    with pytest.raises(ContractError, match="HUB160"):
        feed_snapshot.find_sole_entity(known, known.feed(FEED))
