"""The documentation is current: its links lead somewhere, its commands exist, and the generated page is up to date."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from typer.main import get_command

from core.messages import load_messages
from core.settings import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_command_and_option_exists(page: Path) -> None:
    from cli.main import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    for name, rest in re.findall(r"(?:`|\.venv/bin/)hub ([a-z]+)\b([^\n`#;]*)", page.read_text("utf-8")):
        assert name in commands, name
        options = {option for parameter in commands[name].params for option in parameter.opts}
        for option in re.findall(r"(?<!\S)--[a-z-]+", rest):
            assert option in options, f"hub {name} {option}"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)`|^make ([a-z]+)", page.read_text("utf-8"))) <= {(name, "") for name in targets} | {
        ("", name) for name in targets
    }


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_error_code_exists(page: Path) -> None:
    codes = {key.split(".")[0] for key in load_messages("zh")}
    assert set(re.findall(r"HUB\d{3}\b", page.read_text("utf-8"))) <= codes


def test_the_page_of_errors_is_current() -> None:
    assert runpy.run_path(str(ROOT / "scripts" / "errors_doc.py"))["page"]() == (ROOT / "docs" / "errors.md").read_text("utf-8")


def test_every_command_is_in_the_readme_or_a_page() -> None:
    from cli.main import app

    said = "\n".join(page.read_text("utf-8") for page in PAGES)
    assert [name for name in get_command(app).commands if f"hub {name}" not in said and f"make {name}" not in said] == []  # type: ignore[attr-defined]
