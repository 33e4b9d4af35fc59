"""The 27 deadlines: each SELECT on real PostgreSQL over rows that meet it and rows that do not, and what becomes of a state."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any
from unittest.mock import ANY

import psycopg
import pytest

from contracts import deadlines
from contracts.catalog import Catalog, load_catalog
from core.calendar import load_calendar
from core.errors import Denied
from core.settings import ROOT
from core.store import postgres
from reporting.obligations import build_one_row_query

T = date(2026, 9, 5)
COLUMNS = {
    "student_status": "student_no, entry_month, unit_code, major_code, class_no, expected_graduation, source_system,"
    " in_school bool",
    "student": "student_no, name, id_number, sex_code, birth_date date, ethnicity_code, origin_place_code, candidate_no,"
    " boarding_code",
    "staff": "staff_no, name, unit_code, id_number, mobile, email, establishment_code, category_code, state_code,"
    " joined_on date",
    "payroll_item": "person_no, month, amount numeric",
    "admission_record": "candidate_no",
    "dorm_allocation": "student_no, room_no",
    "card": "card_no, card_kind, holder_no, state, issued_on date, recovered_on date",
    "person_photo": "person_no, taken_on date",
    "welcome_checkin": "student_no, batch_no",
    "registration": "student_no, school_year, term_code, registered_on date, basis, basis_expires_on date",
    "student_contact": "person_no, review_state_code, confirmed_on date, reviewed_on date",
    "fee_status": "student_no, school_year, received numeric, as_of timestamp",
    "employment": "student_no, origin_place_code, origin_confirmed_on date, review_state_code, reviewed_on date",
}
"""The columns that the SELECTs read, of entities that are there and of those to come (canonical 4.6 to 4.22)."""
STATUS = "('{no}', '202609', 'U1', 'M1', 'C1', '203007', '{system}', true)"
PERSON = "('{no}', 'n', 'i', '1', '2008-01-01', '01', '410100', 'K{no}', '2')"
NEW = ("S1", "S2")
Fill = Mapping[str, list[str]]


def students(system: str = "academic") -> dict[str, list[str]]:
    return {
        "student_status": [STATUS.format(no=no, system=system) for no in NEW],
        "student": [PERSON.format(no=no) for no in NEW],
    }


def cards(kind: str, issued: str, *temporary: str) -> dict[str, list[str]]:
    formal = [f"('{no}', '{kind}', '{no}', '1', {issued}, null)" for no in NEW]
    return {**students(), "card": [*formal, *temporary]}


def receipt(edge: str, day: date, dataset: str = "fee_status", source: str = "finance", target: str = "leaving") -> str:
    return f"('{edge}', '{dataset}', '{source}', '{target}', 1, '{day}')"


def landing(system: str, day: date, is_new: bool = True, newest: str = "null") -> str:
    return f"('{system}', 'd', 9, '{day}', {is_new}, {newest})"


def leaving(day: date) -> list[str]:
    edges = (("E14", "hr"), ("E27", "academic"), ("E38", "graduate"))
    return [receipt(edge, day, "x", source) for edge, source in edges]


def fees(day: str, student: str = "S1", received: int = 9) -> dict[str, list[str]]:
    """The new students, and a fee row of finance with its time."""
    return {**students(), "fee_status": [f"('{student}', '2026-2027', {received}, '{day} 17:00')"]}


def contacts(*states: str) -> dict[str, list[str]]:
    """The contact data of the new students in these states of review."""
    rows = [f"('{no}', {state})" for no, state in zip(NEW, states, strict=False)]
    return {**students(), "student_contact": rows}


REVIEWED = "'2', '2026-10-13', '2026-10-14'"
S_1 = date(2026, 8, 30)
L_14 = date(2027, 6, 11)
LEAVES = {"student_status": [STATUS.format(no="S1", system="academic").replace("203007", "202707")]}
FOUR = [landing(system, S_1) for system in ("academic", "hr", "student_affairs", "finance")]
GREEN = "('S1', '2026-2027', '1', '2026-09-09', '2', '{}')"
JOINED = "('T1', 'n', 'U1', 'i', 'm', 'e', '11', '11', '11', '2026-09-07')"
CASES: dict[str, tuple[Fill, Fill]] = {
    "DL02": ({"admission_record": ["('K1')"]}, {}),
    "DL03": (students(), {**students(), "student": [PERSON.format(no="S1")]}),
    "DL04": (students("graduate"), students()),
    "DL05": ({**students(), "welcome_checkin": ["('S1', 'B1')"]}, students()),
    "DL06": (
        {**students(), "dorm_allocation": ["('S1', '101')", "('S2', '102')"]},
        {**students(), "dorm_allocation": ["('S1', '101')", "('S2', null)"]},
    ),
    "DL07": (cards("1", "null"), cards("2", "null")),
    "DL09": (fees("2026-09-04"), {**fees("2026-09-03"), "receipt": [receipt("E46", T - timedelta(1))]}),
    "DL10": (students(), {**students(), "student": [PERSON.format(no="S1"), PERSON.format(no="S2").replace("'01'", "null")]}),
    "DL11": ({**students(), "person_photo": ["('S1', '2026-09-20')", "('S2', '2026-09-21')"]}, students()),
    "DL13": (cards("2", "null"), cards("1", "null")),
    "DL14": (
        cards("2", "'2026-11-10'", "('X1', '1', 'S1', '5', '2026-09-03', '2026-11-10')"),
        cards("2", "'2026-11-10'", "('X1', '1', 'S1', '1', '2026-09-03', null)"),
    ),
    "DL15": ({"staff": [JOINED]}, {"staff": [JOINED.replace("'i'", "null")]}),
    "DL16": ({"staff": [JOINED]}, {"staff": [JOINED.replace("'e'", "null")]}),
    "DL17": ({"staff": [JOINED]}, {"staff": [JOINED.replace("'11', '11', '11'", "'11', null, '11'")]}),
    "DL18": (
        {
            "payroll_item": [
                *(f"('T{no}', '202608', 100)" for no in range(10)),
                *(f"('T{no}', '202609', 100)" for no in range(9)),
            ]
        },
        {"payroll_item": ["('T1', '202608', 100)"]},
    ),
    "DL19": (fees("2026-09-06"), {**fees("2026-09-05"), "receipt": [receipt("E47", date(2026, 9, 6))]}),
    "DL20": (fees("2026-09-07"), {**fees("2026-09-06"), "receipt": [receipt("E47", date(2026, 9, 7))]}),
    "DL21": (
        {"landing": FOUR},
        {"landing": [*FOUR[:3], landing("finance", S_1, is_new=False), landing("finance", date(2026, 7, 20))]},
    ),
    "DL22": (
        {"registration": ["('S1', '2026-2027', '1', '2026-09-07', '1', null)"]},
        {"registration": ["('S1', '2026-2027', '1', '2026-09-04', '1', null)"]},
    ),
    "DL23": ({"receipt": leaving(L_14)}, {"receipt": [*leaving(L_14)[:2], *leaving(L_14 + timedelta(1))[2:]]}),
    "DL24": (fees("2027-06-11"), {**fees("2027-06-10"), "receipt": [receipt("E50", L_14)]}),
    "DL25": (contacts(REVIEWED, REVIEWED), contacts(REVIEWED, "'1', '2026-10-13', null")),
    "DL26": (
        {**LEAVES, "employment": ["('S1', '410100', '2026-11-20', '2', '2026-11-27')"]},
        {**LEAVES, "student": [PERSON.format(no="S1")], "employment": ["('S1', '410100', null, '2', '2026-11-27')"]},
    ),
    "DL27": ({"registration": [GREEN.format("2027-01-17")]}, {"registration": [GREEN.format("2027-07-11")]}),
}
"""Deadline -> rows that meet it and rows that do not."""


@pytest.fixture(scope="module")
def shipped() -> Catalog:
    return load_catalog(ROOT)


@pytest.fixture(scope="module")
def ask(postgres_server: str, shipped: Catalog) -> Iterator[Callable[[str, Fill], tuple[Any, ...]]]:
    """A function that asks a deadline's SELECT over these rows, for its first occasion of the school year."""
    kinds = {"string": "text", "integer": "bigint", "date": "date", "boolean": "boolean"}
    with psycopg.connect(postgres.ensure_database(postgres_server, "obligations")) as connection:

        def run(deadline: str, fill: Fill) -> tuple[Any, ...]:
            connection.rollback()
            for name, columns in COLUMNS.items():
                typed = ", ".join(item if " " in item else f"{item} text" for item in columns.split(", "))
                connection.execute(f"create temporary table {name} ({typed}) on commit drop".encode())
            for name, facts in deadlines.OBLIGATION_TABLES.items():
                typed = ", ".join(f"{column} {kinds[kind]}" for column, kind in facts)
                connection.execute(f"create temporary table {name} ({typed}) on commit drop".encode())
            for name, rows in fill.items():
                for row in rows:
                    connection.execute(f"insert into {name} values {row}".encode())
            item = occasion(shipped, deadline)
            days = [item.anchor_on, item.begins_on, item.due_on, item.due_on]
            enough = shipped.deadlines[deadline].get("enough_percent", 100)
            facts = [*days, item.school_year, item.term_code, f"{item.due_on:%Y%m}", enough]
            connection.execute("insert into occasion values (%s, %s, %s, %s, %s, %s, %s, %s)", facts)
            file = shipped.obligation_file(deadline)
            assert file is not None
            (row,) = connection.execute(build_one_row_query(file.read_text("utf-8")).encode()).fetchall()
            return row

        yield run


