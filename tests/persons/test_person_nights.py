"""People, numbers, accounts and permissions over real nights of a small university."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from signing import have

from campus.rehearsal import Rehearsal
from campus.simulate.world import date_of
from contracts.catalog import read_catalog
from core.settings import get_settings
from core.store import ledger as ledger_module
from core.store import postgres
from core.store.connections import get_connection
from core.store.ledger import open_ledger
from desk import grants, persons
from pipeline.result import RunResult
from runs.nightly import run_night

DERIVED = ("person_number", "person", "person_role", "person_conflict", "staff_preentry", "account", "role_grant")
CACHES = (get_settings, read_catalog, ledger_module.migrate_ledger, ledger_module._get_ledger, postgres.ensure_database)


@dataclass
class Nights:
    """What four nights left behind, one after the other."""

    outcomes: list[RunResult]
    facts: list[dict[str, Any]]
    injected: Any
    linked: tuple[str, str]
    retired: str
    learner: str


def rows(query: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in open_ledger().rows(query)]


def facts() -> dict[str, Any]:
    """The state after a night that later nights change."""
    return {
        "persons": dict(rows("select number, person_id from hub_current.person_number")),
        "conflicts": set(rows("select kind, number, other_number from hub_current.person_conflict")),
        "held": set(rows("select entity, source_key, rule_id, severity from ops.held where state = 'open'")),
        "preentries": dict(rows("select staff_no, state from hub_current.staff_preentry")),
        "heads": set(rows("select uid, system_code, scope_unit from hub_current.role_grant where role_code = 'unit_head'")),
        "notices": set(rows("select system_code, from_version, to_version, gains, losses from ops.notice")),
        "changed": {name: open_ledger().version_of(name) for name in DERIVED},
        "welcome": received("dst_welcome", "hub_staff_role_grant"),
    }


def received(place: str, table: str) -> set[tuple[str, str, str]]:
    """The grants that an automatic system holds."""
    with psycopg.connect(get_connection(place).url) as receiver:
        found = receiver.execute(f"select uid, role_code, scope_unit from {table}".encode()).fetchall()
    return {(str(uid), str(role), str(unit)) for uid, role, unit in found}


@pytest.fixture(scope="module")
def nights(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    """Night 1; then a link, an external person and a twice-numbered member of staff; then the link undone; then nothing."""
    folder = tmp_path_factory.mktemp("persons")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_VAR", str(folder / "var"))
        patch.setenv("HUB_URL", postgres.ensure_database(postgres_server, f"persons_{abs(hash(folder)) % 10**9}"))
        patch.delenv("HUB_HOME", raising=False)
        for cached in CACHES:
            cached.cache_clear()
        rehearsal = Rehearsal(folder / "campus", 1_500)
        rehearsal.start()
        try:
            yield _lived(rehearsal)
            open_ledger().close()
        finally:
            rehearsal.stop()
            for cached in CACHES:
                cached.cache_clear()


def _lived(rehearsal: Rehearsal) -> Nights:
    found, states = [], []

    def live(day: int, faults: dict[str, int] | None = None) -> Any:
        injected = rehearsal.load(day, faults)
        found.append(run_night(date_of(day)))
        states.append(facts())
        return injected

    live(1)
    staff = rows("select staff_no, unit_code from hub_current.staff where state_code = '11' order by 1 desc limit 1")[0]
    student = rows("select student_no from hub_current.student where student_no ~ '^[0-9]' order by 1 limit 1")[0][0]
    persons.link_numbers(open_ledger(), staff[0], student, "甲", "核对身份证原件")
    who = persons.Applicant(staff[1], "王退休", "1", date(2026, 9, 1), date(2027, 8, 31), reason="返聘")
    retired = persons.give_number(open_ledger(), who, have("甲"))["person_no"]
    persons.approve_number(open_ledger(), retired, have("乙"))
    grants.confirm_grants(open_ledger(), staff[0], staff[0])
    learner = rows("select min(uid) from hub_current.role_grant where basis_system = 'academic' and system_code = 'library'")[
        0
    ][0]
    grants.confirm_grants(open_ledger(), learner, learner, "library", "不用图书馆")
    injected = live(2, {"staff_numbered_twice": 1})
    persons.unlink_number(open_ledger(), student, "乙", "两个人")
    live(3, {"staff_numbered_twice": 1})  # another pair; the first one's second number goes at its second absence
    ((_, number, other),) = states[2]["conflicts"] - states[1]["conflicts"]
    persons.link_numbers(open_ledger(), number, other, "乙", "同一人,人事处将并号")
    found.append(run_night(date_of(4)))  # the sources stay as they are: only the decision is new
    states.append(facts())
    return Nights(found, states, injected, (staff[0], student), retired, learner)


def test_a_persons_own_word_stands_beside_the_permission_from_the_next_night_on(nights: Nights) -> None:
    staff, _ = nights.linked
    assert rows(f"select 1 from hub_current.role_grant where uid = '{staff}' and confirmed_at is null") == []
    assert rows(f"select 1 from hub_current.role_grant where uid <> '{staff}' and confirmed_at is not null") == []
    disputed = [{row for row in state["held"] if row[2] == "role_grant.disputed"} for state in nights.facts]
    assert disputed[0] == set()
    assert {tuple(row[1].split("|")[:2]) for row in disputed[-1]} == {(nights.learner, "library")}


def test_sound_rows_are_neither_held_nor_in_question(nights: Nights) -> None:
    assert [outcome.problems for outcome in nights.outcomes] == [[], [], [], []]
    first = nights.facts[0]
    assert {row for row in first["held"] if row[3] == "error"} == set()
    about_people = {row for row in first["held"] if row[0] in {*DERIVED, "external_person", "provisional_staff"}}
    assert {row[2] for row in about_people} == {"provisional_staff.unknown_to_hr"}
    assert first["conflicts"] == set()


def test_a_teacher_who_studies_is_one_person(nights: Nights) -> None:
    both = rows("select staff_no, student_no, number_count from hub_current.person where is_staff and is_student")
    assert both
    assert all(nights.facts[0]["persons"][staff] == nights.facts[0]["persons"][student] for staff, student, _ in both)
    assert {count for *_, count in both} == {2}


def test_a_persons_id_never_changes_unless_somebody_decides(nights: Nights) -> None:
    first = nights.facts[0]["persons"]
    for later in nights.facts[1:]:
        differs = {number for number, person in first.items() if later["persons"][number] != person}
        assert differs <= {nights.linked[1]}


def test_decisions_are_obeyed_every_night(nights: Nights) -> None:
    staff, student = nights.linked
    own = f"P{student}"
    assert [state["persons"][student] for state in nights.facts] == [own, f"P{staff}", own, own]


def test_two_numbers_of_one_member_of_staff_are_asked_about_until_somebody_says_it_is_one(nights: Nights) -> None:
    (planted,) = [item for item in nights.injected if item.fault == "staff_numbered_twice"]
    _, number, other = planted.key.split("|")
    assert ("T", number, other) in nights.facts[1]["conflicts"]
    assert (planted.entity, planted.key, planted.rule_id, "warning") in nights.facts[1]["held"]
    assert ("T", number, other) in nights.facts[2]["conflicts"]
    assert len(nights.facts[2]["conflicts"]) == 2
    assert nights.facts[3]["conflicts"] == set()


def test_an_approved_external_person_is_a_person_with_an_account(nights: Nights) -> None:
    assert nights.facts[1]["persons"][nights.retired] == f"P{nights.retired}"
    (account,) = rows(f"select affiliation, valid_from, valid_to from hub_current.account where uid = '{nights.retired}'")
    assert account == ("affiliate", date(2026, 9, 1), date(2027, 8, 31))


def test_teachers_entered_early_are_confirmed_when_personnel_has_them(nights: Nights) -> None:
    waiting = {number for number, state in nights.facts[0]["preentries"].items() if state == "P"}
    assert waiting
    later = {nights.facts[3]["preentries"][number] for number in waiting}
    assert "C" in later
    assert later <= {"C", "P"}  # a post that begins on the fourth day is still to come
    dates = rows("select first_seen_on, confirmed_on from hub_current.staff_preentry where state = 'C'")
    assert all(date(2026, 9, 7) <= first <= confirmed for first, confirmed in dates)


def test_automatic_systems_hold_exactly_the_grants_in_force(nights: Nights) -> None:
    for place, table, basis, system in (
        ("dst_welcome", "hub_staff_role_grant", "hr", "welcome"),
        ("dst_leaving", "hub_staff_role_grant", "hr", "leaving"),
        ("dst_welcome", "hub_student_role_grant", "academic", "welcome"),
        ("dst_registration", "hub_student_role_grant", "academic", "registration"),
    ):
        wanted = set(
            rows(
                f"select uid, role_code, scope_unit from hub_current.role_grant"
                f" where grant_mode = 'A' and basis_system = '{basis}' and system_code = '{system}'"
            )
        )
        assert wanted
        assert received(place, table) == wanted


def test_the_automatic_systems_are_those_of_the_rules(nights: Nights) -> None:
    rules = {rule["id"]: rule for rule in _rules()}
    for rule, basis in (("R13", "hr"), ("R14", "academic")):
        found = {
            row[0]
            for row in rows(
                f"select distinct system_code from hub_current.role_grant where grant_mode = 'A' and basis_system = '{basis}'"
            )
        }
        assert found == set(rules[rule]["automatic"])
        by_hand = {
            row[0]
            for row in rows(
                f"select distinct system_code from hub_current.role_grant where grant_mode = 'M' and basis_system = '{basis}'"
            )
        }
        assert set(rules[rule]["manual"]) <= by_hand


def _rules() -> list[dict[str, Any]]:
    from contracts.odcs import read_document

    found: list[dict[str, Any]] = read_document(get_settings().schemas / "flows" / "rules.yaml")["rules"]
    return found


def test_systems_by_hand_get_a_notice_of_what_changed(nights: Nights) -> None:
    folder = get_settings().var / "notices"
    first = {row[0]: row for row in nights.facts[0]["notices"]}
    assert set(first) == {"hr", "academic", "research", "library", "finance", "learning_space", *_graduates()}
    (path,) = (folder / "research").glob("role_notice.0-*.csv")
    with path.open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file))
    assert len(listed) == first["research"][3]
    assert {row["change"] for row in listed} == {"grant"}
    assert sum(row[3] + row[4] for row in nights.facts[3]["notices"] - nights.facts[0]["notices"]) > 0
    assert all(gains >= 0 and losses >= 0 for *_, gains, losses in nights.facts[3]["notices"])


def _graduates() -> set[str]:
    found = rows("select distinct system_code from hub_current.role_grant where grant_mode = 'M' and basis_system = 'graduate'")
    return {str(row[0]) for row in found}


def test_a_local_delete_of_the_academic_system_deletes_nobody(nights: Nights, tmp_path: Path) -> None:
    (teacher,) = rows(
        "select p.staff_no from hub_current.provisional_staff p join hub_current.staff s using (staff_no) limit 1"
    )
    with psycopg.connect(get_connection("src_academic").url) as academic:
        academic.execute('delete from jsxxb where trim("GH") = %s', [teacher[0]])
    assert run_night(date_of(5)).problems == []
    assert rows(f"select count(*) from hub_current.provisional_staff where staff_no = '{teacher[0]}'") == [(0,)]
    assert rows(f"select state_code from hub_current.staff where staff_no = '{teacher[0]}'") == [("11",)]
