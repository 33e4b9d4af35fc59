"""The books behind the fee table: bills with lines, accounts with funds, write-offs, collections, what was voided.

Everything follows from the payments of `generate_money`: a payment comes into a fund of the student's account, a write-off
takes it out of the fund and puts it on the lines of the bill. So the identities of the books (FE-1 to FE-14) hold by
construction, to the fen. The account model began with this school year; older debts came over as lines of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from campus.generate.money import (
    ITEMS,
    LAST_PAYMENT,
    SINGLE,
    THRICE,
    TWICE,
    UNPAID,
    Matrix,
    build_payments,
    compute_due,
    compute_earlier_debts,
    compute_relief,
    is_owing,
)
from campus.simulate.arrays import Bools, Frame, Ints, take_rows
from campus.simulate.world import INTAKE, World, date_of, epoch_day, is_present, make_generator

BANK, CASH, SCHOLARSHIP, ONLINE = 1, 3, 4, 5
"""Types of fund, as in HUB/FUND_TYPE."""
PAID, WRITTEN, DEPOSIT, REFUND, CANCELLED = 1, 2, 3, 4, 5
"""Kinds of fund change, as in HUB/FUND_CHANGE_KIND."""
MISTAKE, CORRECTION, DOUBLED, SLIP = 5, 6, 7, 8
"""Numbers, in the place of a payment's, of a row entered twice and posted, of its cancellation, of one voided before posting,
and of one that the cashier enters after hours and voids the next morning."""
TIERS = 6
BILLED_ON = epoch_day(date(2026, 8, 20))
CLOSED_ON = epoch_day(date(2026, 7, 20))
_DEPOSITED_ON, _REFUNDED_ON = epoch_day(date(2026, 8, 25)), epoch_day(date(2026, 9, 2))
_BATCH_WRITTEN_ON = epoch_day(date(2026, 9, 6))
_DEPOSIT, _REFUND = 80_000, 30_000


@dataclass(frozen=True)
class CollectionBatch:
    """A bank collection: simulated days on which it is sent, is to be back and comes back (not positive: before day 1)."""

    number: int
    sent: int
    due: int
    returned: int

    def locks_bills(self, day: int) -> bool:
        return self.sent <= day < self.returned


BATCHES = (CollectionBatch(2026082001, -17, 0, 0), CollectionBatch(2026091001, 4, 7, 6))
"""The first went to the bank before term; the second is of those who still owe, in the first week."""


def build_standards() -> Frame:
    """The grid of standards: what each kind of student (first year, bachelor, domestic, room) owes beside tuition."""
    grid = np.arange(8 * TIERS)
    kinds, tier = grid // TIERS, grid % TIERS
    students = {
        "entry": INTAKE - 1 + kinds // 4,
        "level": np.where(kinds // 2 % 2 == 1, 3, 1),
        "foreign": 1 - kinds % 2,
        "boarding": np.where(tier > 0, 2, 1),
        "house": tier - 1,
        "tuition": np.zeros(len(grid), np.int64),
    }
    items = compute_due(students, INTAKE)
    return {"standard": grid, "kind": kinds, "tier": tier} | {f"item{k}": items[:, k] for k in range(ITEMS)}


def find_standards(students: Frame) -> Ints:
    """Each student's row in `standards`."""
    kinds = (students["entry"] == INTAKE) * 4 + (students["level"] >= 3) * 2 + (students["foreign"] == 0)
    return np.asarray(kinds * TIERS + np.where(students["boarding"] == 2, students["house"] % 5 + 1, 0))


def find_billed(world: World) -> Ints:
    """The students with a bill this year, by row."""
    return np.flatnonzero(is_present(world.students, world.day) & (world.students["billed"] == 1))


