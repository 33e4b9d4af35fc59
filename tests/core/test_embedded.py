"""The embedded PostgreSQL: it lives as long as a process that uses it, and is closed to everybody else."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from core.store import embedded

HOLD = """
import sys, time
from pathlib import Path
from core.store import embedded
print(embedded.start_held_server(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""
Holder = Callable[[Path], tuple["subprocess.Popen[str]", str]]


def hold(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """A process that uses the server until its input ends, and the URL that it got."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def processes(folder: Path) -> list[int]:
    """Everything that runs on the folder, the keeper too."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if os.fsencode(folder) in words.split(b"\0") and int(entry.name) != os.getpid() and b"sys.argv" not in words:
            found.append(int(entry.name))
    return found


def gone(folder: Path) -> bool:
    deadline = time.monotonic() + 60
    while processes(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not processes(folder)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_server_ends_with_the_process_that_uses_it(server_room: Path, number: signal.Signals) -> None:
    folder = server_room / f"held-{number.name}"
    process, url = hold(folder)
    with psycopg.connect(url) as link:
        assert link.execute("select 1").fetchone() == (1,)
    assert processes(folder)
    process.send_signal(number)
    process.communicate()
    assert gone(folder)


def test_a_server_lives_for_its_last_user_and_ends_before_he_does(server_room: Path) -> None:
    folder = server_room / "shared"
    first, url = hold(folder)
    second, same = hold(folder)
    assert same == url
    first.communicate()
    with psycopg.connect(url) as link:
        assert link.execute("select 1").fetchone() == (1,)
    embedded.stop_unused_server(folder)
    assert processes(folder)
    second.communicate()
    assert processes(folder) == [] or gone(folder)
    third, _ = hold(folder)
    third.communicate()
    assert gone(folder)


def test_a_server_that_was_killed_is_started_again_beside_a_session_that_works_on(server_room: Path) -> None:
    """PostgreSQL itself refuses to start as long as the killed server's sessions live, and a busy one lives long."""
    folder = server_room / "killed"
    holder, url = hold(folder)
    endless = f"import psycopg; psycopg.connect({url!r}).execute('select sum(a * b) from generate_series(1, 200000) a,"
    endless += " generate_series(1, 200000) b')"
    busy = subprocess.Popen([sys.executable, "-c", endless], stderr=subprocess.DEVNULL)
    try:
        with psycopg.connect(url, autocommit=True) as link:
            while link.execute("select count(*) from pg_stat_activity where query like 'select sum%'").fetchone() == (0,):
                assert busy.poll() is None
        os.kill(int((folder / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
        second, same = hold(folder)
        assert same == url
        with psycopg.connect(url) as link:
            assert link.execute("select 1").fetchone() == (1,)
        second.communicate()
    finally:
        holder.communicate()
        busy.wait()
    assert gone(folder)


def test_a_server_that_lasts_is_stopped_by_its_folder(server_room: Path) -> None:
    folder = server_room / "lasting"
    url = embedded.start_lasting_server(folder)
    try:
        with psycopg.connect(url) as link:
            assert link.execute("select current_user, rolsuper from pg_roles where rolname = current_user").fetchone() == (
                "hub",
                False,
            )
    finally:
        embedded.stop_server(folder)
    assert gone(folder)
    embedded.stop_server(folder)


@pytest.mark.parametrize("length", [10, 140])
def test_nobody_else_gets_in_at_any_length_of_path(server_room: Path, length: int) -> None:
    folder = server_room / ("d" * length) / "postgres"
    url = embedded.start_lasting_server(folder)
    try:
        place = Path((folder / "postmaster.pid").read_text().splitlines()[4])
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert stat.S_IMODE((place / ".s.PGSQL.5432").stat().st_mode) == 0o700
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert "trust" not in (folder / "pg_hba.conf").read_text()
        if os.geteuid() == 0:
            script = f"import os, socket; os.setuid(65534); socket.socket(socket.AF_UNIX).connect('{place}/.s.PGSQL.5432')"
            done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
            assert "PermissionError" in done.stderr
        with psycopg.connect(url) as link:
            assert link.execute("select 1").fetchone() == (1,)
    finally:
        embedded.stop_server(folder)
    assert not place.exists() or place == folder


def test_the_log_of_a_server_shows_no_value(server_room: Path) -> None:
    folder = server_room / "quiet"
    url = embedded.start_lasting_server(folder)
    try:
        with psycopg.connect(embedded.administrator_url(url), autocommit=True) as link:
            link.execute("create table t (k integer primary key)")
            for value in ("'42424242424242'", "'geheim'"):
                with pytest.raises(psycopg.Error):
                    link.execute(f"insert into t values ({value})".encode())
    finally:
        embedded.stop_server(folder)
    said = (folder / "log").read_text()
    assert "geheim" not in said
    assert "42424242" not in said
