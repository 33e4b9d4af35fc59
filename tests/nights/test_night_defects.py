"""Defective rows in a night: each is found for its reason, no sound row is held, and nobody loses a key because of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pytest

from campus.faults.injection import Injected
from campus.faults.rules import FAULTS

HALVES = (sorted(FAULTS)[::2], sorted(FAULTS)[1::2])


def number(cell: Any) -> str:
    return str(cell).strip()


def firsts(rows: pa.Table, column: str) -> set[str]:
    return {number(cell) for cell in rows[column].to_pylist()}


def stirred(before: Mapping[str, pa.Table], after: Mapping[str, pa.Table], keys: Mapping[str, list[str]]) -> set[str]:
    """The persons and keys any of whose source rows is not as it was, or not there any more."""
    found: set[str] = set()
    for id, columns in keys.items():
        if id not in before:  # the register of external persons is the hub's own
            continue
        then, now = ({tuple(row.values()) for row in tables[id].to_pylist()} for tables in (before, after))
        places = [before[id].column_names.index(column) for column in columns]
        found |= {number(row[place]) for row in then ^ now for place in places}
    return found


def people(university: Any) -> set[str]:
    """Every number and key that the sound sources show now."""
    sound = university.sound()
    return {
        number(str(cell))
        for id, columns in main_columns(university).items()
        if id in sound
        for column in columns
        for cell in sound[id][column].to_pylist()
        if cell is not None
    }


def about(key: tuple[str, ...]) -> set[str]:
    """Whom and what a feed's key is about: its first part, or class and person of a line of the roster."""
    return set(key[1].removeprefix("class-").rsplit(".", 1)) if key[0] == "enrollments" else {key[0]}


def main_columns(university: Any) -> dict[str, list[str]]:
    """For every source dataset the physical names of the columns that say whom or what a row is about."""
    wanted = {"student_no", "staff_no", "person_no", "voucher_no"}
    return {
        dataset.id: [column.physical for column in dataset.columns if column.name in wanted or column.name == dataset.key[0]]
        for dataset in university.catalog.sources.values()
        if wanted & {column.name for column in dataset.columns} or len(dataset.key) == 1
    }


def assert_held(university: Any, injected: Iterable[Injected]) -> None:
    """Every defect is open under its rule, and no other key is held unless it refers to one that is or sums it up."""
    wanted = {(item.entity, item.key, item.rule_id) for item in injected}
    held = university.held("error")
    assert wanted <= held | university.held("warning")
    spoilt = {(item.entity, item.key) for item in injected if item.severity == "error"}
    people = {key for _, key in spoilt}
    extra = {(entity, key, rule) for entity, key, rule in held if (entity, key) not in spoilt}
    extra -= {row for row in extra if row[2].endswith(".reference") and row[1].split("|")[0] in people}
    assert {row for row in extra if not sums_up(university, row, held)} == set()


def wrong(outcome: Any) -> list[Any]:
    """What went wrong in a night, besides that damaged keys let nobody leave."""
    return [error for error in outcome.problems if error.code != "HUB403"]


def sums_up(university: Any, row: tuple[str, str, str], held: Iterable[tuple[str, str, str]]) -> bool:
    """Whether a row is the total of lines of which one is held: it cannot be right while they are not all there."""
    entity, key, _ = row
    lines = set(university.catalog.entities[entity].after)
    return any(line in lines and part.startswith(f"{key}|") for line, part, _ in held)


def assert_counted(university: Any, run_id: str, lost: Mapping[str, set[tuple[str, ...]]]) -> None:
    """The ledger's delete counts are the keys that really left, and the receivers' own books agree with their tables."""
    made = university.deliveries(run_id)
    assert {id: made[id]["rows_delete"] for id in lost if id in made} == {id: len(lost[id]) for id in lost if id in made}
    assert {row["state"] for row in made.values()} == {"accepted"}
    for feed in university.tables():
        assert university.sent(feed) == len(university.keys(feed)), feed.id


def test_a_day_of_changes_and_defects(university: Any, capfd: pytest.CaptureFixture[str]) -> None:
    before, sound = university.all_keys(), university.sound()
    injected = university.load(dict.fromkeys(HALVES[0], 2), later=1)
    outcome = university.night()
    assert wrong(outcome) == []
    assert_held(university, injected)
    now = university.sound()
    moved = stirred(sound, now, main_columns(university))
    lost = {id: keys - university.keys(university.catalog.feed(id)) for id, keys in before.items()}
    assert {id: {key for key in keys if not about(key) & moved} for id, keys in lost.items() if keys} == {
        id: set() for id, keys in lost.items() if keys
    }
    whole = [feed for feed in university.tables() if feed.dataset in ("staff_basic", "student_basic") and not feed.filter]
    assert all(lost[feed.id] == set() for feed in whole), "nobody leaves at the first sighting"
    assert_counted(university, outcome.run_id, lost)
    assert university.leaks(*capfd.readouterr()) == 0


def test_other_defects_on_the_same_day_take_no_key_from_anybody(university: Any, capfd: pytest.CaptureFixture[str]) -> None:
    before = university.all_keys()
    injected = university.load(dict.fromkeys(HALVES[1], 3))
    outcome = university.night()
    assert wrong(outcome) == []
    assert_held(university, injected)
    lost = {id: keys - university.keys(university.catalog.feed(id)) for id, keys in before.items()}
    # What yesterday's defects invented is gone with them; nobody whom a source still shows is.
    there = people(university)
    assert {key for keys in lost.values() for key in keys if about(key) <= there} == set()
    assert_counted(university, outcome.run_id, lost)
    assert university.leaks(*capfd.readouterr()) == 0


def test_a_night_in_which_nothing_changed(university: Any) -> None:
    version, held, keys = university.ledger.version(), university.held(), university.all_keys()
    outcome = university.night()
    assert wrong(outcome) == []
    assert (outcome.version, outcome.state) == (version, "done")
    made = university.deliveries(outcome.run_id).values()
    assert university.due() == {f"{row['edge']}.{row['dataset']}" for row in made}
    deltas = [row for row in made if university.catalog.feed(f"{row['edge']}.{row['dataset']}").mode != "full"]
    assert {(row["state"], row["rows_upsert"], row["rows_delete"]) for row in deltas} == {("accepted", 0, 0)}
    assert {(row["state"], row["rows_delete"]) for row in made} == {("accepted", 0)}, "the others send the whole again"
    assert {(row["from_version"], row["to_version"]) for row in made} == {(version, version)}
    assert (university.held(), university.all_keys()) == (held, keys)
