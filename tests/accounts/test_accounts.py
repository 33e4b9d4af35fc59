"""Accounts: who is let in, for how long, and what the machine keeps of a password and of a token."""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from accounts_house import CHIEF, PASSWORD, House, Hub, code
from typer.testing import CliRunner

from cli.main import app
from core.errors import Denied
from core.messages import LANGUAGES, has_message
from core.store import accounts
from core.store.accounts import Account
from core.store.rights import RIGHTS, ROLES, demand_right


def denied(wanted: str, work: Any) -> Denied:
    with pytest.raises(Denied) as caught:
        work()
    assert caught.value.code == wanted, caught.value.line()
    assert PASSWORD not in caught.value.line("zh") + caught.value.line("en")
    return caught.value


def test_the_first_account_is_an_administrator_and_makes_the_others(empty: House) -> None:
    worker = Account("王工", "technician")
    denied("HUB796", lambda: accounts.sign_in(empty.book, "王工", PASSWORD))
    denied("HUB789", lambda: accounts.add_account(empty.book, worker, PASSWORD, None))
    accounts.add_account(empty.book, CHIEF, PASSWORD, None)
    denied("HUB780", lambda: accounts.add_account(empty.book, worker, PASSWORD, None))
    denied("HUB781", lambda: accounts.add_account(empty.book, worker, PASSWORD, worker))
    assert accounts.add_account(empty.book, worker, PASSWORD, CHIEF)["made_by"] == "主管"


@pytest.mark.parametrize(
    "account",
    [
        Account("有 空格", "technician"),
        Account("a:b", "technician"),
        Account("王", "boss"),
        Account("王", "department"),
        Account("王", "technician", ("hr",)),
        Account("王", "person"),
        Account("王", "auditor", (), "S0001"),
    ],
)
def test_facts_that_do_not_go_together_make_no_account(house: House, account: Account) -> None:
    denied("HUB788", lambda: accounts.add_account(house.book, account, PASSWORD, CHIEF))


@pytest.mark.parametrize("spelling", ["王工", "王.工", "王-工", "王工_"])
def test_another_spelling_of_a_name_is_not_another_person(house: House, spelling: str) -> None:
    denied("HUB786", lambda: accounts.add_account(house.book, Account(spelling, "technician"), PASSWORD, CHIEF))
    assert accounts.sign_in(house.book, "王 工", PASSWORD)[0].name == "王工"


def test_a_short_password_or_one_that_is_the_name_is_refused(house: House) -> None:
    for password in ("short", "technician1"):
        denied("HUB798", lambda: accounts.add_account(house.book, Account("technician1", "technician"), password, CHIEF))  # noqa: B023


