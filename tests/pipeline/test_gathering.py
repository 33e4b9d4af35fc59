"""What an edge brought is confirmed at its receiver: equal, something else, not accepted, or switched off."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg
import pytest

from core.errors import Denied, FeedFailed
from runs.gathering import confirm_edge

DAY = date(2026, 9, 7)


def test_what_arrived_is_confirmed_with_its_rows(university: Any) -> None:
    university.night(1)
    assert confirm_edge("E01", DAY) == {"edge": "E01", "feeds": 1, "rows": 40, "off": 0}


def test_a_receiver_that_holds_something_else_is_told(university: Any) -> None:
    university.night(1)
    with psycopg.connect(university.academic) as connection:
        connection.execute("update hub_staff set name = '别人' where staff_no = 'T0007'")
    with pytest.raises(Denied, match="HUB708"):
        confirm_edge("E01", DAY)


def test_what_was_never_delivered_is_no_confirmation(university: Any) -> None:
    with pytest.raises(Denied, match="HUB707"):
        confirm_edge("E01", DAY)


def test_a_newest_delivery_that_was_not_accepted_is_told(university: Any) -> None:
    university.night(1)
    university.hire(("T0060", "新人", "男", "U1"))
    with psycopg.connect(university.academic) as connection:
        connection.execute("alter table hub_staff add constraint full_house check (staff_no <> 'T0060')")
    assert university.night(2).problems
    with pytest.raises(FeedFailed, match=r"HUB777 E01\.staff_basic"):
        confirm_edge("E01", DAY)


def test_a_switched_off_edge_is_counted_as_off(university: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    university.night(1)
    monkeypatch.setenv("AIRFLOW_CONN_EDGE_E01", "off:用途未写明")
    assert confirm_edge("E01", DAY) == {"edge": "E01", "feeds": 0, "rows": 0, "off": 1}
