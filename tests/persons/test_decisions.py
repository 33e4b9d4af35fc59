"""Who is who: decisions are for a person to make, with a reason, and are never rewritten."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from core.errors import Denied
from core.settings import ROOT
from desk.persons import link_numbers, unlink_number


@pytest.fixture
def people(store: Any) -> Any:
    numbers = (("S0001", "PS0001"), ("B0001", "PB0001"), ("B0002", "PB0001"), ("S0002", "PS0002"))
    store.put("person_number", *({"number": n, "person_id": p, "kind": n[0], "basis": "N"} for n, p in numbers))
    return store


def standing(store: Any) -> dict[str, str]:
    """The newest decision of every number."""
    rows = store.book.rows(
        "select distinct on (number) number, person_id from ops.person_decision order by number, decision_id desc"
    )
    return {row["number"]: row["person_id"] for row in rows}


def test_a_link_moves_every_number_of_the_second_person(people: Any) -> None:
    found = link_numbers(people.book, "S0001", "B0002", "甲", "核对身份证")
    assert found == {"person_id": "PS0001", "numbers": ["B0001", "B0002", "S0001"]}
    assert standing(people) == dict.fromkeys(("B0001", "B0002", "S0001"), "PS0001")


def test_an_unlink_gives_the_number_its_own_person(people: Any) -> None:
    link_numbers(people.book, "S0001", "B0001", "甲", "核对身份证")
    assert unlink_number(people.book, "B0001", "乙", "证件录错") == {"person_id": "PB0001", "numbers": ["B0001"]}
    assert standing(people)["B0001"] == "PB0001"
    assert standing(people)["B0002"] == "PS0001"
    rows = people.book.rows(
        "select action, decided_by, reason from ops.person_decision where number = 'B0001' order by decision_id"
    )
    assert [tuple(row.values()) for row in rows] == [("L", "甲", "核对身份证"), ("U", "乙", "证件录错")]


@pytest.mark.parametrize(
    ("code", "work"),
    [
        ("HUB725", lambda book: link_numbers(book, "S0001", "X9999", "甲", "因")),
        ("HUB725", lambda book: unlink_number(book, "X9999", "甲", "因")),
        ("HUB726", lambda book: link_numbers(book, "S0001", "S0001", "甲", "因")),
        ("HUB726", lambda book: unlink_number(book, "B0001", "甲", "因")),
        ("HUB727", lambda book: link_numbers(book, "S0001", "B0001", "甲", " ")),
        ("HUB727", lambda book: unlink_number(book, "B0002", "甲", "")),
    ],
)
def test_what_cannot_be_decided_is_refused_and_leaves_nothing(people: Any, code: str, work: Any) -> None:
    with pytest.raises(Denied) as caught:
        work(people.book)
    assert caught.value.code == code
    assert caught.value.line("zh")
    assert caught.value.line("en")
    assert standing(people) == {}


def test_both_sides_of_a_question_are_shown_masked(people: Any, sign_in: Any) -> None:
    sign_in("核查员")
    people.put(
        "person_conflict",
        {
            "kind": "N", "number": "S0001", "other_number": "B0001", "number_kind": "T", "other_kind": "S",
            "person_id": "PS0001", "other_person_id": "PS0001", "name": "欧阳震华", "other_name": "欧阳振华",
            "birth_date": "1990-01-01", "other_birth_date": "1991-02-02",
        },
    )  # fmt: skip
    command = [sys.executable, "-m", "cli.main", "persons", "--conflicts", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(part in done.stdout for part in ("S0001", "B0001", "欧阳**", "1990", "1991", "同一证件姓名不同"))
    assert not any(part in done.stdout for part in ("震华", "振华", "1990-01-01"))
