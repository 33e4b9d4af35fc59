"""Every row that a SELECT reads is accounted for: it is given on, merged into another one, left out by a condition that the
SELECT states, or else it is named.

By system and entity: read + added = conformed + filtered + dropped + merged + unread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from contracts.catalog import Catalog
from contracts.contract import Entity
from contracts.sql.files import parse_select
from contracts.sql.tracing import TRACE_COLUMN, TracedSelect, find_join_columns, trace_select
from core.engine import quote_literal
from core.errors import ContractError
from core.keys import build_row_key_sql
from core.store.ledger import Ledger, Row

DROPPED, UNREAD, UNJOINED = "row.dropped", "row.unread", "row.unjoined"
"""Rules under which lost rows are listed: a warning of a row that nothing explains, a row that is held since a cell that
decides whether it is given cannot be read, and one of a joined table that can be joined to nothing for such a cell."""
COUNTS = ("read", "conformed", "filtered", "merged", "added", "dropped", "unread")


def account_rows(db: duckdb.DuckDBPyConnection, entity: Entity, catalog: Catalog, parts: dict[str, str], path: Path) -> Row:
    """`{accounts, lost}` of a conformed file: the counts of every system, and the Parquet of the lost rows, None without any.

    `parts` gives the SELECT of every system, whose tables are views. The list has `source_system, source_row, source_key,
    shown, rule_id, columns, severity, main, dataset`; `source_key` is the entity's key where the row itself tells it, `shown`
    what a person knows it by, `main` whether it is a row of a main table.
    """
    given = dict(db.execute(f"select source_system, count(*) from read_parquet({quote_literal(path)}) group by 1").fetchall())
    db.execute(
        "create temporary table lost_rows (source_system varchar, source_row bigint, source_key varchar, shown varchar,"
        " rule_id varchar, columns varchar, severity varchar, main boolean, dataset varchar)"
    )
    accounts = {}
    for system, sql in parts.items():
        tables: dict[str, list[TracedSelect]] = {}
        for part in trace_select(parse_select(sql)):
            tables.setdefault(part.table, []).append(part)
        of = _SystemAccount(db, entity, catalog, system, path)
        of.joined(find_join_columns(parse_select(sql)))
        accounts[system] = _sum_counts(int(given.get(system, 0)), [of.table(found) for found in tables.values()])
    lost = path.with_name(f"{path.stem}.lost.parquet")
    listed = _read_number(db, "select count(*) from lost_rows")
    if listed:
        db.execute(f"copy (from lost_rows order by source_system, source_row) to {quote_literal(lost)} (format parquet)")
    db.execute("drop table lost_rows")
    return {"accounts": accounts, "lost": str(lost) if listed else None}


def _sum_counts(conformed: int, tables: Sequence[dict[str, int]]) -> dict[str, int]:
    """The counts of a system. What is given more often than it was read was added by joins; less often, merged by groups."""
    sums = {name: sum(counts[name] for counts in tables) for name in ("read", "filtered", "dropped", "unread")}
    given = sums["read"] - sums["filtered"] - sums["dropped"] - sums["unread"]
    return {**sums, "conformed": conformed, "merged": max(given - conformed, 0), "added": max(conformed - given, 0)}


class _SystemAccount:
    """The account of one system's SELECT."""

    def __init__(self, db: duckdb.DuckDBPyConnection, entity: Entity, catalog: Catalog, system: str, path: Path) -> None:
        self.db, self.entity, self.catalog, self.system, self.path = db, entity, catalog, system, path

    def table(self, parts: Sequence[TracedSelect]) -> dict[str, int]:
        """`{read, filtered, dropped, unread}` of a main table, from all the parts of the SELECT that begin with it."""
        name = parts[0].table
        counts = {"read": _read_number(self.db, f"select count(*) from {name}"), "filtered": 0, "dropped": 0, "unread": 0}
        if any(part.keeps for part in parts):
            return counts
        queries = [part.given or self._positions() for part in parts]
        self.db.execute(
            f"create or replace temporary table given_rows as select distinct {TRACE_COLUMN} from {_union_positions(queries)}"
        )
        if _read_number(self.db, "select count(*) from given_rows") == counts["read"]:
            return counts
        self.db.execute(f"create or replace temporary table away_rows as from {name} where source_row not in (from given_rows)")
        self._create_reasons_table(parts)
        found = dict(self.db.execute("select reason, count(*) from reasons group by 1").fetchall())
        counts |= {reason: int(found.get(reason, 0)) for reason in ("filtered", "dropped", "unread")}
        self._list_lost_rows(parts)
        return counts

    def _positions(self) -> str:
        of = f"read_parquet({quote_literal(self.path)}) where source_system = {quote_literal(self.system)}"
        return f"select source_row as {TRACE_COLUMN} from {of}"

    def _create_reasons_table(self, parts: Sequence[TracedSelect]) -> None:
        """Table `reasons`: why each row of `away_rows` is not given."""
        passing = [part.passing for part in parts if part.passing]
        stated = f"m.source_row in (select {TRACE_COLUMN} from {_union_positions(passing)})" if passing else "false"
        if len(parts) == 1 and parts[0].own:
            part = parts[0]
            holds = " and ".join(f"coalesce({condition}, false)" for condition in part.own)
            outside = f"select {part.alias}.source_row from away_rows {part.alias} where not ({holds})"
            stated += f" or m.source_row in ({outside})"
        looked_at = ", ".join(quote_literal(name) for part in parts for name in sorted(part.looked_at))
        cells = _filter_cells("m", looked_at) if looked_at else "[]"
        self.db.execute(
            "create or replace temporary table reasons as select source_row, case when len(coalesce(cells, [])) > 0"
            " then 'unread' when stated then 'filtered' else 'dropped' end as reason, array_to_string(cells, ',') as columns"
            f" from (select m.source_row, {cells} as cells, {stated} as stated from away_rows m)"
        )

    def _list_lost_rows(self, parts: Sequence[TracedSelect]) -> None:
        keys = dict(parts[0].keys) if len(parts) == 1 else {}
        of = [keys.get(name) for name in self.entity.key]
        key = build_row_key_sql([one for one in of if one]) if all(of) else "null"
        alias = parts[0].alias
        own = self._build_shown_key(parts[0].table, alias)
        name = self.entity.name
        self.db.execute(
            f"insert into lost_rows select {quote_literal(self.system)}, {alias}.source_row, {key}, coalesce({key}, {own}),"
            f" case hub_r.reason when 'unread' then '{name}.{UNREAD}' else '{name}.{DROPPED}' end,"
            " coalesce(hub_r.columns, ''), case hub_r.reason when 'unread' then 'error' else 'warning' end, true,"
            f" {quote_literal(parts[0].table)}"
            f" from reasons hub_r join away_rows {alias} on {alias}.source_row = hub_r.source_row"
            " where hub_r.reason <> 'filtered'"
        )

    def joined(self, tables: Mapping[str, frozenset[str]]) -> None:
        """List the rows of joined tables that nothing can be joined to, as a cell by which that is done cannot be read."""
        for table, columns in tables.items():
            names = ", ".join(quote_literal(name) for name in sorted(columns))
            cells = _filter_cells("j", names)
            self.db.execute(
                f"insert into lost_rows select {quote_literal(self.system)}, source_row, null,"
                f" {self._build_shown_key(table, 'j')},"
                f" '{self.entity.name}.{UNJOINED}', array_to_string({cells}, ','), 'error', false, {quote_literal(table)}"
                f" from {table} j where len({cells}) > 0"
            )

    def _build_shown_key(self, table: str, alias: str) -> str:
        """What a person knows a row of a dataset by: its key, or NULL."""
        dataset = self.catalog.sources.get(table)
        names = dataset.key if dataset else ()
        return build_row_key_sql([f"{alias}.{name}" for name in names]) if names else "null"


