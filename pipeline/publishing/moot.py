"""Brakes whose cause is gone: what was too large a change yesterday is not what the source gives today."""

from __future__ import annotations

from pipeline.context import RunContext

_CLOSE_MOOT = """
with looked as (
    select distinct on (subject) subject, state from ops.step
    where run_id = %(run)s and verb in ('brake', 'deliver') order by subject, step_id desc
)
update ops.brake b set state = 'moot', closed_on = %(day)s, closed_run = %(run)s
where b.state in ('tripped', 'requested') and (
    exists (select 1 from looked l where l.subject = b.subject and l.state = 'done')
    or exists (select 1 from ops.brake later where later.subject = b.subject and later.brake_id > b.brake_id)
)
"""


def close_moot_brakes(run: RunContext) -> None:
    """Close the brakes of every entity and feed that this run looked at again and let pass, and those in whose place a later
    one of the same subject stands. A released one stays: its release lives to its date."""
    run.ledger.execute(_CLOSE_MOOT, {"run": run.run.id, "day": run.run.as_of})
