"""Gate: when so many rows of a source are held that the source is wrong, and not its rows.

Held rows keep what the hub has of them, so that each is harmless by itself; but a column that slipped holds a tenth of a
university, and the rest would be published beside it as if that were the whole. The entity keeps its version until the source
is mended or two persons release these rows: then they stay held, and the others go on.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from contracts.contract import Entity
from core.engine import open_engine, quote_literal
from core.errors import Braked, Gated
from core.hashing import hash_values
from core.store.ledger import Output
from pipeline.context import RunContext
from pipeline.publishing import brake, stops
from quality.quarantine import BETWEEN_ROWS, enforce_held_limit, get_held_floor


def stop_above_held_limit(
    run: RunContext, entity: Entity, conformed: Output, checked: Output, stopped: Mapping[str, Output]
) -> None:
    """Stop an entity of which too large a share of a system's rows is held. Rows that only wait for rows of a stopped entity
    (`stopped`: its mapped rows) are not counted: nothing is wrong with them.

    Raises:
        Braked: HUB401 with the system and the counts; the brake is on record.
    """
    if not checked["held_rows"]:
        return
    with open_engine(entity.name) as db:
        _create_counted_table(db, entity, checked, stopped)
        counts = db.execute(
            "select source_system, count(*), count(*) filter (is_wrong) from counted group by 1 order by 1"
        ).fetchall()
        for system, held, wrong in counts:
            rows = int(conformed["systems"].get(system, held))
            try:
                enforce_held_limit(entity, system, rows, held, wrong)
            except Gated as error:
                _trip_brake(
                    db, run, entity, brake.TripRequest(entity.name, error.code, error.facts, "H", get_held_floor(entity))
                )


def _create_counted_table(
    db: duckdb.DuckDBPyConnection, entity: Entity, checked: Output, stopped: Mapping[str, Output]
) -> None:
    """The table `counted`: `source_system`, `source_row`, `row_key`, `row_hash` (of the rules), `is_wrong` of every row that
    counts."""
    waits = [query for parent, made in stopped.items() for query in stops.build_waiting_queries(entity, parent, checked, made)]
    less = f" anti join ({' union '.join(waits)}) using (source_system, source_row, rule_id)" if waits else ""
    db.execute(
        "create table counted as select source_system, source_row,"
        " source_system || '|' || coalesce(any_value(source_key), '#' || source_row) as row_key,"
        " string_agg(distinct rule_id, ',' order by rule_id) as row_hash,"
        f" bool_or(kind not in {BETWEEN_ROWS}) as is_wrong"
        f" from (select * from read_parquet({quote_literal(checked['failures'])}) where severity = 'error'"
        f" and source_row is not null){less} group by 1, 2"
    )


def _trip_brake(db: duckdb.DuckDBPyConnection, run: RunContext, entity: Entity, stop: brake.TripRequest) -> None:
    """Pull the brake, and write down as a step of its own that it held."""
    db.execute(
        "create or replace view proposed as select 'H' as op, row_key, row_hash from counted"
        f" where source_system = {quote_literal(stop.facts['system'])}"
    )
    try:
        brake.trip_unless_released(db, run, stop)
    except Braked as error:
        run.ledger.stop(run.ledger.begin(run.run.id, "brake", entity.name, hash_values("gate", stop.facts)), error, "stopped")
        raise
