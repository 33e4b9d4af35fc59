"""Publish: the staged changes of a run become one hub version, in one transaction.

Each entity has a savepoint in it: what the database does not take of one entity is undone for that one, which keeps its
version like the entities that refer to it, and the others are published.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow.parquet as pq
from psycopg import sql
from psycopg.types.json import Jsonb

from core import faults
from core.errors import Denied, Fault, Gated, HubError
from core.hashing import digest
from core.people import need_two
from core.store import postgres
from core.store.ledger import LOCK_PUBLISH, Output, Step
from loaders import hub
from loaders.hub import Change
from pipeline.context import Night
from pipeline.publishing import freeze
from pipeline.publishing.diff import staged


def publish(night: Night, changes: Mapping[str, Output]) -> Output:
    """Publish the staged changes, `entity -> output of change`, and return `{version, entities, rows_in, rows_closed}` and
    under `failed` the entities that could not be (see `unpublished`).

    Nothing to change leaves the version as it is. The version, its rows and the finished step are one transaction.

    Raises:
        Denied: HUB702 when another publish came between, so that the staged changes no longer fit. Run again.
    """
    night.progress("publish", "hub")
    work = digest("publish", {name: output["content"] for name, output in sorted(changes.items())}, night.run.id)
    return night.ledger.do(night.run.id, "publish", "hub", work, lambda step: _publish(night, changes, step))


def _publish(night: Night, changes: Mapping[str, Output], step: Step) -> Output:
    book = night.ledger
    staged_changes = {name: staged(night, name, output) for name, output in changes.items()}
    with book.transaction() as connection:
        version = _next_version(connection)
        if any(change.size for change in staged_changes.values()):
            _still_fits(connection, changes)
        work = _Publishing(night, connection, version)
        for name, change in staged_changes.items():
            work.publish(change, changes[name])
        output = work.close()
        output["made"] = {name: changes[name] for name in output["entities"]}
        book.finish(step, output, connection)
    return output


class _Publishing:
    """One version under way: what went in of each entity, and what went wrong with the others."""

    def __init__(self, night: Night, connection: postgres.Connection, version: int) -> None:
        self.night, self.connection, self.version = night, connection, version
        self.counts: dict[str, dict[str, int]] = {}
        self.rows_in = self.rows_closed = 0
        self.failed: dict[str, dict[str, Any]] = {}

    def publish(self, change: Change, output: Output) -> None:
        """Apply one entity's change, or write down why the database did not take it.

        Raises:
            Denied: HUB702. Unavailable: HUB201 when the database itself is gone.
        """
        name = change.entity.name
        entity_fault: HubError | None = None
        try:
            self._wait(change)
            with self.connection.transaction():
                _absences(self.connection, self.night, name, output)
                inserted, closed = self._apply(change)
        except Denied:
            raise
        except BaseException as error:
            if faults.ends(error) or self.connection.closed:
                raise
            entity_fault = faults.coded(error, "publish", name)
        if entity_fault is not None:
            self._stop(name, entity_fault)
        elif change.size:
            self.counts[name] = {"I": change.inserts, "U": change.updates, "D": change.deletes}
            self.rows_in, self.rows_closed = self.rows_in + inserted, self.rows_closed + closed

    def _wait(self, change: Change) -> None:
        catalog, name = self.night.catalog, change.entity.name
        blocked = (change.entity.parents | catalog.inputs_of(name)) & self.failed.keys()
        if blocked and change.size:
            raise Gated("HUB402", name, parents=", ".join(sorted(blocked)))

    def _apply(self, change: Change) -> tuple[int, int]:
        if not change.size:
            return 0, 0
        applied = hub.apply(self.connection, change, self.version, self.night.run.id)
        if applied != (change.inserts + change.updates, change.updates + change.deletes):
            raise Denied("HUB702", change.entity.name)
        return applied

    def _stop(self, name: str, error: HubError) -> None:
        book = self.night.ledger
        step = book.begin(self.night.run.id, "publish", name, digest("fault", error.code, list(error.trace)))
        book.stop(step, error, "waiting" if error.recovery == "hold" else "failed")
        self.failed[name] = {"code": error.code, "facts": error.facts}

    def close(self) -> Output:
        """Write the version, if anything went in, and return what the step keeps."""
        if not self.counts:
            return {"version": self.version - 1, "entities": {}, "rows_in": 0, "rows_closed": 0, "failed": self.failed}
        self.connection.execute(
            "insert into ops.version (version, run_id, kind, as_of, published_at, entities, rows_in, rows_closed)"
            " values (%s, %s, 'publish', %s, %s, %s, %s, %s)",
            [
                self.version,
                self.night.run.id,
                self.night.run.as_of,
                self.night.ledger.clock(),
                Jsonb(self.counts),
                self.rows_in,
                self.rows_closed,
            ],
        )
        totals = {"rows_in": self.rows_in, "rows_closed": self.rows_closed}
        return {"version": self.version, "entities": self.counts, **totals, "failed": self.failed}


def unpublished(output: Output | None) -> list[HubError]:
    """Why entities of a publish that went through were not in it."""
    failed = (output or {}).get("failed", {})
    return [
        (Gated if told["code"] == "HUB402" else Fault)(told["code"], name, **told["facts"]) for name, told in failed.items()
    ]


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


def _absences(connection: postgres.Connection, night: Night, name: str, output: Output) -> None:
    """Remember an entity's keys that are absent for the first time, and forget those that came back or left."""
    with pq.ParquetFile(output["away"]) as file:
        away = file.read()
    connection.execute("drop table if exists away")
    connection.execute("create temporary table away (source_key text) on commit drop")
    postgres.copy_in(connection, sql.Identifier("away"), ["source_key"], away.to_reader())
    connection.execute("delete from ops.absent where entity = %s and source_key not in (select source_key from away)", [name])
    connection.execute(
        "insert into ops.absent select %s, source_key, %s from away on conflict do nothing", [name, night.run.id]
    )


def rollback(night: Night, target: int, by: str, approved_by: str, reason: str) -> Output:
    """Publish a version that restores the state of version `target`; feeds follow it like any other. What it restored is
    frozen until it is released (`pipeline.publishing.freeze`).

    Raises:
        Denied: HUB703 when there is no such version, HUB704 when one person would do both parts or gave no reason.
    """
    need_two(by, approved_by, f"v{target}")
    if not reason.strip():
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
    for error in hub.prepare(night.ledger, list(night.catalog.entities.values())).values():
        raise error
    with night.ledger.transaction() as connection:
        version = _next_version(connection)
        counts: dict[str, dict[str, int]] = {}
        for entity in night.catalog.entities.values():
            inserted, closed = hub.restore(connection, entity, target, version, night.run.id)
            if inserted or closed:
                counts[entity.name] = {"restored": inserted, "closed": closed}
        freeze.freeze(connection, night, version, counts)
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
