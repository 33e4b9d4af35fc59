"""`hub draft`: a first source contract and a first SELECT per table, from what a department's database says of itself.

A draft proposes what can be known (columns, types, key, titles from comments, meaning and class from the standards' pinyin
codes) and marks what only a person can know with `待填`, which lint refuses until it is filled in. A class is never
guessed downwards: a column that no standard code explains has to be classed by hand.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from contracts.catalog import Catalog, load_catalog
from contracts.contract import Column, Entity
from contracts.data_dictionary import DataDictionary, find_hub_column, read_dictionary
from contracts.sql.files import PLACEHOLDER
from core.errors import ContractError, Denied, HubError
from core.store.connections import get_connection, list_switched_off
from extractors.base import (
    Extractor,
    SourceColumn,
    SupportsEncodingGuess,
    SupportsSharedConnection,
    SupportsUnreadableTables,
    open_extractor,
)
from lint.vocabulary import PROVENANCE_COLUMNS
from onboarding.draft_select import build_overlay, build_select
from onboarding.draft_words import HAN, choose_dataset_names, convert_to_snake, find_watermarks, is_secret, list_doubts

_SENSITIVE = re.compile(r"SFZ|ZJH|YHK|YHZH|GZ$|JE$|ZP$|MM$|MIMA|PASSW|SALARY|JKZK|ZZMM|XYZJ|JTZZ|LXDZ", re.IGNORECASE)
_PERSONAL = re.compile(r"DH$|SJ$|YX$|EMAIL|MAIL|PHONE|MOBILE|CSRQ|BIRTH|XB|MZ|SEX", re.IGNORECASE)
_UNSIZED = re.compile(r"(float|double( precision)?|real|numeric|decimal|number)( unsigned)?( zerofill)?$", re.IGNORECASE)
WIDEST_DECIMAL = "decimal(38,10)"
_DECIMAL = re.compile(r"(?:decimal|numeric|number)\((\d+),\s*(\d+)\)", re.IGNORECASE)


RESEMBLING = 4
"""Columns of one meaning that make a stranger's table the likely source of an entity."""


@dataclass(frozen=True)
class DraftColumn:
    """One column of the draft: how the source calls it and what the hub's contracts say that it is, if they do."""

    seen: SourceColumn
    name: str
    meaning: Column | None

    @property
    def kind(self) -> str:
        text = self.seen.kind in {"any", "bytes"} or "zerofill" in self.seen.type.lower()
        return "string" if text else self.seen.kind


@dataclass(frozen=True)
class DraftTable:
    """One table of the draft: its dataset's name, every column, the names of its key in the source, and of a file the encoding
    that its text seems to have, where it is not the usual one."""

    name: str
    columns: Sequence[DraftColumn]
    key: tuple[str, ...]
    encoding: str | None = None

    @property
    def kept(self) -> list[DraftColumn]:
        """The columns that are drafted: all but those that open an account. A key stays, whatever it is called."""
        return [column for column in self.columns if column.seen.name in self.key or not is_secret(column.seen.name)]


def write_drafts(
    connection_id: str, out: Path, tables: Sequence[str] = (), warn: Callable[[HubError], None] = lambda error: None
) -> list[Path]:
    """Write drafts of `tables` (default: all that the connection shows) under `out` and return the files.

    A table gives `schemas/sources/<system>/<dataset>.odcs.yaml`; the table that fits an entity best also gives
    `sql/conform/<entity>/<system>.sql`. The same database gives the same files. `warn` is told of tables that are not drafted.

    Raises:
        ContractError: HUB892 for a system that `schemas/flows` does not have, HUB104 for a table that the source does not have;
            HUB877 when the connection shows no table at all.
        Denied: HUB750 when a file is already there, HUB878 when the connection is registered as off; nothing is written then.
    """
    catalog = load_catalog()
    system = _find_system(catalog, connection_id)
    if connection_id in list_switched_off():
        raise Denied("HUB878", connection_id)
    source = open_extractor(get_connection(connection_id))
    with source.share_connection() if isinstance(source, SupportsSharedConnection) else contextlib.nullcontext():
        present = source.list_tables()
        seen = _read_tables(source, connection_id, _select_tables(present, connection_id, tables), warn)
    names = choose_dataset_names(present)
    words = read_dictionary(catalog.layers.glob("schemas/hub/*.odcs.yaml"))
    written = {table: source.guess_encoding(table) for table in seen} if isinstance(source, SupportsEncodingGuess) else {}
    drafted = {
        table: DraftTable(names[table], _draft_columns(columns, words), tuple(key), written.get(table))
        for table, (columns, key) in seen.items()
    }
    files: dict[Path, str] = {}
    for table, made in drafted.items():
        contract = _draft_contract(catalog, connection_id, system, table, made)
        path = Path("schemas") / "sources" / system / f"{made.name}.odcs.yaml"
        files[path] = yaml.safe_dump(contract, allow_unicode=True, sort_keys=False, width=120)
    files |= _draft_selects(catalog, system, list(drafted.values()))
    for path in files:
        if (out / path).exists():
            raise Denied("HUB750", str(path))
    for path, content in files.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_text(content, "utf-8")
    return [out / path for path in files]


