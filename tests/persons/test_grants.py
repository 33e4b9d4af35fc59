"""The person's own word about permissions (R15): who said what of which, and what it does not cover."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg
import pytest

from core.errors import Denied
from desk import grants

UID = "S0001"


@pytest.fixture
def granted(store: Any) -> Any:
    facts = {"uid": UID, "scope_unit": "0302", "grant_mode": "A", "basis": "post:1:05", "basis_system": "hr"}
    dates = {"valid_from": date(2020, 1, 1), "valid_to": date(2099, 12, 31)}
    store.put(
        "role_grant", *({**facts, **dates, "system_code": code, "role_code": "unit_head"} for code in ("welcome", "leaving"))
    )
    return store


def said(book: Any) -> dict[str, bool | None]:
    return {row["system_code"]: row["agrees"] for row in grants.list_grants(book, UID)}


def test_a_person_agrees_or_says_what_is_wrong(granted: Any) -> None:
    book = granted.book
    assert said(book) == {"leaving": None, "welcome": None}
    grants.confirm_grants(book, UID, UID)
    assert said(book) == {"leaving": True, "welcome": True}
    (told,) = grants.confirm_grants(book, UID, UID, "leaving", "已不任此职")
    assert (told["agrees"], told["remark"]) == (False, "已不任此职")
    assert grants.count_grants(book) == [
        {"system_code": "leaving", "grants": 1, "confirmed": 0, "disputed": 1},
        {"system_code": "welcome", "grants": 1, "confirmed": 1, "disputed": 0},
    ]
    with pytest.raises(psycopg.errors.RaiseException):
        book.execute("update ops.grant_confirmation set agrees = true")


def test_a_word_from_before_the_permission_began_is_not_about_it(granted: Any) -> None:
    grants.confirm_grants(granted.book, UID, UID)
    granted.book.execute("update hub.role_grant set valid_from = '2099-01-01' where system_code = 'welcome'")
    assert said(granted.book) == {"leaving": True, "welcome": None}


@pytest.mark.parametrize(
    ("uid", "system", "wrong", "code"),
    [
        ("S0009", None, None, "HUB874"),
        (UID, "hr", None, "HUB874"),
        (UID, None, "错", "HUB875"),
        (UID, "welcome", " ", "HUB875"),
    ],
)
def test_what_says_nothing_is_refused(granted: Any, uid: str, system: str | None, wrong: str | None, code: str) -> None:
    with pytest.raises(Denied, match=code):
        grants.confirm_grants(granted.book, uid, UID, system, wrong)
    assert granted.book.rows("select 1 as found from ops.grant_confirmation") == []
