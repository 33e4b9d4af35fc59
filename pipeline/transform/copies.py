"""One writer per field (一数一源): what departments keep of each other's fields, held against the authority.

A source column may say that it is a copy (`copyOf`). Every night, after the publish, each copy is compared with the row that
the hub has accepted from the field's authority. A difference holds nothing: it is a warning that both departments see, and it
is closed when they agree. Spelling is no difference: width, blanks, the forms of the middle dot and the case of letters are
laid aside on both sides, the department's own codes are mapped. A copy that is empty, and one whose authority has no such
row or an empty field, says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from contracts.catalog import Catalog, nearest
from contracts.contract import Column, Copy, Entity, SourceDataset
from core.dialects import quoted, spelling
from core.engine import arrow, engine, literal
from core.errors import ContractError
from core.hashing import digest, texts_digest
from core.store.ledger import Output
from loaders.landing import Landed
from pipeline.context import Night
from pipeline.transform import published, quarantine_log
from pipeline.transform.conform import code_views
from pipeline.transform.typed_views import create_view

_WIDE = "".join(chr(code) for code in range(0xFF01, 0xFF5F) if code != 0xFF0E) + "\u3000\u00a0•・．‧･."
_PLAIN = "".join(chr(code) for code in range(0x21, 0x7F) if code != 0x2E) + "  ······"
"""Full-width signs and what they are; every kind of blank and of dot (canonical 6.5)."""


def compare(night: Night, dataset: SourceDataset, landed: Landed) -> Output:
    """Compare the copies in a dataset's newest landing with the hub as it now is; returns `{rows, differences}`.

    It is a check whose subject is the dataset: `ops.held` has the dataset as entity, `<dataset>.<column>.copy` as rule, the
    system that keeps the copy as `source_system` and the one that is right as `authority`.
    """
    night.progress("check", dataset.id)
    book, catalog = night.ledger, night.catalog
    fields = [_field(catalog, copy) for _, copy in copies(dataset)]
    versions = {name: book.version_of(name) for name in _needed(fields)}
    codes = texts_digest([*catalog.code_lists, *catalog.code_maps])
    work = digest("copies", landed.content, repr(dataset.columns), versions, codes)
    before = book.newest("check", dataset.id, work)
    if before is not None:
        quarantine_log.seen_again(night, dataset.id)
        return book.reuse(night.run.id, "check", dataset.id, work, before)
    return book.do(night.run.id, "check", dataset.id, work, lambda _: _compare(night, dataset, landed))


def copies(dataset: SourceDataset) -> list[tuple[Column, Copy]]:
    """Every column of a dataset that is a copy, with what it is a copy of."""
    return [(column, copy) for column in dataset.columns for copy in column.copies]


@dataclass(frozen=True)
class _Field:
    """A field as a copy names it: the column of the entity, or beyond a reference (`via`) that of its parent."""

    entity: Entity
    column: Column
    via: tuple[str, str] | None = None
    """The entity's column that refers, and the parent's column that it refers to."""
    parent: Entity | None = None


def _field(catalog: Catalog, copy: Copy) -> _Field:
    entity = catalog.entity(copy.path[0])
    column = _column(entity, copy.path[1])
    if len(copy.path) == 2:
        return _Field(entity, column)
    name, key = column.references or ("", "")
    parent = catalog.entity(name)
    return _Field(entity, _column(parent, copy.path[2]), (column.name, key), parent)


def _column(entity: Entity, name: str) -> Column:
    known = {column.name: column for column in entity.columns}
    if name not in known:
        raise ContractError("HUB104", f"{entity.name}.{name}", kind="column", known=nearest(name, known))
    return known[name]


def _needed(fields: Iterable[_Field]) -> dict[str, list[str]]:
    """Entity -> the columns of it that a comparison reads."""
    found: dict[str, set[str]] = {}
    for field in fields:
        found.setdefault(field.entity.name, set()).update(field.entity.key)
        found.setdefault((field.parent or field.entity).name, set()).add(field.column.name)
        if field.via and field.parent:
            found[field.entity.name].add(field.via[0])
            found[field.parent.name].add(field.via[1])
    return {name: sorted(columns) for name, columns in found.items()}


def _compare(night: Night, dataset: SourceDataset, landed: Landed) -> Output:
    file = landed.file(night.landing)
    pairs = [(column, copy, _field(night.catalog, copy)) for column, copy in copies(dataset)]
    with engine(dataset.id) as db:
        code_views(db, night.catalog)
        create_view(db, dataset, file)
        db.execute("create schema accepted")
        for name, columns in _needed(field for *_, field in pairs).items():
            rows, _ = published.last(night, name)
            db.execute(f"create view accepted.{name} as {rows.query([*columns, 'source_system', 'source_key'])}")
        found = [arrow(db, _differences(dataset, column, copy, field)) for column, copy, field in pairs]
    failures = pa.concat_tables(found)
    with night.ledger.transaction() as connection:
        quarantine_log.record(night, connection, dataset.id, failures, str(file))
    return {"rows": landed.rows, "differences": failures.num_rows}


def _differences(dataset: SourceDataset, column: Column, copy: Copy, field: _Field) -> str:
    """The query for the rows whose copy differs: the columns of `holding.FAILURES`, then `authority`."""
    entity, original, truth, join = field.entity, field.column, f"a.{_name(field.column.name)}", ""
    if field.via and field.parent:
        truth = f"p.{_name(original.name)}"
        join = f"join accepted.{field.parent.name} p on p.{_name(field.via[1])} = a.{_name(field.via[0])}"
    if original.code_list:
        lists = f"m.system = {literal(dataset.system)} and m.list = {literal(original.code_list)}"
        join += f" left join codes.map m on {lists} and m.source_code = trim(cast(d.{_name(column.name)} as varchar))"
    same = " and ".join(
        f"{_folded(f'd.{_name(mine)}')} = {_folded(f'a.{_name(theirs)}')}"
        for mine, theirs in zip(copy.key, entity.key, strict=True)
    )
    return (
        f"select d.source_row, {literal(dataset.system)} as source_system, a.source_key,"
        f" {literal(rule_id(dataset, column))} as rule_id, {literal(column.name)} as columns, 'warning' as severity,"
        f" a.source_system as authority from {dataset.system}.{dataset.name} d join accepted.{entity.name} a on {same} {join}"
        f" where a.source_system <> {literal(dataset.system)} and {_copied(column, copy, original)} <> {_told(truth, original)}"
    )


def rule_id(dataset: SourceDataset, column: Column) -> str:
    return f"{dataset.id}.{column.name}.copy"


def _copied(column: Column, copy: Copy, original: Column) -> str:
    cell = f"d.{_name(column.name)}"
    if original.type.name not in ("string", "time"):
        return f"try_cast({cell} as {spelling(original.type, 'duckdb')})"
    if original.code_list:
        return _folded(f"coalesce(m.code, cast({cell} as varchar))")
    value = _folded(cell)
    if copy.prefix:
        prefix = _folded(literal(copy.prefix))
        value = f"case when starts_with({value}, {prefix}) then substr({value}, length({prefix}) + 1) else {value} end"
    return value


def _told(truth: str, original: Column) -> str:
    return _folded(truth) if original.type.name in ("string", "time") else truth


def _folded(cell: str) -> str:
    """Text without what is a matter of spelling; NULL when nothing is left."""
    plain = f"translate(nfc_normalize(cast({cell} as varchar)), {literal(_WIDE)}, {literal(_PLAIN)})"
    return f"nullif(upper(regexp_replace({plain}, '\\s+', '', 'g')), '')"


def _name(name: str) -> str:
    return quoted(name, "duckdb")
