"""Numbers of external persons: rule R11, one name space, one allocation at a time (F18)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import psycopg
import pytest
from signing import have, signed_in

from core.errors import Denied
from core.settings import ROOT
from desk.persons import Applicant, approve_number, give_number

UNIT = "20010306"


def applicant(unit: str = UNIT, **other: Any) -> Applicant:
    facts = {
        "name": "王小五",
        "kind": "2",
        "valid_from": date(2026, 9, 1),
        "valid_to": date(2027, 8, 31),
        "reason": "返聘",
        **other,
    }
    return Applicant(unit, **facts)


@pytest.fixture
def units(store: Any) -> Any:
    store.put(
        "org_unit",
        *({"unit_code": code, "name": "单位", "is_valid": valid} for code, valid in ((UNIT, True), ("30010306", True))),
        {"unit_code": "306", "name": "短号", "is_valid": True},
        {"unit_code": "20010999", "name": "撤销", "is_valid": False},
    )
    for name in ("甲", "乙"):
        have(name)
    return store


def denied(code: str, work: Any) -> None:
    with pytest.raises(Denied) as caught:
        work()
    assert caught.value.code == code
    assert caught.value.line("zh")
    assert caught.value.line("en")
    assert "王小五" not in caught.value.line("zh")


def test_numbers_are_the_units_last_four_characters_and_a_serial(units: Any) -> None:
    assert [give_number(units.book, applicant(), "甲")["person_no"] for _ in range(3)] == ["0306001", "0306002", "0306003"]


def test_units_that_end_alike_share_the_serials(units: Any) -> None:
    give_number(units.book, applicant(), "甲")
    assert give_number(units.book, applicant("30010306"), "乙")["person_no"] == "0306002"


def test_a_number_that_anybody_ever_had_is_not_given_out(units: Any) -> None:
    units.put("staff", {"staff_no": "0306001"})
    units.put("student", {"student_no": "0306003"})
    units.book.execute("update hub.staff set to_version = 2")
    first = give_number(units.book, applicant(), "甲")
    assert (first["person_no"], first["skipped"]) == ("0306002", ["0306001"])
    second = give_number(units.book, applicant(), "甲")
    assert (second["person_no"], second["skipped"]) == ("0306004", ["0306003"])
    denied("HUB723", lambda: give_number(units.book, applicant(), "甲", serial=1))
    denied("HUB723", lambda: give_number(units.book, applicant(), "甲", serial=1000))
    assert give_number(units.book, applicant(), "甲", serial=8)["person_no"] == "0306008"


def test_what_the_rule_cannot_number_is_refused(units: Any) -> None:
    denied("HUB721", lambda: give_number(units.book, applicant("306"), "甲"))
    denied("HUB720", lambda: give_number(units.book, applicant("20019999"), "甲"))
    denied("HUB720", lambda: give_number(units.book, applicant("20010999"), "甲"))
    denied("HUB724", lambda: give_number(units.book, applicant(kind="5"), "甲"))
    denied("HUB724", lambda: give_number(units.book, applicant(valid_to=date(2026, 8, 31)), "甲"))
    with pytest.raises(Denied) as caught:
        give_number(units.book, applicant(kind="5", valid_to=date(2026, 8, 31)), "甲")
    assert caught.value.facts["names"] == "--kind, --valid-to"  # as a person writes them
    give_number(units.book, applicant(), "甲", serial=999)
    denied("HUB722", lambda: give_number(units.book, applicant(), "甲"))


def test_somebody_else_approves(units: Any) -> None:
    number = give_number(units.book, applicant(), "甲")["person_no"]
    denied("HUB704", lambda: approve_number(units.book, number, "甲"))
    denied("HUB725", lambda: approve_number(units.book, "0306999", "乙"))
    assert approve_number(units.book, number, "乙")["approved_by"] == "乙"
    kept = units.book.single("select * from ops.request where kind = 'number'")
    assert (kept["requested_by"], kept["approved_by"], kept["reason"]) == ("甲", "乙", "返聘")
    assert kept["requested_at"] <= kept["approved_at"] and len(kept["content_hash"]) == 32
    assert "王小五" not in str(kept)


def test_nobody_gives_a_number_without_a_reason(units: Any) -> None:
    denied("HUB727", lambda: give_number(units.book, applicant(reason=" "), "甲"))


def test_what_was_changed_since_it_was_asked_for_is_not_approved(units: Any) -> None:
    number = give_number(units.book, applicant(), "甲")["person_no"]
    units.book.execute("update ops.external_person set valid_to = '2030-01-01'")
    denied("HUB793", lambda: approve_number(units.book, number, "乙"))
    assert units.book.single("select approved_by from ops.external_person")["approved_by"] is None


def test_the_database_itself_refuses_one_person_for_both_parts(units: Any) -> None:
    give_number(units.book, applicant(), "甲")
    with pytest.raises(psycopg.errors.CheckViolation):
        units.book.execute("update ops.external_person set approved_by = given_by, approved_at = now()")
    with pytest.raises(psycopg.errors.CheckViolation):
        units.book.execute("update ops.request set state = 'approved', approved_by = requested_by, approved_at = now()")


def test_many_processes_at_once_never_get_one_number_twice(units: Any) -> None:
    """Real processes of the command, all at once."""
    command = [
        sys.executable,
        "-m",
        "cli.main",
        "number",
        "--unit",
        UNIT,
        "--name",
        "王小五",
        "--kind",
        "2",
        "--reason",
        "返聘",
        "--json",
    ]

    tokens = [signed_in(f"w{worker}") for worker in range(12)]

    def give(worker: int) -> str:
        own = {**os.environ, "HUB_TOKEN": tokens[worker]}
        done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["person_no"])

    with ThreadPoolExecutor(6) as pool:
        given = list(pool.map(give, range(12)))
    assert sorted(given) == [f"0306{serial:03d}" for serial in range(1, 13)]
    rows = units.book.rows("select person_no from ops.external_person order by 1")
    assert [row["person_no"] for row in rows] == sorted(given)
    givers = units.book.rows("select given_by from ops.external_person")
    assert {row["given_by"] for row in givers} == {f"w{worker}" for worker in range(12)}
