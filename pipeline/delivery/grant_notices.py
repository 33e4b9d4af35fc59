"""Notices: who is to get and to lose what, for the systems whose administrators grant by hand (YWLC08/1, YWLC09/2).

One file a system whenever its list changed: the difference between the version of the last notice and the published one.
It goes to the folder of the connection `notice_<system>`, else to `notices/<system>` under the hub's own files.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from core.hashing import digest, file_digest
from core.settings import settings
from core.store import postgres
from core.store.connections import connection, known
from core.store.ledger import Output, Row, Step
from loaders.formats import guarded
from pipeline.context import Night

ENTITY = "role_grant"
_COLUMNS = ("change", "uid", "name", "role_code", "scope_unit", "unit_name", "valid_from", "valid_to", "basis")
_SCHEMA = pa.schema([pa.field(name, pa.string()) for name in _COLUMNS])
_ROWS = """
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


def notices(night: Night) -> Output:
    """Write the notices that are due and return `{systems: {system: [grants, withdrawals]}}`; one a system and version."""
    if ENTITY not in night.catalog.entities:
        return {"systems": {}}
    version = night.ledger.version_of(ENTITY)
    night.progress("notice", str(version))
    work = digest("notice", version)
    return night.ledger.do(night.run.id, "notice", ENTITY, work, lambda step: _notices(night, version, step))


def _notices(night: Night, version: int, step: Step) -> Output:
    written: dict[str, list[int]] = {}
    for row in night.ledger.rows("select distinct system_code from hub.role_grant where grant_mode = 'M' order by 1"):
        system = str(row["system_code"])
        last = night.ledger.single(
            "select coalesce(max(to_version), 0) as version from ops.notice where system_code = %s", [system]
        )["version"]
        if last < version:
            found = _notice(night, system, int(last), version)
            written |= {system: [found["gains"], found["losses"]]} if found["gains"] + found["losses"] else {}
    return {"systems": written, "version": version}


def _notice(night: Night, system: str, low: int, high: int) -> Row:
    folder = _inbox(system)
    path = folder / f"role_notice.{low}-{high}.csv"
    scratch = night.folder("notice") / f"{system}.csv"
    query = _ROWS.format(system=system.replace("'", "''"), low=low, high=high)
    with night.ledger.transaction() as link:
        rows = postgres.copy_out(link, query, _SCHEMA, scratch).read_all()
    scratch.unlink()
    gains = sum(value == "grant" for value in rows["change"].to_pylist())
    counts = {"gains": gains, "losses": rows.num_rows - gains}
    if rows.num_rows:
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        pacsv.write_csv(guarded(rows), part)
        part.replace(path)
    sha256 = file_digest(path) if rows.num_rows else ""
    night.ledger.execute(
        "insert into ops.notice (run_id, system_code, from_version, to_version, gains, losses, file, sha256, written_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
        [night.run.id, system, low, high, *counts.values(), path.name if rows.num_rows else "", sha256, night.ledger.clock()],
    )
    return counts


def _inbox(system: str) -> Path:
    id = f"notice_{system}"
    return Path(connection(id).path) if id in known() else settings().var / "notices" / system
