"""Doing what a how-to page says: its files written into a home, and the lines that it adds to files that are there."""

from __future__ import annotations

import re
from pathlib import Path

from core.settings import ROOT

HOW_TO = ROOT / "docs" / "how-to"
_FILE = re.compile(r"^ *`([\w./]+\.(?:yaml|sql))`\n\n( *)```(?:yaml|sql)\n(.*?)\n *```", re.MULTILINE | re.DOTALL)
_NAMING = re.compile(r"^    quality:\n      - \{[^\n]*\}$", re.MULTILINE)


def follow(page: str, home: Path) -> list[str]:
    """Write every file that a page shows, and return their names."""
    written = []
    for name, indent, body in _FILE.findall((HOW_TO / page).read_text("utf-8")):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(line.removeprefix(indent) for line in body.split("\n")) + "\n", "utf-8")
        written.append(name)
    return written


def name_the_rule(home: Path, contract: str) -> None:
    """Put the `quality` lines of `add-a-rule.md` into an entity's contract."""
    (naming,) = _NAMING.findall((HOW_TO / "add-a-rule.md").read_text("utf-8"))
    path = home / contract
    path.write_text(path.read_text("utf-8").replace("    properties:", f"{naming}\n    properties:", 1), "utf-8")
