"""`hub draft`: a first source contract and a first SELECT per table, from what a department's database says of itself.

A draft proposes what can be known (columns, types, key, titles from comments, meaning and class from the standards' pinyin
codes) and marks what only a person can know with `待填`, which lint refuses until it is filled in. A class is never
guessed downwards: a column that no standard code explains has to be classed by hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from core.connections import connection
from core.errors import ContractError, Denied
from core.settings import settings
from extractors.base import Extractor, SourceColumn, open_extractor
from pipeline.draft_select import select_for
from schemas.catalog import Catalog, catalog
from schemas.contract import Column, Entity
from schemas.lint_words import PROVENANCE
from schemas.queries import MARK
from schemas.standard import Dictionary, dictionary, meaning

_SENSITIVE = re.compile(r"SFZ|ZJH|YHK|YHZH|GZ$|JE$|ZP$|MM$|MIMA|PASSW|SALARY|JKZK|ZZMM|XYZJ|JTZZ|LXDZ", re.IGNORECASE)
_PERSONAL = re.compile(r"DH$|SJ$|YX$|EMAIL|MAIL|PHONE|MOBILE|CSRQ|BIRTH|XB|MZ|SEX", re.IGNORECASE)
_DECIMAL = re.compile(r"(?:decimal|numeric|number)\((\d+),\s*(\d+)\)", re.IGNORECASE)


@dataclass(frozen=True)
class Drafted:
    """One column of the draft: how the source calls it and what the hub's contracts say that it is, if they do."""

    seen: SourceColumn
    name: str
    meaning: Column | None

    @property
    def kind(self) -> str:
        return self.seen.kind if self.seen.kind not in {"any", "bytes"} else "string"


def draft(connection_id: str, out: Path, tables: Sequence[str] = ()) -> list[Path]:
    """Write drafts of `tables` (default: all that the connection shows) under `out` and return the files.

    A table gives `schemas/sources/<system>/<dataset>.odcs.yaml`; the table that fits an entity best also gives
    `sql/conform/<entity>/<system>.sql`. The same database gives the same files.

    Raises:
        ContractError: HUB104 for a system that `schemas/flows` does not have, or a table that the source does not have.
        Denied: HUB750 when a file is already there; nothing is written then.
    """
    known = catalog()
    system = _system(known, connection_id)
    source = open_extractor(connection(connection_id))
    wanted = _tables(source, connection_id, tables)
    words = dictionary(settings().schemas / "hub")
    drafted = {table: _columns(source, table, words) for table in wanted}
    files: dict[Path, str] = {}
    for table, columns in drafted.items():
        contract = _contract(known, connection_id, system, table, columns, source.primary_key(table))
        path = Path("schemas") / "sources" / system / f"{dataset_name(table)}.odcs.yaml"
        files[path] = yaml.safe_dump(contract, allow_unicode=True, sort_keys=False, width=120)
    files |= _selects(known, system, drafted)
    for path in files:
        if (out / path).exists():
            raise Denied("HUB750", str(path))
    for path, content in files.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_text(content, "utf-8")
    return [out / path for path in files]


def dataset_name(table: str) -> str:
    """A dataset's first name: the table's (or file's) own in snake_case, since nobody but a person can translate it."""
    name = re.sub(r"[^a-z0-9]+", "_", table.lower().rsplit("/", 1)[-1]).strip("_")
    return name if re.match(r"[a-z]", name) else f"t_{name}".rstrip("_")


def _system(known: Catalog, connection_id: str) -> str:
    """The system of a connection: `src_finance` and `src_finance_upload` are both `finance`."""
    fitting = [code for code in known.systems if f"{connection_id}_".startswith(f"src_{code}_")]
    if not fitting:
        raise ContractError("HUB104", connection_id, kind="system", known=", ".join(f"src_{code}" for code in known.systems))
    return max(fitting, key=len)


def _tables(source: Extractor, connection_id: str, tables: Sequence[str]) -> list[str]:
    present = source.tables()
    missing = [table for table in tables if table not in present]
    if missing:
        raise ContractError("HUB104", f"{connection_id}.{missing[0]}", kind="table", known=", ".join(present))
    return sorted(tables) if tables else present


