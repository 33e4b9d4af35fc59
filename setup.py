"""Packaging: the rooms are top-level packages, and `hub` is the command. Pinned versions live in `requirements/`."""

from setuptools import find_packages, setup

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

setup(
    name="campus-hub",
    version="0.1.0",
    description="The public database of a university: takes, checks, keeps and delivers every department's data.",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=[f"{room}{rest}" for room in ROOMS for rest in ("", ".*")]),
    entry_points={
        "console_scripts": ["hub = cli.main:main"],
        "airflow.plugins": ["campus_hub = dags.timetables:CampusPlugin"],
    },
)
