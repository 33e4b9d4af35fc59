"""The commands of a night and of its people: demo, night, status, held, release, verify and the rest."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.app import AsJson, AsOf, Limit, acting, agreed, app, day, interruptible, signed_in
from cli.output import NEEDS_A_PERSON, complain, show, show_part
from core.errors import ContractError
from core.messages import text
from core.people import need_two


@app.command(help=text("cli.demo"))
def demo(
    persons: Annotated[int, typer.Option(help=text("cli.demo_persons"))] = 32_500,
    seed: Annotated[int, typer.Option(help=text("cli.demo_seed"))] = 7,
    systems: Annotated[str, typer.Option(help=text("cli.demo_systems"))] = "",
    as_json: AsJson = False,
) -> None:
    from cli.demo import demo as run

    with interruptible():
        run(persons, seed, [system for system in systems.split(",") if system], as_json)


@app.command(help=text("cli.night"))
def night(
    as_of: AsOf = None,
    yes: Annotated[bool, typer.Option("--yes", help=text("cli.past_yes"))] = False,
    as_json: AsJson = False,
) -> None:
    from cli.progress import show_outcome, show_progress
    from core.errors import Denied
    from runs.nightly import later_night
    from runs.nightly import night as run

    signed_in("run")
    wanted = day(as_of)
    newest = later_night(wanted)
    if newest and not agreed(text("cli.past_ask", None, day=wanted, newest=newest), yes, as_json):
        raise Denied("HUB754", f"{wanted}", newest=f"{newest}")
    with interruptible(), show_progress(quiet=as_json) as progress:
        outcome = run(wanted, progress)
    show_outcome(outcome, as_json)
    if outcome.problems:
        raise typer.Exit(NEEDS_A_PERSON)


@app.command(help=text("cli.extract"))
def extract(
    system: Annotated[str, typer.Argument(help=text("cli.system"))], as_of: AsOf = None, as_json: AsJson = False
) -> None:
    from runs.nightly import close_run, extract_part, open_run

    signed_in("run")
    run_id = open_run("extract", day(as_of), [system])
    try:
        part = extract_part(run_id, system)
    finally:
        close_run(run_id)
    show_part(part.facts | {"run": run_id}, part.problems, part.facts["landed"], as_json)


@app.command(help=text("cli.feed"))
def feed(
    flow: Annotated[str, typer.Argument(help=text("cli.flow"))],
    schedule: Annotated[str, typer.Option(help=text("cli.schedule"))] = "nightly",
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    from runs.nightly import close_run, deliver_part, open_run

    signed_in("run")
    run_id = open_run("feed", day(as_of), [flow.upper(), schedule])
    try:
        part = deliver_part(run_id, flow.upper(), schedule)
    finally:
        close_run(run_id)
    show_part(part.facts | {"run": run_id}, part.problems, part.facts["feeds"], as_json)


@app.command(help=text("cli.status"))
def status(as_json: AsJson = False) -> None:
    from cli.tables import status as screen_status
    from contracts.catalog import catalog
    from core.store.ledger import ledger
    from reporting.status import status as read

    found = read(ledger(), catalog())
    show(found, as_json, None if as_json else screen_status.status(found))


@app.command(help=text("cli.held"))
def held(
    entity: Annotated[str | None, typer.Option(help=text("cli.entity"))] = None,
    system: Annotated[str | None, typer.Option(help=text("cli.system"))] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    from cli.tables import screen
    from contracts.catalog import catalog, nearest
    from core.store.ledger import ledger
    from reporting.status import held as read
    from reporting.status import held_counts

    known = catalog()
    for kind, value, names in (("system", system, known.systems), ("entity", entity, {**known.entities, **known.sources})):
        if value is not None and value not in names:
            raise ContractError("HUB104", value, kind=kind, known=nearest(value, names))
    who = acting("see_held", None if system is None else [system])
    wanted = [system] if system is not None else who.systems if who and who.role == "department" else None
    found = read(ledger(), known, entity, wanted, limit)
    show(found, as_json, None if as_json else screen.held(found, held_counts(ledger(), entity, wanted)))


@app.command(help=text("cli.versions"))
def versions(limit: Limit = 20, as_json: AsJson = False) -> None:
    from cli.tables import screen
    from core.store.ledger import ledger
    from desk.brake_release import open_requests
    from reporting.status import decisions

    found = ledger().rows("select * from ops.version order by version desc limit %s", [limit])
    show(found, as_json, None if as_json else screen.versions(found, decisions(ledger(), limit), open_requests(ledger())))


@app.command(help=text("cli.rollback"))
def rollback(
    version: Annotated[int, typer.Argument(help=text("cli.version"))],
    reason: Annotated[str | None, typer.Option(help=text("cli.reason"))] = None,
    approve: Annotated[bool, typer.Option("--approve", help=text("cli.approve"))] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    from cli.tables import screen
    from contracts.catalog import catalog
    from core.store.ledger import ledger
    from desk import brake_release as releases
    from pipeline.context import resume
    from runs.nightly import close_run, open_run

    book = ledger()
    if not approve:
        if reason is None:
            seen = releases.preview_rollback(book, catalog(), version)
            show(seen, as_json, None if as_json else screen.rollback_preview(seen))
            return
        asked = releases.ask_rollback(book, catalog(), version, signed_in("rollback"), reason)
        show(asked, as_json, None if as_json else screen.rollback_asked(asked))
        return
    by = signed_in("rollback")
    asked = releases.asked_for(book, "rollback", f"v{version}")
    need_two(asked["requested_by"], by, asked["subject"])
    run_id = open_run("rollback", day(as_of), [f"v{version}"])
    try:
        found = releases.agree_rollback(resume(run_id), version, by)
        show(found, as_json, None if as_json else screen.rolled_back(found))
    finally:
        close_run(run_id)


@app.command(help=text("cli.release"))
def release(
    brake: Annotated[int, typer.Argument(help=text("cli.brake"))],
    reason: Annotated[str | None, typer.Option(help=text("cli.reason"))] = None,
    approve: Annotated[bool, typer.Option("--approve", help=text("cli.approve"))] = False,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help=text("cli.until"))] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    from core.store.ledger import ledger
    from desk import brake_release as releases
    from reporting.status import brake_line

    who, today = signed_in("release"), day(as_of)
    if approve:
        found = releases.approve(ledger(), brake, who, until.date() if until else today, today)
    else:
        found = releases.request(ledger(), brake, who, reason or "")
    show(found, as_json, None if as_json else brake_line(found))


@app.command(help=text("cli.lint"))
def lint(home: Annotated[Path | None, typer.Option(help=text("cli.home"))] = None, as_json: AsJson = False) -> None:
    from lint.lint import lint as run

    findings = run(home)
    if as_json:
        show(
            [
                {"code": f.code, "file": f.file, "line": f.line, "severity": f.severity, "what": f.what(), "right": f.right()}
                for f in findings
            ],
            True,
        )
    else:
        for finding in findings:
            print(finding)
        print(text("cli.lint_done", None, count=len(findings)))
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)


@app.command(help=text("cli.draft"))
def draft(
    connection: Annotated[str, typer.Argument(help=text("cli.connection"))],
    out: Annotated[Path, typer.Option(help=text("cli.out"))] = Path(),
    table: Annotated[list[str] | None, typer.Option(help=text("cli.table"))] = None,
    as_json: AsJson = False,
) -> None:
    from cli.tables import screen
    from onboarding.draft import draft as run

    found = [str(path) for path in run(connection, out, table or [], complain)]
    show(found, as_json, None if as_json else screen.drafted(found))


@app.command(help=text("cli.selftest"))
def selftest(
    connection: Annotated[str, typer.Argument(help=text("cli.connection"))],
    write: Annotated[bool, typer.Option(help=text("selftest.write"))] = False,
    as_json: AsJson = False,
) -> None:
    from cli.tables import screen
    from contracts.catalog import catalog
    from onboarding.connection_check import selftest as run

    if write:
        signed_in("run")
    with interruptible():
        found = run(catalog(), connection, write=write)
    show(found, as_json, None if as_json else screen.selftest(found))
    if not all(row["ok"] for row in found):
        raise typer.Exit(1)
