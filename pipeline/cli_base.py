"""What every command module of `hub` shares: the application, common options, output."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, Any

import typer

from core.text import text

app = typer.Typer(help=text("cli.hub"), no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
AsJson = Annotated[bool, typer.Option("--json", help=text("cli.json"))]
AsOf = Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help=text("cli.as_of"))]


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C ends a long command with one line that says how to go on, and status 130."""
    try:
        yield
    except KeyboardInterrupt:
        print(text("cli.interrupted"), file=sys.stderr)
        raise typer.Exit(130) from None


def day(value: datetime | None) -> date:
    """The business date given, or today's."""
    return value.date() if value else date.today()


def show(value: Any, as_json: bool, table: Any = None) -> None:
    """Print a value as JSON, or as a table: the one given, else a line a fact."""
    from rich.console import Console

    from pipeline import screen

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
        Console().print(table or (screen.facts(value) if isinstance(value, dict) else value))
