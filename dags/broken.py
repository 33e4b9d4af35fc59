"""One red DAG for everything that could not be read, saying what is wrong in it; the other DAGs are not affected.

It runs once, as soon as it appears, and is gone when the file is mended.
"""

from __future__ import annotations

import re

from airflow.sdk import DAG

from contracts.catalog import load_catalog
from dags.steps import build_dag_arguments, complain, find_broken_files

for file, error in find_broken_files(load_catalog()).items():
    stem = re.sub(r"[^A-Za-z0-9_.-]", "_", file.removesuffix(".yaml").removesuffix(".odcs"))
    with DAG(f"broken__{stem}", schedule="@once", **build_dag_arguments("broken", name=file, line=error.line())):
        complain(error.line())
