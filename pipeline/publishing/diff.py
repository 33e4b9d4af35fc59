"""Brake: what would change in an entity, and whether so large a change is to be believed.

Present, held or gone: an accepted row is inserted, updated or unchanged; a held key keeps what it has; only a key that is
absent from a complete snapshot is gone. The change is staged as Parquet with a content hash, so that a release is for
this change and no other, and a rerun applies it once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from contracts.contract import HUB, Entity
from core.engine import fetch_arrow_table, open_engine, quote_literal, write_parquet
from core.hashing import hash_values
from core.row_set import restore_row_set
from core.store import postgres
from core.store.ledger import Output, Step
from loaders import hub
from loaders.hub import EntityChange
from pipeline.context import RunContext
from pipeline.publishing import absence, brake, freeze, limits
from pipeline.transform import published

HASH_SEPARATOR, HASH_NULL = 31, 30


@dataclass(frozen=True)
class ChangeCounts:
    """Rows before, and what would be inserted, updated, deleted, or seen absent for the first time.

    `emptied` names the systems that had rows and now give none; what the hub derives may come to nothing, as a list of
    open questions does when all are answered, and is left to the percents.
    """

    before: int
    inserts: int
    updates: int
    deletes: int
    absent: int
    emptied: tuple[str, ...]
    parts: tuple[limits.ChangeSize, ...] = ()
    """The same by source system, where there is more than one."""


def row_hash(columns: list[str]) -> str:
    """md5 over columns as text in contract order, a control character between and a marker for NULL: equal on every engine."""
    cells = ", ".join(f"coalesce(cast({name} as varchar), chr({HASH_NULL}))" for name in columns)
    return f"md5(concat_ws(chr({HASH_SEPARATOR}), {cells}))"


def _build_print_columns(entity: Entity) -> str:
    """The columns `print_a` and `print_b`: this engine's own 64-bit hash over the business columns, forwards and backwards.

    They tell which of a million rows differ from yesterday's in a third of the time that md5 takes. They never leave this
    machine, and another release of the engine may give others: what was kept with an older one is not used (ADR 0020).
    """
    names = [column.name for column in entity.columns]
    return f"hash({', '.join(names)}) as print_a, hash({', '.join(reversed(names))}) as print_b"


def _hash_print_inputs(entity: Entity) -> str:
    """What prints depend on besides the values: the engine's release, and the columns with their types."""
    return hash_values(duckdb.__version__, entity.name, [(column.name, str(column.type)) for column in entity.columns])


_PRINTS_DIFFER = "f.print_a <> p.print_a or f.print_b <> p.print_b"


def stage_change(run: RunContext, name: str, conformed: Output, checked: Output) -> Output:
    """Stage the change of an entity and ask the brake; what was found to change nothing is not looked at again until the
    rows or the hub are others.

    Returns `{delta, rows, away, stands, known_hash, content, before, inserts, updates, deletes, absent, stray_writes,
    suspended, of, at}`; `rows` are the entity's as they will stand, as `core.row_set` gives them, `at` the version of the hub
    that they were compared with, `stray_writes` how often its table had been written to besides, `suspended` what
    `pipeline.publishing.absence` found.

    Raises:
        Braked: HUB501 (a source gave no rows), HUB502, HUB504 (more deletes or updates than it allows), HUB506, HUB507 (of the
            rows of one source), HUB508 (a rollback restored it and nobody has released it). Nothing is published.
    """
    entity = run.catalog.entity(name)
    run.progress("brake", name)
    freeze.require_unfrozen(run, name)
    version = run.ledger.version_of(name)
    parts = (checked["accepted"]["file"], checked["answer"], conformed["systems"], version)
    of = hash_values("of", entity.gone, *parts[:3])
    still = hash_values("still", repr(entity.brake), entity.gone, *parts)
    before = run.ledger.find_finished_output("brake", name, still)
    if before is not None and _has_files(before):
        return run.ledger.reuse_step(run.run.id, "brake", name, still, before)
    unchanged = _find_published_change(run, name, of)
    if unchanged is not None:
        return run.ledger.reuse_step(run.run.id, "brake", name, still, {**unchanged, "at": version})
    work = hash_values("brake", still, run.run.as_of)
    found = run.ledger.run_step(
        run.run.id, "brake", name, work, lambda step: _stage_entity(run, entity, conformed, checked, step)
    )
    output = {**found, "of": of, "at": version}
    if not any(output[count] for count in ("inserts", "updates", "deletes", "absent")):
        run.ledger.reuse_step(run.run.id, "brake", name, still, output)
    return output


