"""An error at any statement and at any file that a night writes: one coded line, and the next try comes right.

A first pass counts the points, then one night a point is disturbed there: a dozen a run, others each time. The errors are real
ones: the server ends the session that is about to send its n-th statement, and the system refuses to make a file, or to let
it grow.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import random
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from test_crash import Snapshot, result, second_day

from core.errors import HubError

WENT, CODED, BARE = 0, 3, 9
"""How a disturbed night ended: with an outcome, with a coded error, or with an exception of another kind."""


def disturbed(university: Any, disturb: Callable[[], contextlib.AbstractContextManager[object]]) -> int:
    """Run the second night in a process of its own, disturbed; how it ended."""
    child = os.fork()
    if child == 0:
        end = BARE
        try:
            with disturb():
                end = CODED if university.night(2).problems else WENT
        except HubError:
            end = CODED
        except BaseException as error:  # told to the parent by the code, and to the reader by its last line
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(end)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@contextlib.contextmanager
def statements(visit: Callable[[Any], None]) -> Iterator[None]:
    """Call `visit` with the connection before every statement of psycopg."""
    kept = psycopg.Cursor.execute

    def execute(self: Any, *args: Any, **kwargs: Any) -> Any:
        visit(self.connection)
        return kept(self, *args, **kwargs)

    psycopg.Cursor.execute = execute  # type: ignore[method-assign]
    try:
        yield
    finally:
        psycopg.Cursor.execute = kept  # type: ignore[method-assign]


def end_session_at(university: Any, point: int) -> Callable[[], contextlib.AbstractContextManager[object]]:
    """The server ends the session that is about to send the `point`-th statement."""
    seen = iter(range(1_000_000))

    def visit(connection: Any) -> None:
        if next(seen) != point:
            return
        pid = connection.info.backend_pid
        with psycopg.connect(university.hub_url, autocommit=True) as other:
            ended = other.pgconn.exec_(b"select pg_terminate_backend(%d, 5000)" % pid)
        if ended.get_value(0, 0) != b"t":  # past every boundary of the night: the test itself is wrong
            os.write(2, ended.error_message)
            os._exit(BARE)

    return lambda: statements(visit)


@contextlib.contextmanager
def opening(folder: Path, visit: Callable[[], None]) -> Iterator[None]:
    """Call `visit` whenever Python is about to open a file below `folder` for writing, for the rest of this process."""

    def hear(event: str, facts: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(facts[0], str) and facts[0].startswith(str(folder)) and facts[2] & os.O_ACCMODE:
            visit()

    sys.addaudithook(hear)
    yield


def no_room_at(folder: Path, point: int) -> contextlib.AbstractContextManager[None]:
    """The `point`-th file is not made, as on a full disk."""
    seen = iter(range(1_000_000))

    def visit() -> None:
        if next(seen) == point:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return opening(folder, visit)


@contextlib.contextmanager
def no_file_over(size: int) -> Iterator[None]:
    """No file of this process grows over `size` bytes: the system refuses the write, whoever writes it."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    yield


@pytest.fixture
def second_night(university: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Snapshot, dict[str, Any]]:
    """Everybody before the second night, to go back to; and what all are after an undisturbed one."""
    monkeypatch.setenv("HUB_WORKERS", "1")
    monkeypatch.setenv("HUB_AUDITED", "0")
    university.forget()
    university.night(1)
    second_day(university)
    kept = Snapshot(university, tmp_path)
    assert university.night(2).problems == []
    right = result(university)
    return kept, right


def tried(count: int) -> range:
    """The points of a run: a dozen spread over all, others in every run, or all of them with `HUB_TEST_EVERY=1`."""
    assert count > 3
    if os.environ.get("HUB_TEST_EVERY") == "1":
        return range(count)
    step = max(count // 12, 1)
    first = random.SystemRandom().randrange(step)
    print(f"points {first}, {first + step}, ... of {count}; HUB_TEST_EVERY=1 tries all")
    return range(first, count, step)


def comes_right(university: Any, right: dict[str, Any], where: str) -> None:
    university.forget()
    outcome = university.night(2)
    assert outcome.problems == [], where
    assert result(university) == right, where


def points(
    university: Any, folder: Path, counting: Callable[[Callable[[], None]], contextlib.AbstractContextManager[object]]
) -> range:
    """The points to be tried, of as many as `counting` visits in an undisturbed night."""
    count = folder / "count"

    @contextlib.contextmanager
    def counted() -> Iterator[None]:
        seen: list[int] = []
        with counting(lambda: seen.append(1)):
            yield
        count.write_text(str(len(seen)), "utf-8")

    assert disturbed(university, counted) == WENT
    return tried(int(count.read_text("utf-8")))


def test_a_session_that_the_server_ends_at_any_statement(
    university: Any, second_night: tuple[Snapshot, dict[str, Any]], tmp_path: Path
) -> None:
    kept, right = second_night
    kept.restore()
    for point in points(university, tmp_path, lambda visit: statements(lambda _: visit())):
        kept.restore()
        assert disturbed(university, end_session_at(university, point)) in (WENT, CODED), f"statement {point}"
        comes_right(university, right, f"statement {point}")


def test_a_file_that_cannot_be_made(university: Any, second_night: tuple[Snapshot, dict[str, Any]], tmp_path: Path) -> None:
    kept, right = second_night
    kept.restore()
    for point in points(university, tmp_path, lambda visit: opening(university.var, visit)):
        kept.restore()
        assert disturbed(university, functools.partial(no_room_at, university.var, point)) in (WENT, CODED), f"file {point}"
        comes_right(university, right, f"file {point}")


@pytest.mark.parametrize("size", [0, 500, 4_096, 20_000])
def test_a_disk_without_room_for_a_file(university: Any, second_night: tuple[Snapshot, dict[str, Any]], size: int) -> None:
    kept, right = second_night
    kept.restore()
    assert disturbed(university, lambda: no_file_over(size)) in (WENT, CODED)
    comes_right(university, right, f"{size} bytes")
