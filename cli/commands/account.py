"""The commands of accounts: login, logout, whoami, account."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from cli.app import AsJson, app
from cli.output import show_result
from core.errors import Denied
from core.messages import translate

PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help=translate("account.cli.stdin"))]


class Act(StrEnum):
    """What is done about accounts."""

    LIST = "list"
    ADD = "add"
    DISABLE = "disable"
    ENABLE = "enable"
    PASSWORD = "password"  # noqa: S105  (the name of a command)
    UNLOCK = "unlock"


@app.command(help=translate("account.cli.login"))
def login(
    name: Annotated[str, typer.Argument(help=translate("account.cli.name"))],
    password_stdin: PasswordStdin = False,
    as_json: AsJson = False,
) -> None:
    from core.store import accounts
    from core.store.ledger import open_ledger

    account, token = accounts.sign_in(open_ledger(), name, _password(name, password_stdin, new=False))
    accounts.keep_token(token)
    found = {"name": account.name, "role": account.role}
    told = translate(
        "account.signed_in", None, name=account.name, role=translate(f"rights.role_{account.role}"), hours=_hours()
    )
    show_result(found, as_json, None if as_json else told)


@app.command(help=translate("account.cli.logout"))
def logout(as_json: AsJson = False) -> None:
    from core.store import accounts
    from core.store.ledger import open_ledger

    accounts.sign_out(open_ledger())
    show_result({}, as_json, None if as_json else translate("account.signed_out"))


@app.command(help=translate("account.cli.whoami"))
def whoami(as_json: AsJson = False) -> None:
    from core.store import accounts
    from core.store.ledger import open_ledger

    who = accounts.read_current_account(open_ledger())
    if who is None:
        raise Denied("HUB799", "hub whoami")
    systems = list(who.systems)
    found = {"name": who.name, "role": who.role, "systems": systems, "person_no": who.person_no}
    shown = {**found, "role": translate(f"rights.role_{who.role}")}
    show_result(found if as_json else shown, as_json)


@app.command(help=translate("account.cli.account"))
def account(
    act: Annotated[Act, typer.Argument(help=translate("account.cli.act"))] = Act.LIST,
    name: Annotated[str | None, typer.Argument(help=translate("account.cli.name"))] = None,
    role: Annotated[str | None, typer.Option("--role", help=translate("account.cli.role"))] = None,
    systems: Annotated[str, typer.Option("--systems", help=translate("account.cli.systems"))] = "",
    person: Annotated[str | None, typer.Option("--person", help=translate("account.cli.person"))] = None,
    password_stdin: PasswordStdin = False,
    as_json: AsJson = False,
) -> None:
    from cli.tables import desk
    from core.store import accounts
    from core.store.ledger import open_ledger

    ledger = open_ledger()
    if act is Act.LIST:
        accounts.demand_account(ledger, "see_accounts")
        rows = accounts.list_accounts(ledger)
        names = ("name", "role", "systems", "person_no", "state", "made_by", "made_at")
        shown = [{**row, "systems": ", ".join(row["systems"]) or None} for row in rows]
        show_result(rows, as_json, None if as_json else desk.render_rows(shown, names, "account.title"))
        return
    if name is None:
        raise Denied("HUB893", f"hub account {act}", reason_key="misuse.missing", thing="NAME", command="hub account")
    if act is Act.ADD:
        by = None if accounts.is_empty(ledger) else accounts.demand_account(ledger, "accounts")
        wanted = accounts.Account(name, role or "", _systems(systems), person)
        accounts.demand_sound_account(wanted)
        found = accounts.add_account(ledger, wanted, _password(name, password_stdin, new=True), by)
    elif act is Act.PASSWORD:
        who = accounts.read_current_account(ledger)
        if who is None or not accounts.is_same_name(who.name, name):
            accounts.demand_account(ledger, "accounts")
        found = accounts.set_password(ledger, name, _password(name, password_stdin, new=True))
    else:
        accounts.demand_account(ledger, "accounts")
        found = (
            accounts.unlock_account(ledger, name)
            if act is Act.UNLOCK
            else accounts.enable_account(ledger, name, act is Act.ENABLE)
        )
    show_result(found, as_json)


def _systems(given: str) -> tuple[str, ...]:
    """The systems of a department.

    Raises:
        ContractError: HUB104 for one that there is not.
    """
    from contracts.catalog import format_known_names, load_catalog
    from core.errors import ContractError

    wanted = tuple(dict.fromkeys(system for system in given.replace(",", " ").split()))
    known = load_catalog().systems
    for system in wanted:
        if system not in known:
            raise ContractError("HUB104", system, kind="system", known=format_known_names(system, known))
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
    return str(typer.prompt(translate("account.ask", None, name=name), hide_input=True, confirmation_prompt=new))


def _hours() -> int:
    from core.store.accounts import LIFE

    return int(LIFE.total_seconds() // 3600)
