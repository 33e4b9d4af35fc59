"""What every command prints: results for people or programs, and errors on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import typer

from core.errors import HubError

NEEDS_A_PERSON = 3
"""Exit status of a command that ran to its end and left something for a person: a source missing, a brake, a refusal. 0 is
all went, 1 nothing could be done (one coded line on standard error), 2 a wrong use of the command."""


def show_result(value: Any, as_json: bool, table: Any = None) -> None:
    """Print a value as JSON, or as what is given for people, else a line a fact."""
    if as_json:
        print(
            json.dumps(
                value,
                ensure_ascii=False,
                indent=1,
                default=lambda item: item.isoformat() if hasattr(item, "isoformat") else str(item),
            )
        )
    else:
        from cli.tables import screen

        print_parts(table or (screen.render_facts(value) if isinstance(value, dict) else value))


def print_parts(*parts: Any) -> None:
    """Print texts and tables for people; no line is wider than the terminal, and none is cut."""
    from rich.console import Console

    from cli.tables.grid import Prose

    console = Console(highlight=False)
    for part in parts:
        console.print(Prose(part) if isinstance(part, str) else part, crop=False)


def print_error(error: HubError, *more: str) -> None:
    """Print an error on standard error, with the names of what its codes stand for, and lines that belong to it. It is wrapped
    as every other text on a terminal, and one line where a file or a program takes it."""
    from rich.console import Console

    from cli.tables.grid import Prose
    from reporting import display_names

    console = Console(stderr=True, highlight=False)
    for line in (display_names.format_error_safely(error), *more):
        if console.is_terminal:
            console.print(Prose(line, hang=2), crop=False)
        else:
            print(line, file=sys.stderr)


def show_part_result(facts: dict[str, Any], problems: Sequence[HubError], went: int, as_json: bool) -> None:
    """Print what a part of a cycle came to, and every problem of it as a line on standard error; `went` is how many of its
    datasets or feeds went through.

    Raises:
        typer.Exit: with `NEEDS_A_PERSON` when there is a problem, 1 when nothing went through.
    """
    from core.errors import merge_errors

    told = merge_errors(problems)
    show_result({**facts, "problems": [error.line() for error in told]} if as_json else facts, as_json)
    for error in told:
        print_error(error)
    if told:
        raise typer.Exit(NEEDS_A_PERSON if went else 1)
