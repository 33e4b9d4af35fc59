"""What a receiver holds is compared by content: rewritten rows are found, named, not signed, and made right again."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from cli.main import app
from core.errors import Denied
from runs.nightly import verify_edge

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
    assert found["faults"]["missing"] == found["faults"]["extra"] == 0 < found["faults"]["different"]
    assert all(sample["unequal"] and sample["ours"] and sample["theirs"] for sample in found["samples"])
    with pytest.raises(Denied, match="HUB708"):
        verify_edge("E01", TODAY, "核查员")
    assert university.ledger.rows("select 1 from ops.signoff") == []
    university.night(2)
    assert university.received() == before
    assert verify_edge("E01", TODAY, "核查员")[0]["equal"]


def test_the_rows_of_both_sides_are_shown_and_what_differs_is_named_by_key(university: Any, sign_in: Any) -> None:
    university.night(1)
    [good] = verify_edge("E01", TODAY)
    assert good["keys"] == [] and [sample["unequal"] for sample in good["samples"]] == [[]] * 5
    assert all(sample["ours"] == sample["theirs"] for sample in good["samples"])
    receiver(university, "update hub_staff set name = '木改' where staff_no = 'T0003'")
    receiver(university, "delete from hub_staff where staff_no = 'T0005'")
    [found] = verify_edge("E01", TODAY)
    assert found["faults"] == {"missing": 1, "extra": 0, "different": 1}
    assert found["keys"] == ["异 T0003", "缺 T0005"]
    changed, gone = found["samples"]
    assert (changed["key"], changed["ours"]["姓名"], changed["theirs"]["姓名"]) == ("T0003", "张*", "木*")
    assert changed["unequal"] == ["姓名"] and gone["theirs"] == {}
    sign_in("核查员")
    shown = CliRunner().invoke(app, ["verify", "E01"], env={"COLUMNS": "80"}).output
    assert "T0003" in shown and "T0005" in shown and "木*" in shown


@pytest.mark.parametrize("edge", ["E05", "E06"])
def test_every_kind_of_receiver_shows_its_rows(university: Any, edge: str) -> None:
    university.night(1)
    [found] = verify_edge(edge, TODAY)
    assert len(found["samples"]) == 5
    assert all(sample["ours"] == sample["theirs"] for sample in found["samples"])


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


@pytest.mark.parametrize("edge", ["E01", "E05"])
def test_a_receiver_that_lost_its_books_is_taken_over_again(university: Any, edge: str, sign_in: Any) -> None:
    university.night(1)
    before = {"E01": university.received, "E05": lambda: university.library_rows()["hub_staff"]}[edge]
    kept = university.library_rows()
    university.department("delete from jzg where gh = 'T0007'")
    university.department("update jzg set xm = '李改名', gxsj = now() where gh = 'T0002'")
    university.night(2)
    good = before()
    if edge == "E01":
        receiver(university, "delete from _hub_sent")
        receiver(university, "update hub_staff set name = '张旧' where staff_no = 'T0002'")
        receiver(university, "insert into hub_staff select 'T0007', name, joined_on, unit_name from hub_staff limit 1")
        receiver(university, "insert into hub_staff select 'OWN', name, joined_on, unit_name from hub_staff limit 1")
    else:
        university.library_restore(kept | {"_hub_sent": []})
    assert not verify_edge(edge, TODAY)[0]["equal"]
    sign_in("技术员")
    done = CliRunner().invoke(app, ["adopt", edge, "--yes", "--json"])
    assert done.exit_code == 0, done.output
    [found] = json.loads(done.output)
    assert (found["missing"], found["extra"], found["different"]) == (0, 1, 1) and found["taken"] == 40
    assert university.night(3).problems == []
    assert [row[:5] for row in before() if row[0] != "OWN"] == [row[:5] for row in good]
    assert len(before()) == len(good) + (edge == "E01"), "a row of the receiver's own stays"
    assert verify_edge(edge, TODAY, "技术员")[0]["equal"]


def test_nothing_is_taken_over_without_a_yes_or_without_books(university: Any, sign_in: Any) -> None:
    university.night(1)
    sign_in("技术员")
    assert CliRunner().invoke(app, ["adopt", "E01", "--json"]).exception.code == "HUB714"  # type: ignore[union-attr]
    assert CliRunner().invoke(app, ["adopt", "E06", "--yes"]).exception.code == "HUB713"  # type: ignore[union-attr]
