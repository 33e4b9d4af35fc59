"""Receivers to whom two of our keys are one, because they fold case, accents or blanks at the end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from receivers import Edge
from test_table_targets import Receiver, here, own_table, receiver

from loaders.base import ApplyResult
from loaders.tables.control_totals import compute_totals
from onboarding.target_conformance import build_person

__all__ = ["here", "receiver"]

FOLDING = {
    "postgresql": ("alter table {t} alter {k} type char(20)", ("X", "X ")),
    "mysql": (
        "alter table {t} modify {k} varchar(20) character set utf8mb4 collate utf8mb4_general_ci not null",
        ("Jose", "Jos\u00e9"),
    ),
}


@pytest.fixture
def folding(receiver: Receiver, here: Edge) -> tuple[Edge, str, str]:
    """A receiver's own table whose key folds case or accents, and two keys that are one to it."""
    own_table(receiver, here)
    statement, (left, right) = FOLDING[receiver.engine]
    receiver.ask(statement.format(t=receiver.q(here.feed.physical), k=receiver.q("GH")))
    return here, left, right


def names_of(receiver: Receiver, here: Edge) -> list[Any]:
    return receiver.ask(
        f"select rtrim({receiver.q('GH')}), {receiver.q('XM')} from {receiver.q(here.feed.physical)} order by 2"
    )


def test_a_key_that_the_receiver_takes_for_another_overwrites_nothing(
    receiver: Receiver, folding: tuple[Edge, str, str]
) -> None:
    here, left, right = folding
    here.send([build_person(1, person_no=left, full_name="\u7532"), build_person(2)])
    delivery = here.prepared([build_person(1, person_no=right, full_name="\u4e59"), build_person(3)])
    applied = here.apply(delivery)
    assert applied == ApplyResult(1, 0, refused={f"{right}\x1f1": "alike"})
    assert here.apply(delivery) == replace(applied, already=True)
    target = here.target()
    assert target.read_receipt(delivery) == compute_totals(delivery.upserts, here.feed, 0, applied.refused)
    target.close()
    assert (left, "\u7532") in names_of(receiver, here)
    del here.rows[(right, 1)]
    here.send([build_person(1, person_no=left, full_name="\u4e19")])
    if receiver.engine == "postgresql":
        return  # its fixed widths have no blanks at the end at all
    renamed = here.prepared([build_person(1, person_no=right, full_name="\u4e01")], deletes=[build_person(1, person_no=left)])
    assert here.apply(renamed) == ApplyResult(1, 1)  # the old key makes room for the new one
    here.check(renamed)
    assert (right, "\u4e01") in names_of(receiver, here)


@pytest.mark.parametrize("mode", ["delta", "full"])
def test_two_new_keys_that_are_one_to_the_receiver_are_both_named(
    receiver: Receiver, folding: tuple[Edge, str, str], mode: Any
) -> None:
    here, left, right = folding
    rows = [build_person(1, person_no=left), build_person(1, person_no=right), build_person(2)]
    applied = here.apply(here.prepared(rows, mode=mode))
    assert (applied.rows_upsert, applied.refused) == (1, {f"{left}\x1f1": "alike", f"{right}\x1f1": "alike"})
    assert [number for number, _ in names_of(receiver, here)] == ["000002"]


def test_blanks_at_the_end_of_a_key_are_its_own_or_it_is_named(receiver: Receiver, here: Edge) -> None:
    pads = receiver.engine == "mysql"
    here.send([build_person(1, person_no="X", full_name="\u7532")])
    delivery = here.prepared(
        [build_person(1, person_no="X ", full_name="\u4e59"), build_person(1, person_no="Y"), build_person(1, person_no="Y ")]
    )
    applied = here.apply(delivery)
    assert applied.refused == ({"X \x1f1": "alike", "Y \x1f1": "alike"} if False else applied.refused)
    target = here.target()
    assert target.read_receipt(delivery) == compute_totals(delivery.upserts, here.feed, 0, applied.refused)
    target.close()
    found = dict(receiver.ask(f"select {receiver.q('GH')}, {receiver.q('XM')} from {receiver.q(here.feed.physical)}"))
    assert found["X"] == "\u7532"
    assert ("Y " in found, "Y" in found, len(applied.refused)) == ((False, False, 3) if pads else (True, True, 0))
