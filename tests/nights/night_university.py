"""The rehearsal university with its hub, and what one can ask of both: who holds which keys, what was written, who leaked."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pymysql
import pytest

from campus.faults.injection import Injected
from campus.generate.university import build_world
from campus.rehearsal import Rehearsal
from campus.render.datasets import render_datasets
from campus.simulate.world import date_of
from contracts.catalog import Catalog, load_catalog, read_catalog
from contracts.contract import FeedDataset
from core.settings import get_settings
from core.store import ledger as ledger_module
from core.store import postgres
from core.store.connections import get_connection
from core.store.ledger import Ledger, open_ledger
from loaders.base import open_target
from pipeline.delivery import due as schedule
from pipeline.result import RunResult
from runs.nightly import run_night

PAYDAY = 2
"""Day 2 is 2026-09-08: its night delivers the payday feeds as well, so the first night fills every receiver."""
PRIVATE = frozenset(
    {"XM", "SFZJH", "YDDH", "姓名", "身份证件号", "手机号", "银行卡号", "JTDZ", "JTZZ", "LXRDH", "DZXX", "证件号码", "ZPZY"}
)
"""Source columns whose cells may stand nowhere but in the data: names, identity numbers, telephones, addresses, cards."""
Keys = set[tuple[str, ...]]
Rows = list[tuple[Any, ...]]


@dataclass
class University:
    """The rehearsal, the hub that serves it, and the day that the sources have reached."""

    folder: Path
    rehearsal: Rehearsal
    hub_url: str
    small_disk: bool
    day: int = PAYDAY
    secrets: set[str] = field(default_factory=set, repr=False)

    @property
    def var(self) -> Path:
        return self.folder / "var"

    @property
    def catalog(self) -> Catalog:
        return load_catalog()

    @property
    def ledger(self) -> Ledger:
        return open_ledger()

    def load(self, faults: Mapping[str, int] | None = None, later: int = 0) -> list[Injected]:
        """Bring the sources to the close of a day, `later` days on, with these defects and no others."""
        self.day += later
        found = self.rehearsal.load(self.day, faults)
        for tables in (self.sound(), self.rehearsal._loaded):
            self.secrets |= personal(tables)
        return found

    def sound(self, day: int | None = None) -> dict[str, pa.Table]:
        """What the systems would hold without defects."""
        return render_datasets(build_world(self.rehearsal.persons, self.rehearsal.seed, day or self.day))

    def night(self) -> RunResult:
        return run_night(date_of(self.day))

    def due(self) -> set[str]:
        """The feeds whose schedule is on at the day that the sources have reached."""
        return {feed.id for feed in self.catalog.feeds.values() if schedule.is_due_on(feed, date_of(self.day))}

    def held(self, severity: str = "error") -> set[tuple[str, str, str]]:
        rows = self.ledger.rows("select * from ops.held where state = 'open' and severity = %s", [severity])
        return {(row["entity"], row["source_key"], row["rule_id"]) for row in rows}

    def deliveries(self, run_id: str) -> dict[str, dict[str, Any]]:
        """The deliveries of a run by feed id."""
        rows = self.ledger.rows("select * from ops.delivery where run_id = %s", [run_id])
        return {f"{row['edge']}.{row['dataset']}": row for row in rows}

    def hub(self, entity: str) -> set[tuple[str, str]]:
        """Key and hash of every current row of an entity."""
        rows = self.ledger.rows(f"select source_key, row_hash from hub.{entity} where to_version is null")
        return {(row["source_key"], row["row_hash"]) for row in rows}

    def tables(self) -> list[FeedDataset]:
        """The feeds that fill a table of a database."""
        return [
            feed for feed in self.catalog.feeds.values() if get_connection(feed.connection).family in {"mysql", "postgresql"}
        ]

    def keys(self, feed: FeedDataset) -> Keys:
        """The keys that a receiver's table holds and has not marked as dropped."""
        names = {column.name: column.physical for column in feed.columns}
        present = {"delete": "", "inactive": " where is_active", "end_date": " where ended_on is null"}[feed.drop]
        found = ask(feed.connection, f"select {', '.join(names[key] for key in feed.key)} from {feed.physical}{present}")
        return {tuple(str(part) for part in row) for row in found}

    def all_keys(self) -> dict[str, Keys]:
        return {feed.id: self.keys(feed) for feed in self.tables()}

    def sent(self, feed: FeedDataset) -> int:
        """How many keys of a feed the receiver's own bookkeeping has as sent and not dropped."""
        where = f"edge = '{feed.edge}' and dataset = '{feed.dataset}' and dropped_on is null"
        return int(ask(feed.connection, f"select count(*) from _hub_sent where {where}")[0][0])

    def content(self, feed: FeedDataset) -> Rows:
        """Everything that a receiver has of a feed: the rows of its table, or the totals of its files that hold rows."""
        if get_connection(feed.connection).family == "ldap":
            directory: Any = open_target(get_connection(feed.connection))
            try:
                return [(repr(directory.read_totals(feed)),)]
            finally:
                directory.close()
        at = get_connection(feed.connection)
        if at.family == "file":
            manifests = [json.loads(path.read_text("utf-8")) for path in Path(at.path).glob(f"{feed.physical}.*.manifest.json")]
            mine = [row for row in manifests if row["edge"] == feed.edge and row["rows_upsert"] + row["rows_delete"]]
            return sorted({(row["mode"], json.dumps(row["control_totals"], sort_keys=True)) for row in mine})
        names = ", ".join(column.physical for column in feed.columns)
        return sorted(ask(feed.connection, f"select {names} from {feed.physical}"), key=repr)

    def written(self) -> str:
        """Everything that is written for people: the reports, and every jsonb column and step of the ledger."""
        pages = [path.read_text("utf-8") for path in sorted((self.var / "reports").rglob("*")) if path.is_file()]
        assert pages
        columns = self.ledger.rows(
            "select table_name, column_name from information_schema.columns where table_schema = 'ops' and data_type = 'jsonb'"
        )
        assert {"step", "check_result", "brake"} <= {row["table_name"] for row in columns}
        for row in columns:
            found = self.ledger.rows(f"select {row['column_name']}::text as cell from ops.{row['table_name']}")
            pages += [cell["cell"] for cell in found if cell["cell"]]
        return "\n".join(pages)

    def leaks(self, *texts: str) -> int:
        """How many personal values stand in the texts and in what is written. A count: the values stay where they are."""
        whole = "\n".join([self.written(), *texts])
        return sum(value in whole and stands(value, whole) for value in self.secrets)


