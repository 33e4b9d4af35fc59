"""Contracts, code lists and flows hold together as files, whatever they say."""

from __future__ import annotations

import json
import re
from collections import Counter
from importlib.resources import files
from itertools import product
from pathlib import Path

import jsonschema
import pytest
import yaml

from contracts.catalog import Catalog
from contracts.contract import Entity
from core.messages import LANGUAGES, load_messages
from pipeline.transform.row_accounts import DROPPED, UNJOINED, UNREAD
from quality.scan import UNREADABLE_REASONS

ENTITIES = {
    "campus", "org_unit", "major", "admin_class", "staff", "provisional_staff", "staff_post", "student", "student_status",
    "current_post", "portal_item", "office_item", "admission_record", "dorm_allocation", "person_photo",
    "status_change", "payroll_item", "reimbursement", "payment", "fee_status",
    "welcome_checkin", "registration", "leaving_clearance", "card", "card_transaction",
    "award", "discipline", "student_contact", "library_reader", "library_loan", "library_clearance",
    "research_project", "research_fund", "research_result", "employment",
    "fee_item", "fee_standard", "student_account", "account_fund", "fund_change", "bill", "bill_line", "write_off",
    "write_off_line", "voided_payment", "realtime_payment", "collection_batch", "collection_line", "year_close",
    "external_person", "person_decision", "person_number", "person", "person_role", "person_conflict", "staff_preentry",
    "account", "role_grant", "term", "course", "course_section", "course_selection", "grant_confirmation",
}  # fmt: skip
STRICT_LISTS = {
    "GB/T 2261.1",
    "JY/XSDQZT",
    "JY/JZGDQZT",
    "JY/PYCC",
    "JY/JNXFZK",
    "HUB/POST_KIND",
    "HUB/ITEM_STATE",
    "HUB/FUND_DIRECTION",
    "HUB/CONFIDENTIALITY",
    "HUB/NUMBER_KIND",
    "HUB/EXTERNAL_KIND",
    "HUB/PERSON_BASIS",
    "HUB/PERSON_DECISION",
    "HUB/PERSON_CONFLICT",
    "HUB/PREENTRY_STATE",
    "HUB/AFFILIATION",
    "HUB/GRANT_MODE",
    "HUB/ROLE",
    # Rules R01 to R10 and R20 are judged by these.
    "JY/XQ",
    "JY/ZCZK",
    "HUB/REGISTRATION_BASIS",
    "HUB/GREEN_CHANNEL",
    "HUB/LEAVING_STEP",
    "HUB/CARD_KIND",
    "HUB/CARD_STATE",
}
KIND_RULES = {"required", "unique", "code", "pattern", "range", "length", "reference", "readable", "repeated", "copy"}


@pytest.mark.parametrize("folder", ["hub", "feeds"])
def test_every_contract_is_valid_odcs(home: Path, folder: str) -> None:
    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    for path in sorted((home / "schemas" / folder).rglob("*.odcs.yaml")):
        document = yaml.safe_load(path.read_text("utf-8"))
        assert [error.message for error in validator.iter_errors(document)] == [], path.name
        assert document["apiVersion"] == "v3.1.0"
        assert document["id"] == path.name.removesuffix(".odcs.yaml")


def test_the_catalogue_holds_every_entity_parents_first(shipped: Catalog) -> None:
    assert not shipped.broken
    assert set(shipped.entities) == ENTITIES
    seen: set[str] = set()
    for entity in shipped.entities.values():
        assert entity.parents | set(entity.after) <= seen, entity.name
        seen.add(entity.name)


def test_every_named_code_list_and_reference_exists(shipped: Catalog) -> None:
    lists = {code.list for code in shipped.codes}
    for entity in shipped.entities.values():
        for column in entity.columns:
            assert column.code_list is None or column.code_list in lists, (entity.name, column.name)
            if column.references:
                parent, key = column.references
                assert shipped.entity(parent).key == (key,), (entity.name, column.name)
                assert shipped.entity(parent).column(key).type.length == column.type.length, (entity.name, column.name)


def test_few_lists_refuse_an_unknown_code(shipped: Catalog) -> None:
    for column, rule in _rules(shipped, "code"):
        assert (rule == "error") == (column in STRICT_LISTS), column