def build_staged_change(run: RunContext, name: str, output: Output) -> EntityChange:
    """The staged change of an entity as the store takes it."""
    counts = {count: int(output.get(count, 0)) for count in ("before", "inserts", "updates", "deletes", "stray_writes")}
    return EntityChange(run.catalog.entity(name), Path(output["delta"]), **counts)


def _find_published_change(run: RunContext, name: str, of: str) -> Output | None:
    """The change of nothing, when the entity's newest version is what a publish made of these very rows; else None.

    Keys that were absent for the first time then may leave now, so such an entity is looked at again.
    """
    made = published.find_staged_change(run, name)
    if made is None or made.get("of") != of or made["absent"] or not _has_files(made):
        return None
    before = made["before"] + made["inserts"] - made["deletes"]
    nothing = dict.fromkeys(("inserts", "updates", "deletes"), 0)
    return {**made, **nothing, "before": before, "content": hash_values(name, "nothing")}


def _has_files(output: Output) -> bool:
    """Whether the files of a staged change that others read are still there."""
    return Path(output["away"]).is_file() and restore_row_set(output["rows"]).has_all_files


def _stage_entity(run: RunContext, entity: Entity, conformed: Output, checked: Output, step: Step) -> Output:
    folder = run.folder("change", f"{entity.name}.{step.id}")  # what a publish was staged from is never written over
    with open_engine(entity.name) as db, run.ledger.transaction() as connection:
        _load_tables(db, entity, conformed, checked)
        other, stray = _PRINTS_DIFFER, hub.count_stray_writes(connection, entity)
        if stray or not _restore_prior(db, run, entity):
            _create_table(db, "prior", hub.read_current_keys(connection, entity, folder / "prior.csv"))
            other = _hash_fresh_rows(db, entity)
        absence.suspend_absences(db, entity, checked["failures"], conformed.get("lost"))
        _create_change_tables(db, connection, run, entity, other)
        _create_table(
            db, "kept", hub.read_current_rows(connection, entity, fetch_arrow_table(db, "from staying"), folder / "kept.csv")
        )
        counts = _count_changes(db, conformed)
        found = {"stray_writes": stray, "suspended": absence.count_waiting_keys(db, entity)}
        output = {**_write_change(db, entity, checked, folder, counts), **found}
        for scratch in folder.glob("*.csv"):
            scratch.unlink()
        _apply_brake(db, run, entity, counts)
    return output


def _create_table(db: duckdb.DuckDBPyConnection, name: str, rows: pa.RecordBatchReader) -> None:
    db.register("incoming", rows)
    db.execute(f"create table {name} as select * from incoming")
    db.unregister("incoming")


def _restore_prior(db: duckdb.DuckDBPyConnection, run: RunContext, entity: Entity) -> bool:
    """Make `prior` from the keys and prints kept when the newest version was staged, if this engine made them and they are
    still whole; that costs a tenth of reading them from the hub."""
    made = published.find_staged_change(run, entity.name)
    if made is None or made.get("prints_by") != _hash_print_inputs(entity) or not Path(made["stands"]).is_file():
        return False
    db.execute(f"create table prior as from read_parquet({quote_literal(made['stands'])})")
    if _hash_prints(db, entity, "prior") == made["known_hash"]:
        return True
    db.execute("drop table prior")
    return False


def _hash_fresh_rows(db: duckdb.DuckDBPyConnection, entity: Entity) -> str:
    """The condition that a row differs from what the hub itself has of it, for which every row is given its hash."""
    if not _read_number(db, "select count(*) from prior"):
        return "false"
    hashed = row_hash([f"a.{column.name}" for column in entity.columns])
    db.execute(
        f"create or replace table fresh as select f.*, {hashed} as row_hash"
        " from fresh f join accepted a on a.file_row_number = f.place"
    )
    return "f.row_hash <> p.row_hash"


