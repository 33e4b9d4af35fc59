"""The commands of a night and of its people: demo, night, status, held, release, verify and the rest."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.app import (
    AsJson,
    AsOf,
    Limit,
    app,
    ask_to_agree,
    choose_business_date,
    demand_signed_in,
    find_signed_in,
    handle_interrupt,
)
from cli.output import NEEDS_A_PERSON, print_error, show_part_result, show_result
from core.errors import ContractError
from core.messages import translate
from core.people import require_two_people


@app.command(help=translate("cli.demo"))
def demo(
    persons: Annotated[int, typer.Option(help=translate("cli.demo_persons"))] = 32_500,
    seed: Annotated[int, typer.Option(help=translate("cli.demo_seed"))] = 7,
    systems: Annotated[str, typer.Option(help=translate("cli.demo_systems"))] = "",
    as_json: AsJson = False,
) -> None:
    from cli.demo import run_demo as run

    with handle_interrupt():
        run(persons, seed, [system for system in systems.split(",") if system], as_json)


@app.command(help=translate("cli.night"))
def night(
    as_of: AsOf = None,
    yes: Annotated[bool, typer.Option("--yes", help=translate("cli.past_yes"))] = False,
    as_json: AsJson = False,
) -> None:
    from cli.progress import show_progress, show_run_result
    from core.errors import Denied
    from runs.nightly import find_later_night
    from runs.nightly import run_night as run

    demand_signed_in("run")
    wanted = choose_business_date(as_of)
    newest = find_later_night(wanted)
    if newest and not ask_to_agree(translate("cli.past_ask", None, day=wanted, newest=newest), yes, as_json):
        raise Denied("HUB754", f"{wanted}", newest=f"{newest}")
    with handle_interrupt(), show_progress(quiet=as_json) as progress:
        outcome = run(wanted, progress)
    show_run_result(outcome, as_json)
    if outcome.problems:
        raise typer.Exit(NEEDS_A_PERSON)


@app.command(help=translate("cli.extract"))
def extract(
    system: Annotated[str, typer.Argument(help=translate("cli.system"))], as_of: AsOf = None, as_json: AsJson = False
) -> None:
    from runs.nightly import close_run, extract_part, open_run

    demand_signed_in("run")
    run_id = open_run("extract", choose_business_date(as_of), [system])
    try:
        part = extract_part(run_id, system)
    finally:
        close_run(run_id)
    show_part_result(part.facts | {"run": run_id}, part.problems, part.facts["landed"], as_json)


@app.command(help=translate("cli.feed"))
def feed(
    flow: Annotated[str, typer.Argument(help=translate("cli.flow"))],
    schedule: Annotated[str, typer.Option(help=translate("cli.schedule"))] = "nightly",
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    from runs.nightly import close_run, deliver_part, open_run

    demand_signed_in("run")
    run_id = open_run("feed", choose_business_date(as_of), [flow.upper(), schedule])
    try:
        part = deliver_part(run_id, flow.upper(), schedule)
    finally:
        close_run(run_id)
    show_part_result(part.facts | {"run": run_id}, part.problems, part.facts["feeds"], as_json)


@app.command(help=translate("cli.status"))
def status(as_json: AsJson = False) -> None:
    from cli.tables import status as screen_status
    from contracts.catalog import load_catalog
    from core.store.ledger import open_ledger
    from reporting.status import read_status as read

    found = read(open_ledger(), load_catalog())
    show_result(found, as_json, None if as_json else screen_status.render_status(found))


@app.command(help=translate("cli.held"))
def held(
    entity: Annotated[str | None, typer.Option(help=translate("cli.entity"))] = None,
    system: Annotated[str | None, typer.Option(help=translate("cli.system"))] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    from cli.tables import screen
    from contracts.catalog import format_known_names, load_catalog
    from core.store.ledger import open_ledger
    from reporting.status import count_held
    from reporting.status import list_held as read

    catalog = load_catalog()
    for kind, value, names in (
        ("system", system, catalog.systems),
        ("entity", entity, {**catalog.entities, **catalog.sources}),
    ):
        if value is not None and value not in names:
            raise ContractError("HUB104", value, kind=kind, known=format_known_names(value, names))
    who = find_signed_in("see_held", None if system is None else [system])
    wanted = [system] if system is not None else who.systems if who and who.role == "department" else None
    found = read(open_ledger(), catalog, entity, wanted, limit)
    show_result(found, as_json, None if as_json else screen.render_held(found, count_held(open_ledger(), entity, wanted)))


@app.command(help=translate("cli.versions"))
def versions(limit: Limit = 20, as_json: AsJson = False) -> None:
    from cli.tables import screen
    from core.store.ledger import open_ledger
    from desk.brake_release import list_open_requests
    from reporting.status import list_releases

    found = open_ledger().rows("select * from ops.version order by version desc limit %s", [limit])
    show_result(
        found,
        as_json,
        None
        if as_json
        else screen.render_versions(found, list_releases(open_ledger(), limit), list_open_requests(open_ledger())),
    )


@app.command(help=translate("cli.rollback"))
def rollback(
    version: Annotated[int, typer.Argument(help=translate("cli.version"))],
    reason: Annotated[str | None, typer.Option(help=translate("cli.reason"))] = None,
    approve: Annotated[bool, typer.Option("--approve", help=translate("cli.approve"))] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    from cli.tables import screen
    from contracts.catalog import load_catalog
    from core.store.ledger import open_ledger
    from desk import brake_release as releases
    from pipeline.context import resume_run
    from runs.nightly import close_run, open_run

    ledger = open_ledger()
    if not approve:
        if reason is None:
            seen = releases.preview_rollback(ledger, load_catalog(), version)
            show_result(seen, as_json, None if as_json else screen.rollback_preview(seen))
            return
        asked = releases.request_rollback(ledger, load_catalog(), version, demand_signed_in("rollback"), reason)
        show_result(asked, as_json, None if as_json else screen.rollback_asked(asked))
        return
    by = demand_signed_in("rollback")
    asked = releases.find_request(ledger, "rollback", f"v{version}")
    require_two_people(asked["requested_by"], by, asked["subject"])
    run_id = open_run("rollback", choose_business_date(as_of), [f"v{version}"])
    try:
        found = releases.approve_rollback(resume_run(run_id), version, by)
        show_result(found, as_json, None if as_json else screen.render_rollback(found))
    finally:
        close_run(run_id)


@app.command(help=translate("cli.release"))
def release(
    brake: Annotated[int, typer.Argument(help=translate("cli.brake"))],
    reason: Annotated[str | None, typer.Option(help=translate("cli.reason"))] = None,
    approve: Annotated[bool, typer.Option("--approve", help=translate("cli.approve"))] = False,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help=translate("cli.until"))] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    from core.store.ledger import open_ledger
    from desk import brake_release as releases
    from reporting.status import format_brake

    who, today = demand_signed_in("release"), choose_business_date(as_of)
    if approve:
        found = releases.approve_release(open_ledger(), brake, who, until.date() if until else today, today)
    else:
        found = releases.request_release(open_ledger(), brake, who, reason or "")
    show_result(found, as_json, None if as_json else format_brake(found))


@app.command(help=translate("cli.lint"))
def lint(home: Annotated[Path | None, typer.Option(help=translate("cli.home"))] = None, as_json: AsJson = False) -> None:
    from lint.lint import lint_home as run

    findings = run(home)
    if as_json:
        show_result(
            [
                {
                    "code": f.code,
                    "file": f.file,
                    "line": f.line,
                    "severity": f.severity,
                    "what": f.describe_problem(),
                    "right": f.right(),
                }
                for f in findings
            ],
            True,
        )
    else:
        for finding in findings:
            print(finding)
        print(translate("cli.lint_done", None, count=len(findings)))
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)


@app.command(help=translate("cli.draft"))
def draft(
    connection: Annotated[str, typer.Argument(help=translate("cli.connection"))],
    out: Annotated[Path, typer.Option(help=translate("cli.out"))] = Path(),
    table: Annotated[list[str] | None, typer.Option(help=translate("cli.table"))] = None,
    as_json: AsJson = False,
) -> None:
    from cli.tables import screen
    from onboarding.draft import write_drafts as run

    found = [str(path) for path in run(connection, out, table or [], print_error)]
    show_result(found, as_json, None if as_json else screen.render_drafts(found))


@app.command(help=translate("cli.selftest"))
def selftest(
    connection: Annotated[str, typer.Argument(help=translate("cli.connection"))],
    write: Annotated[bool, typer.Option(help=translate("selftest.write"))] = False,
    as_json: AsJson = False,
) -> None:
    from cli.tables import screen
    from contracts.catalog import load_catalog
    from onboarding.connection_check import run_connection_check as run

    if write:
        demand_signed_in("run")
    with handle_interrupt():
        found = run(load_catalog(), connection, write=write)
    show_result(found, as_json, None if as_json else screen.render_connection_check(found))
    if not all(row["ok"] for row in found):
        raise typer.Exit(1)
