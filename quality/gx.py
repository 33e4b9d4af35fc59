"""Great Expectations judging one entity's frame: every failing position, and a result that can be shown to anybody.

The core API with an ephemeral context: the contract is the only place where rules are kept. Three settings matter. The frame's
unnamed index holds the row positions, which is the one form in which Great Expectations returns all failing rows as plain
numbers (its value lists stop at 20 or 200, and named index columns are echoed cell by cell). Unexpected values are
excluded, so that no personal value enters a result. And an expectation that raised is an error here, never a pass.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from core.errors import ContractError
from quality.results import RuleOutcome, build_gx_call, build_outcome
from quality.suite import Expectation

_RESULT_FORMAT = {
    "result_format": "COMPLETE",
    "exclude_unexpected_values": True,
    "return_unexpected_index_query": False,
    "partial_unexpected_count": 0,
}
_LIBRARY_LOCK = threading.Lock()
"""Great Expectations keeps its current project, and Python its warning filters, per process and not per thread."""


def judge_frame(entity: str, suite: Sequence[Expectation], frame: pa.Table) -> list[RuleOutcome]:
    """Hold a frame (see `quality.scan.frame`) against a suite; one outcome per expectation, in order.

    Raises:
        ContractError: HUB108 for the first expectation that could not be judged.
    """
    with _LIBRARY_LOCK, _silence_library():
        results = _validate_frame(entity, suite, frame)
    found = {result.expectation_config.meta["number"]: result for result in results}
    return [_convert_result(expectation, found[number]) for number, expectation in enumerate(suite)]


def load_library() -> None:
    """Import Great Expectations, which takes seconds: for a thread that has nothing else to do meanwhile."""
    with _LIBRARY_LOCK, _silence_library():
        importlib.import_module("great_expectations.expectations")


@contextlib.contextmanager
def _silence_library() -> Iterator[None]:
    """Hold back what Great Expectations says on the way: its log may quote cells, and two warnings are not about us."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read once, when the package is imported
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        # Its import still reaches for modules that the standard library has deprecated.
        warnings.filterwarnings("ignore", message="module 'sre_", category=DeprecationWarning)
        # A contract may group alternatives with plain brackets: ^(19|20)\d\d$.
        warnings.filterwarnings("ignore", message="This pattern is interpreted as a regular expression", category=UserWarning)
        yield


def _validate_frame(entity: str, suite: Sequence[Expectation], frame: pa.Table) -> list[Any]:
    # Imported here because it costs seconds, which only the check step should pay.
    import great_expectations
    import pandas
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults, ProgressBarsConfig

    cells = frame.drop_columns(["position"]).to_pandas(
        # Plain int64 turns into doubles where a cell is NULL.
        types_mapper=lambda kind: pandas.Int64Dtype() if pa.types.is_int64(kind) else None,
    )
    cells.index = pandas.Index(frame.column("position").to_numpy())
    settings = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )
    context = great_expectations.get_context(mode="ephemeral", project_config=settings)
    asset = context.data_sources.add_pandas("conformed").add_dataframe_asset(entity)
    batch = asset.add_batch_definition_whole_dataframe("rows").get_batch({"dataframe": cells})
    asked = [_build_gx_expectation(number, expectation) for number, expectation in enumerate(suite)]
    answer = batch.validate(
        great_expectations.ExpectationSuite(name=entity, expectations=asked), result_format=dict(_RESULT_FORMAT)
    )
    return list(answer.results)


def _build_gx_expectation(number: int, expectation: Expectation) -> Any:
    import great_expectations.expectations as catalogue

    kind, kwargs = build_gx_call(expectation)
    severity = "critical" if expectation.rule.severity == "error" else "warning"
    return getattr(catalogue, kind)(meta={"number": number}, severity=severity, **kwargs)


def _convert_result(expectation: Expectation, result: Any) -> RuleOutcome:
    counts = result.result
    if "unexpected_index_list" not in counts:
        raise ContractError("HUB108", expectation.rule.id, problem=expectation.form)
    failing = np.sort(np.array(counts["unexpected_index_list"], dtype=np.int64))
    return build_outcome(
        expectation, failing, counts["element_count"], counts.get("missing_count", 0), f"gx {_library_version()}"
    )


def _library_version() -> str:
    import great_expectations

    return str(great_expectations.__version__)
