"""A hub of one test and who has an account in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import Result

from core.store.accounts import Account
from core.store.ledger import Ledger

PASSWORD = "correct horse battery"
CHIEF = Account("主管", "administrator")
PEOPLE = (
    Account("王工", "technician"),
    Account("李工", "technician"),
    Account("周会计", "department", ("finance",)),
    Account("审计员", "auditor"),
    Account("S0001", "person", (), "S0001"),
)


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        self.now += timedelta(**span)

    __hash__ = object.__hash__


@dataclass(frozen=True)
class House:
    """A hub of one test."""

    book: Ledger
    clock: Clock
    var: Path

    def person(self, name: str) -> Account:
        return next(account for account in (CHIEF, *PEOPLE) if account.name == name)


Hub = Callable[..., Result]


def code(result: Result) -> str | None:
    """The code of the error that a command ended with."""
    return getattr(result.exception, "code", None)
