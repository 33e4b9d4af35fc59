"""Publish: the staged changes of a run become one hub version, in one transaction.

Each entity has a savepoint in it: what the database does not take of one entity is undone for that one, which keeps its
version like the entities that refer to it, and the others are published.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow.parquet as pq
from psycopg import sql
from psycopg.types.json import Jsonb

from contracts.catalog import Catalog
from core import faults
from core.errors import Denied, Gated, HubError, MachineFault
from core.hashing import hash_values
from core.people import require_two_people
from core.store import postgres
from core.store.ledger import LOCK_PUBLISH, Output, Row, Step
from loaders import hub
from loaders.hub import EntityChange
from pipeline.context import RunContext
from pipeline.publishing import freeze
from pipeline.publishing.diff import build_staged_change


def publish_changes(run: RunContext, changes: Mapping[str, Output]) -> Output:
    """Publish the staged changes, `entity -> output of change`, and return `{version, entities, rows_in, rows_closed}` and
    under `failed` the entities that could not be (see `unpublished`).

    Nothing to change leaves the version as it is. The version, its rows and the finished step are one transaction.

    Raises:
        Denied: HUB702 when another publish came between, so that the staged changes no longer fit. Run again.
    """
    run.progress("publish", "hub")
    work = hash_values("publish", {name: output["content"] for name, output in sorted(changes.items())}, run.run.id)
    return run.ledger.run_step(run.run.id, "publish", "hub", work, lambda step: _publish_version(run, changes, step))


def _publish_version(run: RunContext, changes: Mapping[str, Output], step: Step) -> Output:
    book = run.ledger
    staged_changes = {name: build_staged_change(run, name, output) for name, output in changes.items()}
    with book.transaction() as connection:
        version = _lock_next_version(connection)
        if any(change.size for change in staged_changes.values()):
            _require_unchanged(connection, changes)
        work = _VersionWriter(run, connection, version)
        for name, change in staged_changes.items():
            work.publish(change, changes[name])
        output = work.close()
        output["made"] = {name: changes[name] for name in output["entities"]}
        book.finish(step, output, connection)
    return output


class _VersionWriter:
    """One version under way: what went in of each entity, and what went wrong with the others."""

    def __init__(self, run: RunContext, connection: postgres.Connection, version: int) -> None:
        self.night, self.connection, self.version = run, connection, version
        self.counts: dict[str, dict[str, int]] = {}
        self.rows_in = self.rows_closed = 0
        self.failed: dict[str, dict[str, Any]] = {}

    def publish(self, change: EntityChange, output: Output) -> None:
        """Apply one entity's change, or write down why the database did not take it.

        Raises:
            Denied: HUB702. Unavailable: HUB201 when the database itself is gone.
        """
        name = change.entity.name
        entity_fault: HubError | None = None
        try:
            self._require_parents(change)
            with self.connection.transaction():
                _record_absences(self.connection, self.night, name, output)
                inserted, closed = self._apply(change)
        except Denied:
            raise
        except BaseException as error:
            if faults.is_exit(error) or self.connection.closed:
                raise
            entity_fault = faults.wrap_error(error, "publish", name)
        if entity_fault is not None:
            self._record_failure(name, entity_fault)
        elif change.size:
            self.counts[name] = {"I": change.inserts, "U": change.updates, "D": change.deletes}
            self.rows_in, self.rows_closed = self.rows_in + inserted, self.rows_closed + closed

    def _require_parents(self, change: EntityChange) -> None:
        catalog, name = self.night.catalog, change.entity.name
        blocked = (change.entity.parents | catalog.inputs_of(name)) & self.failed.keys()
        if blocked and change.size:
            raise Gated("HUB402", name, parents=", ".join(sorted(blocked)))

    def _apply(self, change: EntityChange) -> tuple[int, int]:
        if not change.size:
            return 0, 0
        applied = hub.apply_change(self.connection, change, self.version, self.night.run.id)
        if applied != (change.inserts + change.updates, change.updates + change.deletes):
            raise Denied("HUB702", change.entity.name)
        return applied

    def _record_failure(self, name: str, error: HubError) -> None:
        book = self.night.ledger
        step = book.begin(self.night.run.id, "publish", name, hash_values("fault", error.code, list(error.trace)))
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


def list_publish_errors(output: Output | None) -> list[HubError]:
    """Why entities of a publish that went through were not in it."""
    failed = (output or {}).get("failed", {})
    return [
        (Gated if told["code"] == "HUB402" else MachineFault)(told["code"], name, **told["facts"])
        for name, told in failed.items()
    ]


def _lock_next_version(connection: postgres.Connection) -> int:
    connection.execute("select pg_advisory_xact_lock(%s)", [LOCK_PUBLISH])
    row = connection.execute("select coalesce(max(version), 0) + 1 from ops.version").fetchone()
    return int(str(row[0])) if row else 1


def _require_unchanged(connection: postgres.Connection, changes: Mapping[str, Output]) -> None:
    """No version touched the entities since the changes were staged. Nobody else makes one while the lock is held."""
    query = "select name, max(version) from ops.version, jsonb_object_keys(entities) as name group by name"
    newest = {str(name): version for name, version in connection.execute(query).fetchall()}
    for name, output in changes.items():
        if newest.get(name, 0) != output["at"]:
            raise Denied("HUB702", name)


def _record_absences(connection: postgres.Connection, run: RunContext, name: str, output: Output) -> None:
    """Remember an entity's keys that are absent for the first time, and forget those that came back or left."""
    with pq.ParquetFile(output["away"]) as file:
        away = file.read()
    connection.execute("drop table if exists away")
    connection.execute("create temporary table away (source_key text) on commit drop")
    postgres.copy_in(connection, sql.Identifier("away"), ["source_key"], away.to_reader())
    connection.execute("delete from ops.absent where entity = %s and source_key not in (select source_key from away)", [name])
    connection.execute("insert into ops.absent select %s, source_key, %s from away on conflict do nothing", [name, run.run.id])


