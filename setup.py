"""Packaging: the rooms are top-level packages, `hub` is the command, and the product's contracts and SELECTs go along as data.

What is needed and why stands in `requirements/*.in`; pinned versions are in the locks beside them.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
ROOMS = (
    "core",
    "contracts",
    "lint",
    "extractors",
    "loaders",
    "quality",
    "pipeline",
    "onboarding",
    "reporting",
    "desk",
    "runs",
    "cli",
    "dags",
    "campus",
)
DATA = "campus_hub_data"
"""Where `core.settings.get_product_folder` finds `schemas/` and `sql/` when there is no repository."""


def read_requirements(name: str) -> list[str]:
    """The requirements of `requirements/<name>.in`, without their reasons."""
    lines = (HERE / "requirements" / f"{name}.in").read_text("utf-8").splitlines()
    return [line for line in (line.partition("#")[0].strip() for line in lines) if line]


def read_release() -> str:
    """The number in `core/release.py`, which cannot be imported before it is installed."""
    found = re.search(r'^VERSION = "(.+)"$', (HERE / "core" / "release.py").read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError("core/release.py has no VERSION")
    return found[1]


class Build(build_py):
    """The rooms, and beside them the data that stand in the repository's own folders."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for room in ("schemas", "sql"):
                shutil.copytree(HERE / room, Path(self.build_lib) / DATA / room, dirs_exist_ok=True)


setup(
    name="campus-hub",
    version=read_release(),
    description="The public database of a university: takes, checks, keeps and delivers every department's data.",
    long_description=(HERE / "README.en.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=[f"{room}{rest}" for room in ROOMS for rest in ("", ".*")]),
    package_data={
        "core": ["messages/*/*.yaml"],
        "reporting": ["templates/*"],
        "campus": ["servers/*.schema"],
        "dags": [".airflowignore"],
    },
    install_requires=read_requirements("base"),
    extras_require={
        "airflow": read_requirements("airflow"),
        "demo": [*read_requirements("demo"), *read_requirements("mssql")],
        "mssql": read_requirements("mssql"),
        "oracle": read_requirements("oracle"),
    },
    entry_points={
        "console_scripts": ["hub = cli.main:main"],
        "airflow.plugins": ["campus_hub = dags.timetables:CampusPlugin"],
    },
    cmdclass={"build_py": Build},
)
