"""Modules, functions, folders and DAG files stay small enough to be read in one go; what ages badly is the tail: it is guarded.

`python scripts/size_limits.py [folder]` prints every place over a limit as `file:line: what` and ends with status 1.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

MODULE_LINES = 400
FUNCTION_LINES = 60
PARAMETERS = 6
DAG_LINES = 80
FOLDER_MODULES = 15
SKIPPED = {".venv", "var", "build", ".git"}
IGNORED = Path("dags/.airflowignore")
"""Modules of the DAG folder that Airflow does not scan (timetables, steps) are ordinary modules."""
COMMANDS = "cli/commands/"
"""A command's options are its parameters, so these modules are free of the limit on them."""


def over_limit(root: Path) -> Iterator[str]:
    """Every module over 400 lines (80 for a DAG file), and every function over 60 lines or 6 parameters, and
    every folder of a room with more than 15 modules."""
    yield from _find_crowded(root)
    ignored = (root / IGNORED).read_text("utf-8").split() if (root / IGNORED).is_file() else []
    for path in sorted(root.rglob("*.py")):
        file = path.relative_to(root)
        if SKIPPED & set(file.parts):
            continue
        source = path.read_text("utf-8")
        limit = DAG_LINES if file.parts[0] == "dags" and file.name not in ignored else MODULE_LINES
        lines = len(source.splitlines())
        if lines > limit:
            yield f"{file}:1: {lines} lines, the limit is {limit}"
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from (f"{file}:{node.lineno}: {node.name} {problem}" for problem in _measure_function(node, file))


def _find_crowded(root: Path) -> Iterator[str]:
    for room in sorted(path.parent for path in root.glob("*/__init__.py")):
        for folder in (room, *(path for path in sorted(room.rglob("*")) if path.is_dir())):
            count = sum(path.name != "__init__.py" for path in folder.glob("*.py"))
            if count > FOLDER_MODULES:
                yield f"{folder.relative_to(root)}: {count} modules, the limit is {FOLDER_MODULES}"


def _measure_function(node: ast.FunctionDef | ast.AsyncFunctionDef, file: Path) -> Iterator[str]:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if lines > FUNCTION_LINES:
        yield f"has {lines} lines, the limit is {FUNCTION_LINES}"
    given = node.args
    count = len(given.posonlyargs) + len(given.args) + len(given.kwonlyargs)
    is_test = file.parts[0] == "tests"
    if count > PARAMETERS and not is_test and not file.as_posix().startswith(COMMANDS):
        yield f"has {count} parameters, the limit is {PARAMETERS}"


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    found = list(over_limit(root))
    print("\n".join(found) or "every module and function is within its size limit")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
