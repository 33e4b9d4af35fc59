"""Every kind of rule finds every row that breaks it, and no other; NULL is a matter of `required` alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from quality_cases import DAY, MONEY, TEXT, WHOLE, column, entity, failing, question, rule

from contracts.contract import Rule
from core.dialects import LogicalType
from core.row_set import RowSet
from quality.check import check_rows

_MANY = 260
_PARENT = {"parent": pa.table({"no": ["A", "B", None]})}
_CASES: list[tuple[str, LogicalType, Rule, Any, Any]] = [
    ("required", TEXT, rule("required", "v"), "x", None),
    ("empty text is no NULL", TEXT, rule("length", "v", maximum=0), "", "x"),
    ("code", TEXT, rule("code", "v", list="short"), "01", "1"),
    ("long code list", TEXT, rule("code", "v", list="long"), "000", "0"),
    ("pattern", TEXT, rule("pattern", "v", pattern=r"^(19|20)\d{2}$"), "1999", "2100"),
    ("pattern and a line end", TEXT, rule("pattern", "v", pattern=r"^\d+$"), "12", "12\n"),
    ("pattern and wide digits", TEXT, rule("pattern", "v", pattern=r"^\d+$"), "12", "１２"),
    ("pattern describes the whole", TEXT, rule("pattern", "v", pattern=r"\d{6}"), "123456", "x123456"),
    ("pattern with look-ahead", TEXT, rule("pattern", "v", pattern=r"^(?!0)\d+$"), "12", "012"),
    ("pattern of RE2", TEXT, rule("pattern", "v", pattern=r"^\p{Han}{2,4}$"), "𠮷野家", "ab"),
    ("length", TEXT, rule("length", "v", maximum=3), "𠮷𠮷𠮷", "𠮷𠮷𠮷a"),
    ("range of text", TEXT, rule("range", "v", minimum="2000", maximum="2030"), "2026", "1999"),
    ("range of money", MONEY, rule("range", "v", minimum="0.01", maximum=None), Decimal("0.01"), Decimal("0.00")),
    ("range finer than the cents", MONEY, rule("range", "v", maximum="1.005"), Decimal("1.00"), Decimal("1.01")),
    ("range of dates", DAY, rule("range", "v", maximum="2100-01-01"), date(2100, 1, 1), date(9999, 12, 31)),
    ("range of integers", WHOLE, rule("range", "v", minimum="1", maximum="10"), 10, 11),
    ("range beyond doubles", WHOLE, rule("range", "v", maximum=str(2**60)), 2**60, 2**60 + 1),
    ("reference", TEXT, rule("reference", "v", entity="parent", column="no"), "B", "C"),
]


@pytest.mark.parametrize(("kind", "tested", "good", "bad"), [case[1:] for case in _CASES], ids=[case[0] for case in _CASES])
@pytest.mark.parametrize("by", ["scan", "gx"])
def test_every_broken_row_is_found(
    tmp_path: Path, kind: LogicalType, tested: Rule, good: Any, bad: Any, by: Literal["scan", "gx"]
) -> None:
    of = entity([column("no"), column("v", kind)], [tested])
    values = [good, None if tested.kind != "required" else good, *[bad] * _MANY, good]
    rows = [{"no": f"n{number}", "v": value} for number, value in enumerate(values)]
    codes = {"short": ["01", "02"], "long": [f"{n:03d}" for n in range(400)]}
    verdict = check_rows(question(tmp_path, of, rows, known=_PARENT, codes=codes), by)
    assert failing(verdict) == {tested.id: list(range(3, 3 + _MANY))}
    assert (verdict.rows, verdict.held_rows, verdict.warned_rows) == (_MANY + 3, _MANY, 0)


def test_every_row_of_a_duplicate_group_is_held(tmp_path: Path) -> None:
    of = entity([column("no"), column("v")], [rule("unique", "no")])
    rows = [{"no": f"n{n // 2}", "v": str(n)} for n in range(_MANY)] + [{"no": "single"}]
    verdict = check_rows(question(tmp_path, of, rows))
    assert failing(verdict) == {"thing.no.unique": list(range(1, _MANY + 1))}


def test_a_composite_key_is_compared_as_a_whole_and_only_where_it_is_whole(tmp_path: Path) -> None:
    of = entity([column("a"), column("b", DAY), column("v", WHOLE)], [rule("unique", "a", "b")], key=("a", "b"))
    day = date(2026, 9, 1)
    rows = [
        {"a": "x", "b": day, "v": 1},
        {"a": "x", "b": day, "v": 2},
        {"a": "x", "b": date(2026, 9, 2), "v": 3},
        {"a": "xa", "b": None, "v": 4},
        {"a": "xa", "b": None, "v": 5},
    ]
    verdict = check_rows(question(tmp_path, of, rows))
    assert failing(verdict) == {"thing.key.unique": [1, 2], "thing.b.required": [4, 5]}


def test_a_key_is_required_even_where_the_contract_softens_it(tmp_path: Path) -> None:
    of = entity([column("no")], [rule("required", "no", severity="warning")])
    verdict = check_rows(question(tmp_path, of, [{"no": None}, {"no": "1"}]))
    assert failing(verdict) == {"thing.no.required": [1]}
    assert verdict.held_rows == 1


def test_an_unreadable_cell_is_held_and_named_by_its_column(tmp_path: Path) -> None:
    of = entity([column("no"), column("v", MONEY), column("v2", MONEY)])
    rows = [{"no": "1", "unreadable": "v2"}, {"no": "2", "unreadable": "v,v2"}, {"no": None, "unreadable": "no"}, {"no": "4"}]
    rows += [{"no": "5", "unreadable": "v2:character:U+202E"}, {"no": "6", "unreadable": "v:encoding,v2:character:U+202E"}]
    verdict = check_rows(question(tmp_path, of, rows))
    assert failing(verdict) == {
        "thing.v2.character:U+202E": [5, 6],
        "thing.v.encoding": [6],
        "thing.v2.readable": [1, 2],
        "thing.v.readable": [2],
        "thing.no.readable": [3],  # and not that it is missing as well
    }


def test_a_row_may_refer_to_its_own_entity_now_or_as_it_stood(tmp_path: Path) -> None:
    of = entity([column("no"), column("up")], [rule("reference", "up", entity="thing", column="no")])
    rows = [{"no": "1"}, {"no": "2", "up": "1"}, {"no": "3", "up": "3"}, {"no": "4", "up": "gone"}, {"no": "5", "up": "older"}]
    verdict = check_rows(question(tmp_path, of, rows, known={"thing": pa.table({"no": ["older"]})}))
    assert failing(verdict) == {"thing.up.reference": [4]}


def test_a_check_in_sql_sees_the_rows_the_other_entities_and_the_codes(tmp_path: Path) -> None:
    of = entity(
        [column("no"), column("v")], [rule("sql", file="thing__odd"), rule("sql", file="thing__late", severity="warning")]
    )
    checks = {
        "thing__odd": """
            select thing.source_system, thing.source_row   -- the bad rows
            from thing
            left join parent on parent.no = thing.v
            left join codes.code code on code.list = 'short' and code.code = thing.v
            where parent.no is null and code.code is null;
        """,
        "thing__late": "select source_system, source_row from thing where no > 'n7' -- the last line is a comment",
    }
    rows = [{"no": f"n{n}", "v": v} for n, v in enumerate(["A", "01", "Z", None] * 2 + ["A"])]
    verdict = check_rows(question(tmp_path, of, rows, known=_PARENT, codes={"short": ["01"]}, checks=checks))
    assert failing(verdict) == {"thing.thing__odd.sql": [3, 4, 7, 8], "thing.thing__late.sql": [9]}
    assert (verdict.held_rows, verdict.warned_rows) == (4, 1)


def test_a_check_may_compare_with_the_last_version_and_name_what_is_gone(tmp_path: Path) -> None:
    of = entity(
        [column("no"), column("v")],
        [rule("sql", file="thing__changed"), rule("sql", file="thing__vanished", severity="warning")],
    )
    checks = {
        "thing__changed": "select t.source_system, t.source_row from thing t join standing.thing s using (no) where s.v <> t.v",
        "thing__vanished": "select s.source_system, s.source_key from standing.thing s anti join thing t on t.no = s.no",
    }
    asked = question(tmp_path, of, [{"no": "1", "v": "a"}, {"no": "2", "v": "b"}, {"no": "4", "v": "d"}], checks=checks)
    before = [{"no": no, "v": v, "source_system": "hr", "source_key": no} for no, v in (("1", "a"), ("2", "x"), ("3", "c"))]
    pq.write_table(pa.Table.from_pylist(before), tmp_path / "before.parquet")
    verdict = check_rows(replace(asked, standing={"thing": RowSet(tmp_path / "before.parquet")}))
    told = [(row["source_key"], row["source_row"], row["rule_id"]) for row in pq.read_table(verdict.failures).to_pylist()]
    assert sorted(told) == [("2", 2, "thing.thing__changed.sql"), ("3", None, "thing.thing__vanished.sql")]
    assert (verdict.rows, verdict.held_rows, verdict.warned_rows) == (3, 1, 0)
    vanished = next(result for result in verdict.results if result["rule_id"] == "thing.thing__vanished.sql")
    assert (vanished["success"], vanished["unexpected_count"]) == (False, 1)


def test_a_key_that_a_check_names_and_that_has_a_row_is_that_row(tmp_path: Path) -> None:
    of = entity([column("no")], [rule("sql", file="thing__named")])
    checks = {"thing__named": "select source_system, source_key from thing where no = '2'"}
    verdict = check_rows(question(tmp_path, of, [{"no": "1"}, {"no": "2"}], checks=checks))
    assert failing(verdict) == {"thing.thing__named.sql": [2]}


def test_rows_of_two_systems_are_told_apart(tmp_path: Path) -> None:
    of = entity([column("no")], [rule("sql", file="thing__one")])
    rows = [{"no": "1", "source_row": 7}, {"no": "2", "source_row": 7, "source_system": "academic"}]
    sql = "select 'academic' as source_system, 7 as source_row"
    verdict = check_rows(question(tmp_path, of, rows, checks={"thing__one": sql}))
    assert verdict.held_rows == 1


def test_a_retired_code_is_still_known(tmp_path: Path) -> None:
    """The code lists of these tests all ended in 2001."""
    of = entity([column("no"), column("v")], [rule("code", "v", list="short")])
    verdict = check_rows(question(tmp_path, of, [{"no": "1", "v": "01"}], codes={"short": ["01"]}))
    assert verdict.held_rows == 0


def test_text_that_looks_like_a_missing_value_is_text(tmp_path: Path) -> None:
    of = entity([column("no"), column("v")], [rule("required", "v"), rule("pattern", "v", pattern="nan|None|<NA>|NULL|")])
    rows = [{"no": str(n), "v": v} for n, v in enumerate(["nan", "None", "<NA>", "NULL", ""])]
    assert failing(check_rows(question(tmp_path, of, rows))) == {}
