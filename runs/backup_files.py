"""The hub's own files, into a backup and back: what was landed, handed in, delivered, told and held, each with its hash.

What a night makes again by itself (mapped rows, states of entities, scratch) is not copied, and neither are passwords: what is
copied is named here, and nothing else is.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import Refused
from core.hashing import hash_values
from core.settings import get_settings
from runs.backup_manifest import BLOCK, Kept, Part, Report

FOLDERS = ("landing", "uploads", "deliveries", "notices", "reports", "brakes")
"""Folders of `var` that are copied whole. Of `work` only the files with held rows are, which nobody can make again."""
WORK = "work"
ROWS, SEALED = "rows.parquet", "manifest.json"
"""A landing's rows, and what makes it count (`loaders.landing`)."""
UNDER = "files"
"""Where they lie in a backup."""


@dataclass
class Copied:
    """What was copied, and what was not as the ledger says."""

    files: list[Kept] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Promised:
    """What the ledger says of files, by paths relative to `var`.

    Attributes:
        hashes: file -> SHA-256.
        deliveries: folder -> digest over its two files.
        held: files with held rows.
        needed: those of all that the next night reads.
    """

    hashes: Mapping[str, str]
    deliveries: Mapping[str, str]
    held: tuple[str, ...]
    needed: frozenset[str]


def copy_files(promised: Promised, folder: Path, report: Report) -> Copied:
    """Copy the files into a backup, each compared with what the ledger says of it. One that is removed meanwhile is left out:
    its time was over, or a run that is under way writes it anew."""
    paths = sorted({*_list_files(), *(path for path in promised.held if (get_settings().var / path).is_file())})
    copied, links = Copied(), dict[tuple[int, int], Kept]()
    for place, path in enumerate(paths):
        report("files", place, len(paths))
        with contextlib.suppress(FileNotFoundError):
            copied.files.append(_copy_file(path, folder / UNDER, links))
    report("files", len(paths), len(paths))
    hashes = {kept.path: kept.sha256 for kept in copied.files}
    copied.damaged += [path for path, sha256 in promised.hashes.items() if hashes.get(path, sha256) != sha256]
    copied.damaged += [path for path, told in promised.deliveries.items() if _hash_delivery(path, hashes) not in (None, told)]
    copied.gone += sorted(path for path in promised.needed if path not in hashes)
    return copied


def _list_files() -> Iterator[str]:
    """Every whole file of the folders. A landing without its seal is a reading that is under way."""
    var = get_settings().var
    for name in FOLDERS:
        for at, _, names in os.walk(var / name):
            parts = Path(at).relative_to(var).parts
            if name == "landing" and len(parts) > 3 and not var.joinpath(*parts[:4], SEALED).is_file():
                continue
            yield from (str(Path(*parts, file)) for file in names if not (file.startswith(".") or file.endswith(".part")))


def _copy_file(path: str, room: Path, links: dict[tuple[int, int], Kept]) -> Kept:
    source, target = get_settings().var / path, room / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as file:
        seen = os.fstat(file.fileno())
        same = links.get((seen.st_dev, seen.st_ino))
        if same and _try_link(room / same.path, target):
            return Kept(path, same.bytes, same.sha256, seen.st_mtime_ns, same.read_only)
        sha256, count = hashlib.sha256(), 0
        with target.open("wb") as into:
            while data := file.read(BLOCK):
                into.write(data)
                sha256.update(data)
                count += len(data)
    os.utime(target, ns=(seen.st_mtime_ns, seen.st_mtime_ns))
    kept = Kept(path, count, sha256.hexdigest(), seen.st_mtime_ns, not seen.st_mode & 0o200)
    if seen.st_nlink > 1:
        links[seen.st_dev, seen.st_ino] = kept
    return kept


def _try_link(first: Path, path: Path) -> bool:
    with contextlib.suppress(OSError):
        path.hardlink_to(first)
        return True
    return False


def _hash_delivery(folder: str, hashes: Mapping[str, str]) -> str | None:
    """The digest over a delivery's files as `pipeline.delivery.deliver` makes it; None when they are no longer there."""
    files = [hashes.get(f"{folder}/{name}.parquet") for name in ("upserts", "deletes")]
    return hash_values(*files) if any(files) else None


def stage_files(folder: Path, files: Iterable[Kept], room: Path, report: Report) -> None:
    """Bring a backup's files beside their places, with their times; equal landings share one file again.

    Raises:
        Refused: HUB851 for the first that is not there or not the same.
    """
    wanted, first, times = list(files), dict[str, Path](), dict[Path, int]()
    for place, kept in enumerate(wanted):
        report("files", place, len(wanted))
        target = room / kept.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shared = first.get(kept.sha256) if kept.path.startswith("landing/") and kept.path.endswith(ROWS) else None
        if not (shared and _try_link(shared, target)):
            _fetch_file(folder, kept, target)
            first.setdefault(kept.sha256, target)
        for above in target.parents[: len(Path(kept.path).parts) - 1]:
            times[above] = max(times.get(above, 0), kept.mtime)
    for above, moment in sorted(times.items(), reverse=True):
        os.utime(above, ns=(moment, moment))
    report("files", len(wanted), len(wanted))


def list_parts(files: Iterable[Kept]) -> list[Part]:
    """The files as parts of the backup's folder."""
    return [Part(f"{UNDER}/{kept.path}", kept.bytes, kept.sha256) for kept in files]


def _fetch_file(folder: Path, kept: Kept, target: Path) -> None:
    name, sha256 = f"{UNDER}/{kept.path}", hashlib.sha256()
    try:
        file = (folder / name).open("rb")
    except OSError as error:
        raise Refused("HUB851", str(folder), thing=name, problem=type(error).__name__) from None
    with file, target.open("wb") as into:
        while data := file.read(BLOCK):
            into.write(data)
            sha256.update(data)
    if sha256.hexdigest() != kept.sha256:
        raise Refused("HUB851", str(folder), thing=name, problem="SHA-256")
    target.chmod(0o400 if kept.read_only else 0o600)
    os.utime(target, ns=(kept.mtime, kept.mtime))


def exchange_folders(room: Path, aside: Path) -> None:
    """Put what was staged in its place, and what was there into an empty folder aside. Cut off, it can be done again."""
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for name in (*FOLDERS, WORK):
        place = get_settings().var / name
        if place.exists():
            place.rename(aside / name)
        if (room / name).exists():
            (room / name).rename(place)
    shutil.rmtree(aside, ignore_errors=True)