def occasion(known: Catalog, deadline: str) -> deadlines.Occasion:
    item = known.deadlines[deadline]
    if deadlines.is_per_person(item):
        return deadlines.list_person_occasions(item, load_calendar(), [date(2026, 9, 7)])[0]
    first = date(2026, 9, 1) if deadline in ("DL18", "DL20") else date(2026, 8, 1)
    return deadlines.list_occasions(item, load_calendar(), first, date(2027, 7, 31))[0]


def test_every_deadline_has_its_case_or_a_person(shipped: Catalog) -> None:
    by_hand = {id for id, item in shipped.deadlines.items() if item.get("proof") == "person"}
    assert by_hand == {"DL01", "DL08", "DL12"}
    assert CASES.keys() | by_hand == shipped.deadlines.keys()


@pytest.mark.parametrize("deadline", CASES)
def test_rows_that_meet_a_deadline_prove_it_and_others_do_not(ask: Callable[..., Any], deadline: str) -> None:
    good, bad = CASES[deadline]
    needed, found, met, evidence = ask(deadline, good)[:4]
    assert met is True
    assert isinstance(needed, int) and isinstance(found, int)
    assert all(part.partition("=")[2] for part in evidence.split(" "))
    assert ask(deadline, bad)[2] is False


@pytest.mark.parametrize("state", ["'0', null, null", "'1', '2026-10-13', null", "'9', '2026-10-13', '2026-10-14'"])
def test_a_confirmation_that_nobody_reviewed_is_not_done(ask: Callable[..., Any], state: str) -> None:
    assert ask("DL25", contacts(REVIEWED, state))[:3] == (2, 1, False)
    assert ask("DL25", contacts(REVIEWED, REVIEWED.replace("10-14", "11-02")))[:3] == (2, 1, False)


