"""The commands of accounts: login, logout, whoami, account."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from cli.app import AsJson, app
from cli.output import show
from core.errors import Denied
from core.messages import text

PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help=text("account.cli.stdin"))]


class Act(StrEnum):
    """What is done about accounts."""

    LIST = "list"
    ADD = "add"
    DISABLE = "disable"
    ENABLE = "enable"
    PASSWORD = "password"  # noqa: S105  (the name of a command)
    UNLOCK = "unlock"


@app.command(help=text("account.cli.login"))
def login(
    name: Annotated[str, typer.Argument(help=text("account.cli.name"))],
    password_stdin: PasswordStdin = False,
    as_json: AsJson = False,
) -> None:
    from core.store import accounts
    from core.store.ledger import ledger

    account, token = accounts.sign_in(ledger(), name, _password(name, password_stdin, new=False))
    accounts.keep(token)
    found = {"name": account.name, "role": account.role}
    told = text("account.signed_in", None, name=account.name, role=text(f"rights.role_{account.role}"), hours=_hours())
    show(found, as_json, None if as_json else told)


@app.command(help=text("account.cli.logout"))
def logout(as_json: AsJson = False) -> None:
    from core.store import accounts
    from core.store.ledger import ledger

    accounts.sign_out(ledger())
    show({}, as_json, None if as_json else text("account.signed_out"))


@app.command(help=text("account.cli.whoami"))
def whoami(as_json: AsJson = False) -> None:
    from core.store import accounts
    from core.store.ledger import ledger

    who = accounts.current(ledger())
    if who is None:
        raise Denied("HUB799", "hub whoami")
    systems = list(who.systems)
    found = {"name": who.name, "role": who.role, "systems": systems, "person_no": who.person_no}
    shown = {**found, "role": text(f"rights.role_{who.role}")}
    show(found if as_json else shown, as_json)


@app.command(help=text("account.cli.account"))
def account(
    act: Annotated[Act, typer.Argument(help=text("account.cli.act"))] = Act.LIST,
    name: Annotated[str | None, typer.Argument(help=text("account.cli.name"))] = None,
    role: Annotated[str | None, typer.Option("--role", help=text("account.cli.role"))] = None,
    systems: Annotated[str, typer.Option("--systems", help=text("account.cli.systems"))] = "",
    person: Annotated[str | None, typer.Option("--person", help=text("account.cli.person"))] = None,
    password_stdin: PasswordStdin = False,
    as_json: AsJson = False,
) -> None:
    from cli.tables import desk
    from core.store import accounts
    from core.store.ledger import ledger

    book = ledger()
    if act is Act.LIST:
        accounts.acting(book, "see_accounts")
        rows = accounts.listed(book)
        names = ("name", "role", "systems", "person_no", "state", "made_by", "made_at")
        shown = [{**row, "systems": ", ".join(row["systems"]) or None} for row in rows]
        show(rows, as_json, None if as_json else desk.lines(shown, names, "account.title"))
        return
    if name is None:
        raise Denied("HUB893", f"hub account {act}", reason_key="misuse.missing", thing="NAME", command="hub account")
    if act is Act.ADD:
        by = None if accounts.is_empty(book) else accounts.acting(book, "accounts")
        wanted = accounts.Account(name, role or "", _systems(systems), person)
        accounts.right(wanted)
        found = accounts.add(book, wanted, _password(name, password_stdin, new=True), by)
    elif act is Act.PASSWORD:
        who = accounts.current(book)
        if who is None or not accounts.same(who.name, name):
            accounts.acting(book, "accounts")
        found = accounts.set_password(book, name, _password(name, password_stdin, new=True))
    else:
        accounts.acting(book, "accounts")
        found = accounts.unlock(book, name) if act is Act.UNLOCK else accounts.enable(book, name, act is Act.ENABLE)
    show(found, as_json)


def _systems(given: str) -> tuple[str, ...]:
    """The systems of a department.

    Raises:
        ContractError: HUB104 for one that there is not.
    """
    from contracts.catalog import catalog, nearest
    from core.errors import ContractError

    wanted = tuple(dict.fromkeys(system for system in given.replace(",", " ").split()))
    known = catalog().systems
    for system in wanted:
        if system not in known:
            raise ContractError("HUB104", system, kind="system", known=nearest(system, known))
    return wanted


def _password(name: str, stdin: bool, *, new: bool) -> str:
    """A password from standard input or typed unseen at a terminal, a new one twice; never from the command's words.

    Raises:
        Denied: HUB795 where there is neither.
    """
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise Denied("HUB795", name)
    return str(typer.prompt(text("account.ask", None, name=name), hide_input=True, confirmation_prompt=new))


def _hours() -> int:
    from core.store.accounts import LIFE

    return int(LIFE.total_seconds() // 3600)
