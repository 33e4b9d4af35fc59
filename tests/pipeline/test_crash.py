"""Killed at any moment, and run again: the hub, the receivers and what they accepted are those of an undisturbed night.

The points are enumerated, not listed: a first pass counts every write to the ledger during a night, and then one night a
point is killed (SIGKILL) just before or just after that write, in a process of its own, and run again.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import quality.check  # noqa: F401 (loaded before the forks, since each would spend seconds on it)
from core.store.ledger import Ledger

NOTHING = re.compile(r"\.(\d+)-\1\.")
"""In the name of a delivery from a version to the same one."""
WRITES = ("begin", "finish", "execute", "close_run")


@contextlib.contextmanager
def counted(visit: Callable[[str], None]) -> Iterator[None]:
    """Call `visit` before and after every write to the ledger."""
    kept = {name: getattr(Ledger, name) for name in WRITES}

    def wrapped(name: str) -> Callable[..., Any]:
        def call(self: Ledger, *args: Any, **kwargs: Any) -> Any:
            visit(f"before {name}")
            result = kept[name](self, *args, **kwargs)
            visit(f"after {name}")
            return result

        return call

    for name in WRITES:
        setattr(Ledger, name, wrapped(name))
    try:
        yield
    finally:
        for name, original in kept.items():
            setattr(Ledger, name, original)


class Snapshot:
    """The state of everybody after the first night and the second day's changes, to go back to before every kill."""

    def __init__(self, university: Any, tmp_path: Path) -> None:
        self.university = university
        self.folder = tmp_path / "snapshot"
        self.databases = {url: f"{url.split('?')[0].rsplit('/', 1)[1]}" for url in (university.hub_url, university.academic)}
        shutil.copytree(university.var, self.folder / "var")
        shutil.copytree(university.research, self.folder / "research")
        self.library = university.library_rows()
        for url, name in self.databases.items():
            self._admin(url, f'create database "{name}_kept" template "{name}"', name)

    def restore(self) -> None:
        self.university.forget()
        for url, name in self.databases.items():
            self._admin(url, f'drop database "{name}" with (force)')
            self._admin(url, f'create database "{name}" template "{name}_kept"')
        for folder, name in ((self.university.var, "var"), (self.university.research, "research")):
            shutil.rmtree(folder)
            shutil.copytree(self.folder / name, folder)
        self.university.library_restore(self.library)

    def _admin(self, url: str, statement: str, busy: str = "") -> None:
        with psycopg.connect(
            url.replace(f"/{url.split('?')[0].rsplit('/', 1)[1]}?", "/postgres?"), autocommit=True
        ) as connection:
            if busy:
                connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [busy])
            connection.execute(statement.encode())


def result(university: Any) -> dict[str, Any]:
    """Everything that must be equal at the end.

    Deliveries that say "nothing changed" are left out: a night killed after its last write is over, and the next sends one.
    """
    moved = "select edge, from_version, to_version, rows_upsert, rows_delete from _hub_delivery where from_version < to_version"
    deliveries = university.source_rows_of(university.academic, f"{moved} order by 1, 2, 3")
    return {
        "hub": university.hub(),
        "units": university.hub("org_unit"),
        "version": university.ledger.version(),
        "accepted": university.accepted(),
        "received": university.received(),
        "library": university.library_rows()["hub_staff"],
        "files": sorted(path.name for path in university.research.glob("*.manifest.json") if not NOTHING.search(path.name)),
        "deliveries": deliveries,
        "held": university.held(),
    }


def second_day(university: Any) -> None:
    university.department("update jzg set xm = '改名', gxsj = now() where gh <= 'T0005'")
    university.department("update jzg set xb = 'X', gxsj = now() where gh = 'T0008'")
    university.department("delete from jzg where gh = 'T0009'")
    university.hire(("T0060", "新人", "男", "U1"))


def killed_at(university: Any, point: int, day: int = 2) -> bool:
    """Run the night in a process that is killed at its `point`-th visit; False when it ended before that."""
    child = os.fork()
    if child == 0:
        seen = iter(range(1_000_000))

        def visit(_: str) -> None:
            if next(seen) == point:
                os.kill(os.getpid(), signal.SIGKILL)

        with counted(visit):
            try:
                university.night(day)
            finally:
                os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_a_night_killed_at_any_write_ends_like_an_undisturbed_one(
    university: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_WORKERS", "1")
    monkeypatch.setenv("HUB_AUDITED", "0")  # it writes nothing that a night needs, and its import costs seconds a kill
    university.forget()
    university.night(1)
    second_day(university)
    kept = Snapshot(university, tmp_path)
    visits: list[str] = []
    with counted(visits.append):
        university.night(2)
    undisturbed = result(university)
    assert len(visits) > 40
    for point in range(len(visits)):
        kept.restore()
        assert killed_at(university, point), visits[point]
        outcome = university.night(2)
        assert outcome.problems == [], (point, visits[point])
        assert result(university) == undisturbed, (point, visits[point])