@pytest.mark.parametrize("review", ["'1', null", "'9', '2026-11-21'", "'2', null", "'2', '2026-11-30'", "null, null"])
def test_a_place_of_origin_that_nobody_reviewed_is_not_done(ask: Callable[..., Any], review: str) -> None:
    fill = {**LEAVES, "employment": [f"('S1', '410100', '2026-11-20', {review})"]}
    assert ask("DL26", fill)[:3] == (1, 0, False)
    assert "origin_confirmed=1 reviewed=0" in ask("DL26", fill)[3]


@pytest.mark.parametrize("deadline", ["DL09", "DL19", "DL20", "DL24"])
def test_a_day_beyond_what_can_be_known_proves_nothing(ask: Callable[..., Any], deadline: str) -> None:
    assert ask(deadline, fees("2099-01-01"))[2] is False


@pytest.mark.parametrize(("deadline", "day"), [("DL19", "2026-09-06"), ("DL20", "2026-09-07"), ("DL24", "2027-06-11")])
def test_what_was_handed_over_counts_though_the_hub_holds_it(ask: Callable[..., Any], deadline: str, day: str) -> None:
    late = date.fromisoformat(day) + timedelta(1)
    assert ask(deadline, {"landing": [landing("finance", late, newest=f"'{day}'")]})[2:] == (True, ANY, date.fromisoformat(day))
    assert ask(deadline, {"landing": [landing("finance", late, newest="'2026-09-05'")]})[2] is False
    assert ask(deadline, {"landing": [landing("library", late, newest=f"'{day}'")]})[2] is False