def preview(connection: postgres.Connection, catalog: Catalog, target: int) -> dict[str, dict[str, int]]:
    """What restoring version `target` would come to now: `entity -> {restored, closed}` of those that it would touch."""
    found = {name: hub.restoring(connection, entity, target) for name, entity in catalog.entities.items()}
    return {name: {"restored": rows[0], "closed": rows[1]} for name, rows in found.items() if any(rows)}


def content_of(target: int, newest: int, entities: Mapping[str, Mapping[str, int]]) -> str:
    """The digest of a rollback: to which version, from which one, and how many rows of which entities."""
    return hash_values("rollback", target, newest, {name: dict(counts) for name, counts in sorted(entities.items())})


def publish_rollback(run: RunContext, asked: Row, by: str) -> Output:
    """Publish a version that restores the one that was asked for (a row of `ops.request`), agreed to by a second person; feeds
    follow it like any other. What it restored is frozen until it is released (`pipeline.publishing.freeze`).

    Raises:
        Denied: HUB704 when one person would do both parts, HUB793 when it would not be what was asked for.
    """
    require_two_people(asked["requested_by"], by, asked["subject"])
    work = hash_values("rollback", asked["request_id"], asked["content_hash"], by, run.run.id)
    return run.ledger.run_step(run.run.id, "publish", "hub", work, lambda step: _restore_version(run, asked, by, step))


def _restore_version(run: RunContext, asked: Row, by: str, step: Step) -> Output:
    for error in hub.prepare_tables(run.ledger, list(run.catalog.entities.values())).values():
        raise error
    target, now = int(asked["asked"]["target"]), run.ledger.clock()
    with run.ledger.transaction() as connection:
        version = _lock_next_version(connection)
        counts: dict[str, dict[str, int]] = {}
        for entity in run.catalog.entities.values():
            inserted, closed = hub.restore_version(connection, entity, target, version, run.run.id)
            if inserted or closed:
                counts[entity.name] = {"restored": inserted, "closed": closed}
        if content_of(target, version - 1, counts) != asked["content_hash"]:
            raise Denied("HUB793", asked["subject"], by=asked["requested_by"])
        freeze.freeze_entities(connection, run, version, counts)
        record_approval(connection, asked, by, now)
        people = {
            **{name: asked[name] for name in ("reason", "content_hash")},
            **{"by": asked["requested_by"], "requested_at": asked["requested_at"].isoformat()},
            **{"approved_by": by, "approved_at": now.isoformat()},
        }
        totals = [sum(count[name] for count in counts.values()) for name in ("restored", "closed")]
        connection.execute(
            "insert into ops.version values (%s, %s, 'rollback', %s, %s, %s, %s, %s, %s)",
            [version, run.run.id, run.run.as_of, now, Jsonb({**counts, "people": people}), *totals, target],
        )
        sums = {"rows_in": totals[0], "rows_closed": totals[1]}
        output: Output = {"version": version, "restores": target, "entities": counts, **sums}
        run.ledger.finish(step, output, connection)
    return output


def record_approval(connection: postgres.Connection, asked: Row, by: str, at: datetime) -> None:
    """Write the second person into a request, in the transaction of what was asked for.

    Raises:
        Denied: HUB792 when somebody else was faster.
    """
    done = connection.execute(
        "update ops.request set state = 'approved', approved_by = %s, approved_at = %s"
        " where request_id = %s and state = 'open'",
        [by, at, asked["request_id"]],
    ).rowcount
    if done != 1:
        raise Denied("HUB792", asked["subject"], known="-")
