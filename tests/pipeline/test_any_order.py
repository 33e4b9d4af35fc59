"""Whatever departments, receivers, technicians and accidents do, in whatever order, the hub is never silently wrong.

A state machine drives the small university: rows are edited, damaged, emptied and mended, columns renamed, the source is
down, its clock is wrong, files are handed in, changes are looked for by day, nights are killed or come days late, receivers are
altered by others and restored from old copies, versions rolled back, brakes released.
After every step an oracle of its own (plain SQL on the department's, the hub's and the receivers' databases, nothing of the
product's comparisons) checks what must hold always; at the end everything is mended and must come right.

Every run has fresh seeds; a failure prints its steps and its seed. `HUB_TEST_SEED=n` runs a seed again.
"""

from __future__ import annotations

import os
import random
from datetime import date, timedelta
from typing import Any, ClassVar

import pytest
from handed_in import HandedIn
from hypothesis import HealthCheck, Phase, note, seed
from hypothesis import settings as effort
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from signing import signed_in
from test_crash import killed_at
from university_oracle import Oracle

from contracts.catalog import load_catalog
from core.errors import HubError
from desk import brake_release as release
from desk.brake_release import approve_rollback, request_rollback
from pipeline.context import resume_run
from runs.nightly import close_run, open_run, verify_edge
from runs.refresh import refresh_system

SEED = int(os.environ.get("HUB_TEST_SEED") or random.SystemRandom().randrange(1, 2**31))
FIRST = date(2026, 9, 7)
SOMEBODY = st.integers(1, 40).map(lambda number: f"T{number:04d}")
FEW = st.lists(SOMEBODY, min_size=1, max_size=4, unique=True)

DAMAGES = {
    "name lost": "update jzg set xm = null, gxsj = clock_timestamp() where gh = %s",
    "sex unknown": "update jzg set xb = 'X', gxsj = clock_timestamp() where gh = %s",
    "no such day": "update jzg set lxrq = '20260231', gxsj = clock_timestamp() where gh = %s",
    "no such unit": "update jzg set dwh = 'U77', gxsj = clock_timestamp() where gh = %s",
    "twice": "insert into jzg select gh, '同号', xb, lxrq, gz, dwh, clock_timestamp() from jzg where gh = %s",
    "key lost": "update jzg set gh = null, gxsj = clock_timestamp() where gh = %s",
    "key mistyped": "update jzg set gh = '2.0' || right(gh, 2) || 'E+11', gxsj = clock_timestamp() where gh = %s",
}
CLOCKS = {
    "ahead": "clock_timestamp() + interval '400 days'",
    "behind": "clock_timestamp() - interval '400 days'",
    "stopped": "timestamp '2026-09-01 08:00'",
    "lost": "null",
}
"""What the department writes as the moment of a change while its clock is wrong."""
ACCIDENTS = {
    "renamed column": ("alter table jzg rename column xb to xingbie", "alter table jzg rename column xingbie to xb"),
    "table away": ("alter table jzg rename to jzg_bak", "alter table jzg_bak rename to jzg"),
    "units away": ("alter table dw rename to dw_bak", "alter table dw_bak rename to dw"),
}


