"""The small university of the pipeline's tests, with its department in real time and a clock that stands where it is put."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[1] / "pipeline"
_spec = importlib.util.spec_from_file_location("pipeline_university", _FOLDER / "conftest.py")
assert _spec and _spec.loader
_module = importlib.util.module_from_spec(_spec)
sys.modules["pipeline_university"] = _module
_spec.loader.exec_module(_module)

university = _module.university
