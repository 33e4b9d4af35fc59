"""One way at a time: what cannot be installed, fails, loses rows or is too large is a figure, and the run goes on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import side_by_side
from benchmarks.cases import Place, Way
from benchmarks.environments import PeerMissing
from benchmarks.summary import Measured
from core.settings import get_settings


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("HUB_VAR", str(tmp_path))
    get_settings.cache_clear()
    yield Place(tmp_path, 1_000, "mysql://root@localhost/bench?unix_socket=/nowhere", "postgresql://nowhere", 0)
    get_settings.cache_clear()


def way(program: str, **more: object) -> Way:
    return Way("copy", "peer", lambda place: [sys.executable, "-c", program], **more)  # type: ignore[arg-type]


def rounds(place: Place, way: Way, number: int = 2) -> list[str | None]:
    measured: Measured = {}
    for _ in range(number):
        side_by_side.run_way(measured, way, place)
    return [run.problem for run in measured["copy", "peer"]]


def test_every_round_of_a_sound_way_counts(place: Place) -> None:
    assert rounds(place, way("pass")) == [None, None]


def test_a_way_that_failed_is_not_run_again(place: Place) -> None:
    assert rounds(place, way("raise SystemExit('column of an unknown type')")) == ["column of an unknown type"]


def test_a_peer_that_is_not_there_is_a_figure(place: Place) -> None:
    def command(_: Place) -> list[str]:
        raise PeerMissing("no wheel for this machine")

    assert rounds(place, Way("copy", "peer", command)) == ["not installed: no wheel for this machine"]


def test_what_does_not_arrive_is_a_failure(place: Place) -> None:
    assert rounds(place, way("pass", proof=lambda place, rows: f"arrived: {rows - 1} rows")) == ["arrived: 999 rows"]


def test_a_way_has_a_largest_size(place: Place) -> None:
    assert rounds(place, way("pass", most=999)) == ["not run above 999 rows"]


def test_fewer_rows_are_said(place: Place) -> None:
    measured: Measured = {}
    side_by_side.run_way(measured, way("pass", first=10), place)
    assert measured["copy", "peer"][0].told == {"rows_done": 10}


def test_only_what_was_asked_for_is_run() -> None:
    asked = side_by_side.is_asked
    assert asked(way(""), [])
    assert asked(way(""), ["copy"])
    assert asked(way(""), ["check", "peer"])
    assert not asked(way(""), ["check"])
    assert asked(side_by_side.HUB_NIGHTS, ["merge"])
