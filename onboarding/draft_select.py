"""The first SELECT of `hub draft`: an entity's columns in contract order, from a table's columns of the same names."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.contract import Column, Entity
from contracts.sql.files import PLACEHOLDER
from core.dialects import spell_sql_type


def build_select(entity: Entity, system: str, dataset: str, kinds: Mapping[str, str]) -> str:
    """The text of `sql/conform/<entity>/<system>.sql`; `kinds` maps the dataset's column names to their types.

    Coded columns go through `codes.map` and pass unmapped codes on as received. A column that the dataset lacks, or has in
    another type, is NULL and marked.
    """
    coded = [column for column in entity.columns if column.code_list and kinds.get(column.name) == "string"]
    lines = [f"    {_build_output(column, kinds, column in coded)} as {column.name}," for column in entity.columns]
    marked = [
        line + (f" -- {mark}" if (mark := _build_placeholder(column, kinds)) else "")
        for line, column in zip(lines, entity.columns, strict=True)
    ]
    joins = [
        f"left join codes.map {column.name}_map\n"
        f"    on {column.name}_map.system = '{system}' and {column.name}_map.list = '{column.code_list}'"
        f" and {column.name}_map.source_code = trim(s.{column.name})"
        for column in coded
    ]
    body = ["select", *marked, "    s.source_row as source_row", f"from {system}.{dataset} s", *joins]
    return "\n".join(body) + "\n"


def build_overlay(entity: Entity, system: str, kinds: Mapping[str, str]) -> str:
    """The text of `schemas/overlay/<entity>.yaml` for a site in which `system` gives the entity; required columns that its
    table lacks are not required there."""
    lines = [f"entity: {entity.name}", f"authority: [{system}]"]
    lacking = [column for column in entity.columns if column.required and column.name not in kinds]
    if lacking:
        lines.append("# 来源没有这些列，本校就不要求必填；找到来源后删去")
        lines.append("columns:")
        lines += [f"  {column.name}: {{required: false}}  # {column.title}" for column in lacking]
    return "\n".join(lines) + "\n"


def _build_output(column: Column, kinds: Mapping[str, str], is_coded: bool) -> str:
    kind = spell_sql_type(column.type, "duckdb")
    if kinds.get(column.name) != column.type.name:
        return f"cast(null as {kind})"
    if is_coded:
        return f"cast(coalesce({column.name}_map.code, nullif(trim(s.{column.name}), '')) as {kind})"
    if column.type.name == "string":
        return f"cast(nullif(trim(s.{column.name}), '') as {kind})"
    return f"cast(s.{column.name} as {kind})"


def _build_placeholder(column: Column, kinds: Mapping[str, str]) -> str | None:
    found = kinds.get(column.name)
    if found is None:
        return f"{PLACEHOLDER} {column.title}:来自哪一列?没有就留空并删去此注"
    if found != column.type.name:
        return f"{PLACEHOLDER} {column.title}:由 s.{column.name}({found})换算"
    return None
