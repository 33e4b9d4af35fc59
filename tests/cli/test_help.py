"""`hub COMMAND --help` teaches: every argument and option is explained, and the examples are ones that the command takes."""

from __future__ import annotations

import shlex

import pytest
import typer.main
from typer.testing import CliRunner

from core.text import LANGUAGES, known, text
from pipeline import helping
from pipeline.cli import app

COMMANDS = typer.main.get_group(app).commands


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_argument_and_option_is_explained(name: str) -> None:
    untold = [one.name for one in COMMANDS[name].params if not getattr(one, "help", None) and one.name != "help"]
    assert untold == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_what_needs_something_typed_has_an_example(name: str) -> None:
    typed = [one for one in COMMANDS[name].params if one.param_type_name == "argument" or one.required]
    assert not typed or all(known(f"example.{name}", language) for language in LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", sorted(name for name in COMMANDS if known(f"example.{name}")))
def test_an_example_is_taken_by_its_command(name: str, language: str) -> None:
    for line in text(f"example.{name}", language).splitlines():
        COMMANDS[name].make_context(name, shlex.split(line))


def test_a_page_names_what_must_be_given_and_shows_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    page = CliRunner().invoke(app, ["rollback", "--help"]).output
    assert "VERSION  要恢复到的版本号" in page
    assert "--reason       （必写）理由" in page
    assert "--by           操作人" in page
    assert helping.examples("rollback")[0] in page
    assert "[选项] VERSION" in page