def _load_tables(db: duckdb.DuckDBPyConnection, entity: Entity, conformed: Output, checked: Output) -> None:
    """Tables `fresh` (place, key and prints of the accepted rows, which stay in their file), `held` (keys), `complete` (systems
    that gave their rows)."""
    db.execute(f"create view accepted as {restore_row_set(checked['accepted']).query()}")
    db.execute(
        "create table fresh as select file_row_number as place, source_system, source_key,"
        f" {_build_print_columns(entity)} from accepted"
    )
    db.execute(f"create table held as select source_system, source_key from read_parquet({quote_literal(checked['held'])})")
    db.execute("create table complete (source_system varchar)")
    if conformed["systems"]:
        systems = ", ".join(f"({quote_literal(system)})" for system in conformed["systems"])
        db.execute(f"insert into complete values {systems}")


def _create_change_tables(
    db: duckdb.DuckDBPyConnection, connection: postgres.Connection, run: RunContext, entity: Entity, other: str
) -> None:
    """Tables `leaving` (keys to be deleted), `away` (absent for the first time), `staying` (keys that keep what the hub
    has), and the views `touched` (keys to be inserted, updated or deleted, with their place) and `delta` (their rows)."""
    before = absence.list_absent_before(run, connection, entity)
    db.execute("create table absent_before as select unnest(?::varchar[]) as source_key", [before])
    db.execute(  # all keys are held against all only once
        "create table differing as"
        " select f.place, f.source_system, f.source_key, p.source_key as had, p.source_system as had_of"
        " from fresh f full join prior p on f.source_key = p.source_key"
        f" where f.source_key is null or p.source_key is null or {other} or f.source_system <> p.source_system"
    )
    db.execute(
        "create table unseen as select had as source_key, had_of as source_system from differing where source_key is null"
    )
    db.execute(
        "create table missing as select source_key from unseen semi join complete using (source_system)"
        " anti join held using (source_key)"
    )
    twice = "source_key in (select source_key from absent_before)"
    leaves = {"absent_once": "true", "absent_twice": twice, "never": "false"}
    db.execute(f"create table leaving as select source_key from missing where {leaves[entity.gone]}")
    waits = "true" if entity.gone == "absent_twice" else "false"
    db.execute(f"create table away as select source_key from missing anti join leaving using (source_key) where {waits}")
    db.execute("create table staying as select source_key from unseen anti join leaving using (source_key)")
    db.execute(
        "create view touched as select case when had is null then 'I' else 'U' end as op, place, source_system, source_key"
        " from differing where source_key is not null union all by name select 'D' as op, source_key from leaving"
    )
    db.execute(f"create view delta as {_build_delta_query(db, entity)}")


def _build_delta_query(db: duckdb.DuckDBPyConnection, entity: Entity) -> str:
    """The SELECT of the staged rows: of a first load all as they come, since to look each up would mean to sort them all."""
    names = ", ".join(f"a.{column.name}" for column in entity.columns)
    hashed = row_hash([f"a.{column.name}" for column in entity.columns])
    if not _read_number(db, "select count(*) from prior"):
        return f"select 'I' as op, {names}, a.source_system, a.source_key, {hashed} as row_hash from accepted a"
    return (
        f"select t.op, {names}, t.source_system, t.source_key, case when t.op <> 'D' then {hashed} end as row_hash"
        " from touched t left join accepted a on a.file_row_number = t.place"
    )


def _count_changes(db: duckdb.DuckDBPyConnection, conformed: Output) -> ChangeCounts:
    ops = dict(db.execute("select op, count(*) from touched group by op").fetchall())
    had = [system for (system,) in db.execute("select distinct source_system from prior order by 1").fetchall()]
    return ChangeCounts(
        before=_read_number(db, "select count(*) from prior"),
        inserts=ops.get("I", 0),
        updates=ops.get("U", 0),
        deletes=ops.get("D", 0),
        absent=_read_number(db, "select count(*) from away"),
        emptied=tuple(system for system in had if conformed["systems"].get(system) == 0 and system != HUB),
        parts=_measure_by_system(db) if len(had) > 1 else (),
    )


