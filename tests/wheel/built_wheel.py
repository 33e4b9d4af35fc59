"""The product as `pip install` leaves it: a wheel built from the sources, in an environment and a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.settings import ROOT

OURS = ("setup.py", "pyproject.toml", "MANIFEST.in", "README.en.md", "requirements", "schemas", "sql")
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Installed:
    """The wheel, the environment's folder of packages, and `hub` as somebody types it in an empty folder of his."""

    wheel: Path
    packages: Path
    home: Path
    python: Path

    def hub(self, *words: str, **more: str) -> Done:
        return self.run(str(self.python.with_name("hub")), *words, **more)

    def run(self, *command: str, **more: str) -> Done:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8", **more}
        return subprocess.run(command, cwd=self.home, env=environment, capture_output=True, text=True, check=False)

    def without(self, *packages: str) -> Callable[[], None]:
        """Have packages be not installed; returns what brings them back."""
        file = self.packages / "zz_without.pth"
        file.write_text(f"import sys; sys.modules.update(dict.fromkeys({list(packages)!r}))\n")
        return file.unlink


def rooms() -> list[str]:
    """The packages of the repository that are installed."""
    return sorted({path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks", "scripts"})


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    room = tmp_path_factory.mktemp("wheel")
    sources = room / "sources"
    sources.mkdir()
    for name in (*OURS, *rooms()):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(ROOT / name, sources / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    command = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(room), str(sources)]
    subprocess.run(command, check=True, capture_output=True, cwd=room)
    [wheel] = room.glob("*.whl")
    shutil.rmtree(sources)
    python = room / "env" / "bin" / "python"
    venv.create(room / "env", with_pip=False)
    subprocess.run([*pip, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)], check=True)
    [packages] = (room / "env" / "lib").glob("python*/site-packages")
    theirs = [path for path in sys.path if Path(path).name == "site-packages"]
    (packages / "zz_dependencies.pth").write_text("\n".join(theirs) + "\n")  # those of the tests, to install none again
    (room / "home").mkdir()
    return Installed(wheel, packages, room / "home", python)
