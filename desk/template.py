"""The template of a dataset that departments hand in: an empty file that already has the right shape, and the rules in words.

Made from the contracts alone, so it is never older than they are. Text columns are text, so that a spreadsheet does not eat
the zeros of a number (canonical model, 9.5); coded columns offer their codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from contracts.catalog import Catalog
from contracts.contract import Column, Rule, SourceDataset
from contracts.sql.lineage import map_column_uses
from core.errors import Denied
from core.messages import translate
from desk.dry_run import describe_right_value, list_codes, list_target_entities
from reporting import status

LIST_ROWS = 5_000
"""How far down the lists reach."""
NUMBER_TYPES = ("integer", "number")
RulesByColumn = dict[str, list[tuple[str, Rule]]]
"""Column of the file -> the rules that its values meet, each with its entity."""


def write_template(catalog: Catalog, dataset: SourceDataset, out: Path) -> Path:
    """Write the template; a workbook for a workbook, else a text file with the header in the contract's encoding.

    Raises:
        Denied: HUB747 when the name's ending is not that of the contract's format.
    """
    kind = dataset.file_format or Path(dataset.physical).suffix.lower().lstrip(".")
    if out.suffix.lower() != f".{kind}" or kind not in ("xlsx", "csv"):
        raise Denied("HUB747", dataset.id, format=kind)
    out.parent.mkdir(parents=True, exist_ok=True)
    if kind == "csv":
        header = ",".join(column.physical for column in dataset.columns)
        out.write_bytes("\r\n".join([*[""] * (dataset.header_row - 1), header, ""]).encode(dataset.encoding or "utf-8"))
    else:
        _write_workbook(catalog, dataset, out)
    return out


def map_rules(catalog: Catalog, dataset: SourceDataset) -> RulesByColumn:
    """The rules of the hub's contracts, by the column of the file that they look at."""
    ruled: RulesByColumn = {column.name: [] for column in dataset.columns}
    for name in list_target_entities(catalog, dataset):
        entity = catalog.entity(name)
        sql = catalog.conform_file(name, dataset.system).read_text("utf-8")
        used = map_column_uses(sql, frozenset(column.name for column in entity.columns))
        for column in dataset.columns:
            made = set(used.get((dataset.id, column.name), []))
            ruled[column.name] += [(name, rule) for rule in entity.rules if made & set(rule.columns)]
    return ruled


def _write_workbook(catalog: Catalog, dataset: SourceDataset, out: Path) -> None:
    ruled = map_rules(catalog, dataset)
    lists = {name: _list_choices(catalog, dataset, rules) for name, rules in ruled.items()}
    with xlsxwriter.Workbook(out, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        as_text, head = book.add_format({"num_format": "@"}), book.add_format({"bold": True, "num_format": "@"})
        sheet = book.add_worksheet(dataset.sheet)
        words, codes = (
            book.add_worksheet(translate("desk.template.rules")),
            book.add_worksheet(translate("desk.template.codes")),
        )
        codes.hide()
        top = dataset.header_row - 1
        if top:
            sheet.write_string(0, 0, f"{dataset.title} ({dataset.id} {dataset.version})", head)
        for place, column in enumerate(dataset.columns):
            sheet.set_column(place, place, 16, None if column.type.name in NUMBER_TYPES else as_text)
            if top > 1 and column.title != column.physical:
                sheet.write_string(top - 1, place, column.title, head)
            sheet.write_string(top, place, column.physical, head)
            sheet.write_comment(top, place, _build_note(column, is_required(column, ruled[column.name])))
            if lists[column.name]:
                _add_choice_list(sheet, codes, (top + 1, place), lists[column.name])
        sheet.freeze_panes(top + 1, 0)
        _write_rules_sheet(catalog, dataset, ruled, (words, head, as_text))


def _list_choices(catalog: Catalog, dataset: SourceDataset, rules: list[tuple[str, Rule]]) -> list[str]:
    """What may be chosen in a column: the codes that the system writes, when a rule holds the column to a list."""
    names = [str(rule.facts["list"]) for _, rule in rules if rule.kind == "code"]
    return list_codes(catalog, dataset.system, names[0]) if names else []


def _add_choice_list(sheet: Any, codes: Any, at: tuple[int, int], values: list[str]) -> None:
    """A list to choose from in every row; its values stand in the hidden sheet, since a formula holds few."""
    row, place = at
    for number, value in enumerate(values):
        codes.write_string(number, place, value)
    column = xl_col_to_name(place, col_abs=True)
    source = f"='{codes.get_name()}'!{column}$1:{column}${len(values)}"
    options = {"validate": "list", "source": source, "error_title": translate("desk.template.codes")}
    sheet.data_validation(row, place, row + LIST_ROWS, place, options)


def is_required(column: Column, rules: Sequence[tuple[str, Rule]]) -> bool:
    """Whether a cell must be filled in: by the file's own contract, or because a rule holds the row when it is empty."""
    return column.required or any(rule.kind == "required" and rule.severity == "error" for _, rule in rules)


def _build_note(column: Column, must: bool) -> str:
    word = translate("desk.template.needed" if must else "desk.template.optional")
    return f"{column.title} · {translate(f'desk.right.{column.type.name}')} · {word}"


def _describe_rule(catalog: Catalog, dataset: SourceDataset, entity: str, rule: Rule) -> str:
    """A rule as what is to be written, one of the school's own as its contract tells it."""
    if rule.kind == "sql":
        return status.explain_rule(catalog, entity, rule.id)
    return describe_right_value(catalog, dataset.system, catalog.entity(entity), rule, rule.id)


def _write_rules_sheet(catalog: Catalog, dataset: SourceDataset, ruled: RulesByColumn, paper: tuple[Any, Any, Any]) -> None:
    """One line a column and rule, in plain words."""
    sheet, head, as_text = paper
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    lines = [tuple(translate(f"desk.template.{name}") for name in ("column", "title", "kind", "required", "rule"))]
    for column in dataset.columns:
        must = translate("desk.template.needed" if is_required(column, ruled[column.name]) else "desk.template.optional")
        facts = (column.physical, column.title, translate(f"desk.right.{column.type.name}"), must)
        rules = list(dict.fromkeys(_describe_rule(catalog, dataset, entity, rule) for entity, rule in ruled[column.name]))
        lines += [(*facts, why) for why in rules] or [(*facts, "")]
    for place, width in enumerate((18, 18, 40, 10, 90)):
        sheet.set_column(place, place, width, as_text)
    for number, line in enumerate(lines):
        for place, value in enumerate(line):
            sheet.write_string(number, place, value, as_text if number else head)