def personal(tables: Mapping[str, pa.Table]) -> set[str]:
    """The cells of private columns that tell who somebody is, as text. A single character is no name."""
    cells: set[str] = set()
    for rows in tables.values():
        for name in PRIVATE & set(rows.column_names):
            cells |= {str(cell).strip() for cell in rows[name].to_pylist() if cell is not None}
    return {cell for cell in cells if len(cell) > 1 and not cell.startswith("0000")}


def stands(value: str, text: str) -> bool:
    """Whether a value stands in a text as itself, and not as some digits of a longer number."""
    return not value.isdecimal() or re.search(rf"(?<![\d.]){value}(?![\d.])", text) is not None


def ask(connection_id: str, query: str) -> Rows:
    """The rows of a query in a receiver's database; the connection is closed."""
    at = get_connection(connection_id)
    if at.family == "mysql":
        door = at.options.get("unix_socket")
        with (
            pymysql.connect(user="root", database=at.database, unix_socket=door, charset="utf8mb4") as db,
            db.cursor() as cursor,
        ):
            cursor.execute(query)
            return list(cursor.fetchall())
    with psycopg.connect(at.url) as other:
        return other.execute(query.encode()).fetchall()


def forget() -> None:
    """Drop what this process has read of settings, catalogue and databases."""
    for cached in (
        get_settings,
        read_catalog,
        ledger_module.migrate_ledger,
        ledger_module._get_ledger,
        postgres.ensure_database,
    ):
        cached.cache_clear()


@contextlib.contextmanager
def at_home(var: Path, hub_url: str = "") -> Iterator[None]:
    """This process as a hub whose files are under `var`; afterwards as it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_VAR", str(var))
        patch.setenv("HUB_URL", hub_url)
        patch.delenv("HUB_HOME", raising=False)
        forget()
        try:
            yield
            if hub_url:
                open_ledger().close()
        finally:
            forget()
