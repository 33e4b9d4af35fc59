"""Days of any defects, one after another: each is found for its reason, no sound row is held, no feed takes back a sound key.

Hypothesis draws how many rows every fault spoils on every day and whether a system fails besides; the draws are the same in
every run, and nothing is shrunk, since a night costs seconds. A day's defects are gone the next day, as clerks mend them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow.parquet as pq
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from night_university import PAYDAY
from test_night_defects import about, assert_counted, assert_held, firsts, main_columns, people, stirred, wrong

from campus.faults.injection import EMPTIED, HALVED, RENAMED_COLUMN, SYSTEM_FAULTS, Injected
from campus.faults.rules import FAULTS

BLIND: Mapping[str, str] = {
    "empty_table": EMPTIED,
    "halved_table": HALVED,
    "renamed_column": RENAMED_COLUMN[0],
    "dbf_wrong_encoding": "finance.legacy_fee",
    "payroll_missing_column": "finance.payroll",
    "dead_database": "graduate.",
}
"""The datasets of which a failing system shows nothing, or not what was put into it."""
MIXES = st.fixed_dictionaries({fault: st.sampled_from([2, 0, 1, 3]) for fault in sorted(FAULTS)})
FAILING = st.sampled_from([*[None] * len(SYSTEM_FAULTS), *sorted(SYSTEM_FAULTS)])
DAY = st.tuples(st.integers(1, 3), MIXES, FAILING)


def deleted(university: Any, run_id: str) -> dict[str, set[tuple[str, ...]]]:
    """The keys that the deliveries of a run take back, by feed."""
    found = {}
    for id, row in university.deliveries(run_id).items():
        rows = pq.read_table(university.var / row["folder"] / "deletes.parquet")
        assert rows.num_rows == row["rows_delete"]
        cells = [rows[name].to_pylist() for name in university.catalog.feed(id).key]
        found[id] = {tuple(str(cell) for cell in key) for key in zip(*cells, strict=True)}
    return found


def assert_no_sound_key_taken(university: Any, taken: Mapping[str, set[tuple[str, ...]]], moved: set[str]) -> None:
    """Only who changed or left since a good day may leave a feed; from an unfiltered one, only who left the source."""
    shown = people(university) - moved  # what yesterday's defects invented is gone with them
    assert {(id, key) for id, keys in taken.items() for key in keys if about(key) <= shown} == set()
    there = university.rehearsal._loaded
    for dataset, source, column in (
        ("staff_basic", "hr.staff_record", "GH"),
        ("student_basic", "academic.student_record", "XH"),
        ("grad_student_basic", "graduate.student", "XH"),
    ):
        present = firsts(there[source], column)
        for feed in university.catalog.feeds.values():
            if feed.dataset == dataset and not feed.filter:
                assert {key for key in taken.get(feed.id, set()) if key[0] in present} == set(), feed.id


def judged(university: Any, run_id: str, injected: Iterable[Injected], failing: str) -> list[Injected]:
    """The defects that a night on which a system failed could see: in what it could read, of entities that did not wait."""
    rows = university.ledger.rows(
        "select subject from ops.step where run_id = %s and verb = 'check' and state = 'done'", [run_id]
    )
    checked = {row["subject"] for row in rows}
    return [
        item for item in injected if not f"{item.system}.{item.dataset}".startswith(BLIND[failing]) and item.entity in checked
    ]


def assert_found(university: Any, injected: Iterable[Injected]) -> None:
    """Every defect is open for its rule and in its severity."""
    for severity in ("error", "warning"):
        wanted = {(item.entity, item.key, item.rule_id) for item in injected if item.severity == severity}
        assert wanted - university.held(severity) == set()


def a_day(university: Any, moved: set[str], later: int, mix: dict[str, int], failing: str | None) -> None:
    """One day and its night. `moved` are who changed since all was sound (a change may have waited); this day's join them."""
    before, sound = university.all_keys(), university.sound()
    injected = university.load(mix | ({failing: 1} if failing else {}), later=later)
    moved |= stirred(sound, university.sound(), main_columns(university))
    outcome = university.night()
    assert_no_sound_key_taken(university, deleted(university, outcome.run_id), moved)
    if failing:
        assert outcome.problems
        assert_found(university, judged(university, outcome.run_id, injected, failing))
        return
    assert wrong(outcome) == []
    assert_found(university, injected)
    assert_held(university, injected)
    lost = {id: keys - university.keys(university.catalog.feed(id)) for id, keys in before.items()}
    assert_counted(university, outcome.run_id, lost)


def test_any_days_of_any_defects_and_then_a_sound_one(university: Any) -> None:
    if university.day != PAYDAY:  # other tests were here
        university.load()
        assert university.night().problems == []
    moved: set[str] = set()

    @settings(max_examples=2, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    @given(days=st.tuples(DAY, DAY))
    def any_days(days: Iterable[tuple[int, dict[str, int], str | None]]) -> None:
        for day in days:
            a_day(university, moved, *day)

    any_days()
    a_day(university, moved, 1, {}, None)
    assert university.held() == set()
