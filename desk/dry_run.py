"""A file on trial: read, mapped and checked as a night would do it, in a folder of its own, before anything is taken.

The same parser, the same SELECT and the same suite judge it; neither the hub nor the night's steps in the ledger learn of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from contracts.catalog import Catalog
from contracts.contract import Column, Entity, Rule, SourceDataset
from contracts.sql.files import list_tables
from contracts.sql.lineage import map_column_uses
from core.dialects import quote_identifier
from core.engine import open_engine, quote_literal
from core.errors import Denied, HubError
from core.messages import translate
from core.row_set import RowSet
from core.settings import get_settings
from core.store.connections import get_connection
from core.store.ledger import Ledger, Run
from extractors.base import detect_drift
from extractors.file import FileExtractor
from loaders import hub, landing
from loaders.landing import SOURCE_ROW, Landing
from pipeline.context import RunContext
from pipeline.ingest.landing_writer import land_reading
from pipeline.transform import check, conform, published
from quality.mask import mask_value
from quality.scan import UNREADABLE_REASONS
from reporting import status

FAULTS_LISTED = 5_000
CODES_LISTED = 12


@dataclass(frozen=True)
class FileFault:
    """What is wrong in one cell. `row` is where a person finds it, 0 for the file as a whole; `value` may be shown."""

    row: int
    column: str
    value: str
    severity: str
    why: str
    right: str


@dataclass(frozen=True)
class DryRunResult:
    """What a night would make of the file: at most `FAULTS_LISTED` faults, and in `stopped` what nobody may wave through."""

    rows: int
    held: int
    faults: tuple[FileFault, ...]
    stopped: HubError | None = None

    @property
    def is_sound(self) -> bool:
        return self.held == 0 and self.stopped is None


def evaluate_file(ledger: Ledger, catalog: Catalog, dataset: SourceDataset, folder: Path, as_of: date) -> DryRunResult:
    """Judge the one file in `folder`, which has the name that the contract's extractor expects.

    Raises:
        Denied: HUB746 when the dataset's SELECT needs another dataset that has never been read.
        ContractError: the contract, a SELECT or a check is wrong, which is no fault of the file.
    """
    files = FileExtractor(replace(get_connection(dataset.connection), path=str(folder)))
    try:
        landed = _land_file(files, dataset, folder / "landed")
    except HubError as error:
        if error.recovery != "refuse":
            raise
        return DryRunResult(0, 0, (FileFault(0, "", "", "error", error.line(), translate("desk.right.file")),), error)
    night = RunContext(Run("upload", "upload", as_of, ()), ledger, catalog)
    names = list_target_entities(catalog, dataset)
    if landed.rows == 0 and not all(catalog.entity(name).brake.may_be_empty for name in names):
        empty = Denied("HUB742", dataset.id)
        return DryRunResult(0, 0, (FileFault(0, "", "", "error", empty.line(), translate("desk.right.file")),), empty)
    return _evaluate_rows(night, dataset, landed, files, folder)


def list_target_entities(catalog: Catalog, dataset: SourceDataset) -> list[str]:
    """The entities that a dataset's rows become, parents first."""
    mine = (dataset.system, dataset.name)
    return [
        name
        for name in catalog.entities_of(dataset.system)
        if mine in list_tables(catalog.conform_file(name, dataset.system).read_text("utf-8"))
    ]


def _land_file(files: FileExtractor, dataset: SourceDataset, folder: Path) -> Landing:
    detect_drift(dataset, files.read_columns(dataset.physical, dataset))
    with files.read(dataset) as reading:
        rows, content = land_reading(folder, reading)
        facts = (rows, reading.source_count, content, dataset.version, dataset.mode)
    return Landing(dataset.system, dataset.name, "upload", str(folder), *facts, high=None, complete=True)


def _evaluate_rows(
    run: RunContext, dataset: SourceDataset, landed: Landing, files: FileExtractor, folder: Path
) -> DryRunResult:
    book, known = run.ledger, run.catalog
    names = list_target_entities(known, dataset)
    unfit = hub.prepare_tables(book, list(known.entities.values()))
    for name in unfit.keys() & names:
        raise unfit[name]
    landings = {id: landing.parse_landing(output) for id, output in book.latest("extract").items() if id in known.sources}
    landings[dataset.id] = landed
    mapped = {name: folder / f"{name}.parquet" for name in names}
    lost = dict[str, Path]()
    for name, path in mapped.items():
        made = conform.conform_unrecorded(run, name, landings, path)
        if dataset.system not in made["systems"]:
            raise Denied("HUB746", dataset.id, entity=name)
        if made["lost"]:
            lost[name] = _select_own_rows(dataset, Path(made["lost"]))
    failures, stopped = dict[str, Path](), None
    for name in names:
        failures[name], error = _check_entity(run, (known.entity(name), dataset.system), mapped, folder / f"checked.{name}")
        stopped = stopped or error
    found = [*failures.items(), *lost.items()]
    numbers = files.find_row_numbers(dataset) if any(pq.read_metadata(path).num_rows for _, path in found) else []
    view = _FaultReader(known, dataset, landed.find_file(run.landing), numbers)
    held = _count_held_rows([path for _, path in found], dataset.system)
    faults = [fault for name, path in found for fault in view.faults(known.entity(name), path)]
    if stopped:
        faults.insert(0, FileFault(0, "", "", "error", stopped.line(), translate("desk.right.file")))
    return DryRunResult(landed.rows, held, tuple(faults[:FAULTS_LISTED]), stopped)


