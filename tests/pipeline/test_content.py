"""What a receiver holds is compared by content: rewritten rows are found, named, not signed, and made right again."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg
import pytest

from core.errors import Denied
from pipeline.night import verify_edge

TODAY = date(2026, 9, 7)
REWRITE = """
create or replace function rewrite() returns trigger language plpgsql as
'begin new.name := translate(new.name, ''李'', ''木''); return new; end'
"""


def receiver(university: Any, statement: str) -> None:
    """A statement of the receiver's own administrator."""
    with psycopg.connect(university.academic) as connection:
        connection.execute(statement.encode())


@pytest.mark.parametrize(
    "change",
    [
        "update hub_staff set name = case staff_no when 'T0001' then '张' || chr(20002) else '张' || chr(20001) end"
        " where staff_no in ('T0001', 'T0002')",
        "update hub_staff set name = '木' || substr(name, 2) where staff_no = 'T0003'",
        "update hub_staff set unit_name = '单位9'",
    ],
)
def test_changed_content_is_found_and_cannot_be_signed(university: Any, change: str) -> None:
    university.night(1)
    [good] = verify_edge("E01", TODAY)
    assert good["equal"]
    before = university.received()
    receiver(university, change)
    [found] = verify_edge("E01", TODAY)
    assert not found["equal"] and "content" in found["differs"]
    with pytest.raises(Denied, match="HUB708"):
        verify_edge("E01", TODAY, "核查员")
    assert university.ledger.rows("select 1 from ops.signoff") == []
    university.night(2)
    assert university.received() == before
    assert verify_edge("E01", TODAY, "核查员")[0]["equal"]


def test_a_receiver_that_rewrites_names_gives_no_receipt(university: Any) -> None:
    university.night(1)
    receiver(university, REWRITE)
    receiver(university, "create trigger rewrite before insert or update on hub_staff for each row execute function rewrite()")
    university.hire(("T0041", "李改名", "男", "U1"))
    problems = university.night(2).problems
    assert [problem.code for problem in problems] == ["HUB604"]
    assert university.accepted()["E01"] == 1
    receiver(university, "drop trigger rewrite on hub_staff")
    assert university.night(3).problems == []
    assert ("T0041", "李改名") in {row[:2] for row in university.received()}