def _find_system(catalog: Catalog, connection_id: str) -> str:
    """The system of a connection: `src_finance` and `src_finance_upload` are both `finance`."""
    fitting = [code for code in catalog.systems if f"{connection_id}_".startswith(f"src_{code}_")]
    if not fitting:
        raise ContractError("HUB892", connection_id, known=", ".join(f"src_{code}" for code in catalog.systems))
    return max(fitting, key=len)


def _select_tables(present: Sequence[str], connection_id: str, tables: Sequence[str]) -> list[str]:
    if not present:
        raise ContractError("HUB877", connection_id)
    missing = [table for table in tables if table not in present]
    if missing:
        raise ContractError("HUB104", f"{connection_id}.{missing[0]}", kind="table", known=", ".join(present))
    return sorted(tables) if tables else list(present)


def _read_tables(
    source: Extractor, connection_id: str, tables: Sequence[str], warn: Callable[[HubError], None]
) -> dict[str, tuple[list[SourceColumn], list[str]]]:
    """Columns and key of each table; one that shows no column, or that the account may not read, is told of and left out."""
    for table in source.list_unreadable_tables() if isinstance(source, SupportsUnreadableTables) else []:
        warn(ContractError("HUB890", f"{connection_id}.{table}"))
    found: dict[str, tuple[list[SourceColumn], list[str]]] = {}
    for table in tables:
        columns = source.read_columns(table)
        if columns:
            found[table] = columns, source.read_primary_key(table)
        else:
            warn(ContractError("HUB891", f"{connection_id}.{table}"))
    return found


def _draft_columns(columns: Sequence[SourceColumn], words: DataDictionary) -> list[DraftColumn]:
    """Every column with a name of its own: the standard's where it is known and free, else the source's in snake_case."""
    drafted: list[DraftColumn] = []
    taken: set[str] = set(PROVENANCE_COLUMNS)
    for position, seen in enumerate(columns, start=1):
        means = find_hub_column(seen.name, words)
        own = "" if HAN.search(seen.name) else convert_to_snake(seen.name)
        choices = [means.name if means else "", own if re.match(r"[a-z]", own) else "", f"column_{position}"]
        name = next(choice for choice in choices if choice and choice not in taken)
        taken.add(name)
        drafted.append(DraftColumn(seen, name, means if means and means.name == name else None))
    return drafted


def _draft_contract(catalog: Catalog, connection_id: str, system: str, table: str, made: DraftTable) -> dict[str, Any]:
    name, columns, key = made.name, made.kept, made.key
    contract: dict[str, Any] = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"{system}.{name}",
        "version": "1.0.0",
        "status": "draft",
        "domain": system,
        "team": {"name": str(catalog.systems[system].get("owner_zh") or f"{PLACEHOLDER} 责任单位")},
        "servers": [{"server": connection_id, "type": "custom"}],
    }
    if notes := _collect_notes(made):
        contract["description"] = notes
    properties = [_draft_property(column, key) for column in columns]
    head: dict[str, Any] = {"name": name, "physicalName": table, "businessName": _choose_title(table)}
    if made.encoding:
        head["customProperties"] = [{"property": "encoding", "value": made.encoding}]
    contract["schema"] = [{**head, "properties": properties}]
    return contract


def _collect_notes(made: DraftTable) -> dict[str, str]:
    """What a person should know: no key, columns left out, types that say less than they seem to, and by what changes may be
    told."""
    lines = [] if made.key else [f"{PLACEHOLDER} 来源没有声明主键；请给键列写 primaryKey 与 primaryKeyPosition"]
    left = [column.seen.name for column in made.columns if column not in made.kept]
    if left:
        lines.append(f"没有起草的列（口令、密钥之类，谁也用不着）：{'、'.join(left)}")
    if made.encoding:
        lines.append(f"文件不是 UTF-8，按 {made.encoding} 起草；请核对几行中文")
    lines += list_doubts([column.seen for column in made.kept])
    marks = find_watermarks([column.seen for column in made.kept])
    usage = f"可作水位的列：{'、'.join(marks)}。确认每次改动都会更新它之后，大表可写 mode: window 与 watermark" if marks else ""
    found = {"usage": usage, "limitations": "。".join(lines)}
    return {name: words for name, words in found.items() if words}