def build_bill_lines(world: World) -> Frame:
    """This year's lines: student, item (index), prior (1: debt of an earlier year), fen receivable, relief and received."""
    rows = find_billed(world)
    students = take_rows(world.students, rows)
    items = compute_due(students, INTAKE)
    waived, paid = compute_relief(students, items), _sum_by_item(build_current_payments(world), rows)
    prior = compute_earlier_debts(students)
    at, item = np.nonzero(items)
    before, old = np.nonzero(prior)
    none = np.zeros(len(before), np.int64)
    return {
        "student": np.concatenate([rows[at], rows[before]]),
        "item": np.concatenate([item, old]),
        "prior": np.concatenate([np.zeros(len(at), np.int64), none + 1]),
        "receivable": np.concatenate([items[at, item], prior[before, old]]),
        "relief": np.concatenate([waived[at, item], none]),
        "received": np.concatenate([paid[at, item], none]),
    }


def build_bills(world: World) -> Frame:
    """This year's bills: student, fen receivable, relief and received over the lines, standard, batch that locks (0 none)."""
    rows, lines = find_billed(world), build_bill_lines(world)
    place = np.searchsorted(rows, lines["student"])
    sums = {name: np.bincount(place, lines[name], len(rows)).astype(np.int64) for name in ("receivable", "relief", "received")}
    students = take_rows(world.students, rows)
    locked = np.zeros(len(rows), np.int64)
    for position, batch in enumerate(BATCHES, 1):
        if batch.locks_bills(world.day):
            locked[students["sent"] == position] = position
    return {"student": rows, "standard": find_standards(students), "locked": locked} | sums


def build_current_payments(world: World) -> Frame:
    """The posted payments of this year, with `fen` and the `fund` and `batch` (0 none) that they came by."""
    paid = build_payments(world)
    paid = take_rows(paid, paid["year"] == INTAKE)
    students = take_rows(world.students, paid["student"])
    first = _is_by_first(students, paid["student"]) & (paid["turn"] == 1)
    batch = np.where(first, 1, np.where(_is_by_second(students) & (paid["turn"] == LAST_PAYMENT), 2, 0))
    fund = np.where(batch > 0, BANK, np.where(_is_not_cash(paid["student"]), ONLINE, CASH))
    fen = np.sum([paid[f"item{k}"] for k in range(ITEMS)], axis=0)
    return paid | {"fen": fen, "fund": fund, "batch": batch}


def build_write_offs(world: World) -> tuple[Frame, Frame]:
    """Write-offs (student, turn, fund, fen, day) and their lines (head: index of the write-off, item, fen).

    What was paid before term is written off in one batch a student (turn 0), everything later at once.
    """
    paid = build_current_payments(world)
    early = (paid["on"] <= _BATCH_WRITTEN_ON) & (paid["turn"] != LAST_PAYMENT)
    group = paid["student"] * 10 + np.where(early, 0, paid["turn"])
    groups, first, place = np.unique(group, return_index=True, return_inverse=True)
    items = np.stack([np.bincount(place, paid[f"item{k}"], len(groups)) for k in range(ITEMS)], axis=1).astype(np.int64)
    turn = groups % 10
    heads = {
        "student": groups // 10,
        "turn": turn,
        "fund": paid["fund"][first],
        "fen": items.sum(axis=1),
        "on": np.where(turn == 0, _BATCH_WRITTEN_ON, paid["posted"][first]),
    }
    head, item = np.nonzero(items)
    return heads, {"head": head, "item": item, "fen": items[head, item]}


