"""What a person may do where, and the person's own word about it (rule R15: log in, check, report).

A word is a row of the ledger, read every night like any department's dataset; the permission itself follows its basis.
"""

from __future__ import annotations

from core.errors import Denied
from core.store.ledger import Ledger, Row

_NEWEST_WORDS = (
    "select distinct on (uid, system_code, role_code, scope_unit) * from ops.grant_confirmation"
    " order by uid, system_code, role_code, scope_unit, confirmation_id desc"
)
_GRANTS = (
    "select g.system_code, g.role_code, g.scope_unit, u.name as unit_name, g.grant_mode, g.valid_from, g.valid_to,"
    " case when c.confirmed_at::date >= g.valid_from or not c.agrees then c.agrees end as agrees, c.confirmed_at, c.remark"
    f" from hub_current.role_grant g left join ({_NEWEST_WORDS}) c using (uid, system_code, role_code, scope_unit)"
    " left join hub_current.org_unit u on u.unit_code = g.scope_unit"
)


def list_grants(ledger: Ledger, uid: str) -> list[Row]:
    """A person's permissions: system, role, scope, dates, and the own word about each (`agrees` None: not said yet).

    Raises:
        Denied: HUB874 when the person has none.
    """
    found = ledger.rows(f"{_GRANTS} where g.uid = %s order by 1, 2, 3", [uid])
    if not found:
        raise Denied("HUB874", uid)
    return found


def confirm_grants(ledger: Ledger, uid: str, by: str, system: str | None = None, wrong: str | None = None) -> list[Row]:
    """Write down the person's word about the permissions in one system or all: right, or what is wrong with them.

    Raises:
        Denied: HUB874 when there are none, HUB875 for `wrong` without the system or without a remark.
    """
    chosen = [row for row in list_grants(ledger, uid) if system in (None, row["system_code"])]
    if not chosen:
        raise Denied("HUB874", f"{uid} {system}")
    if wrong is not None and not (wrong.strip() and system):
        raise Denied("HUB875", uid)
    now = ledger.clock()
    with ledger.transaction() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.grant_confirmation (uid, system_code, role_code, scope_unit, agrees, remark, confirmed_by,"
            " confirmed_at) values (%s, %s, %s, %s, %s, %s, %s, %s)",
            [(uid, row["system_code"], row["role_code"], row["scope_unit"], wrong is None, wrong, by, now) for row in chosen],
        )
    return [row for row in list_grants(ledger, uid) if system in (None, row["system_code"])]


def count_grants(ledger: Ledger) -> list[Row]:
    """Per system: how many permissions, how many the person agreed to, and how many are said to be wrong."""
    return ledger.rows(
        "select system_code, count(*) as grants, count(*) filter (where agrees) as confirmed,"
        f" count(*) filter (where not agrees) as disputed from ({_GRANTS}) g group by 1 order by 1"
    )
