"""What a DAG needs before its own `test()` can run it."""

from __future__ import annotations

from typing import Any


def without_deadline(dag: Any) -> Any:
    """The DAG as `test()` can run it: it looks a deadline up in the stored form of a DAG, which a DAG under test has not."""
    dag.deadline = None
    return dag
