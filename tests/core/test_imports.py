"""Every module of the rooms can be the first that a process imports: no circle waits for somebody else's order."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RULES = configparser.ConfigParser()
RULES.read(ROOT / ".importlinter")
ROOMS = sorted(set(RULES["importlinter"]["root_packages"].split()) - {"dags"})  # Airflow itself imports those
# One process forgets the rooms before each module, which is what a fresh one would start from, in a tenth of the time.
PROGRAM = """
import importlib, sys, warnings
warnings.simplefilter("ignore")
rooms = tuple(sys.argv[1].split(","))
for name in sys.argv[2:]:
    for loaded in [module for module in sys.modules if module.split(".")[0] in rooms]:
        del sys.modules[loaded]
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(name, error)
"""


def test_every_module_can_be_imported_first() -> None:
    paths = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py") if path.stem not in {"__init__", "__main__"})
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]
    assert len(names) > 150
    command = [sys.executable, "-c", PROGRAM, ",".join(ROOMS), *names]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == ""


def test_every_package_of_the_repository_stands_on_a_floor() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks", "scripts"}
    floors = set(re.findall(r"\w+", RULES["importlinter:contract:floors"]["layers"]))
    assert set(RULES["importlinter"]["root_packages"].split()) == packages == floors | {"campus"}
    assert set(RULES["importlinter:contract:acyclic"]["ancestors"].split()) == packages
