"""What every command module of `hub` shares: the application and common options."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.help import ReadableGroup
from core.messages import translate
from core.release import VERSION

if TYPE_CHECKING:
    from core.store.accounts import Account

app = typer.Typer(
    cls=ReadableGroup, help=translate("cli.hub"), no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


def _version(asked: bool) -> None:
    if asked:
        print(f"hub {VERSION}")
        raise typer.Exit


@app.callback(help=translate("cli.hub"))
def _hub(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help=translate("cli.version_of"))
    ] = False,
) -> None:
    """Nothing is done before a command."""


AsJson = Annotated[bool, typer.Option("--json", help=translate("cli.json"))]
Limit = Annotated[int, typer.Option(min=1, help=translate("cli.limit"))]
AsOf = Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help=translate("cli.as_of"))]


@contextlib.contextmanager
def handle_interrupt() -> Iterator[None]:
    """Ctrl-C ends a long command with one line that says how to go on, and status 130."""
    try:
        yield
    except KeyboardInterrupt:
        print(translate("cli.interrupted"), file=sys.stderr)
        raise typer.Exit(130) from None


def choose_business_date(value: datetime | None) -> date:
    """The business date given, or today's at the university, whatever the clock of the machine is set to."""
    from core.calendar import local_date
    from core.hashing import system_clock

    return value.date() if value else local_date(system_clock())


def demand_signed_in(act: str, systems: Collection[str] | None = None, person: str | None = None) -> str:
    """The name in which this is done: that of who has signed in and may do it; empty where a machine may.

    Raises:
        Denied: see `core.store.accounts.acting`.
    """
    who = find_signed_in(act, systems, person)
    return who.name if who else ""


def find_signed_in(act: str, systems: Collection[str] | None = None, person: str | None = None) -> Account | None:
    """Who has signed in and may do this; see `demand_signed_in`."""
    from core.store import accounts
    from core.store.ledger import open_ledger

    return accounts.demand_account(open_ledger(), act, systems, person)


def ask_to_agree(question: str, yes: bool, as_json: bool) -> bool:
    """Whether a person agrees: by `--yes`, or by answering y at a terminal. A script is never asked, and has not agreed."""
    return yes or (not as_json and sys.stdin.isatty() and typer.confirm(question))
