"""Check: the conformed rows of an entity through its suite; what fails is held, with the reason, and stays held until it
passes or its key is gone. A held row never becomes a delete."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from psycopg.types.json import Jsonb

from contracts.contract import Entity
from contracts.sql.files import list_tables
from core.hashing import hash_file, hash_text_files, hash_values
from core.row_set import RowSet
from core.settings import get_settings
from core.store.ledger import Output, Step
from pipeline.context import RunContext
from pipeline.transform import other_days, quarantine_log
from quality.base import CheckRequest, CheckResult

KnownTables = Mapping[str, tuple[RowSet, str]]
"""Entity -> its rows and a hash of them."""
PUBLISHED_SCHEMA = "standing"


def check_entity(run: RunContext, name: str, conformed: Output, known: KnownTables, stood: KnownTables) -> Output:
    """Split an entity's conformed rows and record what is held.

    `known` gives, for every other entity, its rows as they will stand and a hash of them; `stood` the same of the entities
    of `looks_back`, as the hub's last version has them. Returns `{accepted, held, failures, answer, rows, held_rows,
    warned_rows, known, standing, judged_by}`: `accepted` as `core.row_set` gives rows, `answer` a hash of who is held for what;
    the last three are for `pipeline.transform.audit`.

    Raises:
        ContractError: HUB105, HUB106 when an SQL check is missing or fails.
    """
    entity = run.catalog.entity(name)
    run.progress("check", name)
    needed = list_dependencies(run, entity)
    looked_at = {other: pair for other, pair in known.items() if other in needed}
    work = hash_values(
        "judge", conformed["file"], repr(entity), _hash_check_files(run, entity), _list_hashes(looked_at), _list_hashes(stood)
    )
    folder = get_settings().work / "checked" / name / work
    before = run.ledger.find_newest_output("check", name, work)
    if before is not None and folder.is_dir():
        quarantine_log.record_seen_again(run, name)
        return run.ledger.reuse_step(run.run.id, "check", name, work, before)
    seen, back = ({other: pair[0] for other, pair in pairs.items()} for pairs in (looked_at, stood))
    question = CheckRequest(entity, run.catalog, Path(conformed["file"]), seen, folder, back)
    lost = conformed.get("lost")
    return run.ledger.run_step(run.run.id, "check", name, work, lambda step: _run_suite(run, question, step, lost))


def list_dependencies(run: RunContext, entity: Entity) -> frozenset[str]:
    """The other entities whose rows this entity's rules look at."""
    referred = {rule.facts["entity"] for rule in entity.rules if rule.kind == "reference"}
    asked: set[str] = set()
    for path in _list_check_files(run, entity):
        asked |= {table for room, table in list_tables(path.read_text("utf-8")) if room != PUBLISHED_SCHEMA}
    return frozenset((referred | asked) & run.catalog.entities.keys() - {entity.name})


def list_published_inputs(run: RunContext, name: str) -> frozenset[str]:
    """The entities whose rows of the hub's last version a check of this one asks for (`standing.<entity>`)."""
    files = _list_check_files(run, run.catalog.entity(name))
    tables = {pair for path in files for pair in list_tables(path.read_text("utf-8"))}
    return frozenset(table for room, table in tables if room == PUBLISHED_SCHEMA)


def _list_hashes(tables: KnownTables) -> dict[str, str]:
    return {name: pair[1] for name, pair in sorted(tables.items())}


def _run_suite(run: RunContext, question: CheckRequest, step: Step, lost: str | None) -> Output:
    from quality.check import check_rows as judge  # imports numpy and DuckDB, which a task that only skips need not pay

    folder = question.out
    draft = folder.with_name(f"{folder.name}.{step.id}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    verdict = judge(replace(question, out=draft), get_settings().checks)
    answer = hash_values(*(hash_file(path) for path in (verdict.left_out, verdict.failures) if path))
    files = {name: str(folder / getattr(verdict, name).name) for name in ("held", "failures")}
    left_out = folder / verdict.left_out.name if verdict.left_out else None
    _record_verdict(run, question, verdict, files["held"], lost)
    shutil.rmtree(folder, ignore_errors=True)
    draft.replace(folder)
    return {
        **files,
        "accepted": RowSet(question.conformed, left_out).facts(),
        "answer": answer,
        "rows": verdict.rows,
        "held_rows": verdict.held_rows,
        "warned_rows": verdict.warned_rows,
        "known": {other: rows.facts() for other, rows in question.known.items()},
        "standing": {other: rows.facts() for other, rows in question.standing.items()},
        "judged_by": run.run.id,
    }


def _record_verdict(night: RunContext, question: CheckRequest, verdict: CheckResult, kept_in: str, lost: str | None) -> None:
    """Write down what is held or warned of, the rows that the SELECT lost among it, and the result of every rule."""
    failures = pq.ParquetFile(verdict.failures).read(quarantine_log.FAILURES.names).cast(quarantine_log.FAILURES)
    if lost:
        rows = pq.read_table(lost)
        shown = rows.drop_columns(["source_key"]).rename_columns({"shown": "source_key"})
        failures = pa.concat_tables([failures, shown.select(quarantine_log.FAILURES.names).cast(quarantine_log.FAILURES)])
    run, entity = night.run, question.entity
    with night.ledger.transaction() as connection:
        staying = other_days.kept(connection, night.catalog, entity, question.conformed)
        quarantine_log.record_failures(night, connection, entity.name, failures, kept_in, staying)
        connection.execute("delete from ops.check_result where run_id = %s and entity = %s", [run.id, entity.name])
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into ops.check_result values (%s, %s, %s, %s, %s, %s)",
                [
                    (run.id, entity.name, result["rule_id"], result["severity"], result["success"], Jsonb(dict(result)))
                    for result in verdict.results
                ],
            )


def _list_check_files(run: RunContext, entity: Entity) -> list[Path]:
    files = [run.catalog.check_file(rule.facts["file"]) for rule in entity.rules if rule.kind == "sql"]
    return [path for path in files if path.is_file()]


def _hash_check_files(run: RunContext, entity: Entity) -> str:
    return hash_text_files([*_list_check_files(run, entity), *run.catalog.code_lists])
