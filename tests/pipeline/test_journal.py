"""The journal: what was decided, handed in, delivered and published cannot be changed afterwards without being named."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from cli.main import app
from desk import brake_release
from pipeline import journal

UPLOAD = (
    "insert into ops.upload (dataset, as_of, file_name, sha256, bytes, rows, faulty, state, given_by, given_at)"
    " values ('finance.payroll', '2026-09-08', 'a.xlsx', 'f00', 1, 2, 0, 'taken', '周会计', now())"
)


@pytest.fixture
def book(university: Any) -> Any:
    """A ledger with deliveries, a version, an upload, and a brake that two persons have released."""
    university.night(1)
    book = university.ledger
    book.execute(UPLOAD)
    book.execute(
        "insert into ops.brake (run_id, subject, reason_code, proposed, content_hash, state, tripped_on)"
        " values ('night-20260907-01', 'staff', 'HUB501', %s, 'h', 'tripped', '2026-09-07')",
        [Jsonb({"systems": "hr", "before": 40})],
    )
    brake_release.request_release(book, 1, "甲", "手误")
    brake_release.request_release(book, 1, "甲", "人事处已核对")
    brake_release.approve_release(book, 1, "乙", date(2026, 9, 9), date(2026, 9, 8))
    return book


def test_what_was_done_in_order_is_whole(book: Any) -> None:
    found = journal.validate_chain(book)
    assert found["broken"] is None
    assert found["records"] > 8
    brake = book.single("select requested_at, approved_at from ops.brake")
    assert brake["requested_at"] <= brake["approved_at"]
    shown = CliRunner().invoke(app, ["versions"], env={"COLUMNS": "80"}).stdout
    assert all(word in "".join(shown.split()) for word in ("甲", "乙", "人事处已核对"))


@pytest.mark.parametrize(
    ("change", "kind", "fact"),
    [
        ("update ops.brake set approved_by = '丙'", "brake", "approved_by"),
        ("update ops.brake set reason = '别的'", "brake", "reason"),
        ("update ops.upload set sha256 = 'bad'", "upload", "sha256"),
        ("update ops.upload set given_by = '丁'", "upload", "given_by"),
        ("update ops.delivery set rows_upsert = 1 where edge = 'E01'", "delivery", "rows_upsert"),
        ("update ops.delivery set accepted_at = accepted_at - interval '1 day' where edge = 'E05'", "delivery", "accepted_at"),
        ("update ops.version set rows_in = 7", "version", "rows_in"),
        ("delete from ops.upload", "upload", "row"),
    ],
)
@pytest.mark.parametrize("hidden", [False, True], ids=["as_the_hub", "with_triggers_off"])
def test_a_change_afterwards_is_named(book: Any, change: str, kind: str, fact: str, hidden: bool) -> None:
    off = f"alter table ops.{kind} disable trigger user; " if hidden else ""
    book.execute(off + change)
    broken = journal.validate_chain(book)["broken"]
    assert (broken["kind"], broken["fact"]) == (kind, fact)
    found = CliRunner().invoke(app, ["verify", "--chain"])
    assert found.exit_code != 0


def test_an_entry_of_the_journal_cannot_be_changed_and_a_forced_change_is_named(book: Any) -> None:
    with pytest.raises(Exception, match="append-only"):
        book.execute("update ops.journal set facts = '{}' where entry_id = 2")
    book.execute("alter table ops.journal disable trigger user; update ops.journal set subject = 'x' where entry_id = 2")
    assert journal.validate_chain(book)["broken"]["record"] == 2
    book.execute("delete from ops.journal where entry_id = 3")
    assert journal.validate_chain(book)["broken"]["fact"] == "mark"


def test_nothing_recorded_is_not_whole(university: Any) -> None:
    shown = CliRunner().invoke(app, ["verify", "--chain"]).stdout
    assert "无从说完整" in shown
