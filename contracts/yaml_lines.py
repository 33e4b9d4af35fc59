"""A YAML file with the line of every value, so that a finding can name `file:line` without a second parser.

One parse gives both: the node tree carries the marks, and the plain data are constructed from the same nodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from core.errors import ContractError

YamlPath = tuple[str | int, ...]
"""The way to a value: keys and list positions from the top, `("schema", 0, "properties", 3, "name")`."""


@dataclass(frozen=True)
class YamlDocument:
    """A YAML mapping and where everything in it stands. `file` is its name in findings."""

    path: Path
    file: str
    data: Mapping[str, Any]
    lines: Mapping[YamlPath, int]
    repeated: tuple[YamlPath, ...] = ()
    """Keys that their mapping holds twice; YAML readers keep the last and say nothing."""

    def line(self, *place: str | int) -> int:
        """The line of a value, or of the nearest thing around it when the value itself is missing."""
        while place not in self.lines:
            place = place[:-1]
        return self.lines[place]


def read_yaml(path: Path, file: str) -> YamlDocument:
    """The document at `path`, which findings call `file`.

    Raises:
        ContractError: HUB101 with the line, when the file is not UTF-8, not YAML or not a mapping.
    """
    try:
        loader = yaml.CSafeLoader(path.read_text("utf-8"))
        try:
            node = loader.get_single_node()
            data = loader.construct_document(node) if node else None
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or type(error).__name__
        raise ContractError("HUB101", f"{file}:{mark.line + 1 if mark else 1}", problem=problem) from error
    except UnicodeDecodeError as error:
        raise ContractError("HUB101", f"{file}:1", problem="utf-8") from error
    if node is None or not isinstance(data, dict):
        raise ContractError("HUB101", f"{file}:1", problem=type(data).__name__)
    lines: dict[YamlPath, int] = {(): 1}
    repeated: list[YamlPath] = []
    for place, mark, again in _walk_places((), node):
        if again:
            repeated.append(place)
        lines[place] = mark
    return YamlDocument(path, file, data, lines, tuple(repeated))


def _walk_places(place: YamlPath, node: yaml.Node) -> Iterator[tuple[YamlPath, int, bool]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            here = (*place, key.value)
            yield here, key.start_mark.line + 1, key.value in seen
            seen.add(key.value)
            yield from _walk_places(here, value)
    elif isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            yield (*place, position), item.start_mark.line + 1, False
            yield from _walk_places((*place, position), item)