def test_codes_are_unique_and_their_parents_are_in_the_list(shipped: Catalog) -> None:
    counted = Counter((code.list, code.code) for code in shipped.codes)
    assert [key for key, count in counted.items() if count > 1] == []
    for code in shipped.codes:
        assert code.name_zh and code.name_en, code
        assert code.parent is None or (code.list, code.parent) in counted, code


def test_every_column_is_titled_classified_and_fits_its_standard(shipped: Catalog) -> None:
    for entity in shipped.entities.values():
        assert entity.key and all(entity.column(name).required for name in entity.key), entity.name
        for column in entity.columns:
            assert re.search(r"[\u4e00-\u9fff]", column.title), (entity.name, column.name)
            assert column.pii in {"P0", "P1", "P2", "P3"}, (entity.name, column.name)
            if column.type.name == "number" and column.name not in {"years", "credits"}:
                assert (column.type.precision, column.type.scale) == (12, 2), (entity.name, column.name)


def test_fields_that_need_a_purpose_first_are_not_collected(shipped: Catalog) -> None:
    off = {"marital_code", "health_code", "religion_code", "blood_code", "only_child"}
    for entity in shipped.entities.values():
        assert not off & {column.name for column in entity.columns}, entity.name


def test_ledgers_are_never_gone_and_people_change_with_the_calendar(shipped: Catalog) -> None:
    assert {name for name, entity in shipped.entities.items() if entity.gone == "never"} == {
        "payment",
        "payroll_item",
        "fee_status",
        "admission_record",
        "fund_change",
        "write_off",
        "write_off_line",
        "voided_payment",
        "realtime_payment",
        "year_close",
        "library_loan",
        "welcome_checkin",
        "registration",
        "leaving_clearance",
        "card_transaction",
        "person_number",
        "staff_preentry",
    }
    for name in ("student", "student_status"):
        assert shipped.entity(name).brake.expect == ("graduation", "arrival")


def test_every_check_is_named_once_and_every_name_has_its_file(shipped: Catalog) -> None:
    named = Counter(rule.facts["file"] for entity in shipped.entities.values() for rule in entity.rules if rule.kind == "sql")
    assert set(named) == {path.stem for path in shipped.layers.glob("sql/checks/*.sql")}
    assert set(named.values()) == {1}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_has_one_sentence_for_people(shipped: Catalog, language: str) -> None:
    texts = load_messages(language)
    wanted = {f"rule.{kind}" for kind in (*KIND_RULES, *UNREADABLE_REASONS)}
    wanted |= {f"rule.{name.removeprefix('row.')}" for name in (DROPPED, UNREAD, UNJOINED)}
    wanted |= {f"rule.{rule.id}" for entity in shipped.entities.values() for rule in entity.rules if rule.kind == "sql"}
    assert {key for key in texts if key.startswith("rule.")} == wanted
    assert all("\n" not in texts[key] for key in wanted)


def test_flows_are_complete_and_speak_of_known_systems(home: Path, shipped: Catalog) -> None:
    assert len(shipped.flows) == 24
    edges = yaml.safe_load((home / "schemas/flows/edges.yaml").read_text("utf-8"))
    assert [edge["id"] for edge in edges["edges"]] == [f"E{number:02}" for number in range(1, 68)]
    datasets = {dataset["code"] for dataset in edges["datasets"]}
    for edge, side in product(edges["edges"], ("source", "target")):
        assert edge[side] in shipped.systems
        assert set(edge["datasets"]) <= datasets
    for name, count in {"deadlines": 27, "rules": 21, "findings": 26}.items():
        assert len(yaml.safe_load((home / f"schemas/flows/{name}.yaml").read_text("utf-8"))[name]) == count
    assert all(set(entity.authority) <= shipped.systems.keys() for entity in shipped.entities.values())
    assert all(
        set(column.authority) <= shipped.systems.keys() for entity in shipped.entities.values() for column in entity.columns
    )


def _rules(shipped: Catalog, kind: str) -> list[tuple[str, str]]:
    """Code list and severity of every code rule."""

    def of(entity: Entity) -> list[tuple[str, str]]:
        return [(rule.facts["list"], rule.severity) for rule in entity.rules if rule.kind == kind]

    return [pair for entity in shipped.entities.values() for pair in of(entity)]
