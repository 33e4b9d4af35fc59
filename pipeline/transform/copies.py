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

from contracts.catalog import Catalog, format_known_names
from contracts.contract import Column, CopiedField, Entity, SourceDataset
from core.dialects import quote_identifier, spell_sql_type
from core.engine import fetch_arrow_table, open_engine, quote_literal
from core.errors import ContractError
from core.hashing import hash_text_files, hash_values
from core.store.ledger import Output
from loaders.landing import Landing
from pipeline.context import RunContext
from pipeline.transform import published, quarantine_log
from pipeline.transform.conform import create_code_views
from pipeline.transform.typed_views import create_view

_WIDE_SIGNS = "".join(chr(code) for code in range(0xFF01, 0xFF5F) if code != 0xFF0E) + "\u3000\u00a0•・．‧･."
_PLAIN_SIGNS = "".join(chr(code) for code in range(0x21, 0x7F) if code != 0x2E) + "  ······"
"""Full-width signs and what they are; every kind of blank and of dot (canonical 6.5)."""


def compare_dataset(run: RunContext, dataset: SourceDataset, landed: Landing) -> Output:
    """Compare the copies in a dataset's newest landing with the hub as it now is; returns `{rows, differences}`.

    It is a check whose subject is the dataset: `ops.held` has the dataset as entity, `<dataset>.<column>.copy` as rule, the
    system that keeps the copy as `source_system` and the one that is right as `authority`.
    """
    run.progress("check", dataset.id)
    book, catalog = run.ledger, run.catalog
    fields = [_resolve_field(catalog, copy) for _, copy in list_copies(dataset)]
    versions = {name: book.version_of(name) for name in _list_needed_columns(fields)}
    codes = hash_text_files([*catalog.code_lists, *catalog.code_maps])
    work = hash_values("copies", landed.content, repr(dataset.columns), versions, codes)
    before = book.find_newest_output("check", dataset.id, work)
    if before is not None:
        quarantine_log.record_seen_again(run, dataset.id)
        return book.reuse_step(run.run.id, "check", dataset.id, work, before)
    return book.run_step(run.run.id, "check", dataset.id, work, lambda _: _record_differences(run, dataset, landed))


def list_copies(dataset: SourceDataset) -> list[tuple[Column, CopiedField]]:
    """Every column of a dataset that is a copy, with what it is a copy of."""
    return [(column, copy) for column in dataset.columns for copy in column.copies]


@dataclass(frozen=True)
class _OriginalField:
    """A field as a copy names it: the column of the entity, or beyond a reference (`via`) that of its parent."""

    entity: Entity
    column: Column
    via: tuple[str, str] | None = None
    """The entity's column that refers, and the parent's column that it refers to."""
    parent: Entity | None = None


def _resolve_field(catalog: Catalog, copy: CopiedField) -> _OriginalField:
    entity = catalog.entity(copy.path[0])
    column = _find_column(entity, copy.path[1])
    if len(copy.path) == 2:
        return _OriginalField(entity, column)
    name, key = column.references or ("", "")
    parent = catalog.entity(name)
    return _OriginalField(entity, _find_column(parent, copy.path[2]), (column.name, key), parent)


def _find_column(entity: Entity, name: str) -> Column:
    known = {column.name: column for column in entity.columns}
    if name not in known:
        raise ContractError("HUB104", f"{entity.name}.{name}", kind="column", known=format_known_names(name, known))
    return known[name]


def _list_needed_columns(fields: Iterable[_OriginalField]) -> dict[str, list[str]]:
    """Entity -> the columns of it that a comparison reads."""
    found: dict[str, set[str]] = {}
    for field in fields:
        found.setdefault(field.entity.name, set()).update(field.entity.key)
        found.setdefault((field.parent or field.entity).name, set()).add(field.column.name)
        if field.via and field.parent:
            found[field.entity.name].add(field.via[0])
            found[field.parent.name].add(field.via[1])
    return {name: sorted(columns) for name, columns in found.items()}


