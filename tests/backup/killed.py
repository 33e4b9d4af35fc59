"""`python killed.py backup|restore <folder> <moment>`: a backup or a restore that is killed at a moment, as by a power cut.

A moment is `<doing>:<done>` of its progress, `exchange:<n>` the n-th rename of its files, or `commit`: right after the store
was replaced.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from runs import backup_files
from runs import restore as restores
from runs.backup import make_backup

VERB, FOLDER, MOMENT = sys.argv[1:4]
DOING, _, COUNT = MOMENT.partition(":")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def report(doing: str, done: int, of: int) -> None:
    if doing == DOING and done == int(COUNT):
        die()


class Renamed(type(Path())):  # type: ignore[misc]
    count = 0

    def rename(self, target: Any) -> Any:
        Renamed.count += 1
        return die() if Renamed.count == int(COUNT) else super().rename(target)


if DOING == "commit":
    restores.finish_restore = lambda room: die()
if DOING == "exchange":
    whole = backup_files.exchange_folders
    backup_files.exchange_folders = lambda room, aside: whole(Renamed(room), aside)
if VERB == "backup":
    make_backup(Path(FOLDER), report)
else:
    restores.restore_backup(Path(FOLDER), report, replace=True)
print("whole")
