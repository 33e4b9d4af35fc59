"""Every shipped contract is one that the standard's own command-line tool accepts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The tool's dependencies warn on import, so it runs in a process of its own, once for all contracts.
PROGRAM = """
import json, logging, sys
logging.disable(logging.CRITICAL)
from datacontract.data_contract import DataContract
for path in sys.argv[1:]:
    run = DataContract(data_contract_file=path).lint()
    if run.result.value not in ("passed", "warning"):
        print(path, [check.reason for check in run.checks if check.result.value not in ("passed", "warning")])
"""


def test_every_contract_is_accepted_by_the_standards_tool(tmp_path: Path) -> None:
    paths = sorted(str(path) for path in (ROOT / "schemas").rglob("*.odcs.yaml"))
    assert len(paths) > 80
    broken = tmp_path / "broken.odcs.yaml"
    broken.write_text(Path(paths[0]).read_text("utf-8").replace("kind: DataContract", "kind: Nothing"), "utf-8")
    done = subprocess.run([sys.executable, "-c", PROGRAM, *paths, str(broken)], capture_output=True, text=True, check=True)
    assert [line.split(" ")[0] for line in done.stdout.splitlines()] == [str(broken)], done.stdout
