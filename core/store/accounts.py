"""Accounts: who may sign in, by what it is proved, and the token that stands for a signed-in account for half a day.

The store has an argon2id hash of a password and the SHA-256 of a token, never either itself. What proves that somebody is
the holder of an account is a `Proof` by the account's own word for it, so that a directory or a portal is one more entry.
"""

from __future__ import annotations

import contextlib
import functools
import getpass
import hashlib
import os
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from psycopg.rows import dict_row

from core.calendar import format_local_minute
from core.errors import Denied
from core.people import normalize_name
from core.settings import get_settings
from core.store import postgres
from core.store.ledger import Ledger, Row
from core.store.rights import NOBODY, RIGHTS, ROLES, demand_right, name_roles

LIFE = timedelta(hours=12)
FAILURES, LOCKED = 5, timedelta(minutes=15)
SHORTEST = 10
_NAME = re.compile(r"[\w][\w.@-]{0,63}")
_HASHER = PasswordHasher()
LOCK_ACCOUNTS = 7_202_002


@dataclass(frozen=True)
class Account:
    """Who somebody is to the hub. `systems` are a department's own, `person_no` the number of a person."""

    name: str
    role: str
    systems: tuple[str, ...] = ()
    person_no: str | None = None
    proof: str = "local"


class Proof(Protocol):
    """What proves that somebody is the holder of an account: the hub's own passwords, later a directory or a portal."""

    def proves(self, account: Account, secret: str | None, password: str) -> bool:
        """Whether the password is the account's; `secret` is what the store keeps for it, if anything."""
        ...


class Local:
    """The hub's own passwords."""

    def proves(self, account: Account, secret: str | None, password: str) -> bool:
        try:
            return _HASHER.verify(secret or _hash_nothing(), password) and secret is not None
        except (VerificationError, InvalidHashError):
            return False


@functools.cache
def _hash_nothing() -> str:
    """Compared where there is no such account, so that the answer takes as long."""
    return _HASHER.hash("")


PROOFS: Mapping[str, Proof] = {"local": Local()}


def add_account(ledger: Ledger, account: Account, password: str, by: Account | None) -> Row:
    """Make an account. The very first one is made by whoever can reach an empty store, and is an administrator.

    Raises:
        Denied: HUB780 or HUB781 when `by` may not, HUB786 when the name is taken in whatever spelling, HUB788 for facts that
            do not go together or a short password, HUB789 when the first is no administrator.
    """
    demand_sound_account(account)
    _demand_strong_password(account.name, password)
    with ledger.transaction() as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK_ACCOUNTS])
        if _read_row(connection, "select 1 as found from ops.account limit 1") is None:
            if account.role != "administrator":
                raise Denied("HUB789", account.name)
            by = account
        demand_right(by, "accounts")
        plain = normalize_name(account.name)
        if taken := _read_row(connection, "select name from ops.account where plain = %s", [plain]):
            raise Denied("HUB786", account.name, taken=taken["name"])
        connection.execute(
            "insert into ops.account (name, plain, role, systems, person_no, proof, secret, made_by, made_at)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                *(account.name, plain, account.role, list(account.systems), account.person_no, account.proof),
                *(_HASHER.hash(password), by.name if by else account.name, ledger.clock()),
            ],
        )
    return _read_account(ledger, account.name)


def is_same_name(one: str, other: str) -> bool:
    """Whether two spellings are one name."""
    return normalize_name(one) == normalize_name(other)


def demand_sound_account(account: Account) -> None:
    """Insist that the facts of a new account go together.

    Raises:
        Denied: HUB788 with those that do not.
    """
    wrong = [
        name
        for name, is_right in (
            ("NAME", bool(_NAME.fullmatch(account.name)) and bool(normalize_name(account.name))),
            ("--role", account.role in ROLES),
            ("--systems", (account.role == "department") == bool(account.systems)),
            ("--person", (account.role == "person") == bool(account.person_no)),
        )
        if not is_right
    ]
    if wrong:
        raise Denied("HUB788", account.name, names=", ".join(wrong), roles=", ".join(ROLES))


def is_empty(ledger: Ledger) -> bool:
    """Whether nobody has an account yet."""
    return ledger.fetch_row("select 1 as found from ops.account limit 1") is None


def list_accounts(ledger: Ledger) -> list[Row]:
    """Every account without its secret, with `state`: enabled, disabled or locked."""
    rows = ledger.rows(
        "select name, role, systems, person_no, is_enabled, locked_until, made_by, made_at from ops.account order by name"
    )
    return [_describe_account(row, ledger.clock()) for row in rows]