class AnyOrder(RuleBasedStateMachine):
    """One university through one sequence of events. `lab` is the fixture, set before the machine runs."""

    lab: ClassVar[Any]
    handed: ClassVar[HandedIn]
    patch: ClassVar[pytest.MonkeyPatch]

    def __init__(self) -> None:
        super().__init__()
        self.day, self.names, self.accident, self.down = 0, 0, "", False
        self.problems: list[str] = []
        self.altered: set[str] = set()
        self.copy: dict[str, list[tuple[Any, ...]]] | None = None

    @initialize()
    def first_night(self) -> None:
        self.patch.setenv("AIRFLOW_CONN_SRC_HR", self.lab.source)
        self.lab.reset()
        self.handed.reset()
        for person in ("zhang", "li"):
            signed_in(person)
        self.oracle = Oracle(self.lab)
        self.oracle.look()
        assert self.handed.hand_in({"T0001": 1}, FIRST, insist=True) == "taken"
        self.tonight()
        assert self.problems == []

    # what departments do

    @precondition(lambda self: not self.accident)
    @rule(people=FEW)
    def rename(self, people: list[str]) -> None:
        self.names += 1
        self.lab.department(
            "update jzg set xm = %s, gxsj = clock_timestamp() where gh = any(%s)", [f"改名{self.names}", people]
        )
        self.oracle.look()

    @precondition(lambda self: not self.accident)
    @rule(people=FEW, clock=st.sampled_from(sorted(CLOCKS)))
    def rename_by_a_wrong_clock(self, people: list[str], clock: str) -> None:
        self.names += 1
        self.lab.department(f"update jzg set xm = %s, gxsj = {CLOCKS[clock]} where gh = any(%s)", [f"改名{self.names}", people])
        self.oracle.look()

    @precondition(lambda self: not self.accident)
    @rule(people=FEW, damage=st.sampled_from(sorted(DAMAGES)))
    def damage(self, people: list[str], damage: str) -> None:
        for person in people:
            self.lab.department(DAMAGES[damage], [person])
            self.oracle.damaged(person)
        self.oracle.look()

    @precondition(lambda self: not self.accident)
    @rule(people=FEW)
    def leave(self, people: list[str]) -> None:
        self.lab.department("delete from jzg where gh = any(%s)", [people])

    @precondition(lambda self: not self.accident)
    @rule(last=st.sampled_from(["T0000", "T0012", "T0030"]))
    def lose_many(self, last: str) -> None:
        self.lab.department("delete from jzg where gh > %s", [last])

    @precondition(lambda self: not self.accident)
    @rule()
    def mend_all(self) -> None:
        self.mend_source()

    @precondition(lambda self: not self.accident)
    @rule(accident=st.sampled_from(sorted(ACCIDENTS)))
    def have_accident(self, accident: str) -> None:
        self.lab.department(ACCIDENTS[accident][0])
        self.accident = accident

    @precondition(lambda self: self.accident)
    @rule()
    def undo_accident(self) -> None:
        self.lab.department(ACCIDENTS[self.accident][1])
        self.accident = ""

    @rule(people=FEW, amount=st.integers(1, 9), later=st.booleans(), insist=st.booleans(), unreadable=st.booleans())
    def hand_in(self, people: list[str], amount: int, later: bool, insist: bool, unreadable: bool) -> None:
        as_of = self.date() + timedelta(days=int(later))
        state = self.handed.hand_in(dict.fromkeys(people, amount), as_of, insist=insist, unreadable=unreadable)
        note(f"handed in: {state}")
        assert state != "taken" or insist or not unreadable

    @rule()
    def go_down_or_up(self) -> None:
        self.down = not self.down
        self.patch.setenv("AIRFLOW_CONN_SRC_HR", "postgresql://nobody@127.0.0.1:1/none" if self.down else self.lab.source)
        self.lab.forget()

    # what the hub does

    @rule(days=st.sampled_from([0, 1, 1, 1, 5]))
    def run_night(self, days: int) -> None:
        self.tonight(days)

    @rule()
    def look_for_changes(self) -> None:
        self.lab.forget()
        before = self.oracle.before_night()
        found = refresh_system("hr", self.date(), self.lab.ledger)
        note(f"refresh: {found.changed}, {[error.code for error in found.problems]}")
        self.oracle.after_night(before)

    @rule(point=st.integers(0, 60))
    def kill_night(self, point: int) -> None:
        self.lab.forget()
        killed_at(self.lab, point, self.day + 1)
        self.tonight()

    # what technicians do

    @precondition(lambda self: self.oracle.version() > 1)
    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        target = data.draw(st.integers(1, self.oracle.version() - 1))
        run = open_run("rollback", self.date(), [f"v{target}"])
        try:
            request_rollback(self.lab.ledger, load_catalog(), target, "zhang", "误改")
            approve_rollback(resume_run(run), target, "li")
        except HubError as error:
            note(error.line())
        finally:
            close_run(run)
        assert self.oracle.rows_at(self.oracle.version()) == self.oracle.rows_at(target)
        self.oracle.rolled_back()

    @rule()
    def release_all(self) -> None:
        self.release()

    # what befalls receivers

    @rule(person=SOMEBODY, other=SOMEBODY)
    def exchange_names(self, person: str, other: str) -> None:
        self.altered.add("E01")
        self.lab.in_academic(
            "update hub_staff h set name = o.name from hub_staff o where (h.staff_no, o.staff_no) in ((%s, %s), (%s, %s))",
            [person, other, other, person],
        )

    @rule(person=SOMEBODY)
    def lose_row(self, person: str) -> None:
        self.altered.add("E01")
        self.lab.in_academic("delete from hub_staff where staff_no = %s", [person])

    @rule()
    def restore_backup(self) -> None:
        if self.copy is None:
            self.copy = self.lab.library_rows()
        else:
            self.altered.add("E05")
            self.lab.library_restore(self.copy)

    # what must hold always

    @invariant()
    def holds(self) -> None:
        if self.day:
            self.oracle.check()
            self.handed.check()
            for edge in {"E01", "E05"} - self.altered:
                assert self.oracle.received(edge) == self.oracle.wanted(self.lab.accepted()[edge]), edge

    @rule()
    def verify(self) -> None:
        """`hub verify` says equal exactly when the receiver's own rows are those of the accepted version."""
        for edge in ("E01", "E05"):
            right = self.oracle.received(edge) == self.oracle.wanted(self.lab.accepted()[edge])
            assert [row["equal"] for row in verify_edge(edge, self.date())] == [right], edge

    def teardown(self) -> None:
        """Everything is mended: then the hub is its source, and the receivers are the hub."""
        if not self.day:
            return
        if self.accident:
            self.undo_accident()
        if self.down:
            self.go_down_or_up()
        self.mend_source()
        assert self.handed.hand_in(dict(self.handed.taken[-1]), self.date() + timedelta(days=1), insist=True) == "taken"
        self.verify()  # what others did to a receiver is found when it is looked at, and put right by the next night
        for _ in range(5):
            self.tonight()
            self.release()
        assert self.problems == []
        assert self.lab.held() == set()
        assert self.oracle.hub() == self.oracle.source()
        assert self.handed.hub() == self.handed.taken[-1]
        wanted = self.oracle.wanted(self.oracle.version())
        assert self.oracle.received("E01") == wanted
        assert self.oracle.received("E05") == wanted
        self.oracle.no_name_in_ledger()

    # helpers

    def date(self) -> date:
        return FIRST + timedelta(days=self.day - 1)

    def tonight(self, days: int = 1) -> None:
        self.lab.forget()
        before = self.oracle.before_night()
        self.day += days
        outcome = self.lab.night(self.day)
        self.problems = [error.code for error in outcome.problems]
        note(f"night {self.day}: version {outcome.version}, {self.problems}")
        self.oracle.after_night(before)
        if not self.problems and not self.lab.held() and not self.oracle.unsettled(self.lab.ledger):
            assert self.oracle.hub() == self.oracle.source()

    def release(self) -> None:
        for row in self.lab.ledger.rows("select brake_id from ops.brake where state in ('tripped', 'requested')"):
            release.request_release(self.lab.ledger, row["brake_id"], "zhang", "核实")
            release.approve_release(self.lab.ledger, row["brake_id"], "li", self.date() + timedelta(days=1), self.date())

    def mend_source(self) -> None:
        self.lab.populate()
        self.lab.department("update jzg set gxsj = clock_timestamp()")
        self.oracle.mended()


def test_the_hub_is_never_silently_wrong_in_any_order(university: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_WORKERS", "1")
    monkeypatch.setenv("HUB_AUDITED", "0")
    print(f"HUB_TEST_SEED={SEED}")
    AnyOrder.lab, AnyOrder.patch = university, monkeypatch
    AnyOrder.handed = HandedIn(university, university.var.parent / "uploads", monkeypatch)
    run_state_machine_as_test(
        seed(SEED)(AnyOrder),
        settings=effort(
            max_examples=int(os.environ.get("HUB_TEST_EXAMPLES", "8")),
            stateful_step_count=10,
            deadline=None,
            database=None,
            print_blob=False,
            phases=[Phase.generate, Phase.shrink] if os.environ.get("HUB_TEST_SHRINK") else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
