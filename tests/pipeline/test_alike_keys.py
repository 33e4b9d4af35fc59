"""Two numbers that are one to a receiver: it overwrites neither with the other, and people are told which they are."""

from __future__ import annotations

from typing import Any

from contracts.catalog import load_catalog
from reporting import action_items


def test_a_receiver_that_folds_capitals_is_told_of_by_key(university: Any) -> None:
    university.night(1)
    with university._library() as db, db.cursor() as cursor:
        cursor.execute(
            "alter table hub_staff modify staff_no varchar(20) character set utf8mb4 collate utf8mb4_general_ci not null"
        )
    before = university.in_library("select * from hub_staff where staff_no = 'T0001'")
    university.hire(("t0001", "李小写", "女", "U2"), ("T0099", "王新", "男", "U1"))
    university.night(2)
    assert {"t0001", "T0001", "T0099"} <= {row[0] for row in university.hub()}
    assert university.in_library("select * from hub_staff where staff_no = 'T0001'") == before
    assert university.in_library("select count(*) from hub_staff") == [(41,)]
    [point] = [one for one in action_items.list_action_items(university.ledger, load_catalog()) if one["kind"] == "turned_away"]
    assert '"t0001"' in action_items.format_action_item(point, "zh")
    assert "李小写" not in action_items.format_action_item(point, "zh")
    assert {"t0001", "T0001"} <= {row[0] for row in university.received()}  # one that keeps them apart gets both
    university.department("update jzg set gh = 'T0100' where gh = 't0001'")
    university.night(3)
    assert [
        one for one in action_items.list_action_items(university.ledger, load_catalog()) if one["kind"] == "turned_away"
    ] == []
    assert university.in_library("select count(*) from hub_staff") == [(42,)]