def build_fund_changes(world: World) -> Frame:
    """Every movement: student, kind, turn of the document, fund, batch (0 none), fen (negative: out), day."""
    paid, (heads, _), mistakes = build_current_payments(world), build_write_offs(world), build_mistakes(world)
    savers, back = _find_depositors(world)
    mistakes |= {"fund": np.where(_is_not_cash(mistakes["student"]), ONLINE, CASH), "turn": mistakes["student"] * 0 + MISTAKE}
    parts = [
        _build_movements(PAID, paid | {"on": paid["posted"]}),
        _build_movements(WRITTEN, heads | {"fen": -heads["fen"]}),
        _build_movements(DEPOSIT, _build_deposits(savers, _DEPOSIT, _DEPOSITED_ON)),
        _build_movements(REFUND, _build_deposits(back, -_REFUND, _REFUNDED_ON)),
        _build_movements(PAID, mistakes),
        _build_movements(CANCELLED, mistakes | {"fen": -mistakes["fen"]}),
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def build_funds(world: World) -> Frame:
    """The funds that ever moved: student, fund, fen."""
    moved = build_fund_changes(world)
    keys, place = np.unique(moved["student"] * 10 + moved["fund"], return_inverse=True)
    return {"student": keys // 10, "fund": keys % 10, "fen": np.bincount(place, moved["fen"], len(keys)).astype(np.int64)}


def build_accounts(world: World) -> Frame:
    """One account for everybody with a bill or a movement: student, fen."""
    held = build_funds(world)
    rows = np.union1d(find_billed(world), held["student"])
    place = np.searchsorted(rows, held["student"])
    return {"student": rows, "fen": np.bincount(place, held["fen"], len(rows)).astype(np.int64)}


def build_collections(world: World) -> Frame:
    """The lines of the batches sent so far: batch (position from 1), student, fen sent, answered (0 or 1), fen collected."""
    parts: list[Frame] = [dict.fromkeys(("batch", "student", "sent", "answered", "fen"), np.empty(0, np.int64))]
    for position, batch in enumerate(BATCHES, 1):
        sent = _is_asked(world.students, position) & is_present(world.students, world.day) & (batch.sent <= world.day)
        parts.append(_build_collected(world, np.flatnonzero(sent), position, batch))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def build_mistakes(world: World) -> Frame:
    """Payments entered twice so far, posted, and cancelled that afternoon: student, day, and items in fen (tuition only)."""
    numbers = make_generator(world.seed, 100)
    rows = np.flatnonzero(numbers.random(len(world.students["plan"])) < 0.01)
    rows = rows[_has_paid(world.students)[rows]]
    on = BILLED_ON + 1 + world.students["paid_after"][rows]
    rows, on = rows[on <= epoch_day(date_of(world.day))], on[on <= epoch_day(date_of(world.day))]
    return {"student": rows, "on": on, "fen": world.students["tuition"][rows]}


def draw_slips(world: World, day: int) -> Frame:
    """What cashiers enter by mistake after hours of a day: student, day, fen. Nobody is chosen twice."""
    students = world.students
    possible = make_generator(world.seed, 101).permutation(np.flatnonzero(_has_paid(students)))
    count = 1 + len(possible) // 20_000
    places = np.arange(count) + (day - 1) * count
    rows = possible[places[places < len(possible)] % len(possible)]  # a small university runs out of people
    return {"student": rows, "on": np.full(len(rows), epoch_day(date_of(day))), "fen": students["tuition"][rows]}


def draw_voided_payments(world: World) -> Frame:
    """Payments of the weeks before term that were voided before posting: student, day, fen."""
    numbers = make_generator(world.seed, 102)
    rows = np.flatnonzero(numbers.random(len(world.students["plan"])) < 0.01)
    rows = rows[_has_paid(world.students)[rows]]
    rows = rows[BILLED_ON + 1 + world.students["paid_after"][rows] <= epoch_day(date_of(world.day))]
    return {"student": rows, "on": BILLED_ON + 1 + world.students["paid_after"][rows], "fen": world.students["tuition"][rows]}


def build_pending(world: World) -> Frame:
    """Who has paid after hours today, to be posted tomorrow: student, day, items in fen."""
    pending_on = world.students["pending"]
    rows = np.flatnonzero((pending_on == world.day) & (pending_on > 0))  # 0 is nobody's day, not that before day 1
    students = take_rows(world.students, rows)
    items = (
        compute_due(students, INTAKE)
        - compute_relief(students, compute_due(students, INTAKE))
        - _sum_by_item(build_current_payments(world), rows)
    )
    return {"student": rows, "on": np.full(len(rows), epoch_day(date_of(world.day))), "fen": items.sum(axis=1)} | {
        f"item{k}": items[:, k] for k in range(ITEMS)
    }


def exchange_batches(world: World) -> None:
    """Send the batch of the day to the bank, or take its answer: half of those asked pay all that they owe."""
    students = world.students
    for position, batch in enumerate(BATCHES, 1):
        if batch.sent == world.day:
            asked = is_owing(students) & (students["from_day"] < world.day) & is_present(students, world.day)
            students["sent"][np.flatnonzero(asked & (students["house"] % 4 == 0) & (_is_not_cash(np.arange(len(asked)))))] = (
                position
            )
        if batch.returned == world.day:
            students["settled"][_is_by_second(students)] = world.day


def is_with_bank(world: World) -> Bools:
    """Whose bill is locked on the world's day, so that nothing else may be written off it."""
    locked = [position for position, batch in enumerate(BATCHES, 1) if batch.locks_bills(world.day)]
    return np.isin(world.students["sent"], locked) if locked else np.zeros(len(world.students["sent"]), np.bool_)


def _has_paid(students: Frame) -> Bools:
    """Who has paid something of this year's fees by the beginning of term, under number 1."""
    at_once = np.isin(students["plan"], [SINGLE, TWICE, THRICE])
    return np.asarray(at_once & (students["from_day"] == 1) & (students["billed"] == 1))


def _is_not_cash(rows: Ints) -> Bools:
    """A tenth of the students pays at the counter."""
    return np.asarray(rows % 10 > 0)


def _is_by_first(students: Frame, rows: Ints) -> Bools:
    """Who paid by the first collection."""
    plan = (students["plan"] == SINGLE) & (students["house"] % 2 == 0)
    return np.asarray(plan & (students["from_day"] == 1) & _is_not_cash(rows))


def _is_by_second(students: Frame) -> Bools:
    return np.asarray((students["sent"] == 2) & (students["house"] % 8 == 0))


def _is_asked(students: Frame, position: int) -> Bools:
    if position > 1:
        return np.asarray(students["sent"] == position)
    failed = (students["plan"] == UNPAID) & (students["house"] % 2 == 0) & (students["from_day"] == 1)
    everybody = np.arange(len(failed))
    return np.asarray((_is_by_first(students, everybody) | failed & _is_not_cash(everybody)) & (students["billed"] == 1))


def _build_collected(world: World, rows: Ints, position: int, batch: CollectionBatch) -> Frame:
    students = take_rows(world.students, rows)
    items = compute_due(students, INTAKE)
    payable = items - compute_relief(students, items)
    paid = build_current_payments(world)
    by_batch = _sum_by_item(take_rows(paid, paid["batch"] == position), rows).sum(axis=1)
    if position > 1:  # what had been paid before the batch was sent is not asked for again
        before = _sum_by_item(take_rows(paid, paid["turn"] != LAST_PAYMENT), rows)
        payable = payable - before
    answered = np.where(by_batch > 0, 1, int(batch.returned <= world.day))  # the bank answers for what it has drawn
    sent = payable.sum(axis=1)
    return {"batch": np.full(len(rows), position), "student": rows, "sent": sent, "answered": answered, "fen": by_batch}


def _find_depositors(world: World) -> tuple[Ints, Ints]:
    """Who has a scholarship in the account, and who of them has taken some of it out."""
    students = world.students
    savers = np.flatnonzero((students["house"] % 40 == 0) & (students["from_day"] == 1) & (students["billed"] == 1))
    return savers, savers[students["house"][savers] % 120 == 0]


def _build_deposits(students: Ints, fen: int, on: int) -> Frame:
    none = students * 0
    return {"student": students, "turn": none, "fund": none + SCHOLARSHIP, "fen": none + fen, "on": none + on}


def _build_movements(kind: int, rows: Frame) -> Frame:
    """Movements of one kind; those of no batch have none."""
    none = rows["student"] * 0
    columns = {name: rows[name] for name in ("student", "turn", "fund", "fen", "on")}
    return {"kind": none + kind, "batch": rows.get("batch", none)} | columns


def _sum_by_item(paid: Frame, rows: Ints) -> Matrix:
    """What payments brought to each of the students in `rows` (ascending), by item."""
    mine = take_rows(paid, np.isin(paid["student"], rows))
    place = np.searchsorted(rows, mine["student"])
    return np.stack([np.bincount(place, mine[f"item{k}"], len(rows)) for k in range(ITEMS)], axis=1).astype(np.int64)