def _filter_cells(alias: str, names: str) -> str:
    """The unreadable cells of a dataset's row that are among some (SQL texts), without what is wrong with them."""
    cells = f"list_transform(string_split({alias}.unreadable, ','), lambda cell: split_part(cell, ':', 1))"
    return f"list_filter({cells}, lambda cell: cell in ({names}))"


def list_newest_accounts(ledger: Ledger) -> list[dict[str, Any]]:
    """The newest account of every entity by system: `{entity, system, ...COUNTS}`."""
    return [row for name, output in sorted(ledger.latest("conform").items()) for row in list_accounts(name, output)]


def list_accounts(name: str, output: Row | None) -> list[dict[str, Any]]:
    """The accounts in the output of an entity's conform step; none of one that ended without an output."""
    return [{"entity": name, "system": system, **counts} for system, counts in ((output or {}).get("accounts") or {}).items()]


def build_dropped_error(row: Row) -> ContractError:
    """The HUB171 of rows that an entity's SELECT dropped."""
    return ContractError("HUB171", row["entity"], **{name: row[name] for name in ("system", "read", "dropped")})


def _union_positions(queries: Sequence[str]) -> str:
    """The positions that some of the queries give; a row that no row of the main table is in has none."""
    return f"({' union all '.join(queries)}) where {TRACE_COLUMN} is not null"


def _read_number(db: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(db.execute(query).fetchall()[0][0])
