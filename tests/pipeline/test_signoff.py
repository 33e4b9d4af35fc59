"""The technician's check: what is shown, what is signed, the chain of marks, and what stays unchecked."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from cli.main import app
from contracts.catalog import load_catalog
from core.errors import ContractError, Denied
from core.store.ledger import Ledger
from pipeline.delivery import signoff
from runs import signoff_batch
from runs.nightly import verify_edge

TODAY = date(2026, 9, 7)


def test_a_technician_sees_counts_and_masked_samples_before_signing(university: Any) -> None:
    university.night(1)
    university.hire(("T0041", "欧阳修", "男", "U1"))
    university.department("update jzg set xm = '李白' where gh = 'T0002'")
    university.night(2)
    found = verify_edge("E01", TODAY, "核查员")[0]
    assert {name: found[name] for name in ("sent", "received", "applied", "rejected")} == {
        "sent": 2,
        "received": 2,
        "applied": 2,
        "rejected": 0,
    }
    assert (found["change"], found["change_percent"]) == (1, 2.5)
    names = {row[side]["姓名"] for row in found["samples"] for side in ("ours", "theirs")}
    assert len(found["samples"]) == 5
    assert all(name.endswith("*") for name in names)
    kept = university.ledger.single("select counts from ops.signoff")["counts"]
    assert "samples" not in kept
    assert kept["sent"] == 2


def test_the_chain_shows_a_mark_that_was_changed(university: Any) -> None:
    university.night(1)
    for edge in ("E01", "E05", "E06"):
        verify_edge(edge, TODAY, "核查员")
    book = university.ledger
    assert signoff.validate_chain(book) | {"head": None} == {"marks": 3, "whole": True, "broken": None, "head": None}
    for change in ("update ops.signoff set checked_by = '别人'", "delete from ops.signoff"):
        with pytest.raises(psycopg.errors.RaiseException):
            book.execute(change)
    book.execute("alter table ops.signoff disable trigger append_only")
    book.execute("update ops.signoff set checked_by = '别人' where signoff_id = 2")
    assert signoff.validate_chain(book)["broken"] == 2
    book.execute("delete from ops.signoff where signoff_id = 2")
    assert signoff.validate_chain(book)["broken"] == 3


def test_what_nobody_has_checked_raises_an_alarm_at_noon_of_the_next_working_day(university: Any) -> None:
    friday = datetime(2026, 9, 11, 4, 0, tzinfo=UTC)  # noon in Shanghai
    book: Ledger = university.ledger
    university.night(1)
    book.execute("update ops.delivery set accepted_at = %s", [friday])
    waiting = {row["edge"]: row for row in signoff.list_unsigned(book, load_catalog())}
    assert set(waiting) == {"E01", "E05", "E06"}
    assert waiting["E01"]["due_at"].astimezone(UTC) == datetime(2026, 9, 14, 4, 0, tzinfo=UTC)
    for moment, alarm in ((datetime(2026, 9, 14, 3, 59, tzinfo=UTC), False), (datetime(2026, 9, 14, 4, 1, tzinfo=UTC), True)):
        later = Ledger(book.url, lambda moment=moment: moment)  # type: ignore[misc]
        assert [row["overdue"] for row in signoff.list_unsigned(later, load_catalog())] == [alarm] * 3
        later.close()
    verify_edge("E01", TODAY, "核查员")
    assert {row["edge"] for row in signoff.list_unsigned(book, load_catalog())} == {"E05", "E06"}
    university.night(2)
    assert {row["edge"] for row in signoff.list_unsigned(book, load_catalog())} == {"E05", "E06"}


def test_a_flow_is_signed_in_one_go_after_a_yes(university: Any, sign_in: Any) -> None:
    university.night(1)
    sign_in("核查员")
    book: Ledger = university.ledger
    run = CliRunner()
    for arguments, answer in (([], "n\n"), ([], ""), (["--json"], "y\n")):
        refused = run.invoke(app, ["verify", "--flow", "sjgxlc01", *arguments], input=answer)
        assert isinstance(refused.exception, Denied)
        assert refused.exception.code == "HUB872"
    assert book.rows("select 1 as found from ops.signoff") == []
    shown = run.invoke(app, ["verify", "--flow", "SJGXLC01"], input="y\n")
    assert shown.exit_code == 0, shown.output
    assert "E05.staff_basic" in shown.output
    assert "抽样" in shown.output
    assert "…" not in shown.output  # nothing is cut off, however narrow the terminal
    marks = book.rows("select edge, checked_by, mark from ops.signoff order by edge")
    assert [(row["edge"], row["checked_by"]) for row in marks] == [(edge, "核查员") for edge in ("E01", "E05", "E06")]
    assert len({row["mark"] for row in marks}) == 3
    assert signoff.validate_chain(book)["whole"]
    assert json.loads(run.invoke(app, ["verify", "--flow", "SJGXLC01", "--json"]).stdout) == []


def test_a_night_is_signed_but_for_what_differs(university: Any, sign_in: Any) -> None:
    university.night(1)
    sign_in("核查员")
    with psycopg.connect(university.academic) as connection:
        connection.execute("delete from hub_staff where staff_no = 'T0001'")
    found = CliRunner().invoke(app, ["verify", "--night", "2026-09-07", "--yes", "--json"])
    assert found.exit_code == 1
    assert {row["feed"].split(".")[0] for row in json.loads(found.stdout)} == {"E05", "E06"}
    assert "HUB708 E01" in found.stderr
    assert {row["edge"] for row in signoff.list_unsigned(university.ledger, load_catalog())} == {"E01"}
    other = CliRunner().invoke(app, ["verify", "--night", "2026-09-08", "--yes", "--json"])
    assert (other.exit_code, json.loads(other.stdout)) == (0, [])


def test_a_night_is_asked_flow_by_flow_and_only_what_got_a_yes_is_signed(university: Any, sign_in: Any) -> None:
    contract = university.home / "schemas/feeds/sjgxlc01/e06_hr_research.odcs.yaml"
    moved = university.home / "schemas/feeds/sjgxlc02/e06_hr_research.odcs.yaml"
    moved.parent.mkdir()
    moved.write_text(contract.read_text("utf-8").replace("SJGXLC01", "SJGXLC02"), "utf-8")
    contract.unlink()
    select = university.home / "sql/feeds/sjgxlc01/staff_basic.sql"
    (university.home / "sql/feeds/sjgxlc02").mkdir()
    (university.home / "sql/feeds/sjgxlc02/staff_basic.sql").write_text(select.read_text("utf-8"), "utf-8")
    university.forget()
    university.night(1)
    sign_in("核查员")
    found = CliRunner().invoke(app, ["verify", "--night", "2026-09-07"], input="n\ny\n")
    assert isinstance(found.exception, Denied) and found.exception.where == "SJGXLC01"
    assert found.output.index("SJGXLC01：") < found.output.index("E06.staff_basic") < found.output.index("SJGXLC02：")
    marks = university.ledger.rows("select edge from ops.signoff")
    assert [row["edge"] for row in marks] == ["E06"]


def test_an_unknown_flow_is_named(university: Any) -> None:
    with pytest.raises(ContractError, match=r"HUB104 SJGXLC99.*SJGXLC01"):
        signoff_batch.list_waiting_feeds(university.ledger, load_catalog(), flow="SJGXLC99")
