"""Accounts of the hub that the settings name, for tests in which people act."""

from __future__ import annotations

from typing import Any

from core.store import accounts
from core.store.accounts import Account
from core.store.ledger import open_ledger

PASSWORD = "correct horse battery"
CHIEF = Account("主管", "administrator")


def have(name: str, role: str = "technician", **facts: Any) -> str:
    """Make an account if there is none of the name, and return the name."""
    book = open_ledger()
    there = {row["name"] for row in accounts.list_accounts(book)}
    for account in (CHIEF, Account(name, role, **facts)):
        if account.name not in there:
            accounts.add_account(book, account, PASSWORD, CHIEF)
    return name


def signed_in(name: str = "核查员", role: str = "technician", **facts: Any) -> str:
    """A token of an account, which is made if it is not there."""
    return accounts.sign_in(open_ledger(), have(name, role, **facts), PASSWORD)[1]
