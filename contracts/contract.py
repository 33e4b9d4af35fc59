"""Contracts in the small neutral form that the rest of the house works with.

Files are Open Data Contract Standard v3.1 (ODCS). What the standard has no place for stands in `customProperties`
under the names of `VOCABULARY`; `hub lint` refuses any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from core.dialects import LogicalType

ExtractMode = Literal["snapshot", "window", "upload"]
AbsenceRule = Literal["absent_once", "absent_twice", "never"]
DropAction = Literal["delete", "inactive", "end_date"]
Severity = Literal["error", "warning"]
KEEP_LANDING_DAYS = 30
"""How long a landing is kept when its contract does not say (canonical model, section 10)."""

APPLY_DAYS = 3
"""How many days a receiver has to apply what it applies by hand, when its contract does not say (`applyDays`)."""

HUB = "hub"
"""The hub as a system: the authority of derived entities, and the schema under which their SELECT reads other entities."""
TONIGHT_TABLE = "tonight"
"""The one-row table of a derived entity's SELECT: its column `as_of` is the business date of the night."""

VOCABULARY: Mapping[str, frozenset[str]] = {
    "source": frozenset({"mode", "watermark", "overlapSeconds", "encoding", "sheet", "headerRow", "fileFormat"}),
    "source_column": frozenset({"nullValues", "copyOf", "copyKey", "copyPrefix"}),
    "hub": frozenset({"authority", "gone", "after", "brake", "heldPercent"}),
    "hub_column": frozenset({"authority", "codeList", "stdCode"}),
    "feed": frozenset({"flow", "edge", "source", "target", "switchedOff"}),
    "feed_dataset": frozenset(
        {
            "filter",
            "mode",
            "drop",
            "brake",
            "fileFormat",
            "encoding",
            "guardFormulas",
            "technicianCheck",
            "applyMode",
            "applyDays",
            "purpose",
            "schedule",
        }
    ),
    "feed_column": frozenset({"multiple"}),
}


@dataclass(frozen=True)
class Column:
    """One column. `name` is the canonical snake_case name, `physical` the name where the data lives, `title` Chinese."""

    name: str
    physical: str
    title: str
    type: LogicalType
    required: bool = False
    unique: bool = False
    pii: str = "P0"
    pattern: str | None = None
    minimum: str | None = None
    maximum: str | None = None
    code_list: str | None = None
    references: tuple[str, str] | None = None
    """Entity and column that every non-null value must be found in."""
    authority: tuple[str, ...] = ()
    null_values: tuple[str, ...] = ()
    copies: tuple[CopiedField, ...] = ()
    """The fields of other departments that this source column repeats."""
    physical_type: str | None = None
    """The type as the source spells it (`char(8)`), when it is not the plain spelling of `type`."""
    rules: tuple[Rule, ...] = ()
    multiple: bool = False
    """Whether the text holds several values of a directory's attribute, sorted, with `;` between."""


@dataclass(frozen=True)
class CopiedField:
    """A source column that repeats a field of which another system is the authority (一数一源).

    Attributes:
        path: entity and column, `staff.name`; or through one reference, `staff.unit_code.name` for the name of that unit.
        key: the dataset's columns that hold the entity's key, in its order.
        prefix: what the department writes before the value.
    """

    path: tuple[str, ...]
    key: tuple[str, ...]
    prefix: str = ""


@dataclass(frozen=True)
class Rule:
    """A check. `kind` is the compiled form: required, unique, code, pattern, range, length, reference, readable or sql."""

    id: str
    kind: str
    columns: tuple[str, ...]
    severity: Severity = "error"
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Brake:
    """Limits of one change. Percents are of the current rows; changes of at most `floor` rows are never braked.

    `expect` names calendar windows (`graduation`, `arrival`) in which larger changes are normal. Zero rows where there were
    some always stop, unless being empty is normal (`may_be_empty`).
    """

    max_delete_percent: float = 5.0
    max_update_percent: float = 30.0
    floor: int = 20
    expect: tuple[str, ...] = ()
    may_be_empty: bool = False


@dataclass(frozen=True)
class SourceDataset:
    """A table or file of a department, as its contract says it is. `id` is `<system>.<name>`, e.g. `hr.staff_record`."""

    system: str
    name: str
    physical: str
    title: str
    owner: str
    version: str
    connection: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    mode: ExtractMode = "snapshot"
    watermark: str | None = None
    overlap_seconds: int = 0
    file_format: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    header_row: int = 1
    retention_days: int = KEEP_LANDING_DAYS
    """How long its landings are kept: the contract's `slaProperties`, `retention`."""
    origin: str = ""
    """`file` and line of the contract, for messages."""

    @property
    def id(self) -> str:
        return f"{self.system}.{self.name}"


@dataclass(frozen=True)
class Entity:
    """A canonical entity of the hub: its key, its columns in contract order, and what a change of it may look like."""

    name: str
    title: str
    version: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    authority: tuple[str, ...]
    rules: tuple[Rule, ...] = ()
    gone: AbsenceRule = "absent_once"
    after: tuple[str, ...] = ()
    """The entities that are judged before this one, so that its checks see their rows as they will stand."""
    brake: Brake = Brake()
    held_percent: float | None = None
    """The percent of a system's rows that may be held; None for the default, which has a floor."""
    origin: str = ""

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def parents(self) -> frozenset[str]:
        """The entities whose rows this one's rows need (hard references only, never itself)."""
        hard = {rule.facts["entity"] for rule in self.rules if rule.kind == "reference" and rule.severity == "error"}
        return frozenset(hard - {self.name})


@dataclass(frozen=True)
class FeedDataset:
    """One dataset on one edge: what a subscriber gets, where, how, and what a drop means to it."""

    flow: str
    edge: str
    source: str
    target: str
    dataset: str
    physical: str
    title: str
    version: str
    connection: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    mode: Literal["full", "delta"] = "delta"
    drop: DropAction = "delete"
    filter: str | None = None
    brake: Brake = Brake(max_delete_percent=20.0, max_update_percent=80.0, floor=50)
    file_format: str | None = None
    encoding: str | None = None
    guard_formulas: bool = False
    """Whether a CSV goes to people, whose spreadsheet would run a text that begins like a formula (`guardFormulas`)."""
    schedule: str = "nightly"
    """`nightly`, `payday`, or `outside`: what a hand-over that bypasses the hub may hold; the hub never delivers it."""
    technician_check: bool = True
    checked_before_use: bool = False
    """Whether nobody may apply a delivery before a technician has signed it (`technicianCheck: before`)."""
    applied_by_hand: bool = False
    """Whether the receiver's administrator applies what was delivered (`applyMode` manual: finding F05, two hops)."""
    apply_days: int = APPLY_DAYS
    """How many days a delivered version may stay unapplied."""
    off: str = ""
    """Why the whole edge is switched off; empty when it is not."""
    origin: str = ""

    @property
    def id(self) -> str:
        return f"{self.edge}.{self.dataset}"


@dataclass(frozen=True)
class Code:
    """One code of a list, with the dates between which it may be used (`valid_to` exclusive, None means open)."""

    list: str
    code: str
    name_zh: str
    name_en: str
    parent: str | None
    valid_from: date | None
    valid_to: date | None
