"""Private database servers for the rehearsal: real ones, so that what works here works against a department's own.

All kinds keep everything in one folder, start in a session of their own and so outlive the process that started them
(even when it is killed); `stop` ends them. Starting is idempotent. MariaDB is that of the distribution; PostgreSQL is the
embedded one that the hub itself uses; both listen on a unix socket only. SQL Server is `campus.servers.sqlserver`, which speaks
that server's protocol on a port of this machine, to who knows its password. Their folders are closed to other users,
whatever the umask.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import pymysql

from core.errors import MachineFault
from core.settings import ROOT
from core.store import embedded
from core.store import postgres as hub_postgres
from core.store.address import parse_url

_SOCKET_LIMIT = 100
"""Bytes of a socket's path; the system's `sun_path` holds 108 and servers append to it."""
_START_SECONDS = 60
_STOP_SECONDS = 60
_BUFFERS = (
    "--innodb-buffer-pool-size=256M",
    "--innodb-log-file-size=64M",
    "--key-buffer-size=8M",
    "--aria-pagecache-buffer-size=8M",
    "--max-allowed-packet=64M",
)
_REHEARSAL = (
    "--skip-networking",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-use-native-aio=0",  # containers grant few asynchronous slots
    "--character-set-server=utf8mb4",
    "--local-infile=1",
)
_children: dict[Path, subprocess.Popen[bytes]] = {}


def start_postgres(folder: Path) -> str:
    """Start PostgreSQL on `folder` unless it runs there, and return its URL (database `postgres`)."""
    return embedded.start_lasting_server(folder)


def start_mariadb(folder: Path, extra: tuple[str, ...] = ()) -> str | None:
    """Start MariaDB on `folder` unless it runs there, with these options besides ours, and return its URL without a database.

    None when the distribution's packages `mariadb-server` are not installed.

    Raises:
        Fault: HUB806 when the server does not come up; its log is `folder/log`.
    """
    if _find_program("mariadbd") is None or _find_program("mariadb-install-db") is None:
        return None
    folder = _make_private_folder(folder)
    with _lock_folder(folder):
        door = _find_socket(folder)
        if not _is_answering(door):
            _install_mariadb(folder)
            _launch_mariadb(folder, door, extra)
    return f"mysql://root@localhost/?unix_socket={quote(str(door))}"


@functools.cache
def create_mariadb_database(server: str, name: str) -> str:
    """The URL of database `name` on the server of the given URL; the database is made if it is not there."""
    with _connect(parse_url("rehearsal", server).options["unix_socket"]) as connection, connection.cursor() as cursor:
        cursor.execute(f"create database if not exists `{name.replace('`', '``')}` character set utf8mb4")
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


def start_sqlserver(folder: Path) -> str:
    """Start a SQL Server that serves the tables of `folder` unless it runs, and return its URL.

    Raises:
        Fault: HUB806 when the server does not come up; its log is `folder/log`.
    """
    folder = _make_private_folder(folder)
    (folder / "tables").mkdir(exist_ok=True)
    with _lock_folder(folder):
        login = folder / "login.json"
        if not login.is_file():
            with os.fdopen(os.open(login, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                json.dump({"user": "hub", "password": secrets.token_urlsafe(12)}, file)
        if _find_pid(folder) is None:
            _launch_sqlserver(folder)
    who, port = json.loads(login.read_text()), int((folder / "port").read_text())
    name = folder.name.removeprefix("sqlserver_")
    return f"mssql://{who['user']}:{quote(who['password'])}@127.0.0.1:{port}/{name}"


def stop_server(folder: Path) -> None:
    """End the server of any kind that runs on `folder`; nothing happens when none does. The data stay."""
    folder = folder.resolve()
    if (folder / "PG_VERSION").is_file():
        embedded.stop_server(folder)
    elif (folder / "data").is_dir() or (folder / "new").is_dir():
        with _lock_folder(folder):
            _stop_mariadb(folder)
    elif (folder / "tables").is_dir():
        with _lock_folder(folder):
            _end_process(folder)
    create_mariadb_database.cache_clear()
    hub_postgres.start_embedded.cache_clear()
    hub_postgres.ensure_database.cache_clear()


def _install_mariadb(folder: Path) -> None:
    """Make the system tables beside their place and rename, so that a killed start leaves no half of them."""
    if (folder / "data").is_dir():
        return
    shutil.rmtree(folder / "new", ignore_errors=True)
    command = [
        str(_find_program("mariadb-install-db")),
        "--no-defaults",
        f"--datadir={folder / 'new'}",
        _make_tmpdir(folder),
        f"--auth-root-authentication-method={'socket' if os.geteuid() == 0 else 'normal'}",  # the latter behind its folder
        "--skip-test-db",
        "--skip-name-resolve",
        *_root_options(),
    ]
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(  # noqa: S603 - our own words
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        child.wait()
    except BaseException:  # it is a script, and what it started goes too
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise
    if child.returncode:
        raise MachineFault("HUB806", folder.name, log=str(folder / "log"))
    (folder / "new").rename(folder / "data")


def _launch_mariadb(folder: Path, door: Path, extra: tuple[str, ...] = ()) -> None:
    command = [
        str(_find_program("mariadbd")),
        "--no-defaults",
        f"--datadir={folder / 'data'}",
        _make_tmpdir(folder),
        f"--socket={door}",
        f"--pid-file={folder / 'pid'}",
        f"--log-error={folder / 'log'}",
        *_BUFFERS,
        *_REHEARSAL,
        *extra,
        *_root_options(),
    ]
    nowhere = subprocess.DEVNULL
    _children[folder] = child = subprocess.Popen(  # noqa: S603 - our own words
        command, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True, cwd=folder, umask=0o077
    )
    try:
        _await_mariadb(folder, door, child)
    except BaseException:
        child.kill()
        child.wait()
        raise


def _await_mariadb(folder: Path, door: Path, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _is_answering(door):
        # A child that ended may have met the server of a starter killed a moment ago: that one still answers soon.
        if child.poll() is not None:
            deadline = min(deadline, time.monotonic() + 5)
        if time.monotonic() > deadline:
            raise MachineFault("HUB806", folder.name, log=str(folder / "log"))
        time.sleep(0.05)


def _launch_sqlserver(folder: Path) -> None:
    if ended := _children.pop(folder, None):
        ended.wait()
    before = (folder / "port").stat().st_mtime_ns if (folder / "port").is_file() else 0
    with (folder / "log").open("wb") as log:
        _children[folder] = child = subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, "-m", "campus.servers.sqlserver", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=ROOT,
            umask=0o077,
        )
    deadline = time.monotonic() + _START_SECONDS
    while not ((folder / "port").is_file() and (folder / "port").stat().st_mtime_ns > before):
        if child.poll() is not None or time.monotonic() > deadline:
            raise MachineFault("HUB806", folder.name, log=str(folder / "log"))
        time.sleep(0.05)


def _stop_mariadb(folder: Path) -> None:
    if not _end_process(folder):
        return
    if (door := _find_socket(folder)).parent != folder:
        shutil.rmtree(door.parent)
        (folder / "socket").unlink()


def _end_process(folder: Path) -> bool:
    """End the process that serves `folder` and wait for it; False when there is none."""
    pid = _find_pid(folder)
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while _find_pid(folder) == pid:
        if child := _children.get(folder):
            child.poll()
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            break
        time.sleep(0.05)
    if child := _children.pop(folder, None):
        child.wait()
    return True


def find_process(*words: str) -> int | None:
    """The process whose command has all these words, the name of its program being one. A pid file is not asked: it comes
    late, stays when its server dies, and may then name a stranger."""
    wanted = {os.fsencode(word) for word in words}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
            if wanted <= {*command, *(part.rsplit(b"/", 1)[-1] for part in command[:1])}:
                return int(entry.name)
    return None


def _find_pid(folder: Path) -> int | None:
    """The process that serves `folder`, or makes its system tables."""
    if (folder / "tables").is_dir():
        return find_process("campus.servers.sqlserver", str(folder))
    return find_process(f"--datadir={folder / 'data'}") or find_process(f"--datadir={folder / 'new'}")


def _find_socket(folder: Path) -> Path:
    """Where the server listens: in the folder, or in a short temporary folder that the file `socket` remembers."""
    door = folder / "mariadb.sock"
    if len(os.fsencode(door)) <= _SOCKET_LIMIT:
        return door
    note = folder / "socket"
    if not note.is_file() or not Path(note.read_text()).parent.is_dir():
        note.write_text(str(Path(tempfile.mkdtemp(prefix="hub-")) / "mariadb.sock"))
    return Path(note.read_text())


def _is_answering(path: Path) -> bool:
    try:
        _connect(str(path)).close()
    except (OSError, pymysql.MySQLError):
        return False
    return True


def _connect(path: str) -> pymysql.Connection[pymysql.cursors.Cursor]:
    """The socket is opened here: the driver would leave it open when nobody listens."""
    connection = pymysql.connect(user="root", charset="utf8mb4", autocommit=True, defer_connect=True)
    with contextlib.ExitStack() as on_failure:
        opened = on_failure.enter_context(socket.socket(socket.AF_UNIX))
        opened.connect(path)
        connection.connect(opened)
        on_failure.pop_all()
    return connection


def _make_private_folder(folder: Path) -> Path:
    """The folder, made if it is not there, for its owner only."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def _find_program(name: str) -> str | None:
    """Where a server's program is, by PATH alone: what is not in it is not there."""
    return shutil.which(name)


def _make_tmpdir(folder: Path) -> str:
    """A server that starts removes every temporary table that it finds in its tmpdir: in a shared one, those of the others."""
    (folder / "tmp").mkdir(exist_ok=True)
    return f"--tmpdir={folder / 'tmp'}"


def _root_options() -> list[str]:
    """The server refuses to run as root unless told to."""
    return ["--user=root"] if os.geteuid() == 0 else []


@contextlib.contextmanager
def _lock_folder(folder: Path) -> Iterator[None]:
    """Two processes that start or stop the same server do it one after the other."""
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
