"""The child of `extractors.files.confined`: reads the files that it is told on its standard input, one request a line.

It ends when its input does. Of each request it answers with one line: how much memory it has ever used, and the error, if any.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from core import faults
from core.errors import HubError
from core.process.memory import configure_allocators, get_peak_bytes
from core.process.privacy import restrict_permissions
from extractors import csv_file, dbf_file, excel_file
from extractors.files import unpacked
from extractors.files.confined import MEGABYTE, Limits, ReadJob, confine_process
from extractors.files.file_layout import FileLayout

_PARSERS: Mapping[str, Callable[[bytes, FileLayout], pa.Table]] = {
    "csv": csv_file.parse_csv,
    "xlsx": excel_file.parse_workbook,
    "xls": excel_file.parse_workbook,
    "dbf": dbf_file.parse_dbf,
}


def run_job(job: ReadJob, limits: Limits) -> pa.Table:
    """The rows of the file, or their places.

    Raises:
        HubError: what is wrong with it.
    """
    layout = job.layout
    data = layout.read()
    if unpacked.is_larger(data, limits.unpacked):
        raise layout.build_refusal("HUB311", limit=limits.unpacked // MEGABYTE)
    if not job.numbers:
        return _PARSERS[job.kind](data, layout)
    if job.kind == "dbf":
        return pa.table({"row": range(1, dbf_file.parse_dbf(data, layout).num_rows + 1)})
    numbers = csv_file.find_row_numbers if job.kind == "csv" else excel_file.find_row_numbers
    return pa.table({"row": pa.array(numbers(data, layout), pa.int64())})


def answer_request(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Do one request and say how it went."""
    given, limits = dict(asked["layout"]), Limits(**asked["limits"])
    columns = None if given["columns"] is None else frozenset(given["columns"])
    layout = FileLayout(**{**given, "path": Path(given["path"]), "columns": columns})
    confine_process(limits)
    told = None
    try:
        table = run_job(ReadJob(asked["kind"], layout, asked["numbers"]), limits)
        with pa.OSFile(asked["out"], "wb") as file, pa.ipc.new_file(file, table.schema) as sink:
            sink.write_table(table)
    except BaseException as error:
        if faults.is_exit(error):
            raise
        told = _describe_error(error, layout, limits)
    return {"bytes": get_peak_bytes(), **({"error": told} if told else {})}


def _describe_error(error: BaseException, layout: FileLayout, limits: Limits) -> dict[str, Any]:
    """An error as plain values; one that nobody foresaw refuses the file, with where in the program it came up."""
    if isinstance(error, MemoryError):
        found: HubError = layout.build_refusal("HUB314", limit=limits.memory // MEGABYTE)
    else:
        found = faults.wrap_error(error, "extract", layout.where)
        if found is not error and found.code == "HUB840":
            found = layout.build_refusal("HUB315", kind=found.facts["kind"], place=found.facts["place"])
            found.trace = faults.format_trace(error)
    return {
        "type": type(found).__name__,
        "code": found.code,
        "where": found.where,
        "facts": found.facts,
        "trace": list(found.trace),
    }


def main() -> None:
    configure_allocators()
    restrict_permissions()
    for line in sys.stdin:
        print(json.dumps(answer_request(json.loads(line)), default=str), flush=True)


if __name__ == "__main__":
    main()
