"""The size limits hold for the whole tree, and the gate sees what is over them."""

from __future__ import annotations

import runpy
from pathlib import Path

from core.settings import ROOT

over_limit = runpy.run_path(str(ROOT / "scripts" / "size_limits.py"))["over_limit"]


def test_every_module_and_function_is_within_its_limit() -> None:
    assert list(over_limit(ROOT)) == []


def test_what_is_over_a_limit_is_named(tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "long.py").write_text("x = 1\n" * 81, "utf-8")
    (tmp_path / "module.py").write_text("x = 1\n" * 401, "utf-8")
    (tmp_path / "function.py").write_text("def f():\n" + "    x = 1\n" * 60, "utf-8")
    (tmp_path / "parameters.py").write_text("def g(a, b, c, d, e, f, *, g): ...\n", "utf-8")
    assert list(over_limit(tmp_path)) == [
        "dags/long.py:1: 81 lines, the limit is 80",
        "function.py:1: f has 61 lines, the limit is 60",
        "module.py:1: 401 lines, the limit is 400",
        "parameters.py:1: g has 7 parameters, the limit is 6",
    ]
