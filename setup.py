"""Packaging: the rooms are top-level packages, and `hub` is the command. Pinned versions live in `requirements/`."""

from setuptools import setup

setup(
    name="campus-hub",
    version="0.1.0",
    description="The public database of a university: takes, checks, keeps and delivers every department's data.",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=["core", "schemas", "extractors", "loaders", "quality", "pipeline", "dags", "campus"],
    entry_points={
        "console_scripts": ["hub = pipeline.cli:main"],
        "airflow.plugins": ["campus_hub = dags.timetables:CampusPlugin"],
    },
)
