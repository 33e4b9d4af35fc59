"""The figures of a run, each row counted once: what report, terminal and digest all show.

A night that an orchestrator runs delivers in runs of their own, one a flow. They belong to the night: its figures hold them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.store.ledger import Ledger, Row, Run

_ACCEPTED_STATES = ("accepted", "partly")


def list_part_runs(ledger: Ledger, run: Run) -> list[str]:
    """The runs whose steps and deliveries are those of `run`: itself, and for a night the deliveries of its business date that
    began after it and before the next night of that date."""
    if run.kind != "night":
        return [run.id]
    rows = ledger.rows(
        "select f.run_id from ops.run n"
        " join ops.run f on f.kind = 'feed' and f.as_of = n.as_of and f.started_at >= n.started_at"
        " where n.run_id = %s and not exists (select 1 from ops.run later where later.kind = 'night'"
        " and later.as_of = n.as_of and later.started_at > n.started_at and later.started_at <= f.started_at)"
        " order by f.started_at",
        [run.id],
    )
    return [run.id, *(row["run_id"] for row in rows)]


def find_night(ledger: Ledger, run: Run) -> str | None:
    """The night to which a run of deliveries belongs; None for other runs, and for deliveries of a date without a night."""
    if run.kind != "feed":
        return None
    found = ledger.fetch_row(
        "select n.run_id from ops.run f join ops.run n on n.kind = 'night' and n.as_of = f.as_of"
        " and n.started_at <= f.started_at where f.run_id = %s order by n.started_at desc limit 1",
        [run.id],
    )
    return str(found["run_id"]) if found else None


def count_held_rows(ledger: Ledger) -> dict[str, int]:
    """Open held rows by source system. A row is one however many rules it fails; a mere notice holds none."""
    rows = ledger.rows(
        "select source_system, count(distinct (entity, source_key)) as n from ops.held"
        " where state = 'open' and severity = 'error' group by 1"
    )
    return {row["source_system"]: int(row["n"]) for row in rows}


def count_held_conformed(ledger: Ledger) -> dict[tuple[str, str], int]:
    """Open held rows by entity and source system, without those that the SELECT did not even give."""
    rows = ledger.rows(
        "select entity, source_system, count(distinct source_key) as n from ops.held"
        " where state = 'open' and severity = 'error' and position('.row.' in rule_id) = 0 group by 1, 2"
    )
    return {(row["entity"], row["source_system"]): int(row["n"]) for row in rows}


def sum_totals(
    ledger: Ledger, extracts: Sequence[Mapping[str, Any]], entities: Sequence[Row], deliveries: Sequence[Row]
) -> dict[str, int]:
    """`{extracted, changed, held, accepted, sent}` of a run: rows of every dataset, changes of every entity and deliveries,
    each once, whatever number of flows they serve."""
    changed = sum(row[verb] or 0 for row in entities for verb in ("inserts", "updates", "deletes"))
    return {
        "extracted": sum(row["rows"] or 0 for row in extracts),
        "changed": changed,
        "held": sum(count_held_rows(ledger).values()),
        "accepted": sum(row["state"] in _ACCEPTED_STATES for row in deliveries),
        "sent": len(deliveries),
    }


def flow_state(failed: int, accepted: int, sent: int) -> str:
    """`failed` when a source did not give, a step failed or a receiver did not take, `idle` when none was sent, or `done`."""
    return "failed" if failed or accepted < sent else "done" if sent else "idle"