def test_a_token_stands_for_its_account_for_twelve_hours(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert accounts.read_current_account(house.book) is None
    account, token = accounts.sign_in(house.book, "王工", PASSWORD)
    monkeypatch.setenv("HUB_TOKEN", token)
    assert accounts.read_current_account(house.book) == account == house.person("王工")
    house.clock.pass_(hours=11, minutes=59)
    assert accounts.read_current_account(house.book) == account
    house.clock.pass_(minutes=1)
    denied("HUB785", lambda: accounts.read_current_account(house.book))
    denied("HUB785", lambda: accounts.demand_account(house.book, "sign"))
    assert accounts.demand_account(house.book, "run") is None  # a timetable goes on
    monkeypatch.setenv("HUB_TOKEN", "of nobody")
    denied("HUB785", lambda: accounts.read_current_account(house.book))


def test_five_failures_lock_an_account_for_a_quarter_of_an_hour(house: House) -> None:
    def fail() -> None:
        accounts.sign_in(house.book, "王工", "wrong password")

    for _ in range(4):
        denied("HUB782", fail)
    told = denied("HUB783", fail).line("zh")
    assert "2026-09-07 16:15" in told
    denied("HUB783", lambda: accounts.sign_in(house.book, "王工", PASSWORD))
    assert accounts.sign_in(house.book, "李工", PASSWORD)[0].name == "李工"
    house.clock.pass_(minutes=14, seconds=59)
    denied("HUB783", lambda: accounts.sign_in(house.book, "王工", PASSWORD))
    house.clock.pass_(seconds=1)
    denied("HUB782", fail)  # counted from the start again
    assert accounts.sign_in(house.book, "王工", PASSWORD)[0].name == "王工"


def test_an_administrator_may_unlock_before_the_time(house: House) -> None:
    for _ in range(5):
        with pytest.raises(Denied):
            accounts.sign_in(house.book, "王工", "wrong password")
    assert {row["state"] for row in accounts.list_accounts(house.book) if row["name"] == "王工"} == {"locked"}
    assert accounts.unlock_account(house.book, "王工")["state"] == "enabled"
    assert accounts.sign_in(house.book, "王工", PASSWORD)


def test_who_there_is_is_not_told_by_a_wrong_password(house: House) -> None:
    known = denied("HUB782", lambda: accounts.sign_in(house.book, "王工", "wrong password"))
    assert known.line() == denied("HUB782", lambda: accounts.sign_in(house.book, "无此人", "wrong password")).line()


def test_a_disabled_account_is_out_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TOKEN", accounts.sign_in(house.book, "王工", PASSWORD)[1])
    accounts.enable_account(house.book, "王工", False)
    denied("HUB784", lambda: accounts.read_current_account(house.book))
    denied("HUB784", lambda: accounts.sign_in(house.book, "王工", PASSWORD))
    denied("HUB782", lambda: accounts.sign_in(house.book, "王工", "wrong password"))
    denied("HUB784", lambda: accounts.find_named_account(house.book, "王工", "sign"))
    accounts.enable_account(house.book, "王工", True)
    denied("HUB785", lambda: accounts.read_current_account(house.book))  # the old token stays ended
    assert accounts.sign_in(house.book, "王工", PASSWORD)


def test_the_last_administrator_stays(house: House) -> None:
    denied("HUB794", lambda: accounts.enable_account(house.book, "主管", False))
    accounts.add_account(house.book, Account("副主管", "administrator"), PASSWORD, CHIEF)
    assert accounts.enable_account(house.book, "主管", False)["state"] == "disabled"
    denied("HUB794", lambda: accounts.enable_account(house.book, "副主管", False))
    denied("HUB787", lambda: accounts.enable_account(house.book, "无此人", False))


def test_a_new_password_ends_what_the_old_one_opened(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_TOKEN", accounts.sign_in(house.book, "王工", PASSWORD)[1])
    accounts.set_password(house.book, "王工", "another long one")
    denied("HUB785", lambda: accounts.read_current_account(house.book))
    denied("HUB782", lambda: accounts.sign_in(house.book, "王工", PASSWORD))
    assert accounts.sign_in(house.book, "王工", "another long one")


def test_the_store_has_neither_password_nor_token(house: House) -> None:
    token = accounts.sign_in(house.book, "王工", PASSWORD)[1]
    rows = house.book.rows(
        "select to_jsonb(a)::text as row from ops.account a union all select to_jsonb(s)::text from ops.session s"
    )
    whole = "".join(row["row"] for row in rows)
    assert PASSWORD not in whole and token not in whole
    assert len(token) >= 43  # 256 bits
    assert all(row["secret"].startswith("$argon2id$") for row in house.book.rows("select secret from ops.account"))


def test_the_database_itself_takes_no_second_spelling_and_no_strange_role(house: House) -> None:
    statement = "insert into ops.account (name, plain, role, secret, made_by, made_at) values (%s, %s, %s, 'x', '主管', now())"
    for values in (
        ["王 工", "王工x", "technician"],
        ["王.工", "王工", "technician"],
        ["赵工", "赵工", "boss"],
        ["钱", "钱", "department"],
    ):
        with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.UniqueViolation)):
            house.book.execute(statement, values)


def test_login_keeps_a_private_token_and_logout_ends_it(house: House, hub: Hub) -> None:
    done = hub("login 王工 --password-stdin", input=f"{PASSWORD}\n")
    assert done.exit_code == 0, done.output
    file = accounts.token_file()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) & 0o077 == 0
    assert PASSWORD not in done.output and file.read_text("utf-8") not in done.output
    assert "王工" in hub("whoami").output and "技术员" in hub("whoami").output
    token = file.read_text("utf-8")
    assert hub("logout").exit_code == 0 and not file.exists()
    assert code(hub("whoami")) == "HUB799"
    accounts.keep_token(token)
    assert code(hub("whoami")) == "HUB785"  # what was ended stays ended, wherever a copy lies


