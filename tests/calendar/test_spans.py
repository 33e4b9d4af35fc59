"""Deadlines on a page and a terminal: what is to be done stands there, and days to come that are alike are one entry."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from cli.tables.calendar import render_obligations
from reporting.spans import format_days, group_days


def due(day: int, state: str, deadline: str = "DL20", recurring: bool = True) -> dict[str, Any]:
    return {
        "deadline": deadline,
        "occasion": f"2026-09-{day:02}",
        "due_on": date(2026, 9, day),
        "state": state,
        "recurring": recurring,
        "text_zh": "注册期间每24小时上传一次",
        "what": "Fee data uploaded every 24 hours in the registration window",
        "responsible": "财务处",
        "responsible_en": "Finance office",
        "needed": 1,
        "found": 0,
        "evidence": "given=0",
        "confirmed_by": None,
        "not_yet": False,
    }


ROWS = [
    due(7, "missing"),
    due(8, "missing"),
    *(due(day, "due_soon") for day in range(9, 14)),
    due(15, "expected", "DL15", False),
]


def test_days_to_come_that_are_alike_are_one_row_and_missed_days_stay_apart() -> None:
    found = group_days(ROWS)
    assert [(row["deadline"], row["state"], format_days(row["days"], "zh")) for row in found] == [
        ("DL20", "missing", "2026-09-07"),
        ("DL20", "missing", "2026-09-08"),
        ("DL20", "due_soon", "2026-09-09 至 2026-09-13，5 天"),
        ("DL15", "expected", "2026-09-15"),
    ]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_terminal_says_what_is_due_and_of_whom(width: int) -> None:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(render_obligations(ROWS))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert max(map(cell_len, lines)) <= width
    assert sum("注册期间每24小时上传一次" in line and "财务处" in line for line in lines) == 4
    assert any("2026-09-09 至 2026-09-13，5 天" in line for line in lines)
    assert "现有 / 应有 0 / 1" in " ".join(" ".join(lines).split())