def _record_differences(run: RunContext, dataset: SourceDataset, landed: Landing) -> Output:
    file = landed.find_file(run.landing)
    pairs = [(column, copy, _resolve_field(run.catalog, copy)) for column, copy in list_copies(dataset)]
    with open_engine(dataset.id) as db:
        create_code_views(db, run.catalog)
        create_view(db, dataset, file)
        db.execute("create schema accepted")
        for name, columns in _list_needed_columns(field for *_, field in pairs).items():
            rows, _ = published.load_last_rows(run, name)
            db.execute(f"create view accepted.{name} as {rows.query([*columns, 'source_system', 'source_key'])}")
        found = [fetch_arrow_table(db, _build_difference_query(dataset, column, copy, field)) for column, copy, field in pairs]
    failures = pa.concat_tables(found)
    with run.ledger.transaction() as connection:
        quarantine_log.record_failures(run, connection, dataset.id, failures, str(file))
    return {"rows": landed.rows, "differences": failures.num_rows}


def _build_difference_query(dataset: SourceDataset, column: Column, copy: CopiedField, field: _OriginalField) -> str:
    """The query for the rows whose copy differs: the columns of `holding.FAILURES`, then `authority`."""
    entity, original, truth, join = field.entity, field.column, f"a.{_quote_name(field.column.name)}", ""
    if field.via and field.parent:
        truth = f"p.{_quote_name(original.name)}"
        join = f"join accepted.{field.parent.name} p on p.{_quote_name(field.via[1])} = a.{_quote_name(field.via[0])}"
    if original.code_list:
        lists = f"m.system = {quote_literal(dataset.system)} and m.list = {quote_literal(original.code_list)}"
        join += f" left join codes.map m on {lists} and m.source_code = trim(cast(d.{_quote_name(column.name)} as varchar))"
    same = " and ".join(
        f"{_fold_text(f'd.{_quote_name(mine)}')} = {_fold_text(f'a.{_quote_name(theirs)}')}"
        for mine, theirs in zip(copy.key, entity.key, strict=True)
    )
    return (
        f"select d.source_row, {quote_literal(dataset.system)} as source_system, a.source_key,"
        f" {quote_literal(build_rule_id(dataset, column))} as rule_id, {quote_literal(column.name)} as columns,"
        " 'warning' as severity,"
        f" a.source_system as authority from {dataset.system}.{dataset.name} d join accepted.{entity.name} a on {same} {join}"
        f" where a.source_system <> {quote_literal(dataset.system)}"
        f" and {_build_copy_value(column, copy, original)} <> {_build_true_value(truth, original)}"
    )


def build_rule_id(dataset: SourceDataset, column: Column) -> str:
    return f"{dataset.id}.{column.name}.copy"


def _build_copy_value(column: Column, copy: CopiedField, original: Column) -> str:
    cell = f"d.{_quote_name(column.name)}"
    if original.type.name not in ("string", "time"):
        return f"try_cast({cell} as {spell_sql_type(original.type, 'duckdb')})"
    if original.code_list:
        return _fold_text(f"coalesce(m.code, cast({cell} as varchar))")
    value = _fold_text(cell)
    if copy.prefix:
        prefix = _fold_text(quote_literal(copy.prefix))
        value = f"case when starts_with({value}, {prefix}) then substr({value}, length({prefix}) + 1) else {value} end"
    return value


def _build_true_value(truth: str, original: Column) -> str:
    return _fold_text(truth) if original.type.name in ("string", "time") else truth


def _fold_text(cell: str) -> str:
    """Text without what is a matter of spelling; NULL when nothing is left."""
    plain = f"translate(nfc_normalize(cast({cell} as varchar)), {quote_literal(_WIDE_SIGNS)}, {quote_literal(_PLAIN_SIGNS)})"
    return f"nullif(upper(regexp_replace({plain}, '\\s+', '', 'g')), '')"


def _quote_name(name: str) -> str:
    return quote_identifier(name, "duckdb")
