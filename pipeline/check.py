"""Check: the conformed rows of an entity through its suite; what fails is held, with the reason, and stays held until it
passes or its key is gone. A held row never becomes a delete."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql
from psycopg.types.json import Jsonb

from core import postgres
from core.ids import digest, texts_digest
from core.ledger import Output, Step
from core.settings import settings
from pipeline.conform import tables_of
from pipeline.context import Night
from quality.base import Question, Verdict
from schemas.contract import Entity

Known = Mapping[str, tuple[Path, str]]
"""Entity -> a Parquet of its rows and a hash of them."""
STANDING = "standing"
_TEXTS = ("source_system", "source_key", "rule_id", "columns", "severity")
_FIELDS: list[pa.Field[Any]] = [pa.field("source_row", pa.int64()), *(pa.field(name, pa.string()) for name in _TEXTS)]
_FAILURES = pa.schema(_FIELDS)


def check(night: Night, name: str, conformed: Output, known: Known, stood: Known) -> Output:
    """Split an entity's conformed rows and record what is held.

    `known` gives, for every other entity, a Parquet of its rows as they will stand and a hash of them; `stood` the same
    of the entities of `looks_back`, as the hub's last version has them. Returns `{accepted, held, failures, rows,
    held_rows, warned_rows}`.

    Raises:
        Gated: HUB401 when more rows are held than the contract allows.
        ContractError: HUB105, HUB106 when an SQL check is missing or fails.
    """
    entity = night.catalog.entity(name)
    night.progress("check", name)
    needed = dependencies(night, entity)
    looked_at = {other: pair for other, pair in known.items() if other in needed}
    work = digest("check", conformed["file"], repr(entity), _checks_text(night, entity), _hashes(looked_at), _hashes(stood))
    folder = settings().work / "checked" / name / work
    before = night.ledger.finished("check", name, work)
    # Only the newest answer is what the list of held rows says; an older one, to which rows have returned, is asked anew.
    if before is not None and before == night.ledger.latest("check").get(name) and folder.is_dir():
        _seen_again(night, name)
        return night.ledger.reuse(night.run.id, "check", name, work, before)
    seen, back = ({other: pair[0] for other, pair in pairs.items()} for pairs in (looked_at, stood))
    question = Question(entity, night.catalog, Path(conformed["file"]), seen, folder, back)
    return night.ledger.do(night.run.id, "check", name, work, lambda step: _check(night, question, step))


def dependencies(night: Night, entity: Entity) -> frozenset[str]:
    """The other entities whose rows this entity's rules look at."""
    referred = {rule.facts["entity"] for rule in entity.rules if rule.kind == "reference"}
    asked: set[str] = set()
    for path in _check_files(night, entity):
        asked |= {table for room, table in tables_of(path.read_text("utf-8")) if room != STANDING}
    return frozenset((referred | asked) & night.catalog.entities.keys() - {entity.name})


def looks_back(night: Night, name: str) -> frozenset[str]:
    """The entities whose rows of the hub's last version a check of this one asks for (`standing.<entity>`)."""
    files = _check_files(night, night.catalog.entity(name))
    tables = {pair for path in files for pair in tables_of(path.read_text("utf-8"))}
    return frozenset(table for room, table in tables if room == STANDING)


def _hashes(tables: Known) -> dict[str, str]:
    return {name: pair[1] for name, pair in sorted(tables.items())}


def _check(night: Night, question: Question, step: Step) -> Output:
    from quality.check import check as judge  # imports Great Expectations, which costs seconds
    from quality.quarantine import gate

    entity, folder = question.entity, question.out
    draft = folder.with_name(f"{folder.name}.{step.id}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    verdict = judge(replace(question, out=draft))
    files = {name: str(folder / getattr(verdict, name).relative_to(draft)) for name in ("accepted", "held", "failures")}
    _record(night, entity, verdict, files["held"])
    shutil.rmtree(folder, ignore_errors=True)
    draft.replace(folder)
    gate(entity, verdict.rows, verdict.held_rows)
    return {**files, "rows": verdict.rows, "held_rows": verdict.held_rows, "warned_rows": verdict.warned_rows}


def _record(night: Night, entity: Entity, verdict: Verdict, kept_in: str) -> None:
    failures = pq.read_table(verdict.failures, columns=_FAILURES.names).cast(_FAILURES)
    run, book = night.run, night.ledger
    with book.transaction() as connection:
        connection.execute(
            "create temporary table failing (source_system text, source_key text, source_row bigint,"
            " rule_id text, columns text, severity text) on commit drop"
        )
        postgres.copy_in(connection, sql.Identifier("failing"), _FAILURES.names, failures.to_reader())
        connection.execute("update failing set source_key = '#' || source_row where source_key is null")
        connection.execute(_CLOSE, {"entity": entity.name, "run": run.id})
        connection.execute(_AGAIN, {"entity": entity.name, "run": run.id, "as_of": run.as_of})
        connection.execute(_OPEN, {"entity": entity.name, "run": run.id, "as_of": run.as_of, "kept_in": kept_in})
        connection.execute("delete from ops.check_result where run_id = %s and entity = %s", [run.id, entity.name])
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into ops.check_result values (%s, %s, %s, %s, %s, %s)",
                [
                    (run.id, entity.name, result["rule_id"], result["severity"], result["success"], Jsonb(dict(result)))
                    for result in verdict.results
                ],
            )


def _seen_again(night: Night, name: str) -> None:
    night.ledger.execute(
        "update ops.held set last_run = %s, last_seen = %s, times_seen = times_seen + 1"
        " where entity = %s and state = 'open' and last_run <> %s",
        [night.run.id, night.run.as_of, name, night.run.id],
    )


_CLOSE = """
update ops.held h set state = 'closed', closed_run = %(run)s
where h.entity = %(entity)s and h.state = 'open' and not exists (
    select 1 from failing f
    where f.source_system = h.source_system and f.source_key = h.source_key and f.rule_id = h.rule_id)
"""
_AGAIN = """
update ops.held h
set last_run = %(run)s, last_seen = %(as_of)s, source_row = coalesce(f.source_row, -1),
    times_seen = h.times_seen + case when h.last_run = %(run)s then 0 else 1 end
from failing f
where h.entity = %(entity)s and h.state = 'open'
  and f.source_system = h.source_system and f.source_key = h.source_key and f.rule_id = h.rule_id
"""
_OPEN = """
insert into ops.held (entity, source_system, source_key, rule_id, columns, severity, state, source_row, kept_in,
                      first_run, first_seen, last_run, last_seen)
select distinct on (f.source_system, f.source_key, f.rule_id)
       %(entity)s, f.source_system, f.source_key, f.rule_id, f.columns, f.severity, 'open', coalesce(f.source_row, -1),
       %(kept_in)s, %(run)s, %(as_of)s, %(run)s, %(as_of)s
from failing f
where not exists (
    select 1 from ops.held h
    where h.entity = %(entity)s and h.state = 'open'
      and f.source_system = h.source_system and f.source_key = h.source_key and f.rule_id = h.rule_id)
order by f.source_system, f.source_key, f.rule_id, f.source_row
"""


def _check_files(night: Night, entity: Entity) -> list[Path]:
    files = [night.catalog.sql / "checks" / f"{rule.facts['file']}.sql" for rule in entity.rules if rule.kind == "sql"]
    return [path for path in files if path.is_file()]


def _checks_text(night: Night, entity: Entity) -> str:
    codes = sorted(night.catalog.codes_folder.glob("*.csv"))
    return texts_digest([*_check_files(night, entity), *codes])