def test_a_system_that_was_only_read_is_not_brought_up_to_date(ask: Callable[..., Any]) -> None:
    stale = [landing(system, S_1, is_new=False) for system in ("academic", "hr", "student_affairs", "finance")]
    assert ask("DL21", {"landing": stale})[:3] == (4, 0, False)
    needed, found, met, evidence = ask("DL21", {"landing": [*FOUR[:2], *stale[2:]]})
    assert (needed, found, met) == (4, 2, False)
    assert evidence == "academic=2026-08-30 hr=2026-08-30 student_affairs=- finance=-"


def test_a_payroll_of_fewer_than_last_month_is_not_the_month_s(ask: Callable[..., Any]) -> None:
    last = [f"('T{no}', '202607', 100)" for no in range(10)]
    assert ask("DL18", {"payroll_item": [*last, *(f"('T{no}', '202609', 100)" for no in range(8))]})[:3] == (10, 8, False)
    assert ask("DL18", {"payroll_item": ["('T1', '202609', 100)", "('T2', '202610', 100)"]})[:3] == (
        1,
        1,
        True,
    )  # the first month


@pytest.mark.parametrize(
    ("pay", "in_post", "met"),
    [(100, 11, True), (100, 12, False), (89, 9, True), (88, 9, False), (277, 9, True), (278, 9, False)],
)
def test_a_payroll_is_held_against_staff_in_post_and_last_month_s_sum(
    ask: Callable[..., Any], pay: int, in_post: int, met: bool
) -> None:
    """Nine are paid where ten were, 1,000 in all."""
    row = "('{no}', 'n', 'U1', 'i', null, null, '11', '11', '{state}', '{joined}')"
    staff = [row.format(no=f"T{no}", state="11", joined="2020-01-01") for no in range(in_post)]
    others = [("R", "01", "1990-01-01"), ("N", "11", "2026-09-07")]  # retired, and come in the month itself
    staff += [row.format(no=f"{kind}{no}", state=state, joined=day) for kind, state, day in others for no in range(90)]
    last = [f"('T{no}', '202608', 100)" for no in range(10)]
    now = [f"('T{no}', '202609', {pay})" for no in range(9)]
    assert ask("DL18", {"payroll_item": last + now, "staff": staff})[2] is met


def test_nobody_paid_is_no_list_of_who_paid(ask: Callable[..., Any]) -> None:
    assert ask("DL09", fees("2026-09-04", received=0))[2] is False
    assert ask("DL09", fees("2026-09-04", student="S9"))[2] is False
    assert ask("DL09", fees("2026-09-04"))[4] == date(2026, 9, 4)


def test_who_lives_at_home_needs_no_room(ask: Callable[..., Any]) -> None:
    at_home = PERSON.format(no="S2").replace("'2')", "'1')")
    fill = {**students(), "student": [PERSON.format(no="S1"), at_home], "dorm_allocation": ["('S1', '101')"]}
    assert ask("DL06", fill)[:3] == (1, 1, True)