def _measure_by_system(db: duckdb.DuckDBPyConnection) -> tuple[limits.ChangeSize, ...]:
    """What changes of each source system's rows."""
    gone = "(select source_key from leaving union all select source_key from away)"
    rows = db.execute(
        "select p.source_system, p.had, coalesce(d.rows, 0), coalesce(u.rows, 0)"
        " from (select source_system, count(*) as had from prior group by 1) p"
        f" left join (select source_system, count(*) as rows from unseen semi join {gone} using (source_key) group by 1) d"
        " using (source_system) left join (select had_of as source_system, count(*) as rows from differing"
        " where source_key is not null and had is not null group by 1) u using (source_system) order by 1"
    ).fetchall()
    return tuple(limits.ChangeSize(before, deletes, updates, system) for system, before, deletes, updates in rows)


def _write_change(db: duckdb.DuckDBPyConnection, entity: Entity, checked: Output, folder: Path, counts: ChangeCounts) -> Output:
    names = ", ".join(column.name for column in entity.columns) + ", source_system, source_key"
    seen = "source_key, source_system"
    stands = f"select {seen}, print_a, print_b from fresh union all select {seen}, {_build_print_columns(entity)} from kept"
    files = {
        "delta": "select * from delta",
        "away": "select source_key from away",
        "stands": stands,
    }
    rows = restore_row_set(checked["accepted"])
    if _read_number(db, "select count(*) from kept"):
        files["kept"] = f"select {names} from kept"
        rows = replace(rows, plus=folder / "kept.parquet")
    order = {"delta": "source_key"} if counts.before else {}  # the store finds and adds neighbours beside each other
    for name, query in files.items():
        write_parquet(db, query, folder / f"{name}.parquet", order.get(name, ""))
    return {
        **{name: str(folder / f"{name}.parquet") for name in ("delta", "away", "stands")},
        "rows": rows.facts(),
        "known_hash": _hash_prints(db, entity, f"({stands})"),
        "prints_by": _hash_print_inputs(entity),
        "content": brake.hash_change(db, entity.name, f"read_parquet({quote_literal(folder / 'delta.parquet')})", "source_key"),
        "before": counts.before,
        "inserts": counts.inserts,
        "updates": counts.updates,
        "deletes": counts.deletes,
        "absent": counts.absent,
    }


def _hash_prints(db: duckdb.DuckDBPyConnection, entity: Entity, rows: str) -> str:
    """An order-free hash of rows with prints."""
    query = f"select count(*), bit_xor(print_a), bit_xor(print_b) from {rows}"
    return hash_values(_hash_print_inputs(entity), db.execute(query).fetchall())


def _read_number(db: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(db.execute(query).fetchall()[0][0])


def _apply_brake(db: duckdb.DuckDBPyConnection, run: RunContext, entity: Entity, counts: ChangeCounts) -> None:
    whole = limits.ChangeSize(counts.before, counts.deletes + counts.absent, counts.updates)
    found = [one for size in (whole, *counts.parts) for one in limits.find_exceeded(entity.brake, size, run.run.as_of)]
    emptied = counts.emptied and not entity.brake.may_be_empty
    if not emptied and not found:
        return
    hashed = row_hash([f"a.{column.name}" for column in entity.columns])
    db.execute(
        f"create view proposed as select 'U' as op, f.source_key as row_key, {hashed} as row_hash from differing f"
        " join accepted a on a.file_row_number = f.place where f.had is not null union all select 'D', source_key, null"
        " from (select source_key from leaving union all select source_key from away)"
    )
    if emptied:
        facts = {"systems": ", ".join(counts.emptied), "before": counts.before}
        brake.trip_unless_released(db, run, brake.TripRequest(entity.name, brake.EMPTIED, facts, "D"))
        return
    for one in found:
        facts = {**one.facts, **({"system": one.size.system} if one.size.system else {})}
        brake.trip_unless_released(
            db, run, brake.TripRequest(entity.name, _BRAKE_CODES[one.kind, bool(one.size.system)], facts, one.op, one.free)
        )


_BRAKE_CODES = {
    ("deletes", False): "HUB502",
    ("deletes", True): "HUB506",
    ("updates", False): "HUB504",
    ("updates", True): "HUB507",
}
"""What is too much, and whether of all rows or of those of one source system."""