def _columns(source: Extractor, table: str, words: Dictionary) -> list[Drafted]:
    """Every column with a name of its own: the standard's where it is known and free, else the source's in lower case."""
    drafted: list[Drafted] = []
    taken: set[str] = set(PROVENANCE)
    for position, seen in enumerate(source.columns(table), start=1):
        means = meaning(seen.name, words)
        own = re.sub(r"[^a-z0-9]+", "_", seen.name.lower()).strip("_")
        choices = [means.name if means else "", own if re.match(r"[a-z]", own) else "", f"column_{position}"]
        name = next(choice for choice in choices if choice and choice not in taken)
        taken.add(name)
        drafted.append(Drafted(seen, name, means if means and means.name == name else None))
    return drafted


def _contract(
    known: Catalog, connection_id: str, system: str, table: str, columns: Sequence[Drafted], key: Sequence[str]
) -> dict[str, Any]:
    name = dataset_name(table)
    contract: dict[str, Any] = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"{system}.{name}",
        "version": "1.0.0",
        "status": "draft",
        "domain": system,
        "team": {"name": str(known.systems[system].get("owner_zh") or f"{MARK} 责任单位")},
        "servers": [{"server": connection_id, "type": "custom"}],
    }
    if not key:
        contract["description"] = {"limitations": f"{MARK} 来源没有声明主键;请给键列写 primaryKey 与 primaryKeyPosition"}
    properties = [_property(column, key) for column in columns]
    contract["schema"] = [{"name": name, "physicalName": table, "businessName": f"{MARK} 中文名", "properties": properties}]
    return contract


def _property(column: Drafted, key: Sequence[str]) -> dict[str, Any]:
    means = column.meaning
    item: dict[str, Any] = {
        "name": column.name,
        "physicalName": column.seen.name,
        "businessName": column.seen.title or (means.title if means else f"{MARK} 中文名"),
        "logicalType": column.kind,
        "physicalType": _physical_type(column.seen),
        "classification": classification(column.seen.name, means),
    }
    if column.seen.name in key:
        item |= {"primaryKey": True, "primaryKeyPosition": list(key).index(column.seen.name) + 1}
    if column.seen.name in key or not column.seen.nullable:
        item["required"] = True
    return item


def _physical_type(seen: SourceColumn) -> str:
    number = _DECIMAL.match(seen.type)
    return f"decimal({number[1]},{number[2]})" if number else seen.type


def classification(physical: str, means: Column | None) -> str:
    """The class of the standard's column; without one the higher class that the name suggests, else a mark."""
    guessed = "P3" if _SENSITIVE.search(physical) else "P2" if _PERSONAL.search(physical) else None
    if means:
        return max(means.pii, guessed or "P0")
    return guessed or f"{MARK} P0-P3"


def _selects(known: Catalog, system: str, drafted: Mapping[str, Sequence[Drafted]]) -> dict[Path, str]:
    """For every entity that the system may give and that has no SELECT yet, one from the table that fits it best."""
    files: dict[Path, str] = {}
    for entity in known.entities.values():
        if system not in entity.authority or known.conform_file(entity.name, system).is_file():
            continue
        fits = {table: _fit(entity, columns) for table, columns in drafted.items()}
        best = max(sorted(fits), key=lambda table: fits[table], default=None)
        if best is not None and fits[best]:
            kinds = {column.name: column.kind for column in drafted[best]}
            path = Path("sql") / "conform" / entity.name / f"{system}.sql"
            files[path] = select_for(entity, system, dataset_name(best), kinds)
    return files


def _fit(entity: Entity, columns: Sequence[Drafted]) -> int:
    """How many of an entity's columns a table has, and at least a quarter; 0 when one of its key columns is missing."""
    names = {column.name for column in columns if column.meaning}
    found = sum(column.name in names for column in entity.columns)
    return found if set(entity.key) <= names and 4 * found >= len(entity.columns) else 0