def test_an_empty_hub_proves_nothing_that_needs_rows(ask: Callable[..., Any]) -> None:
    vacuous = {"DL15", "DL16", "DL17", "DL22", "DL27"}  # nobody joined, nobody registered: nothing is owed
    assert {deadline for deadline in CASES if ask(deadline, {})[2]} == vacuous


DUE = {
    "DL01": ["2026-07-12", "2027-07-11"],
    "DL02": ["2026-08-16"], "DL03": ["2026-08-21"], "DL04": ["2026-08-21"], "DL05": ["2026-08-21"],
    "DL06": ["2026-08-26"], "DL07": ["2026-09-03"], "DL08": ["2026-09-03"], "DL09": ["2026-09-04"], "DL10": ["2026-10-05"],
    "DL11": ["2026-10-05"], "DL12": ["2026-09-30"], "DL13": ["2026-11-04"], "DL14": ["2026-12-04"],
    "DL19": ["2026-09-06", "2027-03-07"], "DL21": ["2026-08-30", "2027-02-28"], "DL22": ["2026-09-05", "2027-03-06"],
    "DL23": ["2027-06-11"], "DL25": ["2026-10-30"], "DL26": ["2026-11-27"], "DL27": ["2026-07-12", "2027-01-17", "2027-07-11"],
}  # fmt: skip
"""Worked out by hand from the calendar: T is 5 September 2026, P 25 September, L 25 June 2027."""


@pytest.mark.parametrize("deadline", DUE)
def test_the_days_due_of_the_school_year(shipped: Catalog, deadline: str) -> None:
    first, last = date(2026, 7, 1), date(2027, 7, 11)
    found = deadlines.list_occasions(shipped.deadlines[deadline], load_calendar(), first, last)
    wanted = [day for day in DUE[deadline] if first <= date.fromisoformat(day) <= last]
    assert [item.due_on.isoformat() for item in found] == wanted


def test_daily_and_monthly_deadlines_fall_due_each_time(shipped: Catalog) -> None:
    year = (date(2026, 8, 1), date(2027, 7, 31))
    found = {id: deadlines.list_occasions(shipped.deadlines[id], load_calendar(), *year) for id in ("DL18", "DL20", "DL24")}
    assert {id: len(items) for id, items in found.items()} == {"DL18": 12, "DL20": 24, "DL24": 24}
    assert [item.name for item in found["DL18"]][:3] == ["2026-08", "2026-09", "2026-10"]
    assert found["DL18"][2].due_on == date(2026, 10, 8)
    assert found["DL24"][0].due_on == L_14


def test_a_confirmation_names_who_and_why_and_an_occasion_that_exists(university: Any, shipped: Catalog) -> None:
    from reporting.obligations import confirm_deadline

    shutil.copytree(ROOT / "schemas" / "calendar", university.home / "schemas" / "calendar", dirs_exist_ok=True)
    book, day = university.ledger, date(2026, 9, 2)
    for deadline, people, code in (
        ("DL99", {"by": "z", "note": "n"}, "HUB731"),
        ("DL09", {"by": "z", "note": "n"}, "HUB732"),
        ("DL08", {"by": "z", "note": " "}, "HUB733"),
        ("DL08", {"by": "z", "note": "n", "occasion": "2020-2021"}, "HUB734"),
    ):
        with pytest.raises(Denied) as caught:
            confirm_deadline(book, shipped, deadline, people, day)
        assert caught.value.code == code
        assert "\n" not in caught.value.line("zh")
    made = confirm_deadline(book, shipped, "DL08", {"by": "张工", "note": "现场已验收"}, day)
    assert (made["state"], made["confirmed_by"], made["occasion"]) == ("met", "张工", "2026-2027")
    late = confirm_deadline(book, shipped, "DL08", {"by": "张工", "note": "补记"}, date(2026, 9, 5))
    assert late["state"] == "late"
    assert len(book.rows("select * from ops.obligation")) == 2
