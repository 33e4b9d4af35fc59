"""Absence: whether a key that is not among tonight's rows of its system has left, or may only be hidden.

A held row whose key is damaged (missing, malformed, mistyped as another's, unknown to the hub) may be the row of any key that
its system no longer shows. While there is one, no absence of that system counts, and it is said how many keys wait for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from contracts.contract import HUB, Entity
from contracts.sql.files import list_tables
from core.engine import quote_literal
from core.errors import Gated, HubError
from core.store import postgres
from core.store.connections import list_switched_off
from core.store.ledger import Ledger, Output, Row
from pipeline.context import RunContext

REUSED_NUMBER_CHECK = "number_reused"
"""The check (`sql/checks/<entity>__number_reused.sql`) that finds another person under an old number: a new one's, or one whose
own number was mistyped so."""


def suspend_absences(db: duckdb.DuckDBPyConnection, entity: Entity, failures: str, lost: str | None = None) -> None:
    """Take the systems with a damaged key out of the table `complete` (systems whose absences prove something) and make the
    table `damaged` (`source_system`, `rule_id`, `source_row`) of what damages them.

    `failures` is the Parquet of the check; `prior` holds the keys that the hub has. A held row under a key that the hub has
    is that key's own row, unless there are several of them or it is another person's. `lost` is the Parquet of rows that were
    read and that the SELECT did not give: their keys are there, and where the row does not tell its key, it may be any.
    """
    keys = ", ".join(quote_literal(name) for name in entity.key)
    db.execute(
        "create table damaged as select source_system, rule_id, source_row"
        f" from read_parquet({quote_literal(failures)}) f where severity = 'error' and source_row is not null and ("
        f"source_key is null or ((columns = '' or list_has_any(string_split(columns, ','), [{keys}]))"
        f" and (kind = 'unique' or rule_id = {quote_literal(f'{entity.name}.{REUSED_NUMBER_CHECK}')}"
        " or not exists (select 1 from prior p where p.source_key = f.source_key))))"
    )
    if lost:
        rows = f"read_parquet({quote_literal(lost)})"
        db.execute(f"insert into held select source_system, source_key from {rows} where source_key is not null")
        db.execute(
            f"insert into damaged select source_system, rule_id, source_row from {rows} where main and source_key is null"
        )
    db.execute("delete from complete where source_system in (select source_system from damaged)")


def list_absent_before(run: RunContext, connection: postgres.Connection, entity: Entity) -> list[str]:
    """The keys that were absent on an earlier business date and of whose system everything was read anew on this one: the
    same reading looked at twice is one sighting."""
    rows = connection.execute(
        "select source_key from ops.absent a join ops.run r using (run_id) where a.entity = %s and r.as_of < %s",
        [entity.name, run.run.as_of],
    ).fetchall()
    return [str(row[0]) for row in rows] if rows and _is_read_anew(run, connection, entity.name) else []


def _is_read_anew(run: RunContext, connection: postgres.Connection, name: str) -> bool:
    """Whether every dataset that an entity's SELECTs read was read whole on this business date."""
    files = [run.catalog.conform_file(name, system) for system in run.catalog.systems_of(name) if system != HUB]
    tables = {f"{room}.{table}" for path in files for room, table in list_tables(path.read_text("utf-8")) if room != "codes"}
    done = connection.execute(
        "select distinct s.subject from ops.step s join ops.run r using (run_id) where s.verb = 'extract' and s.state = 'done'"
        " and r.kind <> 'refresh' and r.as_of = %s",
        [run.run.as_of],
    ).fetchall()
    off = list_switched_off()
    wanted = {id for id in tables & run.catalog.sources.keys() if run.catalog.source(id).connection not in off}
    return wanted <= {str(row[0]) for row in done}


def count_waiting_keys(db: duckdb.DuckDBPyConnection, entity: Entity) -> list[Row]:
    """`{system, damaged, rules, waiting}` of every system with keys that would have left but for its damaged ones; the
    table `unseen` holds the keys without a row tonight, `held` those of held rows."""
    if entity.gone == "never":
        return []
    rows = db.execute(
        "select d.source_system, count(distinct d.source_row), string_agg(distinct d.rule_id, ', ' order by d.rule_id),"
        " any_value(u.keys) from damaged d join (select source_system, count(*) as keys from unseen"
        " anti join held using (source_key) group by 1) u using (source_system) group by 1 order by 1"
    ).fetchall()
    return [dict(zip(("system", "damaged", "rules", "waiting"), row, strict=True)) for row in rows]


def build_suspension_errors(name: str, found: Output) -> list[HubError]:
    """One HUB403 for every system of an entity whose absences are suspended, by the output of its change."""
    return [Gated("HUB403", name, **row) for row in found.get("suspended", [])]


def list_suspended(ledger: Ledger) -> Sequence[Row]:
    """`{entity, system, damaged, rules, waiting}` as the newest change of every entity found it. Of one that was stopped since,
    what was found before may be long mended, and it is said why it was stopped."""
    rows = ledger.rows(
        "select distinct on (subject) subject, case when state = 'done' then output -> 'suspended' end as suspended"
        " from ops.step where verb = 'brake' and state <> 'running' order by subject, step_id desc"
    )
    return [{"entity": row["subject"], **found} for row in rows for found in row["suspended"] or []]
