"""What the check step hands back: two lossless files, failures without values, results for anybody to read, clear errors."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from quality_cases import DAY, MONEY, accepted, column, entity, failing, question, rule, source_rows, table

from contracts.catalog import load_catalog
from contracts.contract import Column
from core.errors import ContractError, Gated, HubError
from core.messages import load_messages
from core.row_set import RowSet
from core.settings import ROOT
from quality.check import check_rows
from quality.quarantine import enforce_held_limit

_COLUMNS = [column("no"), column("v"), column("paid", MONEY), column("on", DAY)]


def test_no_rows_are_an_answer(tmp_path: Path) -> None:
    rules = [
        rule("unique", "no"),
        rule("code", "v", list="short"),
        rule("range", "paid", minimum="0"),
        rule("length", "v", maximum=2),
    ]
    asked = question(tmp_path, entity(_COLUMNS, rules), [], codes={"short": ["1"]})
    verdict = check_rows(asked)
    assert (verdict.rows, verdict.held_rows, verdict.warned_rows) == (0, 0, 0)
    assert verdict.left_out is None
    assert pq.read_schema(verdict.held).equals(pq.read_schema(asked.conformed))
    assert all(result["success"] for result in verdict.results)


def test_a_warning_lets_the_row_pass_and_is_written_down(tmp_path: Path) -> None:
    rules = [rule("required", "v", severity="warning"), rule("pattern", "v", pattern="a+")]
    asked = question(tmp_path, entity(_COLUMNS, rules), [{"no": "1"}, {"no": "2", "v": "b"}, {"no": "3", "v": "a"}])
    verdict = check_rows(asked)
    assert accepted(asked, verdict)["source_row"].to_pylist() == [1, 3]
    assert source_rows(verdict.held) == [2]
    assert (verdict.held_rows, verdict.warned_rows) == (1, 1)
    assert pq.read_table(verdict.failures).to_pylist() == [
        {
            "source_system": "hr", "source_row": 1, "source_key": "1", "rule_id": "thing.v.required",
            "kind": "required", "columns": "v", "severity": "warning",
        },
        {
            "source_system": "hr", "source_row": 2, "source_key": "2", "rule_id": "thing.v.pattern",
            "kind": "pattern", "columns": "v", "severity": "error",
        },
    ]  # fmt: skip


def test_a_row_that_only_repeats_another_is_dropped_and_counted(tmp_path: Path) -> None:
    rows = [
        {"no": "1", "v": "a", "source_row": 9},
        {"no": "1", "v": "a", "source_row": 3},
        {"no": "1", "v": "a", "source_row": 5, "source_system": "academic"},
        {"no": "2", "v": "a"},
        {"no": "2", "v": "b"},
        {"no": None, "v": "c"},
        {"no": None, "v": "c"},
        {"no": "3", "unreadable": "v"},
        {"no": "3", "unreadable": "v"},
    ]
    asked = question(tmp_path, entity(_COLUMNS, [rule("unique", "no")]), rows)
    verdict = check_rows(asked)
    assert accepted(asked, verdict)["source_row"].to_pylist() == [3]
    assert source_rows(verdict.held) == [4, 5, 6, 7, 8, 9]
    assert (verdict.rows, verdict.held_rows) == (9, 6)
    repeated = next(result for result in verdict.results if result["kind"] == "repeated")
    assert (repeated["rule_id"], repeated["unexpected_count"]) == ("thing.row.repeated", 2)


def test_results_carry_every_rule_and_no_cell(tmp_path: Path) -> None:
    rules = [
        rule("required", "v"),
        rule("unique", "v"),
        rule("code", "v", list="long"),
        rule("pattern", "v", pattern="x+"),
        rule("range", "paid", maximum="1"),
        rule("sql", file="thing__all"),
    ]
    asked = question(
        tmp_path,
        entity(_COLUMNS, rules),
        [{"no": f"key{n}", "v": "secret-cell"} for n in range(3)],
        codes={"long": [f"code{n}" for n in range(80)]},
        checks={"thing__all": "select source_system, source_row from thing"},
    )
    verdict = check_rows(asked)
    written = (
        json.dumps(verdict.results, ensure_ascii=False)
        + pq.read_table(verdict.failures).drop_columns(["source_key"]).to_string()
    )
    assert not re.search("secret-cell|key0|code7", written)
    by_rule = {result["rule_id"]: result for result in verdict.results}
    assert by_rule.keys() >= {rule.id for rule in rules} | {"thing.no.required", "thing.row.readable"}
    unique = by_rule["thing.v.unique"]
    assert (unique["success"], unique["element_count"], unique["unexpected_count"]) == (False, 3, 3)
    assert (unique["expectation_type"], unique["severity"]) == ("expect_column_values_to_be_unique", "error")
    assert by_rule["thing.paid.range"]["facts"] == {"maximum": "1"}


def test_too_many_held_rows_stop_the_entity_and_the_files_stay_to_be_shown(tmp_path: Path) -> None:
    of = entity(_COLUMNS, [rule("required", "v")], held=50.0)
    half = question(tmp_path / "half", of, [{"no": "1"}, {"no": "2", "v": "x"}])
    verdict = check_rows(half)
    enforce_held_limit(of, "hr", verdict.rows, verdict.held_rows, verdict.wrong_rows)
    assert verdict.held_rows == 1
    more = question(tmp_path / "more", of, [{"no": "1"}, {"no": "2"}, {"no": "3", "v": "x"}])
    verdict = check_rows(more)
    with pytest.raises(Gated) as caught:
        enforce_held_limit(of, "hr", verdict.rows, verdict.held_rows, verdict.wrong_rows)
    assert (caught.value.code, caught.value.where) == ("HUB401", "thing")
    assert caught.value.facts == {"entity": "thing", "system": "hr", "held": 2, "rows": 3, "percent": 66.67, "limit": 50.0}
    assert source_rows(more.out / "held.parquet") == [1, 2]


@pytest.mark.parametrize(
    ("broken", "checks", "code"),
    [
        (rule("sql", file="thing__absent"), {}, "HUB105"),
        (rule("sql", file="thing__bad"), {"thing__bad": "select nothing from thing"}, "HUB106"),
        (rule("sql", file="thing__bad"), {"thing__bad": "select source_row from thing"}, "HUB106"),
        (
            rule("sql", file="thing__bad"),
            {"thing__bad": "select source_system, cast(v as integer) source_row from thing"},
            "HUB106",
        ),
        (rule("code", "v", list="absent"), {}, "HUB104"),
        (rule("reference", "v", entity="absent", column="no"), {}, "HUB104"),
        (rule("pattern", "v", pattern="(("), {}, "HUB108"),
        (rule("range", "on", minimum="yesterday"), {}, "HUB108"),
        (rule("surprise", "v"), {}, "HUB108"),
    ],
)
def test_a_wrong_rule_judges_nothing_and_tells_no_cell(
    tmp_path: Path, broken: object, checks: dict[str, str], code: str
) -> None:
    asked = question(tmp_path, entity(_COLUMNS, [broken]), [{"no": "1", "v": "secret-cell"}], checks=checks)  # type: ignore[list-item]
    with pytest.raises(ContractError) as caught:
        check_rows(asked)
    assert caught.value.code == code
    for language in ("zh", "en"):
        assert "secret-cell" not in caught.value.line(language)
    assert caught.value.__cause__ is None or "secret-cell" not in str(caught.value.__cause__)


def test_a_rule_that_cannot_be_judged_is_named(tmp_path: Path) -> None:
    rules = [rule("pattern", "v", pattern=r"\p{Han}+"), rule("reference", "paid", entity="parent", column="nothing")]
    asked = question(tmp_path, entity(_COLUMNS, rules), [{"no": "1"}], known={"parent": pa.table({"no": ["A"]})})
    with pytest.raises(ContractError) as caught:
        check_rows(asked)
    assert (caught.value.code, caught.value.where) == ("HUB108", "thing.paid.reference")


def test_messages_exist_in_both_languages() -> None:
    for code, facts in {
        "HUB105": {"file": "f"},
        "HUB106": {"file": "f", "problem": "p"},
        "HUB108": {"problem": "p"},
        "HUB401": {"entity": "thing", "system": "hr", "held": 1, "rows": 2, "percent": 50.0, "limit": 1.0},
    }.items():
        for language in ("zh", "en"):
            assert {f"{code}.text", f"{code}.next"} <= load_messages(language).keys()
            assert "\n" not in HubError(code, "thing", **facts).line(language)


def test_two_entities_may_be_judged_side_by_side(tmp_path: Path) -> None:
    of = entity(_COLUMNS, [rule("required", "v")])
    asked = [question(tmp_path / str(n), of, [{"no": str(m), "v": "x" if m else None} for m in range(n + 1)]) for n in range(4)]
    found: dict[int, dict[str, list[int]]] = {}
    threads = [threading.Thread(target=lambda n=n: found.update({n: failing(check_rows(asked[n]))})) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: {"thing.v.required": [1]} for n in range(4)}


@pytest.mark.parametrize("name", sorted(load_catalog(ROOT).entities))
def test_the_contracts_of_the_hub_can_be_judged(tmp_path: Path, name: str) -> None:
    """One row with every cell empty breaks exactly the required columns, whatever else the contract asks."""
    house = load_catalog(ROOT)
    of = replace(house.entities[name], held_percent=100.0)
    asked = question(tmp_path, of, [{"source_system": "hr"}])
    known = {}
    for other in house.entities.values():
        if other.name != name:
            known[other.name] = tmp_path / f"{other.name}.parquet"
            pq.write_table(_empty(other.columns), known[other.name])
    stood = {other.name: tmp_path / f"standing.{other.name}.parquet" for other in house.entities.values()}
    for other in house.entities.values():
        nothing = _empty(other.columns)
        none = pa.nulls(nothing.num_rows, pa.string())
        pq.write_table(nothing.append_column("source_system", none).append_column("source_key", none), stood[other.name])
    beside, back = ({other: RowSet(path) for other, path in paths.items()} for paths in (known, stood))
    verdict = check_rows(replace(asked, catalog=house, known=beside, standing=back))
    required = {column.name for column in of.columns if column.required} | set(of.key)
    rows = pq.read_table(verdict.failures).to_pylist()
    assert {row["columns"] for row in rows if row["kind"] == "required"} == required
    assert {row["kind"] for row in rows} <= {"required", "sql"}


def _empty(columns: tuple[Column, ...]) -> pa.Table:
    return table(columns, [])
