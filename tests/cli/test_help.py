"""`hub COMMAND --help` teaches: every argument and option is explained, and the examples are ones that the command takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from cli import help
from cli.main import WRONG_USE, _run_app, app
from core.errors import HubError
from core.messages import LANGUAGES, has_message, translate

COMMANDS = typer.main.get_group(app).commands


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_argument_and_option_is_explained(name: str) -> None:
    untold = [one.name for one in COMMANDS[name].params if not getattr(one, "help", None) and one.name != "help"]
    assert untold == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_what_needs_something_typed_has_an_example(name: str) -> None:
    typed = [one for one in COMMANDS[name].params if one.param_type_name == "argument" or one.required]
    assert not typed or all(has_message(f"example.{name}", language) for language in LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", sorted(name for name in COMMANDS if has_message(f"example.{name}")))
def test_an_example_is_taken_by_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, language: str) -> None:
    monkeypatch.chdir(tmp_path)
    for line in translate(f"example.{name}", language).splitlines():
        for bundle in (word for word in shlex.split(line) if word.endswith(".zip")):
            Path(bundle).touch()
        COMMANDS[name].make_context(name, shlex.split(line))


def test_a_page_names_what_must_be_given_and_shows_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    page = CliRunner().invoke(app, ["link", "--help"]).output
    assert "NUMBER" in page and "OTHER" in page
    assert "--reason  （必写）理由" in page
    assert help.list_examples("link")[0] in page
    assert "[选项] NUMBER OTHER" in page


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("link 1 2", "缺少 --reason"),
        ("release", "缺少 BRAKE"),
        ("release x", "不合要求的写法：BRAKE"),
        ("held --nosuch", "没有这个选项：--nosuch"),
        ("nosuch", "没有这个命令：nosuch"),
        ("status a b", "多出了 a b"),
        ("night --as-of x", "不合要求的写法：--as-of"),
        ("oneroster none.zip", "找不到文件：none.zip"),
    ],
)
def test_a_wrong_use_is_told_in_the_language_of_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    monkeypatch.setattr("sys.argv", ["hub", *line.split()])
    assert _run_app() == WRONG_USE
    told = capsys.readouterr().err
    assert told.startswith("HUB893 hub") and said in told and "--help" in told
    assert not re.search(r"Usage|Missing|Invalid|No such|unexpected", told)


@pytest.mark.parametrize("line", ["held --system nosuch", "held --entity nosuch"])
def test_what_does_not_exist_is_named_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    error = HubError("HUB104", "x", kind="flow with feeds", known="SJGXLC01")
    assert error.line("zh") == "HUB104 x: 没有这个有交付的流程。已有：SJGXLC01。"
    assert "no such flow with feeds" in error.line("en")
    monkeypatch.setattr("sys.argv", ["hub", *line.split()])
    assert _run_app() == 1
    assert re.match(r"HUB104 nosuch: 没有这个(系统|实体)。", capsys.readouterr().err)


def test_every_command_stands_in_one_panel() -> None:
    listed = [name for names in help.PANELS.values() for name in names]
    assert sorted(listed) == sorted(COMMANDS)