def test_a_password_is_never_a_word_of_a_command(house: House, hub: Hub) -> None:
    assert code(hub("login 王工")) == "HUB795"
    assert code(hub("account add 赵工 --role technician", by="主管")) == "HUB795"
    names = {option for command in ("login", "account") for option in _options(command)}
    assert {name for name in names if "password" in name} == {"--password-stdin"}
    assert hub(f"login 王工 {PASSWORD}").exit_code == 2


def _options(command: str) -> set[str]:
    from typer.main import get_command

    return {option for one in get_command(app).commands[command].params for option in one.opts}  # type: ignore[attr-defined]


def test_accounts_are_kept_by_administrators_and_seen_by_auditors(house: House, hub: Hub) -> None:
    add = "account add 赵工 --role technician --password-stdin"
    given = f"{PASSWORD}\n"
    assert code(hub(add, input=given)) == "HUB780"
    for name in ("王工", "周会计", "审计员", "S0001"):
        assert code(hub(add, by=name, input=given)) == "HUB781"
        assert code(hub("account disable 李工", by=name)) == "HUB781"
        assert code(hub("account password 李工 --password-stdin", by=name, input="another long one\n")) == "HUB781"
    assert hub(add, by="主管", input=given).exit_code == 0
    assert hub("account", by="审计员").exit_code == 0 and "赵工" in hub("account list", by="主管").output
    assert code(hub("account list", by="王工")) == "HUB781"
    assert hub("account password 王工 --password-stdin", by="王工", input="another long one\n").exit_code == 0
    assert accounts.sign_in(house.book, "王工", "another long one")
    assert code(hub("account add 钱工 --role department --systems nosuch", by="主管")) == "HUB104"
    assert code(hub("account add", by="主管")) == "HUB893"


def test_the_very_first_account_by_command(empty: House) -> None:
    run = CliRunner()
    refused = run.invoke(app, ["account", "add", "王工", "--role", "technician", "--password-stdin"], input=f"{PASSWORD}\n")
    assert code(refused) == "HUB789"
    made = run.invoke(app, ["account", "add", "主管", "--role", "administrator", "--password-stdin"], input=f"{PASSWORD}\n")
    assert made.exit_code == 0, made.output
    assert (
        code(
            run.invoke(app, ["account", "add", "主管二", "--role", "administrator", "--password-stdin"], input=f"{PASSWORD}\n")
        )
        == "HUB780"
    )


def test_the_table_of_rights_is_whole_and_told_in_words() -> None:
    for act, roles in RIGHTS.items():
        assert roles <= {*ROLES, "nobody"}
        assert all(has_message(f"rights.{act}", language) for language in LANGUAGES)
    changing = [act for act in RIGHTS if not act.startswith("see_")]
    assert not [act for act in changing if "auditor" in RIGHTS[act]]
    assert [act for act in RIGHTS if "administrator" in RIGHTS[act]] == ["accounts", "see_accounts"]
    assert [act for act in RIGHTS if "person" in RIGHTS[act]] == ["see_grants", "confirm_grants"]


def test_a_department_and_a_person_are_held_to_their_own(house: House) -> None:
    department, person = house.person("周会计"), house.person("S0001")
    demand_right(department, "upload", ["finance"])
    demand_right(department, "see_held", ["hr", "finance"])
    denied("HUB790", lambda: demand_right(department, "upload", ["hr"]))
    denied("HUB790", lambda: demand_right(department, "confirm", []))
    demand_right(person, "confirm_grants", person="S0001")
    denied("HUB791", lambda: demand_right(person, "confirm_grants", person="S0002"))
    denied("HUB791", lambda: demand_right(person, "see_grants"))


def test_the_life_of_a_token_is_what_is_said() -> None:
    assert timedelta(hours=12) == accounts.LIFE and accounts.FAILURES == 5 and timedelta(minutes=15) == accounts.LOCKED


def test_a_token_file_of_another_time_is_replaced_not_reused(house: House) -> None:
    accounts.keep_token("old")
    os.chmod(accounts.token_file(), 0o644)  # noqa: PTH101
    accounts.keep_token("new")
    assert stat.S_IMODE(Path(accounts.token_file()).stat().st_mode) == 0o600
