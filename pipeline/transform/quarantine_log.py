"""The register of what is held or warned of (`ops.held`): opened when first found, seen again each night, closed when mended.

The checks of an entity and the comparison of copies write here alike: what they found is the whole of what is now wrong with
their subject, so whatever else was open for it is closed, but for what they could not see (`other_days`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from psycopg import sql

from core.store import postgres
from pipeline.context import RunContext

_TEXT_FIELDS = ("source_system", "source_key", "rule_id", "columns", "severity")
_FIELDS: list[pa.Field[Any]] = [pa.field("source_row", pa.int64()), *(pa.field(name, pa.string()) for name in _TEXT_FIELDS)]
FAILURES = pa.schema(_FIELDS)
"""What a check gives: one row for every broken rule of every row; no values."""


def record_failures(
    night: RunContext,
    connection: postgres.Connection,
    subject: str,
    failures: pa.Table,
    kept_in: str,
    staying: Sequence[int] = (),
) -> None:
    """Make the open entries of `subject` those of `failures`, and those that are `staying` (numbers), in the caller's
    transaction.

    `failures` has the columns of `FAILURES` and may have `authority`, the system that is right where a copy differs. A row
    without a readable key is known by `#` and its position.
    """
    run = night.run
    if "authority" not in failures.schema.names:
        failures = failures.append_column("authority", pa.nulls(failures.num_rows, pa.string()))
    connection.execute(
        "create temporary table failing (source_row bigint, source_system text, source_key text,"
        " rule_id text, columns text, severity text, authority text) on commit drop"
    )
    names = [*FAILURES.names, "authority"]
    postgres.copy_in(connection, sql.Identifier("failing"), names, failures.select(names).to_reader())
    connection.execute("update failing set source_key = '#' || source_row where source_key is null")
    facts = {"subject": subject, "run": run.id, "as_of": run.as_of, "kept_in": kept_in, "staying": list(staying)}
    for statement in (_CLOSE_ENTRIES, _EXTEND_ENTRIES, _OPEN_ENTRIES):
        connection.execute(statement, facts)


def record_seen_again(run: RunContext, subject: str) -> None:
    """Nothing that the entries of `subject` depend on has changed: all of them stand for another night."""
    run.ledger.execute(
        "update ops.held set last_run = %s, last_seen = %s, times_seen = times_seen + 1"
        " where entity = %s and state = 'open' and last_run <> %s",
        [run.run.id, run.run.as_of, subject, run.run.id],
    )


_CLOSE_ENTRIES = """
update ops.held h set state = 'closed', closed_run = %(run)s
where h.entity = %(subject)s and h.state = 'open' and h.held_id <> all(%(staying)s::bigint[]) and not exists (
    select 1 from failing f
    where f.source_system = h.source_system and f.source_key = h.source_key and f.rule_id = h.rule_id)
"""
_EXTEND_ENTRIES = """
update ops.held h
set last_run = %(run)s, last_seen = %(as_of)s, source_row = coalesce(f.source_row, -1), authority = f.authority,
    severity = f.severity, columns = f.columns, kept_in = %(kept_in)s,
    times_seen = h.times_seen + case when h.last_run = %(run)s then 0 else 1 end
from failing f
where h.entity = %(subject)s and h.state = 'open'
  and f.source_system = h.source_system and f.source_key = h.source_key and f.rule_id = h.rule_id
"""
_OPEN_ENTRIES = """
insert into ops.held (entity, source_system, source_key, rule_id, columns, severity, state, source_row, kept_in,
                      first_run, first_seen, last_run, last_seen, authority)
select distinct on (f.source_system, f.source_key, f.rule_id)
       %(subject)s, f.source_system, f.source_key, f.rule_id, f.columns, f.severity, 'open', coalesce(f.source_row, -1),
       %(kept_in)s, %(run)s, %(as_of)s, %(run)s, %(as_of)s, f.authority
from failing f
where not exists (
    select 1 from ops.held h
    where h.entity = %(subject)s and h.state = 'open'
      and f.source_system = h.source_system and f.source_key = h.source_key and f.rule_id = h.rule_id)
order by f.source_system, f.source_key, f.rule_id, f.source_row
"""
