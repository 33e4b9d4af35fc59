"""How much memory a server may be given: what the machine has, or what its container is allowed."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from core.process import memory


def test_without_a_container_it_is_the_machine_s(tmp_path: Path) -> None:
    assert memory.get_total_bytes(tmp_path) == psutil.virtual_memory().total


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
def test_a_container_may_be_allowed_less(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{64 << 20}\n", "ascii")
    assert memory.get_total_bytes(tmp_path) == 64 << 20
    file.write_text("max\n" if name == "memory.max" else "9223372036854771712\n", "ascii")
    assert memory.get_total_bytes(tmp_path) == psutil.virtual_memory().total
