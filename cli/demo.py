"""The demonstration: a rehearsal university, one full night, and a second with a day of changes and known faults.

The only module of the rooms that knows the rehearsal university. It starts from nothing each time, and refuses to touch
a hub that a demonstration did not make.
"""

from __future__ import annotations

import resource
import secrets
import shutil
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from cli.output import show_result
from cli.progress import show_progress, show_run_result
from contracts.catalog import format_known_names, load_catalog
from core.adapters import explain_missing
from core.errors import ContractError, Denied
from core.messages import translate
from core.process.leaving import shield_from_signals
from core.settings import get_settings
from core.store import accounts
from core.store.accounts import Account
from core.store.ledger import open_ledger
from pipeline.context import resume_run
from pipeline.result import RunResult
from reporting.report import collect_report_facts
from runs.nightly import run_night

if TYPE_CHECKING:
    from campus.faults.injection import Injected

DAY_ONE = date(2026, 9, 7)
FAULTS = {
    "bad_id_checksum": 6,
    "birth_mismatch": 3,
    "unknown_unit": 4,
    "lost_character": 3,
    "missing_name": 3,
    "bad_code": 4,
    "unreadable_date": 3,
    "payment_sum": 5,
    "fee_identity": 4,
    "payroll_unknown_person": 2,
    "teacher_unknown": 2,
    "teacher_renamed": 2,
    "staff_numbered_twice": 2,
}
_MARKER_FILE = "made-by-hub-demo"
_SIGNED_IN = "王工"
"""Whom the demonstration signs in, so that the commands after it work."""


def run_demo(persons: int, seed: int, systems: Sequence[str], as_json: bool) -> None:
    """Build the university and run two nights, showing progress, then the table of flows, the score and what to try next.

    With `systems` only these are connected, as on the day on which a university begins; the others wait.

    Raises:
        ContractError: HUB104 for a system that no contract names. MachineFault: HUB861 without what `campus-hub[demo]` brings.
    """
    try:
        from campus.apart import RehearsalProcess
        from campus.servers import sqlserver, stores  # noqa: F401 - what they need is not part of every installation
    except ModuleNotFoundError as error:
        raise explain_missing(error, "demo") from None

    known = load_catalog().source_systems()
    for system in set(systems) - set(known):
        raise ContractError("HUB104", system, kind="source system", known=format_known_names(system, known))
    folder = _prepare_folder(get_settings().var)
    try:
        _run_nights(folder, persons, seed, systems, as_json)
    except BaseException:  # an interrupt too: what was not finished leaves no process behind
        with shield_from_signals():
            RehearsalProcess.abandon_all(folder / "campus")
        raise


def _run_nights(folder: Path, persons: int, seed: int, systems: Sequence[str], as_json: bool) -> None:
    from campus.apart import RehearsalProcess

    console = Console(quiet=as_json)
    started = time.perf_counter()
    console.print(translate("cli.demo_running"))
    university = RehearsalProcess(folder / "campus", persons, seed, systems)
    for program in sorted(set(university.elsewhere.values())):
        names = sorted(name for name, missing in university.elsewhere.items() if missing == program)
        console.print(
            translate(f"cli.demo_elsewhere_{program}", None, program=program, names=", ".join(names)), highlight=False
        )
    nights: list[dict[str, Any]] = []
    injected: Sequence[Injected] = []
    for day in (1, 2):
        injected = university.load(day, FAULTS if day > 1 else {})
        if day == 1:
            console.print(translate("cli.demo_university", None, persons=persons, seconds=time.perf_counter() - started))
        nights.append(_run_one_night(console, day, as_json))
    university.close()
    shown = _people()
    score = _count_found_faults(injected)
    if as_json:
        show_result({"nights": nights, "score": score}, True)
        return
    console.print(translate("cli.demo_injected", None, **score), highlight=False)
    console.print(translate("cli.demo_accounts", None, file=shown, name=_SIGNED_IN), highlight=False)
    console.print(translate("cli.demo_next"))
    for command in ("hub status", "hub held", "hub versions", "hub verify E18", "hub night --as-of 2026-09-09", "hub --help"):
        console.print(f"  .venv/bin/{command}", highlight=False)
    console.print(f"  make down  [dim]{translate('cli.demo_down')}[/dim]", highlight=False)


def _prepare_folder(var: Path) -> Path:
    """An empty `var` for the demonstration.

    Raises:
        Denied: HUB710 when the hub in it was not made by a demonstration, or is another server's.
    """
    mark = var / _MARKER_FILE
    if get_settings().url or ((var / "hub").exists() and not mark.exists()):
        raise Denied("HUB710", str(var))
    if mark.exists():
        from campus.servers import built, processes

        built.stop_servers(var / "campus")
        processes.stop_server(var / "hub" / "postgres")
        for name in ("campus", "hub", "landing", "work", "deliveries", "reports", "tokens"):
            shutil.rmtree(var / name, ignore_errors=True)
        accounts.demo_file().unlink(missing_ok=True)
    var.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return var


def _people() -> Path:
    """An account for each role, their passwords in a file for the owner of the demonstration; one of them is signed in."""
    ledger = open_ledger()
    person = ledger.fetch_row("select min(uid) as uid from hub_current.role_grant")
    chief = Account("管理员", "administrator")
    people = [
        *(chief, Account(_SIGNED_IN, "technician"), Account("李工", "technician"), Account("审计员", "auditor")),
        Account("周会计", "department", ("finance",)),
        *([Account(str(person["uid"]), "person", (), str(person["uid"]))] if person and person["uid"] else []),
    ]
    given = {account.name: secrets.token_urlsafe(12) for account in people}
    for account in people:
        accounts.add_account(ledger, account, given[account.name], chief)
    lines = (f"{account.name}\t{account.role}\t{given[account.name]}\n" for account in people)
    file = accounts.write_private_file(accounts.demo_file(), "".join(lines))
    accounts.keep_token(accounts.sign_in(ledger, _SIGNED_IN, given[_SIGNED_IN])[1])
    return file


def _run_one_night(console: Console, day: int, as_json: bool) -> dict[str, Any]:
    as_of = DAY_ONE + timedelta(days=day - 1)
    console.rule(translate("cli.demo_day", None, day=day, as_of=as_of))
    started = time.perf_counter()
    with show_progress(quiet=as_json) as progress:
        found: RunResult = run_night(as_of, progress)
    seconds = time.perf_counter() - started
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if not as_json:
        show_run_result(found, False)
        console.print(translate("cli.demo_memory", None, day=day, seconds=seconds, mb=megabytes), highlight=False)
    return {
        "run": found.run_id,
        "version": found.version,
        "state": found.state,
        "seconds": round(seconds, 2),
        "peak_mb": megabytes,
        "flows": collect_report_facts(resume_run(found.run_id))["flows"],
        "problems": [error.line() for error in found.problems],
    }


def _count_found_faults(injected: Sequence[Injected]) -> dict[str, int]:
    """How many injected faults were found for the right reason, missed, and how many other keys were held."""
    rows = open_ledger().rows("select entity, source_key, rule_id, severity from ops.held where state = 'open'")
    seen = {(row["entity"], row["source_key"], row["rule_id"]) for row in rows}
    wanted = {(fault.entity, fault.key, fault.rule_id) for fault in injected}
    keys = {(entity, key) for entity, key, _ in wanted}
    extra = {(row["entity"], row["source_key"]) for row in rows if row["severity"] == "error"} - keys
    return {"count": len(wanted), "found": len(wanted & seen), "missed": len(wanted - seen), "extra": len(extra)}
