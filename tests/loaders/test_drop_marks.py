"""Drops are marked in columns that the receiver acts on, and that it may change."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
from receivers import edge
from test_table_targets import Receiver, receiver

from loaders.base import ApplyResult
from loaders.tables.control_totals import compare_totals, compute_totals, expect_receipt
from onboarding.target_conformance import build_person

__all__ = ["receiver"]


@pytest.mark.parametrize(
    ("drop", "gone", "back"),
    [("inactive", "is_active = '0'", "is_active = '1'"), ("end_date", "ended_on = '2026-09-01'", "ended_on = null")],
)
def test_marks_of_drops_that_the_receiver_changed_are_seen_and_mended(
    receiver: Receiver, tmp_path: Path, drop: str, gone: str, back: str
) -> None:
    here = edge(receiver.url, tmp_path, drop=drop)
    here.send([build_person(1), build_person(2), build_person(3)])
    assert here.apply(here.prepared([], deletes=[build_person(3)])) == ApplyResult(0, 1)
    should = compute_totals(here.prepared([build_person(1), build_person(2)]).upserts, here.feed)
    table, number, target = receiver.q(here.feed.physical), receiver.q("GH"), here.target()
    for marked, who in ((gone, "000001"), (back, "000003")):
        assert target.read_totals(here.feed) == should
        receiver.ask(f"update {table} set {marked} where {number} = '{who}'")
        assert compare_totals(asdict(should), target.read_totals(here.feed))
        here.send([build_person(1), build_person(2)], mode="full")
    assert target.read_totals(here.feed) == should
    target.close()


def test_a_receiver_that_marks_what_is_sent_as_dropped_gives_no_receipt(receiver: Receiver, tmp_path: Path) -> None:
    here = edge(receiver.url, tmp_path, drop="inactive")
    here.send([build_person(1)])
    delivery = here.prepared([build_person(2)])
    applied = here.apply(delivery)
    receiver.ask(f"update {receiver.q(here.feed.physical)} set is_active = '0' where {receiver.q('GH')} = '000002'")
    target = here.target()
    assert compare_totals(asdict(expect_receipt(delivery, applied)), target.read_receipt(delivery))
    target.close()