def _check_entity(
    run: RunContext, of: tuple[Entity, str], mapped: Mapping[str, Path], out: Path
) -> tuple[Path, HubError | None]:
    """The failures of the rows that a system gives of an entity, and why the night would stop the entity, if it would."""
    from quality.base import CheckRequest
    from quality.check import check_rows as judge
    from quality.quarantine import enforce_held_limit

    entity, system = of
    needed = check.list_dependencies(run, entity)
    beside = {other: RowSet(mapped[other]) if other in mapped else published.load_last_rows(run, other)[0] for other in needed}
    back = {other: published.load_last_rows(run, other)[0] for other in check.list_published_inputs(run, entity.name)}
    out.mkdir(parents=True)
    verdict = judge(CheckRequest(entity, run.catalog, mapped[entity.name], beside, out, back), get_settings().checks)
    try:
        enforce_held_limit(entity, system, verdict.rows, verdict.held_rows, verdict.wrong_rows)
    except HubError as error:
        return verdict.failures, error
    return verdict.failures, None


def _select_own_rows(dataset: SourceDataset, lost: Path) -> Path:
    """The rows of the file among those that a SELECT read and gave no row for."""
    mine = lost.with_suffix(".mine.parquet")
    with open_engine("upload") as db:
        db.execute(
            f"copy (from read_parquet({quote_literal(lost)}) where dataset = {quote_literal(dataset.id)})"
            f" to {quote_literal(mine)}"
        )
    return mine


def _count_held_rows(failures: Sequence[Path], system: str) -> int:
    """How many rows of the file would be held, whichever of its entities holds them."""
    if not failures:
        return 0
    with open_engine("upload") as db:
        listed = ", ".join(quote_literal(path) for path in failures)
        return int(
            db.execute(
                f"select count(distinct source_row) from read_parquet([{listed}], union_by_name = true)"
                " where source_system = ? and severity = 'error'",
                [system],
            ).fetchall()[0][0]
        )


@dataclass(frozen=True)
class _FaultReader:
    """The failures of a file as the person who filled it in sees them."""

    known: Catalog
    dataset: SourceDataset
    rows: Path
    numbers: list[int]

    def faults(self, entity: Entity, failures: Path) -> list[FileFault]:
        """One fault for every failed rule of every row, in the order of the file, capped before any value is read."""
        made_from = self._map_source_columns(entity)
        physical = ", ".join(f"cast(r.{quote_identifier(c.physical, 'duckdb')} as varchar)" for c in self.dataset.columns)
        with open_engine(self.dataset.id) as db:
            found = db.execute(
                f"select f.source_row, f.rule_id, f.columns, f.severity, {physical}"
                f" from read_parquet({quote_literal(failures)}) f"
                f" join read_parquet({quote_literal(self.rows)}) r on r.{SOURCE_ROW} = f.source_row where f.source_system = ?"
                f" order by f.source_row, f.severity limit {FAULTS_LISTED}",
                [self.dataset.system],
            ).fetchall()
        return [self._build_fault(entity, made_from, row) for row in found]

    def _map_source_columns(self, entity: Entity) -> dict[str, list[Column]]:
        """Entity column -> the columns of the file that it is made from."""
        sql = self.known.conform_file(entity.name, self.dataset.system).read_text("utf-8")
        used = map_column_uses(sql, frozenset(column.name for column in entity.columns))
        made: dict[str, list[Column]] = {}
        for column in self.dataset.columns:
            for name in used.get((self.dataset.id, column.name), []):
                made.setdefault(name, []).append(column)
        return made

    def _build_fault(self, entity: Entity, made_from: Mapping[str, list[Column]], row: tuple[Any, ...]) -> FileFault:
        position, rule_id, names, severity, *cells = row
        values = dict(zip((column.name for column in self.dataset.columns), cells, strict=True))
        columns = list({column.name: column for name in names.split(",") for column in made_from.get(name, [])}.values())
        rule = next((rule for rule in entity.rules if rule.id == rule_id), None)
        return FileFault(
            row=self.numbers[position],
            column="、".join(column.physical for column in columns),
            value="、".join(mask_value(column, values[column.name] or "") for column in columns),
            severity=severity,
            why=status.explain_rule(self.known, entity.name, rule_id, system=self.dataset.system),
            right=describe_right_value(self.known, self.dataset.system, entity, rule, rule_id),
        )


def describe_right_value(catalog: Catalog, system: str, entity: Entity, rule: Rule | None, rule_id: str) -> str:
    """What would be right in the place of what a rule refused, in the words that this system uses itself."""
    kind = rule.kind if rule else rule_id.rsplit(".", 1)[-1]
    if rule is None:
        if (reason := kind.partition(":")[0]) in UNREADABLE_REASONS:
            return translate(f"desk.right.{reason}")
        column = next((column for column in entity.columns if f"{entity.name}.{column.name}.{kind}" == rule_id), None)
        return translate(f"desk.right.{column.type.name}") if column else translate("desk.right.sql")
    facts = {"pattern": "", "minimum": "", "maximum": "", "entity": "", "list": "", "codes": ""}
    facts |= {name: value for name, value in rule.facts.items() if value is not None}
    if kind == "code":
        codes = list_codes(catalog, system, str(rule.facts["list"]))
        facts["codes"] = "、".join(codes[:CODES_LISTED]) + (" …" if len(codes) > CODES_LISTED else "")
    if kind == "reference" and facts["entity"] in catalog.entities:
        facts["entity"] = catalog.entity(str(facts["entity"])).title
    return translate(f"desk.right.{kind}", None, **facts)


def list_codes(catalog: Catalog, system: str, name: str) -> list[str]:
    """What a system may write for a code list: its own codes where it has a map, else the hub's."""
    with open_engine(system) as db:
        conform.create_code_views(db, catalog)
        rows = db.execute(
            "select source_code from codes.map where system = ? and list = ? order by 1", [system, name]
        ).fetchall()
    return [str(row[0]) for row in rows] or [code.code for code in catalog.codes if code.list == name]
