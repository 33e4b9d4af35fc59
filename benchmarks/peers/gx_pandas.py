"""Great Expectations on pandas: 26 expectations over a Parquet file of `student`, with the failing keys: `FILE`.

The same rules as the hub's contract asks of the same table (benchmarks/million/home/schemas/hub/student.odcs.yaml). The rule
that every cell could be read has no meaning here; a set for the flag column stands in its place.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd

ETHNICITIES = [f"{number:02}" for number in range(1, 57)]
PARTIES = [f"{number:02}" for number in range(1, 14)]
EXPECTATIONS = [
    gxe.ExpectColumnValuesToBeUnique(column="xh"),
    *(gxe.ExpectColumnValuesToNotBeNull(column=name) for name in ("xh", "xm", "xbm", "csrq", "zjhm", "yxm")),
    gxe.ExpectColumnValuesToMatchRegex(column="xh", regex=r"^\d{12}$"),
    gxe.ExpectColumnValuesToMatchRegex(column="zjhm", regex=r"^(?:\d{17}[\dX]|M\d{8})$"),
    gxe.ExpectColumnValuesToMatchRegex(column="gjm", regex=r"^[A-Z]{3}$"),
    gxe.ExpectColumnValuesToMatchRegex(column="sjh", regex=r"^1[3-9]\d{9}$"),
    gxe.ExpectColumnValuesToMatchRegex(column="dzyx", regex=r"^[^@\s]+@[^@\s]+$"),
    gxe.ExpectColumnValuesToMatchRegex(column="yxm", regex=r"^\d{4,8}$"),
    gxe.ExpectColumnValueLengthsToBeBetween(column="xh", max_value=12),
    gxe.ExpectColumnValueLengthsToBeBetween(column="xm", max_value=60),
    gxe.ExpectColumnValueLengthsToBeBetween(column="bjm", max_value=14),
    gxe.ExpectColumnValuesToBeInSet(column="xbm", value_set=["0", "1", "2", "9"]),
    gxe.ExpectColumnValuesToBeInSet(column="zjlxm", value_set=[*"123456789AB", "J1", "J2", "J3", "Z"]),
    gxe.ExpectColumnValuesToBeInSet(column="mzm", value_set=ETHNICITIES),
    gxe.ExpectColumnValuesToBeInSet(column="zzmmm", value_set=PARTIES),
    gxe.ExpectColumnValuesToBeInSet(column="xjztm", value_set=["01", "02", "04", "07"]),
    gxe.ExpectColumnValuesToBeBetween(column="csrq", min_value=date(1950, 1, 1)),
    gxe.ExpectColumnValuesToBeBetween(column="nj", min_value=2000, max_value=2030),
    gxe.ExpectColumnValuesToBeBetween(column="xf", min_value=0),
    gxe.ExpectColumnValuesToBeBetween(column="qf", min_value=0),
    gxe.ExpectColumnValuesToBeInSet(column="sfzx", value_set=[0, 1]),
]


def main(file: str) -> None:
    """Validate, and print how many expectations there were and how many rows break any of them."""
    started = time.perf_counter()
    frame = pd.read_parquet(file)
    read = time.perf_counter()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch = context.data_sources.add_pandas("bench").add_dataframe_asset("student").add_batch_definition_whole_dataframe("all")
    suite = gx.ExpectationSuite(name="student", expectations=EXPECTATIONS)
    form = {"result_format": "COMPLETE", "unexpected_index_column_names": ["xh"]}
    answer = batch.get_batch({"dataframe": frame}).validate(suite, result_format=form)
    failing = {row["xh"] for result in answer.results for row in result.result.get("unexpected_index_list") or ()}
    broken = [result.expectation_config.type for result in answer.results if result.exception_info.get("raised_exception")]
    if broken:
        raise SystemExit(f"not judged: {', '.join(broken)}")
    verbs = {"read": read - started, "validate": time.perf_counter() - read}
    print(json.dumps({"rules": len(EXPECTATIONS), "failing": len(failing), "verbs": verbs}))


if __name__ == "__main__":
    main(*sys.argv[1:])
