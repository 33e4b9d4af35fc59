"""The university as servers, folders and connections: start it, bring it to a day, with or without faults, stop it.

Sources live in real databases and real files; subscribers get empty ones. Connections are written where the hub looks
for them. Between two days of one process only the rows that changed are touched; a new process replaces the tables.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import pyarrow as pa
import yaml

from campus.faults import injection as fault_book
from campus.faults.injection import Injected
from campus.generate.university import build_world
from campus.render.datasets import UPLOADS, render_datasets
from campus.servers import built, directory, processes
from campus.servers.stores import MariadbSource, PostgresSource, write_csv, write_dbf, write_workbook
from campus.servers.stores_local import SqliteSource, SqlServerSource
from campus.simulate import places
from campus.simulate.changes import Difference, find_differences, restamp_rows
from campus.simulate.places import Kind
from campus.simulate.world import World
from contracts.catalog import load_catalog
from contracts.contract import SourceDataset
from core.settings import get_settings
from core.store import postgres
from core.store.address import parse_url
from core.store.connections import HUB_CONNECTION

_UNREACHABLE = "postgresql://nobody@127.0.0.1:9/gone?connect_timeout=2"
DepartmentSource = PostgresSource | MariadbSource | SqliteSource | SqlServerSource


class Rehearsal:
    """A university of `persons` people, equal for equal seeds, under `folder`.

    With `systems` only those are connected, and the receivers of what they give; the others are known and wait (`off:`).
    """

    def __init__(self, folder: Path, persons: int, seed: int = 7, systems: Collection[str] = ()) -> None:
        self.folder = folder.resolve()
        self.persons = persons
        self.seed = seed
        self._systems = frozenset(systems or load_catalog().source_systems())
        self._sources = {
            id: dataset
            for id, dataset in load_catalog().sources.items()
            if id in fault_book.RENDERED and dataset.system in self._systems
        }
        self._urls: dict[str, str] = {}
        self._elsewhere: dict[str, str] = {}
        self._stores: dict[str, DepartmentSource] = {}
        self._loaded: dict[str, pa.Table] = {}
        self._bent: set[str] = set()

    def start(self) -> Mapping[str, str]:
        """Start the servers, make databases and folders for sources and subscribers, and write the connections file.

        A program that this machine lacks is no reason to stop: what would live on MariaDB lives on PostgreSQL, and the
        directory gets its entries as files. Returns the connections that were placed elsewhere, each with the program
        that was missing.
        """
        server = processes.start_postgres(self.folder / "postgres")
        other = processes.start_mariadb(self.folder / "mariadb")

        def on_mariadb(name: str) -> str:
            if other:
                return processes.create_mariadb_database(other, name)
            self._elsewhere[name] = "mariadbd"
            return postgres.ensure_database(server, name)

        def in_directory(name: str) -> str:
            if found := directory.start_directory(self.folder / "directory"):
                return found
            self._elsewhere[name] = "slapd"
            return _make_folder(self.folder / "files" / name)

        def place(name: str, kind: Kind) -> str:
            if kind == "folder":
                return _make_folder(self.folder / "files" / name)
            if kind == "sqlite":
                return f"sqlite:///{self.folder / 'files' / name / name.removeprefix('src_')}.db"
            if kind == "sqlserver":
                return processes.start_sqlserver(self._find_server_folder(name))
            if kind == "directory":
                return in_directory(name)
            return on_mariadb(name) if kind == "mariadb" else postgres.ensure_database(server, name)

        giving = {dataset.connection for dataset in self._sources.values()}
        for name in sorted({dataset.connection for dataset in load_catalog().sources.values()} & places.SOURCES.keys()):
            self._urls[name] = place(name, places.SOURCES[name]) if name in giving else "off:"
        feeds = load_catalog().feeds.values()
        served = {feed.connection for feed in feeds if feed.source in self._systems | {HUB_CONNECTION}}
        for name in sorted({feed.connection for feed in feeds}):
            self._urls[name] = place(name, places.TARGETS.get(name, "postgresql")) if name in served else "off:"
        _register_connections(self._urls)
        return self._elsewhere

    def load(self, day: int, faults: Mapping[str, int] | None = None) -> list[Injected]:
        """Bring every source to the close of `day` and return the defects that were put into it.

        `faults` maps the names of `campus.faults.injection` to how many rows each spoils; those of `SYSTEM_FAULTS` spoil a
        dataset, a file or a server instead and return nothing. What an earlier load spoiled is sound again.
        """
        wanted = dict(faults or {})
        today = build_world(self.persons, self.seed, day)
        tables = render_datasets(today)
        injected = fault_book.inject_faults(tables, wanted, self.seed, day, bool(self._loaded))
        for id, dataset in self._sources.items():
            if dataset.watermark and id in self._loaded:
                tables[id] = restamp_rows(dataset, self._loaded[id], tables[id], day)
        fault_book.spoil_tables(tables, wanted)
        for id, dataset in self._sources.items():
            self._store_dataset(today, dataset, tables[id], wanted)
        self._loaded = tables
        self._bent = self._bend_sources(wanted)
        _register_connections(self._urls | ({"src_graduate": _UNREACHABLE} if "dead_database" in wanted else {}))
        return [fault for fault in injected if fault.system in self._systems]

    def preview_changes(self, day: int, systems: Collection[str]) -> dict[str, Difference]:
        """What would change in the tables of these systems on the way to another day, by dataset; files are left out."""
        later, found = render_datasets(build_world(self.persons, self.seed, day)), {}
        for id, dataset in self._sources.items():
            if dataset.system in systems and dataset.mode != "upload" and dataset.file_format != "dbf":
                before, after = self._loaded[id], later[id]
                found[id] = find_differences(
                    dataset, before, restamp_rows(dataset, before, after, day) if dataset.watermark else after
                )
        return found

    def change_rows(self, id: str, keys: pa.Table, rows: pa.Table) -> None:
        """Put `rows` in the place of those with these keys, as their department would while it works."""
        self._stores[self._sources[id].connection].change_rows(self._sources[id], keys, rows)

    def stop(self) -> None:
        """Stop the servers; the data stay."""
        for store in self._stores.values():
            store.close()
        self._stores.clear()
        built.stop_servers(self.folder)

    def _find_server_folder(self, name: str) -> Path:
        """The folder of a system on SQL Server: a server of its own for each."""
        return self.folder / f"sqlserver_{name.removeprefix('src_')}"

    def _store_dataset(self, today: World, dataset: SourceDataset, rows: pa.Table, wanted: Mapping[str, int]) -> None:
        before = self._loaded.get(dataset.id)
        if dataset.mode == "upload":
            self._upload_file(today, dataset, rows, before)
        elif dataset.file_format == "dbf":
            codepage = "utf8" if "dbf_wrong_encoding" in wanted else "cp936"
            if before is None or not before.equals(rows) or dataset.id in self._bent or codepage == "utf8":
                write_dbf(self._find_folder(dataset) / dataset.physical, dataset, rows, codepage)
        else:
            self._store_table(dataset, rows, before)

    def _store_table(self, dataset: SourceDataset, rows: pa.Table, before: pa.Table | None) -> None:
        store = self._stores.get(dataset.connection) or self._open_source(dataset.connection)
        self._stores[dataset.connection] = store
        if before is None or dataset.id in self._bent:
            store.create_table(dataset)
            store.replace_rows(dataset, rows)
        elif not before.equals(rows):
            found: Difference = find_differences(dataset, before, rows)
            store.change_rows(dataset, found.keys, found.rows)

    def _upload_file(self, today: World, dataset: SourceDataset, rows: pa.Table, before: pa.Table | None) -> None:
        """The file that clerks hand over; handed over again when it differs from the one before."""
        file = UPLOADS[dataset.id](today)
        path = self._find_folder(dataset) / file.name
        if path.exists() and before is not None and before.equals(rows):
            return
        if dataset.file_format == "csv":
            write_csv(path, file.title, dataset.encoding or "utf-8", rows)
        else:
            write_workbook(path, file.title, dataset.sheet or "Sheet1", rows)

    def _bend_sources(self, wanted: Mapping[str, int]) -> set[str]:
        """Bend what must be put right by the next load; returns those datasets."""
        bent = {"finance.legacy_fee"} if "dbf_wrong_encoding" in wanted else set()
        if "renamed_column" in wanted:
            id, old, new = fault_book.RENAMED_COLUMN
            self._stores[self._sources[id].connection].rename_column(self._sources[id], old, new)
            bent.add(id)
        return bent

    def _open_source(self, name: str) -> DepartmentSource:
        kinds: dict[str, Callable[[str], DepartmentSource]] = {
            "mysql": MariadbSource,
            "postgresql": lambda url: PostgresSource(url, guest=name in self._elsewhere),
            "sqlite": SqliteSource,
            "mssql": lambda _: SqlServerSource(self._find_server_folder(name)),
        }
        url = self._urls[name]
        return kinds[parse_url(name, url).family](url)

    def _find_folder(self, dataset: SourceDataset) -> Path:
        return Path(parse_url(dataset.connection, self._urls[dataset.connection]).path)


def _make_folder(path: Path) -> str:
    path.mkdir(parents=True, exist_ok=True)
    return path.as_uri()


def _register_connections(urls: Mapping[str, str]) -> None:
    """Add the connections to the file that the hub reads, leaving others as they are. Only its owner may read it."""
    path = get_settings().secrets_file
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader) if path.is_file() else None
    part = path.with_name(f".{path.name}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        yaml.safe_dump({**(entries or {}), **urls}, file, allow_unicode=True)
    part.replace(path)
