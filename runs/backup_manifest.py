"""What a backup's folder holds, as its own `manifest.json` says, and whether that is so.

The manifest is the last file written, and `manifest.sha256` beside it is its own digest. It names the connections that must be
given again, by id and family only: no address, user or password is in a backup.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from core.errors import Denied, Refused
from core.hashing import hash_file
from core.release import VERSION
from core.store.ledger import list_migrations

MANIFEST, SEAL = "manifest.json", "manifest.sha256"
FORMAT = 1
BLOCK = 1 << 20
Report = Callable[[str, int, int], None]
"""Called with what is being done (a key under `backup.doing`), how much of it is done, and of how much."""


class Part(msgspec.Struct, frozen=True):
    """A file of the folder: path relative to it, size and SHA-256."""

    path: str
    bytes: int
    sha256: str


class Kept(msgspec.Struct, frozen=True):
    """A file of the hub's own, `path` relative to `var`; it lies under `files/`. `mtime` in nanoseconds."""

    path: str
    bytes: int
    sha256: str
    mtime: int
    read_only: bool = False


class Table(msgspec.Struct, frozen=True):
    """A table: how many rows, an order-free digest of their content, and the part that holds them."""

    name: str
    rows: int
    digest: str
    part: Part


class Counter(msgspec.Struct, frozen=True):
    """A sequence (`schema.name`, quoted as needed) and where it stood."""

    name: str
    last: int
    called: bool


class Named(msgspec.Struct, frozen=True):
    """A connection by id and family; `off` is one that was switched off."""

    id: str
    family: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a backup says of itself.

    Attributes:
        migrations: names of those that the ledger had seen, so that a restore knows whether this product can read it.
        snapshot: the database's own name of the one moment of which all tables are.
        var: where the hub's folder was, since the ledger names held rows by their whole path.
        contracts: a digest of contracts and SQL, to say whether the new machine has others.
        damaged, gone: files that were other than the ledger says, or not there, when the backup was made.
    """

    format: int
    product: str
    made_at: str
    snapshot: str
    server: str
    version: int
    migrations: list[str]
    var: str
    contracts: str
    structure: list[Part]
    tables: list[Table]
    sequences: list[Counter]
    files: list[Kept]
    connections: list[Named]
    damaged: list[str]
    gone: list[str]

    @property
    def migration(self) -> str:
        """The number of the newest migration, such as `0016`."""
        return self.migrations[-1].partition("_")[0] if self.migrations else "0000"

    @property
    def size(self) -> int:
        """Bytes of everything in the folder but the manifest."""
        return sum(part.bytes for part in list_parts(self)) + sum(kept.bytes for kept in self.files)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write manifest and seal, and have them on the disk."""
    content = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    for name, data in ((MANIFEST, content), (SEAL, hashlib.sha256(content).hexdigest().encode() + b"\n")):
        with (folder / name).open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder.

    Raises:
        Denied: HUB850 when this is no finished backup, HUB852 when a newer release made it.
        Refused: HUB851 when the manifest itself is damaged.
    """
    try:
        content = (folder / MANIFEST).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise Denied("HUB850", str(folder)) from None
    except OSError as error:
        raise Refused("HUB851", str(folder), thing=MANIFEST, problem=type(error).__name__) from None
    try:
        sealed = (folder / SEAL).read_text("ascii", "replace").strip()
        if sealed != hashlib.sha256(content).hexdigest():
            raise Refused("HUB851", str(folder), thing=MANIFEST, problem="SHA-256")
        told: dict[str, Any] = msgspec.json.decode(content)
        _refuse_newer(folder, told)
        return msgspec.convert(told, Manifest)
    except (OSError, msgspec.DecodeError, msgspec.ValidationError) as error:
        raise Refused("HUB851", str(folder), thing=MANIFEST, problem=type(error).__name__) from None


def _refuse_newer(folder: Path, told: dict[str, Any]) -> None:
    """Refuse what a newer release wrote: its number, the form of the folder, or a migration that this one does not have."""
    unknown = sorted(set(told.get("migrations", [])) - {path.name for path in list_migrations()})
    product = str(told.get("product", ""))
    if told.get("format") != FORMAT or _parse_release(product) > _parse_release(VERSION) or unknown:
        raise Denied("HUB852", str(folder), product=product, here=VERSION, unknown=", ".join(unknown) or "-")


def _parse_release(release: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d+", release))


def list_parts(manifest: Manifest) -> list[Part]:
    """The parts that make up the store: its structure, then its tables."""
    return [*manifest.structure, *(table.part for table in manifest.tables)]


def verify_parts(folder: Path, items: Sequence[Part], report: Report) -> None:
    """Read every part and compare it with the manifest.

    Raises:
        Refused: HUB851 for the first that is not there or not the same.
    """
    for place, part in enumerate(items):
        report("verify", place, len(items))
        path = folder / part.path
        try:
            same = path.stat().st_size == part.bytes and hash_file(path) == part.sha256
        except OSError as error:
            raise Refused("HUB851", str(folder), thing=part.path, problem=type(error).__name__) from None
        if not same:
            raise Refused("HUB851", str(folder), thing=part.path, problem="SHA-256")
    report("verify", len(items), len(items))