def enable_account(ledger: Ledger, name: str, enabled: bool) -> Row:
    """Let an account sign in, or end its sessions and let it no more.

    Raises:
        Denied: HUB787 when there is none, HUB794 for the last administrator.
    """
    with ledger.transaction() as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [LOCK_ACCOUNTS])
        row = _demand_row(connection, name)
        others = "select 1 as found from ops.account where role = 'administrator' and is_enabled and name <> %s limit 1"
        if not enabled and row["role"] == "administrator" and _read_row(connection, others, [row["name"]]) is None:
            raise Denied("HUB794", row["name"])
        connection.execute("update ops.account set is_enabled = %s where name = %s", [enabled, row["name"]])
        if not enabled:
            _end_sessions(connection, row["name"], ledger.clock())
    return _read_account(ledger, name)


def unlock_account(ledger: Ledger, name: str) -> Row:
    """Let an account try again before its time.

    Raises:
        Denied: HUB787.
    """
    with ledger.transaction() as connection:
        row = _demand_row(connection, name)
        connection.execute("update ops.account set failures = 0, locked_until = null where name = %s", [row["name"]])
    return _read_account(ledger, name)


def set_password(ledger: Ledger, name: str, password: str) -> Row:
    """Give an account another password; its sessions end.

    Raises:
        Denied: HUB787, HUB788.
    """
    with ledger.transaction() as connection:
        row = _demand_row(connection, name)
        _demand_strong_password(row["name"], password)
        connection.execute(
            "update ops.account set secret = %s, failures = 0, locked_until = null where name = %s",
            [_HASHER.hash(password), row["name"]],
        )
        _end_sessions(connection, row["name"], ledger.clock())
    return _read_account(ledger, name)


def sign_in(ledger: Ledger, name: str, password: str) -> tuple[Account, str]:
    """The account and a new token for it.

    Raises:
        Denied: HUB782 when there is no such account or the password is not its own, HUB783 while it is locked after
            failures, HUB784 when it is disabled, HUB796 when nobody has an account yet.
    """
    with ledger.transaction() as connection:  # a failure is written down, so it is raised outside
        row = _read_row(connection, "select * from ops.account where plain = %s for update", [normalize_name(name)])
        refused = _judge_password(connection, row, password, ledger.clock())
        if refused is None and row is not None:
            token = secrets.token_urlsafe(32)
            now = ledger.clock()
            connection.execute(
                "insert into ops.session (token_hash, account, begun_at, ends_at) values (%s, %s, %s, %s)",
                [hash_token(token), row["name"], now, now + LIFE],
            )
            return _build_account(row), token
    if refused is None or is_empty(ledger):
        raise Denied("HUB796", "hub login")
    raise refused


def sign_out(ledger: Ledger) -> None:
    """End the session of this process's token and forget the token."""
    if token := _read_token():
        ledger.execute(
            "update ops.session set ended_at = %s where token_hash = %s and ended_at is null",
            [ledger.clock(), hash_token(token)],
        )
    token_file().unlink(missing_ok=True)


def read_current_account(ledger: Ledger) -> Account | None:
    """Whose token this process has, None without one.

    Raises:
        Denied: HUB785 for a token that has ended or that nobody was given, HUB784 when its account was disabled.
    """
    token = _read_token()
    if token is None:
        return None
    row = ledger.fetch_row(
        "select a.*, s.ends_at, s.ended_at from ops.session s join ops.account a on a.name = s.account where s.token_hash = %s",
        [hash_token(token)],
    )
    if row is not None and not row["is_enabled"]:
        raise Denied("HUB784", row["name"])
    if row is None or row["ended_at"] is not None or row["ends_at"] <= ledger.clock():
        raise Denied("HUB785", row["name"] if row else "hub")
    return _build_account(row)


def demand_account(
    ledger: Ledger, act: str, systems: Collection[str] | None = None, person: str | None = None
) -> Account | None:
    """Who is signed in and may do this; None where nobody needs to be.

    Raises:
        Denied: HUB780, HUB781, HUB790, HUB791 (see `rights.demand_right`); HUB784, HUB785 (see `read_current_account`).
    """
    try:
        who = read_current_account(ledger)
    except Denied:
        if NOBODY not in RIGHTS[act]:  # what a machine may do, it may with a token that has ended
            raise
        return None
    demand_right(who, act, systems, person)
    return who


