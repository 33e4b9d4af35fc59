"""The rehearsal's servers start once, outlive a killed starter, and end when told to."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import ldap3
import psycopg
import pymysql
import pytest

from campus.servers import processes
from core.store import postgres
from core.store.address import parse_url


def _mariadb_answer(url: str) -> object:
    where = parse_url("rehearsal", url)
    door = where.options["unix_socket"]
    with (
        pymysql.connect(user=where.user, unix_socket=door, database=where.database) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("select database(), @@character_set_server, @@skip_networking")
        return cursor.fetchone()


@pytest.mark.parametrize("name", ["short", "long" * 30])
def test_mariadb_starts_once_and_ends(mariadb_server: str, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    url = processes.start_mariadb(folder)
    try:
        assert url is not None
        assert processes.start_mariadb(folder) == url
        database = processes.create_mariadb_database(url, "hr")
        assert _mariadb_answer(database) == ("hr", "utf8mb4", 1)
    finally:
        processes.stop_server(folder)
    door = Path(parse_url("rehearsal", database).options["unix_socket"])
    assert not processes._is_answering(door)
    assert not door.exists()
    processes.stop_server(folder)


def test_a_mariadb_that_starts_leaves_the_temporary_tables_of_another_alone(mariadb_server: str, tmp_path: Path) -> None:
    where = parse_url("rehearsal", processes.create_mariadb_database(mariadb_server, "mysql"))
    with pymysql.connect(user=where.user, unix_socket=where.options["unix_socket"], database=where.database) as connection:
        with connection.cursor() as cursor:
            cursor.execute("create temporary table kept (k int) engine = aria")
            cursor.execute("insert into kept values (1)")
        processes.start_mariadb(tmp_path / "other")
        processes.stop_server(tmp_path / "other")
        with connection.cursor() as cursor:
            cursor.execute("flush tables")
            cursor.execute("alter table kept add column v int")
            cursor.execute("select count(*) from kept")
            assert cursor.fetchall() == ((1,),)
            cursor.execute("drop temporary table kept")
            assert cursor.execute("show warnings") == 0


def test_mariadb_outlives_a_killed_starter(mariadb_server: str, tmp_path: Path) -> None:
    folder = tmp_path / "db"
    code = "import sys; from pathlib import Path; from campus.servers.processes import start_mariadb;"
    code += " print(start_mariadb(Path(sys.argv[1])), flush=True)"
    pipes = {"stdout": subprocess.PIPE, "stdin": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code + "; input()", str(folder)], text=True, **pipes) as starter:
        assert starter.stdout is not None
        url = starter.stdout.readline().strip()
        starter.send_signal(signal.SIGKILL)
    try:
        database = processes.create_mariadb_database(url, "hr")
        assert processes.start_mariadb(folder) == url
        assert _mariadb_answer(database) == ("hr", "utf8mb4", 1)
    finally:
        processes.stop_server(folder)
    assert not processes._is_answering(Path(parse_url("rehearsal", database).options["unix_socket"]))


def test_mariadb_comes_back_after_a_crash_with_a_stranger_in_the_pid_file(mariadb_server: str, tmp_path: Path) -> None:
    folder = tmp_path / "db"
    try:
        url = processes.start_mariadb(folder)
        assert url is not None
        processes.create_mariadb_database(url, "hr")
        os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
        processes._children[folder].wait()
        (folder / "pid").write_text(str(os.getpid()))
        processes.stop_server(folder)
        assert processes.start_mariadb(folder) == url
        assert _mariadb_answer(processes.create_mariadb_database(url, "hr")) == ("hr", "utf8mb4", 1)
    finally:
        processes.stop_server(folder)


def test_postgresql_starts_once_and_ends(tmp_path: Path) -> None:
    folder = tmp_path / "db"
    url = processes.start_postgres(folder)
    assert processes.start_postgres(folder) == url
    database = postgres.ensure_database(url, "hr")
    psycopg.connect(database).close()
    processes.stop_server(folder)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database)
    assert processes.start_postgres(folder) == url
    psycopg.connect(database).close()
    processes.stop_server(folder)
    processes.stop_server(folder)


def asks(code: str, *words: object) -> str:
    """What another user of this machine hears: the error of `code`, run as `nobody`."""
    program = f"import os, pymysql, socket, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n{code}"
    command = [sys.executable, "-c", program, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


@pytest.mark.parametrize("name", ["short", "long" * 30])
def test_nobody_else_gets_into_mariadb(mariadb_server: str, server_room: Path, name: str) -> None:
    folder = server_room / "closed" / name
    before = os.umask(0)
    try:
        folder.mkdir(parents=True, mode=0o755)
        url = processes.create_mariadb_database(processes.start_mariadb(folder) or "", "hr")
        where = parse_url("rehearsal", url)
        door = Path(where.options["unix_socket"])
        assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(door.parent.stat().st_mode) == 0o700
        if os.geteuid() == 0:
            assert "PermissionError" in asks("socket.socket(socket.AF_UNIX).connect(sys.argv[1])", door)
            for opened in {folder, door.parent}:  # the folder is not all that stands before the data
                opened.chmod(0o711)
            connect = "pymysql.connect(user='root', unix_socket=sys.argv[1])"
            assert "Access denied" in asks(connect, door)
            assert "Permission denied" in asks("open(sys.argv[1])", folder / "data" / "hr" / "db.opt")
            assert _mariadb_answer(url) == ("hr", "utf8mb4", 1)
    finally:
        os.umask(before)
        processes.stop_server(folder)


def test_nobody_else_reads_the_files_of_a_sql_server(server_room: Path) -> None:
    folder = server_room / "sqlserver_closed"
    before = os.umask(0)
    try:
        processes.start_sqlserver(folder)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        if os.geteuid() == 0:
            assert "PermissionError" in asks("open(sys.argv[1])", folder / "port")
    finally:
        os.umask(before)
        processes.stop_server(folder)


def test_a_directory_tells_nothing_without_its_password(directory_server: str, server_room: Path) -> None:
    where = parse_url("directory", directory_server)
    server = ldap3.Server(where.host, where.port, get_info=ldap3.NONE)
    base = "dc=campus,dc=test"
    with ldap3.Connection(server, where.user, where.password) as known:
        assert known.search(base, "(objectClass=*)")
        assert len(known.entries) >= 2
    with ldap3.Connection(server) as stranger:
        stranger.search(base, "(objectClass=*)")
        assert stranger.entries == []
    assert stat.S_IMODE((server_room / "directory").stat().st_mode) == 0o700
