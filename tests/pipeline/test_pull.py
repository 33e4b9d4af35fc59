"""The second hop: what was delivered is taken as files and applied by hand, and the hub is told."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.csv as pacsv
import pytest

from contracts.catalog import load_catalog
from core.errors import Denied
from core.hashing import hash_file
from core.store.ledger import Ledger
from pipeline.context import resume_run
from pipeline.delivery import manual_apply, signoff
from reporting import action_items
from runs import signoff_batch
from runs.nightly import close_run, open_run, verify_edge

E01 = "schemas/feeds/sjgxlc01/e01_hr_academic.odcs.yaml"


@pytest.fixture
def by_hand(university: Any) -> Any:
    """The small university, whose academic system is applied by hand (SJGXLC02/4)."""
    contract = university.home / E01
    text = contract.read_text("utf-8")
    contract.write_text(
        text.replace("value: delete}\n", "value: delete}\n      - {property: applyMode, value: manual}\n"), "utf-8"
    )
    university.forget()
    return university


def taken(out: Path, since: int | None = None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Pull E01 and return the manifest and the rows."""
    run = open_run("pull", date(2026, 9, 9), ["E01", str(since)])
    manual_apply.take_delivered(resume_run(run), "E01", out, "教务管理员", since)
    close_run(run)
    data = next(out.glob("*.csv"))
    beside = json.loads(data.with_name(f"{data.name}.manifest.json").read_text("utf-8"))
    assert beside["sha256"] == hash_file(data)
    return json.loads((out / manual_apply.MANIFEST).read_text("utf-8")), pacsv.read_csv(data).to_pylist()


def test_a_snapshot_is_what_was_delivered_and_a_delta_what_changed_since(by_hand: Any, tmp_path: Path) -> None:
    by_hand.night(1)
    by_hand.hire(("T0041", "李白", "男", "U1"))
    by_hand.department("delete from jzg where gh = 'T0007'")
    by_hand.night(2)
    manifest, rows = taken(tmp_path / "all")
    assert {row["staff_no"] for row in rows} == {row[0] for row in by_hand.received()}
    assert manifest["taken_by"] == "教务管理员"
    assert manifest["datasets"][0] | {"by": ""} == {
        "feed": "E01.staff_basic",
        "mode": "full",
        "since": None,
        "version": 2,
        "by": "",
        "upserts": 40,
        "deletes": 0,
    }
    _, rows = taken(tmp_path / "delta", 1)
    assert {(row["_op"], row["staff_no"]) for row in rows} == {("U", "T0041"), ("D", "T0007")}
    assert by_hand.ledger.single("select count(*) as n from ops.step where verb = 'pull' and state = 'done'")["n"] == 2


def test_a_receiver_says_what_it_has_applied(by_hand: Any) -> None:
    book = by_hand.ledger
    by_hand.night(1)
    by_hand.hire(("T0041", "李白", "男", "U1"))
    by_hand.night(2)
    refused = manual_apply.acknowledge_version(
        book, load_catalog(), "E01", manual_apply.Acknowledgement(2, "教务管理员", refused=True, reason="工号冲突")
    )
    assert [(row["delivered"], row["applied"], row["state"]) for row in refused] == [(2, 0, "refused")]
    for _ in range(2):
        found = manual_apply.acknowledge_version(
            book, load_catalog(), "E01", manual_apply.Acknowledgement(1, "教务管理员", rows=40)
        )
    assert [(row["delivered"], row["applied"], row["state"], row["days"]) for row in found] == [(2, 1, "applied", 0)]
    assert book.single("select count(*) as n from ops.applied")["n"] == 2
    manual_apply.acknowledge_version(book, load_catalog(), "E01", manual_apply.Acknowledgement(2, "教务管理员"))
    for word, code in (
        (manual_apply.Acknowledgement(3, "教务管理员"), "HUB771"),
        (manual_apply.Acknowledgement(1, "教务管理员"), "HUB771"),
        (manual_apply.Acknowledgement(2, " "), "HUB774"),
        (manual_apply.Acknowledgement(2, "教务管理员", refused=True), "HUB774"),
    ):
        with pytest.raises(Denied, match=code):
            manual_apply.acknowledge_version(book, load_catalog(), "E01", word)
    with pytest.raises(Denied, match=r"HUB772.*E01"):
        manual_apply.acknowledge_version(book, load_catalog(), "E05", manual_apply.Acknowledgement(1, "图书馆"))


