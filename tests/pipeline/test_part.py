"""What a part of a cycle says of itself: edges, rows and receipts of what went through, one error for everything else."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from runs.nightly import close_run, deliver_part, extract_part, open_run, publish_part

DAY = date(2026, 9, 7)


def test_every_part_names_what_went_through(university: Any) -> None:
    run = open_run("night", DAY)
    assert extract_part(run, "hr").lines == [
        "已取 hr.person（人事系统 教职工）：40 行。",
        "已取 hr.unit（人事系统 单位）：5 行。",
    ]
    published = publish_part(run).lines
    assert "第 1 版 staff：新增 40 行、改 0 行、撤下 0 行。" in published
    close_run(run)
    feed = open_run("feed", DAY, ["SJGXLC01"])
    lines = deliver_part(feed, "SJGXLC01").lines
    assert len(lines) == 3
    assert lines[0].startswith("E01.staff_basic（教职工基本信息） → academic：到第 1 版，增改 40 行、撤下 0 行，回执 ")
    assert lines[0].endswith("：已收。")
    again = deliver_part(open_run("feed", DAY, ["again"]), "SJGXLC01")
    assert (again.problems, again.facts["feeds"]) == ([], 3)
    assert ["增改 0 行、撤下 0 行" in line for line in again.lines] == [True] * 3


def test_a_part_goes_on_beside_what_failed(university: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    university.department("alter table dw rename column dwmc to mc")
    part = extract_part(open_run("night", DAY), "hr")
    assert [problem.code for problem in part.problems] == ["HUB301"]
    assert (part.facts["landed"], part.lines) == (1, ["已取 hr.person（人事系统 教职工）：40 行。"])