def _draft_property(column: DraftColumn, key: Sequence[str]) -> dict[str, Any]:
    means = column.meaning
    item: dict[str, Any] = {
        "name": column.name,
        "physicalName": column.seen.name,
        "businessName": column.seen.title or (means.title if means else _choose_title(column.seen.name)),
        "logicalType": column.kind,
        "physicalType": _choose_physical_type(column.seen),
        "classification": classify_column(column.seen.name, means),
    }
    if column.seen.name in key:
        item |= {"primaryKey": True, "primaryKeyPosition": list(key).index(column.seen.name) + 1}
    if column.seen.name in key or not (column.seen.nullable or column.seen.nothing):
        item["required"] = True
    if column.seen.nothing:
        item["customProperties"] = [{"property": "nullValues", "value": [column.seen.nothing]}]
    return item


def _choose_title(name: str) -> str:
    return name if HAN.search(name) else f"{PLACEHOLDER} 中文名"


def _choose_physical_type(seen: SourceColumn) -> str:
    """The type as the source has it, a number's with its size; one without a size gets the widest that keeps ten decimals."""
    number = _DECIMAL.match(seen.type)
    if number:
        return f"decimal({number[1]},{number[2]})"
    return WIDEST_DECIMAL if seen.kind == "number" and _UNSIZED.match(seen.type) else seen.type


def classify_column(physical: str, means: Column | None) -> str:
    """The class of the standard's column; without one the higher class that the name suggests, else a mark."""
    guessed = "P3" if _SENSITIVE.search(physical) else "P2" if _PERSONAL.search(physical) else None
    if means:
        return max(means.pii, guessed or "P0")
    return guessed or f"{PLACEHOLDER} P0-P3"


def _draft_selects(catalog: Catalog, system: str, drafted: Sequence[DraftTable]) -> dict[Path, str]:
    """For every entity that the system may give and that has no SELECT yet, one from the table that fits it best.

    In a site an entity whose systems are all unknown there is nobody's yet: the table that fits it best, and no other entity
    better, gives it too, and an overlay says that the system is its authority and which required columns it lacks.
    """
    files: dict[Path, str] = {}
    for entity in catalog.entities.values():
        is_claimed = bool(catalog.systems.keys() & set(entity.authority)) or not catalog.layers.is_site
        if (is_claimed and system not in entity.authority) or catalog.conform_file(entity.name, system).is_file():
            continue
        score = _count_matches if is_claimed else _count_resemblances
        best = max(sorted(drafted, key=lambda table: table.name), key=lambda table: score(entity, table.kept), default=None)
        if best is None or not score(entity, best.kept):
            continue
        if not is_claimed and _find_entity(catalog, best) != entity.name:
            continue
        kinds = {column.name: column.kind for column in best.kept}
        files[Path("sql") / "conform" / entity.name / f"{system}.sql"] = build_select(entity, system, best.name, kinds)
        overlay = Path("schemas") / "overlay" / f"{entity.name}.yaml"
        if not is_claimed and catalog.layers.find(overlay.as_posix()) is None:
            files[overlay] = build_overlay(entity, system, kinds)
    return files


def _find_entity(catalog: Catalog, table: DraftTable) -> str | None:
    """The entity that shares most columns with a table, in share of its own; None when there is none."""
    counts = {name: _count_resemblances(entity, table.kept) for name, entity in catalog.entities.items()}
    fitting = [name for name, count in counts.items() if count]
    return max(fitting, key=lambda name: (counts[name], counts[name] / len(catalog.entities[name].columns)), default=None)


def _count_matches(entity: Entity, columns: Sequence[DraftColumn]) -> int:
    """How many of an entity's columns a table has, and at least a quarter; 0 when one of its key columns is missing."""
    names = {column.name for column in columns if column.meaning}
    found = sum(column.name in names for column in entity.columns)
    return found if set(entity.key) <= names and 4 * found >= len(entity.columns) else 0


def _count_resemblances(entity: Entity, columns: Sequence[DraftColumn]) -> int:
    """How many of an entity's columns a table of a stranger has: four, or half of a small entity's; 0 for fewer, or when one
    of its key columns is missing."""
    names = {column.name for column in columns if column.meaning}
    found = sum(column.name in names for column in entity.columns)
    return found if set(entity.key) <= names and (found >= RESEMBLING or 2 * found >= len(entity.columns)) else 0
