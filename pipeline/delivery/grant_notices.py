"""Notices: who is to get and to lose what, for the systems whose administrators grant by hand (YWLC08/1, YWLC09/2).

One file a system whenever its list changed: the difference between the version of the last notice and the published one.
It goes to the folder of the connection `notice_<system>`, else to `notices/<system>` under the hub's own files.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from core.hashing import hash_file, hash_values
from core.settings import get_settings
from core.store import postgres
from core.store.connections import get_connection, list_connections
from core.store.ledger import Output, Row, Step
from pipeline.context import RunContext

ENTITY = "role_grant"
_COLUMNS = ("change", "uid", "name", "role_code", "scope_unit", "unit_name", "valid_from", "valid_to", "basis")
_SCHEMA = pa.schema([pa.field(name, pa.string()) for name in _COLUMNS])
_CHANGED_GRANTS = """
with was as (
    select * from hub.role_grant where grant_mode = 'M' and system_code = '{system}'
        and from_version <= {low} and (to_version is null or to_version > {low})
), now as (
    select * from hub.role_grant where grant_mode = 'M' and system_code = '{system}'
        and from_version <= {high} and (to_version is null or to_version > {high})
), changed as (
    select 'grant' as change, now.* from now
    where not exists (select 1 from was where was.source_key = now.source_key)
    union all
    select 'withdraw' as change, was.* from was
    where not exists (select 1 from now where now.source_key = was.source_key)
)
select c.change, c.uid, coalesce(s.name, t.name), c.role_code, c.scope_unit, u.name, c.valid_from::text,
       c.valid_to::text, c.basis
from changed c
left join hub_current.staff s on s.staff_no = c.uid
left join hub_current.student t on t.student_no = c.uid
left join hub_current.org_unit u on u.unit_code = c.scope_unit
order by c.change, c.role_code, c.scope_unit, c.uid
"""


def write_notices(run: RunContext) -> Output:
    """Write the notices that are due and return `{systems: {system: [grants, withdrawals]}}`; one a system and version."""
    if ENTITY not in run.catalog.entities:
        return {"systems": {}}
    version = run.ledger.version_of(ENTITY)
    run.progress("notice", str(version))
    work = hash_values("notice", version)
    return run.ledger.run_step(run.run.id, "notice", ENTITY, work, lambda step: _write_due_notices(run, version, step))


def _write_due_notices(run: RunContext, version: int, step: Step) -> Output:
    written: dict[str, list[int]] = {}
    for row in run.ledger.rows("select distinct system_code from hub.role_grant where grant_mode = 'M' order by 1"):
        system = str(row["system_code"])
        last = run.ledger.single(
            "select coalesce(max(to_version), 0) as version from ops.notice where system_code = %s", [system]
        )["version"]
        if last < version:
            found = _write_notice(run, system, int(last), version)
            written |= {system: [found["gains"], found["losses"]]} if found["gains"] + found["losses"] else {}
    return {"systems": written, "version": version}


def _write_notice(run: RunContext, system: str, low: int, high: int) -> Row:
    folder = _get_notice_folder(system)
    path = folder / f"role_notice.{low}-{high}.csv"
    scratch = run.folder("notice") / f"{system}.csv"
    query = _CHANGED_GRANTS.format(system=system.replace("'", "''"), low=low, high=high)
    with run.ledger.transaction() as link:
        rows = postgres.copy_out(link, query, _SCHEMA, scratch).read_all()
    scratch.unlink()
    gains = sum(value == "grant" for value in rows["change"].to_pylist())
    counts = {"gains": gains, "losses": rows.num_rows - gains}
    if rows.num_rows:
        folder.mkdir(parents=True, exist_ok=True)
        from loaders.formats import escape_formulas  # and with it the library of formats, which a quiet night does not need

        part = path.with_suffix(".part")
        pacsv.write_csv(escape_formulas(rows), part)
        part.replace(path)
    sha256 = hash_file(path) if rows.num_rows else ""
    run.ledger.execute(
        "insert into ops.notice (run_id, system_code, from_version, to_version, gains, losses, file, sha256, written_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
        [run.run.id, system, low, high, *counts.values(), path.name if rows.num_rows else "", sha256, run.ledger.clock()],
    )
    return counts


def _get_notice_folder(system: str) -> Path:
    id = f"notice_{system}"
    return Path(get_connection(id).path) if id in list_connections() else get_settings().var / "notices" / system
