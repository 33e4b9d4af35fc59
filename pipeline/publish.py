"""Publish: every staged change of a run becomes one hub version, in one transaction, or none does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow.parquet as pq
from psycopg import sql
from psycopg.types.json import Jsonb

from core import postgres
from core.errors import Denied
from core.ids import digest
from core.ledger import LOCK_PUBLISH, Output, Step
from loaders import hub
from loaders.hub import Change
from pipeline.change import staged
from pipeline.context import Night


def publish(night: Night, changes: Mapping[str, Output]) -> Output:
    """Publish the staged changes, `entity -> output of change`, and return `{version, entities, rows_in, rows_closed}`.

    Nothing to change leaves the version as it is. The version, its rows and the finished step are one transaction.

    Raises:
        Denied: HUB702 when another publish came between, so that the staged changes no longer fit. Run again.
    """
    night.progress("publish", "hub")
    work = digest("publish", {name: output["content"] for name, output in sorted(changes.items())}, night.run.id)
    return night.ledger.do(night.run.id, "publish", "hub", work, lambda step: _publish(night, changes, step))


def _publish(night: Night, changes: Mapping[str, Output], step: Step) -> Output:
    book = night.ledger
    staged_changes = [staged(night, name, output) for name, output in changes.items()]
    real = [change for change in staged_changes if change.size]
    with book.transaction() as connection:
        version = _next_version(connection)
        _absences(connection, night, changes)
        output: Output = {"version": version - 1, "entities": {}, "rows_in": 0, "rows_closed": 0}
        if real:
            _still_fits(connection, changes)
            output = _apply(connection, night, real, version)
            output["made"] = {name: changes[name] for name in output["entities"]}
        book.finish(step, output, connection)
    return output


def _next_version(connection: postgres.Connection) -> int:
    connection.execute("select pg_advisory_xact_lock(%s)", [LOCK_PUBLISH])
    row = connection.execute("select coalesce(max(version), 0) + 1 from ops.version").fetchone()
    return int(str(row[0])) if row else 1


def _still_fits(connection: postgres.Connection, changes: Mapping[str, Output]) -> None:
    """No version touched the entities since the changes were staged. Nobody else makes one while the lock is held."""
    query = "select name, max(version) from ops.version, jsonb_object_keys(entities) as name group by name"
    newest = {str(name): version for name, version in connection.execute(query).fetchall()}
    for name, output in changes.items():
        if newest.get(name, 0) != output["at"]:
            raise Denied("HUB702", name)


def _apply(connection: postgres.Connection, night: Night, changes: Sequence[Change], version: int) -> Output:
    counts: dict[str, dict[str, int]] = {}
    rows_in = rows_closed = 0
    for change in changes:
        inserted, closed = hub.apply(connection, change, version, night.run.id)
        if (inserted, closed) != (change.inserts + change.updates, change.updates + change.deletes):
            raise Denied("HUB702", change.entity.name)
        counts[change.entity.name] = {"I": change.inserts, "U": change.updates, "D": change.deletes}
        rows_in, rows_closed = rows_in + inserted, rows_closed + closed
    connection.execute(
        "insert into ops.version (version, run_id, kind, as_of, published_at, entities, rows_in, rows_closed)"
        " values (%s, %s, 'publish', %s, %s, %s, %s, %s)",
        [version, night.run.id, night.run.as_of, night.ledger.clock(), Jsonb(counts), rows_in, rows_closed],
    )
    return {"version": version, "entities": counts, "rows_in": rows_in, "rows_closed": rows_closed}


def _absences(connection: postgres.Connection, night: Night, changes: Mapping[str, Output]) -> None:
    """Remember keys that are absent for the first time, and forget those that came back or left."""
    for name, output in changes.items():
        with pq.ParquetFile(output["away"]) as file:
            away = file.read()
        connection.execute("drop table if exists away")
        connection.execute("create temporary table away (source_key text) on commit drop")
        postgres.copy_in(connection, sql.Identifier("away"), ["source_key"], away.to_reader())
        connection.execute(
            "delete from ops.absent where entity = %s and source_key not in (select source_key from away)", [name]
        )
        connection.execute(
            "insert into ops.absent select %s, source_key, %s from away on conflict do nothing", [name, night.run.id]
        )


def rollback(night: Night, target: int, by: str, approved_by: str, reason: str) -> Output:
    """Publish a version that restores the state of version `target`; feeds follow it like any other.

    Raises:
        Denied: HUB703 when there is no such version, HUB704 when one person would do both parts or gave no reason.
    """
    if by == approved_by or not reason.strip():
        raise Denied("HUB704", f"v{target}", by=by)
    if not 1 <= target <= night.ledger.version():
        raise Denied("HUB703", f"v{target}", newest=night.ledger.version())
    work = digest("rollback", target, by, approved_by, reason, night.run.id)
    return night.ledger.do(
        night.run.id,
        "publish",
        "hub",
        work,
        lambda step: _rollback(night, target, {"by": by, "approved_by": approved_by, "reason": reason}, step),
    )


def _rollback(night: Night, target: int, people: Mapping[str, str], step: Step) -> Output:
    hub.prepare(night.ledger, list(night.catalog.entities.values()))
    with night.ledger.transaction() as connection:
        version = _next_version(connection)
        counts: dict[str, dict[str, int]] = {}
        for entity in night.catalog.entities.values():
            inserted, closed = hub.restore(connection, entity, target, version, night.run.id)
            if inserted or closed:
                counts[entity.name] = {"restored": inserted, "closed": closed}
        totals = [sum(count[name] for count in counts.values()) for name in ("restored", "closed")]
        connection.execute(
            "insert into ops.version values (%s, %s, 'rollback', %s, %s, %s, %s, %s, %s)",
            [
                version,
                night.run.id,
                night.run.as_of,
                night.ledger.clock(),
                Jsonb({**counts, "people": dict(people)}),
                *totals,
                target,
            ],
        )
        output: Output = {
            "version": version,
            "restores": target,
            "entities": counts,
            "rows_in": totals[0],
            "rows_closed": totals[1],
        }
        night.ledger.finish(step, output, connection)
    return output
