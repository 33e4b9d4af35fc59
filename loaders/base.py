"""What every delivery target gives: apply a delivery once, read back a receipt, survey what is there.

A family is the module of its name with one class whose `family` says so; presence registers it (`core.adapters`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import ClassVar, Literal, Protocol, cast

import pyarrow.parquet as pq

import loaders
from contracts.contract import FeedDataset
from core import adapters
from core.errors import MachineFault
from core.store.address import ConnectionAddress


@dataclass(frozen=True)
class Delivery:
    """One change for one receiver, prepared and immutable.

    Attributes:
        id: written in the target in the same transaction as the rows; the same id is never applied twice.
        feed: the contract: target table or file (`physical`), columns, key, drop meaning, format.
        mode: `delta` (upserts and deletes), or `full` (the upserts are the whole scope; rows of this feed that are not
            among them are dropped).
        upserts: Parquet, the feed's columns in contract order, unique by key.
        deletes: Parquet, the key columns only; empty in full mode.
        as_of: the business date, written where a drop means an end date.
    """

    id: str
    feed: FeedDataset
    mode: Literal["full", "delta"]
    from_version: int
    to_version: int
    upserts: Path
    deletes: Path
    as_of: date
    run_id: str

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write and nothing to drop: it only says that nothing changed."""
        files = (self.upserts, self.deletes)
        return self.mode == "delta" and not any(pq.read_metadata(path).num_rows for path in files)


@dataclass(frozen=True)
class ApplyResult:
    """What a target did. `already` is true when the delivery id was found and nothing was written again."""

    rows_upsert: int
    rows_delete: int
    already: bool = False
    refused: Mapping[str, str] = field(default_factory=dict)
    """Row key -> reason code, for receivers that refuse row by row."""


@dataclass(frozen=True)
class ControlTotals:
    """Control totals of a set of rows; equal sets give equal totals on every engine.

    `columns` maps a column to its non-null count and its sum: of the value for integer and number (exact decimal text),
    of the character count for text, of the day number since 1970-01-01 for date, of true values for boolean; of the
    non-null count only for timestamp. `keys` is the xor of the first 60 bits of md5(key text), `content` the same over the
    md5 of all columns of a row, so that it depends on every character of every row and on no order.
    """

    rows: int
    keys: int
    content: int
    columns: Mapping[str, tuple[int, str]]
    deleted: int = 0
    """Keys of the delivery's deletes that are gone, inactive or ended in the target, as its contract says."""


class Target(Protocol):
    """One receiver family, opened for one connection. Only rows that this hub sent on this edge are ever changed.

    Errors: `Unavailable` HUB204 (cannot connect, or broke off), `FeedFailed` HUB601 (the receiver refused the delivery;
    nothing of it was applied), HUB602 (the target's table does not fit the contract).
    """

    family: ClassVar[str]

    def __init__(self, connection: ConnectionAddress) -> None: ...

    def apply(self, delivery: Delivery) -> ApplyResult:
        """Apply all of the delivery or nothing of it."""

    def read_receipt(self, delivery: Delivery) -> ControlTotals:
        """Read back, in a new transaction, the rows that this delivery sent (in full mode the whole scope)."""

    def read_totals(self, feed: FeedDataset) -> ControlTotals:
        """Totals of everything that this edge has sent and not dropped, read from the target as it is now."""

    def compare_rows(self, feed: FeedDataset, expected: Path, out: Path) -> tuple[int, int, int]:
        """How many keys are missing, extra and different against a Parquet file of all rows; `out` names them."""

    def find_rows(self, feed: FeedDataset, keys: Sequence[str]) -> dict[str, list[str | None]]:
        """The rows with these key texts that this edge has sent, as texts of all columns, read from the target as it is now."""

    def close(self) -> None:
        """Give the connection back."""


def open_target(connection: ConnectionAddress) -> Target:
    """The target of the connection's family.

    Raises:
        Fault: HUB805 when no module handles that family.
    """
    found = adapters.find_adapter(loaders, connection.family)
    if found is None:
        raise MachineFault("HUB805", connection.id, family=connection.family, known=", ".join(adapters.list_families(loaders)))
    return cast(Target, found(connection))


ROW_BY_ROW = frozenset({"ldap"})
"""Families whose receivers take one row at a time: serving them takes longest."""
