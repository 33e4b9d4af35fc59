"""Stops: what a stopped entity means for those that only refer to it.

It keeps its last good rows, and the others are judged against these; nobody is blamed for another department's outage. Only
what refers to an entity of which the hub has nothing yet waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from contracts.contract import HUB, Entity
from core.engine import open_engine, quote_literal
from core.errors import Gated, HubError
from core.store.ledger import Output
from pipeline.context import RunContext
from pipeline.publishing import limits
from pipeline.transform import published


def find_unknown_parents(run: RunContext, name: str, stopped: Iterable[str]) -> list[str]:
    """The stopped entities that an entity refers to and that no version has ever had."""
    parents = run.catalog.entity(name).parents & set(stopped)
    return sorted(parent for parent in parents if not run.ledger.version_of(parent))


def is_stop_foreseen(run: RunContext, name: str, made: Output) -> bool:
    """Whether what was mapped of an entity will be stopped, by what is plain before it is judged: a system that had rows
    gives none, or more keys are missing than the brake lets go."""
    if not run.ledger.version_of(name):
        return False
    brake = run.catalog.entity(name).brake
    with open_engine(name) as db:
        rows, _ = published.load_last_rows(run, name)
        db.execute(f"create view stood as {rows.query(['source_key', 'source_system'])}")
        db.execute(f"create view came as select source_key from read_parquet({quote_literal(made['file'])})")
        had = dict(db.execute("select source_system, count(*) from stood group by 1").fetchall())
        missing = db.execute("select count(*) from (from stood anti join came using (source_key))").fetchall()[0][0]
    emptied = any(made["systems"].get(system) == 0 for system in had if system != HUB) and not brake.may_be_empty
    return emptied or any(limits.find_exceeded(brake, limits.ChangeSize(sum(had.values()), missing, 0), run.run.as_of))


def list_waiting_errors(run: RunContext, name: str, checked: Output, stopped: Mapping[str, Output]) -> list[HubError]:
    """HUB404 when held rows of an entity refer to rows that came tonight and were stopped with their own entity: they are
    right, and go through as soon as that one does. `stopped` gives the mapped rows of the stopped entities."""
    entity = run.catalog.entity(name)
    rows = {
        parent: _count_waiting_rows(entity, parent, checked, stopped[parent])
        for parent in sorted(entity.parents & stopped.keys())
    }
    return [Gated("HUB404", name, parent=parent, rows=count) for parent, count in rows.items() if count]


def _count_waiting_rows(entity: Entity, parent: str, checked: Output, made: Output) -> int:
    """How many held rows of an entity are held for references that the stopped rows of the parent would satisfy."""
    queries = " union ".join(build_waiting_queries(entity, parent, checked, made))
    with open_engine(entity.name) as db:
        return int(db.execute(f"select count(distinct (source_system, source_row)) from ({queries})").fetchall()[0][0])


def build_waiting_queries(entity: Entity, parent: str, checked: Output, made: Output) -> list[str]:
    """SELECTs of `source_system`, `source_row`, `rule_id`: the references for which rows of an entity are held and that the
    stopped rows of the parent would satisfy."""
    rules = [rule for rule in entity.rules if rule.kind == "reference" and rule.facts["entity"] == parent]
    failed = (
        f"select source_system, source_row from read_parquet({quote_literal(checked['failures'])}) where severity = 'error'"
    )
    return [
        f"select source_system, source_row, {quote_literal(rule.id)} as rule_id"
        f" from read_parquet({quote_literal(checked['held'])})"
        f" semi join ({failed} and rule_id = {quote_literal(rule.id)}) using (source_system, source_row)"
        f" where cast({rule.columns[0]} as varchar) in (select cast({rule.facts['column']} as varchar)"
        f" from read_parquet({quote_literal(made['file'])}))"
        for rule in rules
    ]
