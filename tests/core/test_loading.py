"""Libraries loaded beside work that waits."""

from __future__ import annotations

import sys
import threading

import pytest

from core.process.background import load_in_background


def test_what_is_inside_goes_on_while_it_loads_and_both_are_done_at_the_end() -> None:
    begun, may_end, done = threading.Event(), threading.Event(), threading.Event()

    def load() -> None:
        begun.set()
        assert may_end.wait(10)
        done.set()

    with load_in_background(load):
        assert begun.wait(10)
        assert not done.is_set()
        may_end.set()
    assert done.is_set()


def test_python_hands_its_lock_over_sooner_only_while_it_loads() -> None:
    usual, seen = sys.getswitchinterval(), list[float]()
    with load_in_background(lambda: seen.append(sys.getswitchinterval())):
        pass
    assert seen[0] < usual
    assert sys.getswitchinterval() == usual


def test_what_cannot_be_loaded_is_told_where_it_is_needed() -> None:
    usual = sys.getswitchinterval()

    def load() -> None:
        raise ImportError("no such library")

    with load_in_background(load):
        pass
    assert sys.getswitchinterval() == usual


def test_an_error_inside_is_not_kept_back() -> None:
    done = threading.Event()
    with pytest.raises(KeyError), load_in_background(done.set):
        raise KeyError("inside")
    assert done.is_set()
