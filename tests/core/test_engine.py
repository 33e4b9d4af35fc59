"""The engine's databases: side by side, and alone for work that ran out of memory beside others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date

import duckdb
import pytest

from core.engine import open_engine
from core.errors import MachineFault
from core.process.memory_gate import MemoryCrowded, lock_large_task, wait_until_alone
from core.store.ledger import Ledger, Output, Step, migrate_ledger
from core.store.postgres import ensure_database

SECONDS = 30
"""So long a thread may take that does not wait for ever."""


def exhausted() -> None:
    raise duckdb.OutOfMemoryException("could not allocate a block")


def beside(work: Callable[[], object]) -> None:
    """Do the work while another thread has a database open."""
    opened, done = threading.Event(), threading.Event()

    def other() -> None:
        with open_engine("other"):
            opened.set()
            assert done.wait(SECONDS)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(other)
        assert opened.wait(SECONDS)
        try:
            work()
        finally:
            done.set()
        waiting.result(SECONDS)


def test_memory_that_is_used_up_is_told_and_whether_others_were_there() -> None:
    with pytest.raises(MachineFault) as error, open_engine("t"):
        exhausted()
    assert (error.value.code, error.value.where, type(error.value)) == ("HUB802", "t", MachineFault)

    def crowded() -> None:
        with pytest.raises(MemoryCrowded), open_engine("t"):
            exhausted()

    beside(crowded)


def test_others_that_are_gone_when_memory_is_used_up_have_crowded_it_too() -> None:
    with pytest.raises(MemoryCrowded), open_engine("t"):
        beside(lambda: None)
        exhausted()
    with pytest.raises(MachineFault) as error, open_engine("t"):
        exhausted()
    assert type(error.value) is MachineFault, "what was met before does not count"


def test_who_is_alone_waits_for_others_and_others_wait_for_it() -> None:
    seen: list[str] = []
    entered = threading.Event()

    def lonely() -> None:
        with wait_until_alone(), open_engine("lonely"), open_engine("another of its own"):
            entered.set()
            seen.append("alone")

    def late() -> None:
        assert entered.wait(SECONDS)
        with open_engine("late"):
            seen.append("late")

    with ThreadPoolExecutor(2) as pool:
        waiting: list[Future[None]] = []

        def both() -> None:
            waiting.extend([pool.submit(lonely), pool.submit(late)])
            with open_engine("first"), open_engine("inner"):  # who has one may open more
                assert not entered.wait(0.2)
                seen.append("first")

        with open_engine("first of all"):
            both()
        for one in waiting:
            one.result(SECONDS)
    assert seen == ["first", "alone", "late"]


def test_a_large_task_that_is_done_alone_does_not_wait_for_one_that_waits_for_the_engine() -> None:
    taken, entered = threading.Event(), threading.Event()

    def waits_for_the_engine() -> None:
        with lock_large_task():
            taken.set()
            assert entered.wait(SECONDS)
            with open_engine("large"):
                pass

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(waits_for_the_engine)
        assert taken.wait(SECONDS)
        with wait_until_alone(), lock_large_task(), open_engine("large, alone"):
            entered.set()
            assert not waiting.done()
        waiting.result(SECONDS)


def test_a_step_that_ran_out_of_memory_beside_others_is_done_once_more_alone(postgres_server: str) -> None:
    book = Ledger(migrate_ledger(ensure_database(postgres_server, "turns")))
    run = book.open_run("night", date(2026, 9, 7))
    opened, tries = threading.Event(), list[int]()
    failed = "select state, error_code from ops.step where subject = 'hungry' order by attempt"

    def hungry(step: Step) -> Output:
        with open_engine("hungry"):
            tries.append(step.id)
            if len(tries) == 1:
                exhausted()
        return {"tries": len(tries)}

    def other() -> None:
        with open_engine("other"):
            opened.set()
            deadline = time.monotonic() + SECONDS
            while not any(row["state"] == "failed" for row in book.rows(failed)):
                assert time.monotonic() < deadline
                time.sleep(0.01)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(other)
        assert opened.wait(SECONDS)
        assert book.run_step(run.id, "conform", "hungry", "x", hungry) == {"tries": 2}
        waiting.result(SECONDS)
    assert [(row["state"], row["error_code"]) for row in book.rows(failed)] == [("failed", "HUB802"), ("done", None)]
    book.close()
