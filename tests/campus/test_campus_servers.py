"""A university's servers outlive the process that built it, are found again by their folders, and end when told."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from campus.servers import built, directory, processes
from core.settings import ROOT
from core.store.address import parse_url
from extractors.base import open_extractor

CUT_OFF = """
import os, pathlib, sys
from campus.apart import RehearsalProcess
university = RehearsalProcess(pathlib.Path(sys.argv[1]), 100, 7, ["campus_card"])
print("built", flush=True)
os._exit(1)
"""

TWO_DAYS = """
import pathlib, sys
from campus.apart import RehearsalProcess
if __name__ == "__main__":
    university = RehearsalProcess(pathlib.Path(sys.argv[1]), 100, 7, ["campus_card"])
    for day in (1, 2):
        university.load(day, {})
    university.close()
"""


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_every_server_of_a_university_is_stopped_and_started_again(server_room: Path, directory_server: str) -> None:
    assert directory_server  # or this test is left out
    university = server_room / "built"
    directory.start_directory(university / "directory")
    address = processes.start_sqlserver(university / "sqlserver_research")
    ports = [int((university / name / "port").read_text()) for name in ("directory", "sqlserver_research")]
    try:
        assert all(map(listens, ports))
        built.stop_servers(university)
        assert not any(map(listens, ports))
        built.start_servers(university)
        assert all(map(listens, ports))
        assert urlsplit(address).port == ports[1]
    finally:
        built.stop_servers(university)


def test_a_directory_starts_though_the_program_lies_elsewhere_now_and_says_why_it_cannot(
    server_room: Path, directory_server: str
) -> None:
    assert directory_server  # or this test is left out
    university = server_room / "moved" / "campus"
    folder = university / "directory"
    university.mkdir(parents=True)
    address = directory.start_directory(folder)
    built.stop_servers(university)
    configuration = folder / "slapd.conf"
    configuration.write_text(configuration.read_text().replace("include ", "include /elsewhere"))
    try:
        assert directory.start_directory(folder) == address
        assert configuration.stat().st_mode & 0o777 == 0o600
        built.stop_servers(university)
        (folder / "data" / "data.mdb").write_bytes(b"no database" * 1000)
        environment = {**os.environ, "HUB_VAR": str(university.parent), "HUB_LANG": "en"}
        command = [sys.executable, "-W", "ignore", "-m", "campus", "start"]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert done.stderr.startswith(
            f"HUB806 directory: The rehearsal database did not start. Read the last lines of {folder}"
        )
        assert "mdb" in (folder / "slapd.log").read_text()
    finally:
        built.stop_servers(university)


@pytest.mark.usefixtures("mariadb_server")
def test_a_university_whose_process_is_gone_ends_without_a_word(server_room: Path) -> None:
    university = server_room / "cut_off"
    university.mkdir()
    university.chmod(0o711)
    environment = {**os.environ, "HUB_VAR": str(university / "var")}
    command = [sys.executable, "-W", "ignore", "-c", CUT_OFF, str(university / "campus")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    try:
        assert (done.returncode, done.stdout, done.stderr) == (1, "built\n", "")
    finally:
        built.stop_servers(university / "campus")


@pytest.mark.usefixtures("mariadb_server")
def test_a_university_that_has_changed_ends_without_a_word(server_room: Path, tmp_path: Path) -> None:
    university, program = server_room / "changed", tmp_path / "days.py"
    university.mkdir()
    university.chmod(0o711)
    program.write_text(TWO_DAYS, "utf-8")
    environment = {**os.environ, "HUB_VAR": str(university / "var"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", str(program), str(university / "campus")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    try:
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    finally:
        built.stop_servers(university / "campus")


@pytest.mark.usefixtures("mariadb_server")
def test_connections_follow_servers_whose_path_is_too_long_to_listen_in(server_room: Path, tmp_path: Path) -> None:
    university = server_room / "数据中心" / "一个相当长的路径名称" / "second_level_of_a_path_that_is_long"
    university.mkdir(parents=True)
    for folder in (university, *university.parents[:2]):
        folder.chmod(0o711)
    stores = [processes.start_postgres(university / "postgres"), processes.start_mariadb(university / "mariadb")]
    stranger = "postgresql://reader@/clinic?host=/srv/postgresql&port=5433"
    connections = tmp_path / "connections.yaml"
    connections.write_text(f"src_hr: {stores[0]}\nsrc_library: '{stores[1]}'\nsrc_clinic: {stranger}\n", "utf-8")
    connections.chmod(0o600)
    try:
        built.stop_servers(university)
        built.start_servers(university, connections)
        found = yaml.safe_load(connections.read_text("utf-8"))
        assert found["src_clinic"] == stranger
        assert connections.stat().st_mode & 0o777 == 0o600
        for code in ("src_hr", "src_library"):
            assert open_extractor(parse_url(code, found[code])).list_tables() is not None
    finally:
        built.stop_servers(university)
