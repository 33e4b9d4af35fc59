"""Freeze: what a rollback restored stays until two persons release it.

The sources still say what was rolled back, and the next night would publish it again. The freeze is a brake of its own
(HUB508), one for each rollback, released like any other; from then on the sources count again.
"""

from __future__ import annotations

from collections.abc import Collection

from psycopg.types.json import Jsonb

from core.errors import Braked
from core.hashing import hash_values
from core.store import postgres
from core.store.ledger import Output, Step
from pipeline.context import RunContext

FREEZE_CODE = "HUB508"


def freeze_entities(connection: postgres.Connection, run: RunContext, version: int, entities: Collection[str]) -> None:
    """Freeze the entities that a rollback restored as `version`, in its transaction. An earlier freeze of no others is closed:
    this one stands in its place, and one release is enough."""
    if not entities:
        return
    told = {"entities": sorted(entities), "version": f"v{version}"}
    connection.execute(
        "update ops.brake set state = 'moot', closed_on = %s, closed_run = %s where reason_code = %s"
        " and state in ('tripped', 'requested') and proposed -> 'entities' <@ %s",
        [run.run.as_of, run.run.id, FREEZE_CODE, Jsonb(told["entities"])],
    )
    connection.execute(
        "insert into ops.brake (run_id, subject, reason_code, proposed, content_hash, state, tripped_on)"
        " values (%s, %s, %s, '{}', %s, 'tripped', %s)",
        [run.run.id, told["version"], FREEZE_CODE, told["version"], run.run.as_of],
    )
    connection.execute(
        "update ops.brake set proposed = %s || jsonb_build_object('brake', brake_id) where run_id = %s and reason_code = %s",
        [Jsonb(told), run.run.id, FREEZE_CODE],
    )


def require_unfrozen(run: RunContext, name: str) -> None:
    """Leave a frozen entity as it is.

    Raises:
        Braked: HUB508 with the version and the brake to be released.
    """
    found = run.ledger.fetch_row(
        "select brake_id, subject from ops.brake where reason_code = %s and state in ('tripped', 'requested')"
        " and proposed -> 'entities' ? %s order by brake_id desc limit 1",
        [FREEZE_CODE, name],
    )
    if found is None:
        return

    def stopped(_: Step) -> Output:
        raise Braked(FREEZE_CODE, name, version=found["subject"], brake=found["brake_id"])

    run.ledger.run_step(run.run.id, "brake", name, hash_values("frozen", found["brake_id"]), stopped)
