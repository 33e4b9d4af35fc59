"""What a module `render_<system>.py` defines: its datasets, and which of its rows wait for a person who is held.

Presence registers it: `campus.render.datasets` finds every such module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from campus.simulate.world import World


@dataclass(frozen=True)
class Upload:
    """A file that clerks hand over: its name on that day, and the lines of title above the header."""

    name: str
    title: tuple[str, ...] = ()


Datasets = Mapping[str, Callable[[World], pa.Table]]
"""`DATASETS`: id -> the table of a day, columns under the physical names of the source contract, in contract order."""
Uploads = Mapping[str, Callable[[World], Upload]]
"""`UPLOADS`: id of every dataset whose contract says `upload` -> the file in which a day's rows are handed over."""
Waits = Mapping[str, tuple[tuple[str, str, str, str], ...]]
"""`WAITS`: entity of people -> (dataset, its column with the person's number, entity it gives, rule that holds the row)."""
Keys = Mapping[str, Callable[[Mapping[str, Any]], str]]
"""`KEYS`: entity -> the key of a source row as the hub writes `source_key`; needed for the entities that `WAITS` names."""