def test_what_nobody_applies_for_longer_than_the_contract_allows_is_told(by_hand: Any) -> None:
    by_hand.night(1)
    book = by_hand.ledger
    told = []
    for days in (3, 4):
        later = Ledger(book.url, lambda days=days: book.clock() + timedelta(days=days))  # type: ignore[misc]
        told.append([point for point in action_items.list_action_items(later, load_catalog()) if point["kind"] == "unapplied"])
        later.close()
    assert told[0] == []
    assert [point["feed"] for point in told[1]] == ["E01.staff_basic"]
    assert "E01.staff_basic" in action_items.format_action_item(told[1][0], "zh")
    manual_apply.acknowledge_version(book, load_catalog(), "E01", manual_apply.Acknowledgement(1, "教务管理员", rows=40))
    later = Ledger(book.url, lambda: book.clock() + timedelta(days=9))
    assert [point for point in action_items.list_action_items(later, load_catalog()) if point["kind"] == "unapplied"] == []
    later.close()


def test_where_a_check_comes_first_only_what_is_signed_can_be_taken(by_hand: Any, tmp_path: Path) -> None:
    contract = by_hand.home / E01
    text = contract.read_text("utf-8")
    contract.write_text(
        text.replace("value: manual}", "value: manual}\n      - {property: technicianCheck, value: before}"), "utf-8"
    )
    by_hand.forget()
    book = by_hand.ledger
    by_hand.night(1)
    for refused in (
        lambda: taken(tmp_path / "unsigned"),
        lambda: manual_apply.acknowledge_version(book, load_catalog(), "E01", manual_apply.Acknowledgement(1, "教务管理员")),
    ):
        with pytest.raises(Denied, match="HUB871"):
            refused()
    verify_edge("E01", date(2026, 9, 8), "核查员")
    by_hand.hire(("T0041", "李白", "男", "U1"))
    by_hand.night(2)
    manifest, rows = taken(tmp_path / "signed")
    assert (manifest["datasets"][0]["version"], len(rows)) == (1, 40)
    (standing,) = manual_apply.read_apply_state(book, manual_apply.list_manual_feeds(load_catalog(), "E01"))
    assert (standing["delivered"], standing["usable"], standing["applied"]) == (2, 1, 0)
    with pytest.raises(Denied, match="HUB871"):
        manual_apply.acknowledge_version(book, load_catalog(), "E01", manual_apply.Acknowledgement(2, "教务管理员"))
    manual_apply.acknowledge_version(book, load_catalog(), "E01", manual_apply.Acknowledgement(1, "教务管理员"))
    later = Ledger(book.url, lambda: book.clock() + timedelta(days=9))
    assert [
        row["overdue"] for row in manual_apply.read_apply_state(later, manual_apply.list_manual_feeds(load_catalog(), "E01"))
    ] == [False]  # version 2 waits for a mark
    later.close()
    verify_edge("E01", date(2026, 9, 9), "核查员")
    assert len(taken(tmp_path / "both")[1]) == 41
    by_hand.night(3)  # nothing changed: what brings no rows needs no mark
    assert (
        manual_apply.read_apply_state(book, manual_apply.list_manual_feeds(load_catalog(), "E01"))[0]["usable"]
        == book.version()
    )


def test_a_mark_covers_what_was_looked_at_and_nothing_later(by_hand: Any) -> None:
    by_hand.night(1)
    with signoff_batch.open_verify_run(["E01"], date(2026, 9, 8)) as here:
        (feed,) = signoff_batch.list_waiting_feeds(here.ledger, here.catalog, edge="E01")
        found, _ = signoff_batch.verify_feeds(here, [feed])
        by_hand.hire(("T0041", "李白", "男", "U1"))
        by_hand.night(2)
        signoff_batch.sign_deliveries(here, found, "核查员")
    assert [row["version"] for row in signoff.list_unsigned(by_hand.ledger, load_catalog()) if row["edge"] == "E01"] == [2]
