"""For any rows: nothing is lost in the split, and the verdicts are those of an oracle in plain Python."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from quality_cases import DAY, LogicalType, Row, accepted, column, entity, failing, question, rule

from core import settings as core_settings
from quality.base import CheckResult
from quality.check import check_rows

_LONG = [f"{n:03d}" for n in range(60)]
_MONEY = LogicalType("number", precision=18, scale=2)
_COLUMNS = [column("no"), column("part"), column("text"), column("money", _MONEY), column("day", DAY)]
_RULES = [
    rule("unique", "no", "part"),
    rule("required", "text"),
    rule("unique", "text", severity="warning"),
    rule("pattern", "text", pattern=r"^\d(\w|𠮷)*$"),
    rule("length", "text", maximum=2),
    rule("code", "text", list="short", severity="warning"),
    rule("code", "part", list="long"),
    rule("range", "money", minimum="-0.01", maximum="89999999999999.99"),
    rule("range", "day", minimum="1900-01-01", maximum="2100-12-31"),
]
_text = st.one_of(
    st.none(),
    st.sampled_from(["", "1", "01", "1\n", "nan", "None", "１", "1𠮷", "𠮷𠮷", "𠮷𠮷𠮷", "12", "123", "1_", "1王", " 1"]),
    st.text(alphabet="01a𠮷\n ", max_size=4),
)
_money = st.one_of(
    st.none(),
    st.sampled_from([Decimal(x) for x in ("-0.02", "-0.01", "0.00", "89999999999999.99", "90000000000000.00")]),
    st.decimals(min_value=-(10**15), max_value=10**15, places=2, allow_nan=False),
)
_day = st.one_of(
    st.none(), st.sampled_from([date(1, 1, 1), date(1899, 12, 31), date(1900, 1, 1), date(2100, 12, 31), date.max])
)
_row = st.fixed_dictionaries(
    {
        "no": st.sampled_from([None, "1", "2", "3", "4"]),
        "part": st.sampled_from([None, "000", "059", "060"]),
        "text": _text,
        "money": _money,
        "day": _day,
        "unreadable": st.sampled_from([None, None, None, "day", "text,money"]),
    }
)


# No shrinking: an example costs a good part of a second, and 40 rows are read quickly enough.
@settings(max_examples=25, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_row, max_size=40))
def test_verdicts_are_those_of_the_oracle_and_no_row_is_lost(rows: list[Row]) -> None:
    of = entity(_COLUMNS, _RULES, key=("no", "part"))
    with tempfile.TemporaryDirectory(dir=core_settings.get_settings().work) as folder:
        asked = question(Path(folder) / "q", of, rows, codes={"short": ["1", "01"], "long": _LONG})
        verdict = check_rows(asked)
        reference = check_rows(replace(asked, out=_folder(folder, "reference")), by="gx")
        assert _told(verdict) == _told(reference)
        passed, held = accepted(asked, verdict), pq.read_table(verdict.held)
        given_schema = pq.read_schema(asked.conformed)
        assert (held.schema.names, held.schema.types) == (given_schema.names, given_schema.types)
        landed = {row["source_row"]: row for row in pq.read_table(asked.conformed).to_pylist()}
        split = passed.to_pylist() + held.to_pylist()
        kept = [number for number in landed if number not in _repeated(landed)]
        assert sorted(row["source_row"] for row in split) == kept
        assert all(row == landed[row["source_row"]] for row in split)
        expected = _oracle({number: landed[number] for number in kept})
        assert failing(verdict) == expected
        stopped = {n for name, numbers in expected.items() if name not in _WARNINGS for n in numbers}
        assert {row["source_row"] for row in held.to_pylist()} == stopped
        assert verdict.rows == len(rows) and verdict.held_rows == len(stopped)


def _folder(root: str, name: str) -> Path:
    path = Path(root) / name
    path.mkdir()
    return path


def _told(verdict: CheckResult) -> list[dict[str, Any]]:
    """Every result without the name of the engine: rule, expectation, arguments and counts."""
    return [{name: value for name, value in result.items() if name != "engine"} for result in verdict.results]


_WARNINGS = {rule.id for rule in _RULES if rule.severity == "warning"}


def _repeated(landed: dict[int, dict[str, Any]]) -> set[int]:
    seen: set[tuple[Any, ...]] = set()
    found = set()
    for number, row in landed.items():
        said = tuple(row[name] for name in ("no", "part", "text", "money", "day"))
        if row["unreadable"] is None and row["no"] is not None and row["part"] is not None:
            if said in seen:
                found.add(number)
            seen.add(said)
    return found


def _oracle(rows: dict[int, dict[str, Any]]) -> dict[str, list[int]]:
    keys = Counter((row["no"], row["part"]) for row in rows.values())
    texts = Counter(row["text"] for row in rows.values())
    form = re.compile(r"[0-9]([A-Za-z0-9_]|𠮷)*")
    broken: dict[str, Callable[[dict[str, Any]], bool]] = {
        "thing.key.unique": lambda r: None not in (r["no"], r["part"]) and keys[r["no"], r["part"]] > 1,
        "thing.no.required": lambda r: r["no"] is None,
        "thing.part.required": lambda r: r["part"] is None,
        "thing.text.required": lambda r: r["text"] is None and "text" not in (r["unreadable"] or "").split(","),
        "thing.text.unique": lambda r: r["text"] is not None and texts[r["text"]] > 1,
        "thing.text.pattern": lambda r: r["text"] is not None and form.fullmatch(r["text"]) is None,
        "thing.text.length": lambda r: r["text"] is not None and len(r["text"]) > 2,
        "thing.text.code": lambda r: r["text"] not in (None, "1", "01"),
        "thing.part.code": lambda r: r["part"] not in (None, *_LONG),
        "thing.money.range": lambda r: (
            r["money"] is not None and not Decimal("-0.01") <= r["money"] <= Decimal("89999999999999.99")
        ),
        "thing.day.range": lambda r: r["day"] is not None and not date(1900, 1, 1) <= r["day"] <= date(2100, 12, 31),
        **{
            f"thing.{name}.readable": lambda r, name=name: name in (r["unreadable"] or "").split(",")  # type: ignore[misc]
            for name in ("no", "part", "text", "money", "day")
        },
    }
    found = {name: [number for number, row in rows.items() if is_broken(row)] for name, is_broken in broken.items()}
    return {name: numbers for name, numbers in found.items() if numbers}