def find_named_account(ledger: Ledger, name: str, act: str) -> str:
    """The account of a person whom another program has let in under that name, if it may do this.

    Raises:
        Denied: HUB797 when no account has the name, HUB784 when it is disabled, HUB781.
    """
    row = ledger.fetch_row("select * from ops.account where plain = %s", [normalize_name(name)])
    if row is None:
        raise Denied("HUB797", name)
    if not row["is_enabled"]:
        raise Denied("HUB784", row["name"])
    demand_right(_build_account(row), act)
    return str(row["name"])


def token_file() -> Path:
    """Where the token of this user of the machine is kept."""
    return get_settings().var / "tokens" / f"{_name_machine_user()}.token"


def keep_token(token: str) -> Path:
    """Keep a token for the commands of this user of the machine; nobody else may read it."""
    return write_private_file(token_file(), token)


def demo_file() -> Path:
    """Where a demonstration writes the passwords of its own accounts down."""
    return get_settings().var / "demo-accounts.txt"


def read_demo_passwords() -> dict[str, str]:
    """The accounts of a demonstration with their passwords; none of a real hub."""
    if not demo_file().is_file():
        return {}
    return {name: password for name, _, password in (line.split("\t") for line in demo_file().read_text("utf-8").splitlines())}


def write_private_file(path: Path, content: str) -> Path:
    """Write a file that only this user of the machine may read, whatever was there before."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".part")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(content)
    draft.replace(path)
    return path


def hash_token(token: str) -> str:
    """What the store keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _read_token() -> str | None:
    """`HUB_TOKEN`, else what `keep_token` kept."""
    if given := os.environ.get("HUB_TOKEN", "").strip():
        return given
    with contextlib.suppress(OSError):
        return token_file().read_text("utf-8").strip() or None
    return None


def _name_machine_user() -> str:
    try:
        return re.sub(r"[^\w.-]", "_", getpass.getuser())
    except (KeyError, OSError):  # a number that no name belongs to, as in a container
        return str(os.getuid())


def _demand_strong_password(name: str, password: str) -> None:
    if len(password) < SHORTEST or is_same_name(name, password):
        raise Denied("HUB798", name, least=SHORTEST)


def _judge_password(connection: postgres.Connection, row: Row | None, password: str, now: datetime) -> Denied | None:
    """Why somebody is not let in, after a failure was counted; None when he is."""
    if row is None:
        Local().proves(Account("", "person"), None, password)
        return Denied("HUB782", "hub login", left=FAILURES)
    locked = row["locked_until"]
    if locked is not None and locked > now:
        return Denied("HUB783", row["name"], until=format_local_minute(locked), failures=FAILURES)
    if PROOFS[row["proof"]].proves(_build_account(row), row["secret"], password):
        connection.execute("update ops.account set failures = 0, locked_until = null where name = %s", [row["name"]])
        return None if row["is_enabled"] else Denied("HUB784", row["name"])
    failed = (0 if locked is not None else row["failures"]) + 1
    until = now + LOCKED if failed >= FAILURES else None
    connection.execute("update ops.account set failures = %s, locked_until = %s where name = %s", [failed, until, row["name"]])
    if until:
        return Denied("HUB783", row["name"], until=format_local_minute(until), failures=FAILURES)
    return Denied("HUB782", "hub login", left=FAILURES)


def _end_sessions(connection: postgres.Connection, name: str, now: datetime) -> None:
    connection.execute("update ops.session set ended_at = %s where account = %s and ended_at is null", [now, name])


def _read_row(connection: postgres.Connection, query: str, parameters: Collection[object] = ()) -> Row | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), list(parameters)).fetchone()


def _demand_row(connection: postgres.Connection, name: str) -> Row:
    row = _read_row(connection, "select * from ops.account where plain = %s for update", [normalize_name(name)])
    if row is None:
        raise Denied("HUB787", name)
    return row


def _read_account(ledger: Ledger, name: str) -> Row:
    return next(row for row in list_accounts(ledger) if is_same_name(row["name"], name))


def _build_account(row: Row) -> Account:
    return Account(row["name"], row["role"], tuple(row["systems"]), row["person_no"], row["proof"])


def _describe_account(row: Row, now: datetime) -> Row:
    locked = row["locked_until"] is not None and row["locked_until"] > now
    state = "disabled" if not row["is_enabled"] else "locked" if locked else "enabled"
    return {
        "name": row["name"],
        "role": name_roles([row["role"]]),
        "systems": list(row["systems"]),
        "person_no": row["person_no"],
        "state": state,
        "made_by": row["made_by"],
        "made_at": row["made_at"],
    }
