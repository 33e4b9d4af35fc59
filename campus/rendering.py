"""What a module `render_<system>.py` defines: its datasets, and which of its rows wait for a person who is held.

Presence registers it: `campus.render` finds every such module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa

from campus.world import World

Datasets = Mapping[str, Callable[[World], pa.Table]]
"""`DATASETS`: id -> the table of a day, columns under the physical names of the source contract, in contract order."""
Waits = Mapping[str, tuple[tuple[str, str, str, str], ...]]
"""`WAITS`: entity of people -> (dataset, its column with the person's number, entity it gives, rule that holds the row)."""
