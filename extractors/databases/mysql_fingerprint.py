"""What MariaDB says of a large table by which it is known again: who it is, when it last changed, how many rows, a checksum.

The engine writes the second of the last commit that changed a table into the catalogue, cascades and prepared transactions
included. Alone that proves too little (TRUNCATE and an imported tablespace leave it as it was, a clock may be set back),
and the server's checksum alone is 32 bits of a sum. Both and the count have to agree. MySQL is not asked: it keeps such
facts of the catalogue for a day.
"""

from __future__ import annotations

from core.hashing import hash_values
from extractors.base import TableFingerprint
from extractors.databases.mysql_session import MysqlSession

MINIMUM_ROWS = 20_000
"""Smaller tables are read as quickly as asked."""
_STAMP = """
    select @@hostname, @@port, @@datadir, table_schema, table_name, create_time, update_time
    from information_schema.tables
    where table_schema = coalesce(%s, database()) and table_name = %s and version() like '%%MariaDB%%'
        and table_type = 'BASE TABLE' and engine = 'InnoDB' and create_options not like '%%partitioned%%'
        and table_rows >= %s and update_time <= now() - interval 2 second
"""
"""A change in the second of the last one, after this was asked, would leave the same stamp: such a table has none yet. Two
seconds are also far longer than the engine takes from noting the time of a commit to showing its rows. Of a partitioned
table the time of a part may be lost, of a view there is none."""


def read_stamp(session: MysqlSession, address: tuple[str | None, str]) -> str | None:
    """Names the server, the table and its last change; None where that proves nothing."""
    found = session.texts(_STAMP, (*address, MINIMUM_ROWS))
    return hash_values(*found[0]) if found else None


def read_fingerprint(session: MysqlSession, address: tuple[str | None, str], table: str) -> TableFingerprint | None:
    """The stamp with what a look at every row says, in the session's one snapshot; None where there is no stamp."""
    named = read_stamp(session, address)
    if named is None:
        return None
    ((rows,),) = session.texts(f"select count(*) from {table}")
    ((_, checksum),) = session.texts(f"checksum table {table}")
    return TableFingerprint(named, int(rows or 0), str(checksum))
